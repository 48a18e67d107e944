"""Several edits of one face: in which order, by which way, what each has to know of the others.

Hair goes first, since the bald head is made of the photo as it was, and the face is then looked at
anew; what lies on it follows, then colours; glasses come off early and are put on last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import blend
from . import age, beard, brows, fringe, glasses, hair, mouth, sex, skin, unveil
from .catalogue import CATALOGUE
from .estimate import labels
from .fine import Patch, Pixels
from .hues import HUES
from .portrait import Portrait

ORDER = (
    "Bald", "Eyeglasses off", "Male", "No_Beard", "Mustache", "Bushy_Eyebrows",
    "Mouth_Slightly_Open", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Young", "Pale_Skin",
    "Eyeglasses",
)  # fmt: skip
"""In which attributes are edited, whatever order they are asked for in."""
AWAY = {"Black_Hair": "Brown_Hair", "Blond_Hair": "Brown_Hair", "Brown_Hair": "Black_Hair"}
"""What hair turns to when its colour is taken away."""

Bald = tuple[Any, npt.NDArray[np.uint8]]
"""A bald head, as `blend.apply` takes it: with `box` and `colour`, and its weight."""


@dataclass
class Done:
    """`pixels` edited; `boxes` of what changed; `steps` one a change, in their order; `notes`
    codes with a detail."""

    pixels: Any
    boxes: list[tuple[int, int, int, int]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def run(
    pixels: Any,
    eight: Callable[[Any], Pixels],
    portrait: Portrait,
    changes: Mapping[str, float],
    bald: Callable[[float], Bald | None],
) -> Done:
    """`changes`, as `catalogue.check` gives them, made on `pixels` (H, W, 3) uint8 or uint16.

    `eight` gives the eight-bit version of such pixels; `bald` the bald head and its weight at a
    degree, None for a head that is bald already.
    """
    done = Done(pixels)
    has = labels(portrait)
    for name in sorted(changes, key=lambda name: _place(name, changes[name])):
        d = changes[name]
        way = CATALOGUE[name].direction(d)
        assert way is not None
        told: dict[str, Any] = {
            "attribute": name, "d": d, "way": way.way, "had": round(has[name], 2),
            "experimental": way.experimental, "changed": False,
        }  # fmt: skip
        done.steps.append(told)
        if way.experimental:
            done.notes.append(("experimental", f"{name}: {way.believable} of {way.seen}."))
        if name == "Bald":
            head = bald(d)
            if head is None:
                done.notes.append(("already_bald", ""))
                continue
            laid: list[Any] = [head]
        elif name == "Bangs" and d < 0:
            head = bald(1.0)
            laid = [] if head is None else [
                (one, one.weight) for one in fringe.away(portrait, eight(done.pixels), -d, *head)
            ]  # fmt: skip
        elif name in _STILL and (has[name] > 0.5) == (d > 0):
            done.notes.append(("nothing_to_do", _STILL[name][d > 0]))
            continue
        else:
            found = _WAYS[name](portrait, eight(done.pixels), d, has)
            laid = [(one, one.weight) for one in found]
        if not laid:
            done.notes.append(("nothing_to_do", f"{name} found nothing to change."))
            continue
        # changed where they lie, once they are this run's own and no portrait looks at them
        ours = done.pixels is not pixels and done.pixels is not portrait.pixels
        done.pixels = blend.apply(done.pixels, laid, in_place=ours)
        done.boxes += [one.box for one, _ in laid]
        told["changed"] = True
        if name == "Bald" and len(changes) > 1:
            portrait = portrait.again(eight(done.pixels))
    return done


def _place(name: str, d: float) -> int:
    """Of an edit in `ORDER`."""
    off = f"{name} off"
    return ORDER.index(off if d < 0 and off in ORDER else name)


_STILL = {
    "Eyeglasses": ("There are no glasses.", "There are glasses already."),
    "Mouth_Slightly_Open": ("The mouth is closed already.", "The mouth is open already."),
}
"""What has to be there to go, and not to be there to come; and what to say otherwise."""


def _hair(name: str) -> Way:
    def way(portrait: Portrait, pixels: Pixels, d: float, has: Mapping[str, float]) -> list[Patch]:
        wanted = name if d > 0 else AWAY[name]
        if d < 0 and has[name] < 0.5:
            return []
        return _some(hair.colour(portrait, pixels, HUES[wanted], abs(d)))

    return way


def _glasses(who: Portrait, pixels: Pixels, d: float) -> Patch | None:
    if d > 0:
        return glasses.put_on(who, pixels, d)
    return None if unveil.dark(who) else unveil.taken_off(who, pixels, -d)


def _moustache(who: Portrait, pixels: Pixels, d: float) -> Patch | None:
    if d > 0:
        return beard.grown(who, pixels, d, moustache=True)
    return beard.shaven(who, pixels, -d, whole=False)


def _beard(who: Portrait, pixels: Pixels, d: float) -> Patch | None:
    return beard.shaven(who, pixels, d) if d > 0 else beard.grown(who, pixels, -d)


def _some(one: Patch | None) -> list[Patch]:
    return [] if one is None else [one]


Way = Callable[[Portrait, Pixels, float, Mapping[str, float]], list[Patch]]
"""From a face, the photo so far, d, and what the face has, to patches."""

_WAYS: dict[str, Way] = {
    **{name: _hair(name) for name in AWAY},
    "Bangs": lambda who, pixels, d, has: _some(fringe.grown(who, pixels, d)),
    "Bushy_Eyebrows": lambda who, pixels, d, has: brows.bushy(who, pixels, d),
    "Male": lambda who, pixels, d, has: sex.changed(who, pixels, d, has["No_Beard"] < 0.5),
    "Mouth_Slightly_Open": lambda who, pixels, d, has: _some(mouth.opened(who, pixels, d)),
    "Pale_Skin": lambda who, pixels, d, has: _some(skin.pale(who, pixels, d)),
    "Eyeglasses": lambda who, pixels, d, has: _some(_glasses(who, pixels, d)),
    "Mustache": lambda who, pixels, d, has: _some(_moustache(who, pixels, d)),
    "No_Beard": lambda who, pixels, d, has: _some(_beard(who, pixels, d)),
    "Young": lambda who, pixels, d, has: age.aged(who, pixels, d),
}
