"""The one list of what can be edited: of each attribute both directions, by which way, how good.

Help, `tonsure attributes`, the HTTP interface, the page and the report are made of it. What fewer
than seven of twelve unseen people show believably is `experimental`: it works when it is asked for
by name, is marked wherever it is told, and is left out of `tonsure sweep`. The counts are those of
`docs/attributes.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..attributes import STANDARD, excluded, index
from ..errors import BadOption

ENOUGH = 7 / 12
"""Believable of those looked at, from which a direction is not experimental."""


@dataclass(frozen=True)
class Direction:
    """`does` in a few words; `way` how; of `seen` unseen people `believable` ones, by eye."""

    does: str
    way: str
    believable: int
    seen: int

    @property
    def experimental(self) -> bool:
        """Whether too few were believable."""
        return self.believable < ENOUGH * self.seen


@dataclass(frozen=True)
class Attribute:
    """`on` is d = 1, `off` d = -1; None where there is nothing for it."""

    name: str
    on: Direction
    off: Direction | None

    def direction(self, d: float) -> Direction | None:
        """The one that `d` asks for."""
        return self.on if d > 0 else self.off


_STRANDS = "the hair's own strands, with luminance and colours of real hair"

_TONES = "the face's tones as its bare parts tell them, and its own grain"
_PROTOTYPE = "the mean step in shape and tones, on the face's own pixels; brows; beard's shadow"
_AGE = "the mean step in shape and tones, on the face's own pixels; folds; grey strands"
_DRAWN = "hairs drawn one by one, as dark as brows and hair"

CATALOGUE: Mapping[str, Attribute] = {
    one.name: one
    for one in (
        Attribute(
            "Bald",
            Direction("hair goes", "the bald head of `tonsure bald`", 105, 150),
            None,
        ),
        Attribute(
            "Bangs",
            Direction("a fringe grows", "strands drawn one by one in the hair's own tones", 11, 21),
            Direction("the fringe goes", "the bald head's forehead, hair combed back", 0, 2),
        ),
        Attribute(
            "Black_Hair",
            Direction("hair turns black", _STRANDS, 25, 27),
            Direction("black hair turns brown", _STRANDS, 23, 27),
        ),
        Attribute(
            "Blond_Hair",
            Direction("hair turns blond", _STRANDS, 10, 22),
            Direction("blond hair turns brown", _STRANDS, 23, 27),
        ),
        Attribute(
            "Brown_Hair",
            Direction("hair turns brown", _STRANDS, 23, 27),
            Direction("brown hair turns black", _STRANDS, 25, 27),
        ),
        Attribute(
            "Bushy_Eyebrows",
            Direction("brows grow broader and darker", "the brows' own hairs", 9, 9),
            Direction("brows grow thinner", "the brows' own hairs", 7, 9),
        ),
        Attribute(
            "Eyeglasses",
            Direction("glasses are put on", "a pair drawn on the mesh, in space", 23, 26),
            Direction("glasses are taken off", _TONES, 7, 14),
        ),
        Attribute(
            "Male",
            Direction("the face becomes a man's", _PROTOTYPE, 5, 12),
            Direction("the face becomes a woman's", _PROTOTYPE, 4, 8),
        ),
        Attribute(
            "Mouth_Slightly_Open",
            Direction("the mouth opens a little", "lips and chin moved by the mesh", 14, 18),
            Direction("the mouth closes", "lips and chin moved by the mesh", 4, 7),
        ),
        Attribute(
            "Mustache",
            Direction("a moustache grows", _DRAWN, 13, 19),
            Direction("the moustache goes", _TONES, 10, 16),
        ),
        Attribute(
            "No_Beard",
            Direction("the beard goes", _TONES, 9, 16),
            Direction("stubble grows", _DRAWN, 4, 8),
        ),
        Attribute(
            "Pale_Skin",
            Direction("skin grows paler", "light and tone of the skin alone", 26, 28),
            Direction("skin is tanned", "light and tone of the skin alone", 15, 16),
        ),
        Attribute(
            "Young",
            Direction("the face grows younger", _AGE, 18, 20),
            Direction("the face grows older, hair grey", _AGE, 12, 20),
        ),
    )
}


def told() -> list[dict[str, Any]]:
    """The catalogue as plain values, for programs."""

    def of(one: Direction | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {
            "does": one.does, "way": one.way, "believable": one.believable, "seen": one.seen,
            "experimental": one.experimental,
        }  # fmt: skip

    return [{"name": a.name, "on": of(a.on), "off": of(a.off)} for a in CATALOGUE.values()]


def check(changes: Mapping[str, float]) -> dict[str, float]:
    """`changes` without zeros, in the catalogue's spelling; `BadOption` for what cannot be done:
    other names, d beyond -1 and 1, a direction that there is none for, what excludes each other."""
    found: dict[str, float] = {}
    for name, d in changes.items():
        index(name, STANDARD)
        if isinstance(d, bool) or not isinstance(d, int | float) or not -1 <= d <= 1:
            raise BadOption(f"{name} is {d!r}; it goes from -1 (away) to 1 (fully there).")
        one = CATALOGUE[name]
        if d < 0 and one.off is None:
            raise BadOption(
                f"{name} cannot be taken from a photo; {name}=1 can be given: {one.on.does}."
            )
        if d:
            found[name] = float(d)
    added = [name for name, d in found.items() if d > 0]
    for name in added:
        for other in excluded(name):
            if other in added:
                raise BadOption(f"{name} and {other} exclude each other; ask for one of them.")
    return found
