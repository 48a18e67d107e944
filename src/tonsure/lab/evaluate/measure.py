"""One photo before and after, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tonsure.faces import Face, Frame
from tonsure.lab import identity
from tonsure.lab.evaluate import judge, shape, skin
from tonsure.lab.evaluate.methods import Edit
from tonsure.lab.evaluate.seen import BARE, LONG, Seen

Bytes = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

HAIR_DEFINES = frozenset({
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Receding_Hairline",
    "Sideburns", "Straight_Hair", "Wavy_Hair",
})  # fmt: skip
"""Labels that lose their meaning with the hair: that they change is no fault."""
SMEAR = 0.1
"""More skin than this beside the neck, in squared eye distances, nobody has."""


@dataclass(frozen=True)
class Tools:
    """What measuring needs; tests put stand-ins here.

    Attributes
    ----------
    judge : of the labels.
    descriptors : (N, 150, 150, 3) chips -> (N, 128), see `lab.identity`; None leaves it out.
    see : the parser's view of a face in a photo.
    """

    judge: judge.Judge
    descriptors: Callable[[Bytes], npt.NDArray[np.float32]] | None
    see: Callable[[Bytes, Face], Seen]


@dataclass(frozen=True)
class Before:
    """A photo and its largest face, looked at once for all methods."""

    pixels: Pixels
    face: Face
    seen: Seen
    probabilities: npt.NDArray[np.float32]
    beard: bool
    groups: dict[str, str]


def eight(pixels: Pixels) -> Bytes:
    """The upper eight bits."""
    return (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels.astype(np.uint8)


def look_at(
    pixels: Pixels, face: Face, tools: Tools, labels: Mapping[str, bool] | None = None
) -> Before:
    """Everything about the photo as it came; sex and beard by `labels`, else by the judge."""
    picture = eight(pixels)
    names = tools.judge.names
    seen = tools.see(picture, face)
    found = tools.judge.probabilities(judge.view(picture, Frame.of(face))[None])[0]
    told = labels or {name: bool(p >= 0.5) for name, p in zip(names, found, strict=True)}
    beard = not told["No_Beard"]
    groups = {
        "sex": "men" if told["Male"] else "women",
        "hair": "long" if seen.below_chin(beard) > LONG else "short",
        "skin": skin.tone(skin.ita(picture, face)),
    }
    return Before(pixels, face, seen, found, beard, groups)


def measure(before: Before, edit: Edit, tools: Tools) -> dict[str, Any]:
    """The record of one edit: flat, fit for JSON, NaN written as None."""
    was, now = eight(before.pixels), eight(edit.after)
    frame, names = Frame.of(before.face), tools.judge.names
    seen = tools.see(now, before.face)
    found = tools.judge.probabilities(judge.view(now, frame)[None])[0]
    bald = names.index("Bald")
    flipped = [
        name
        for name, p, q in zip(names, before.probabilities, found, strict=True)
        if name not in HAIR_DEFINES and (p >= 0.5) != (q >= 0.5)
    ]
    apart = float("nan")
    if tools.descriptors is not None:
        chips = np.stack([identity.chip(picture, before.face) for picture in (was, now)])
        a, b = tools.descriptors(chips)
        apart = float(np.linalg.norm(a - b))
    outside = ~edit.touched
    touched = _on_grid(edit.touched, frame, seen)
    had = before.seen.hair_area(before.beard)
    has = seen.left(before.seen, touched, before.beard)
    record: dict[str, Any] = {
        **before.groups,
        "seconds": edit.seconds,
        "warnings": list(edit.notes),
        "bald_before": float(tools.judge.balanced(before.probabilities)[bald]),
        "bald": float(tools.judge.balanced(found)[bald]),
        "bald_rare": float(found[bald]),
        "identity": apart,
        "outside_identical": bool(np.array_equal(before.pixels[outside], edit.after[outside])),
        "touched": float(edit.touched.mean()),
        "flipped": flipped,
        "hair_before": had,
        "hair_after": has,
        "hair_left": has / had if had >= BARE else float("nan"),
        "scalp": seen.scalp(),
        "odd": shape.heads().odd(shape.outline(seen)),
        "smear": seen.smear(touched),
        "grain": _grain(now, edit.touched, frame, seen),
    }
    record["passed"] = passed(record, len(names) - len(HAIR_DEFINES & set(names)))
    return {
        k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in record.items()
    }


def passed(record: Mapping[str, Any], count: int) -> bool:
    """All at once: bald, the same person, nothing else touched, no hair left, a head in shape, no
    skin beside the neck, and of `count` labels that hair does not define at most a tenth changed.
    """

    def within(key: str, limit: float) -> bool:
        return record[key] is None or not record[key] > limit

    return bool(
        record["bald"] >= 0.5
        and record["outside_identical"]
        and within("hair_left", 0.03)
        and within("identity", 0.35)
        and within("odd", shape.heads().limit)
        and within("smear", SMEAR)
        and len(record["flipped"]) <= 0.1 * count
    )


def _on_grid(mask: npt.NDArray[np.bool_], frame: Frame, seen: Seen) -> npt.NDArray[np.bool_]:
    """A photo's mask (H, W) on the parser's grid."""
    x0, y0, x1, y1 = _box(seen)
    columns = x0 + (np.arange(seen.hair.shape[1]) + 0.5) * (x1 - x0) / seen.hair.shape[1]
    rows = y0 + (np.arange(seen.hair.shape[0]) + 0.5) * (y1 - y0) / seen.hair.shape[0]
    points = np.stack(np.broadcast_arrays(columns[None], rows[:, None]), -1)
    photo = np.floor(frame.to_photo(points)).astype(int)
    height, width = mask.shape
    across, down = photo[..., 0].clip(0, width - 1), photo[..., 1].clip(0, height - 1)
    return np.asarray(mask[down, across])


def _grain(after: Bytes, touched: npt.NDArray[np.bool_], frame: Frame, seen: Seen) -> float:
    """Grain of the new scalp over that of the face, both at the photo's resolution; NaN if there
    is too little of either."""
    scale, box = min(1 / abs(frame.z), 4.0), _box(seen)
    picture = frame.cut(after, scale, box)
    # nothing touched: the photo's own scalp is looked at
    mask = touched if touched.any() else np.ones_like(touched)
    marks = frame.cut(np.repeat(mask[..., None], 3, 2).astype(np.uint8) * 255, scale, box)[..., 0]
    rows = np.linspace(0, seen.hair.shape[0] - 1, picture.shape[0]).round().astype(int)
    columns = np.linspace(0, seen.hair.shape[1] - 1, picture.shape[1]).round().astype(int)
    grid = np.ix_(rows, columns)
    bare, y = seen.skin[grid] > 0.9, seen.y[rows]
    new = bare & (marks == 255) & (y < -0.6)
    old = bare & seen.oval()[grid] & (np.abs(y - 0.55) < 0.45)
    old &= (marks == 0) | ~touched.any()
    return skin.grain(picture, new) / max(skin.grain(picture, old), 1e-3)


def _box(seen: Seen) -> tuple[float, float, float, float]:
    """What the parser's grid covers, in units of the frame."""
    from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE

    sides = []
    for axis, middle in ((seen.x[0], EYES_MIDDLE[0]), (seen.y[:, 0], EYES_MIDDLE[1])):
        half = float(axis[1] - axis[0]) / 2
        ends = (float(axis[0]) - half, float(axis[-1]) + half)
        sides.append([end * EYE_DISTANCE + middle for end in ends])
    (left, right), (top, low) = sides
    return left, top, right, low
