"""How much hair of the head an edit left, by the teacher's eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tonsure.faces import Face
from tonsure.lab.evaluate.scores import spread
from tonsure.planes import Plane, dilate, reached
from tonsure.scene import OVAL

Mask = npt.NDArray[np.bool_]

ZONES = ("all", "hanging")
"""All hair of the head; and its part below the eyes, where no bald dome deceives the teacher."""
CLEAN = 0.03
"""A photo with less of its hair left is clean."""
_BROWS, _NOSE, _MOUTH, _CHIN, _JAW = (105, 334), 2, (61, 291), 152, (172, 397)
_BEARDED = 0.25  # of the face below the mouth
_LITTLE = {"all": 0.25, "hanging": 0.25}  # squared eye distances that a photo must have had


def of_head(hair: Plane, face: Face, before_face: bool = False) -> Mask:
    """Of the teacher's `hair` (H, W), 0..1, what hangs together with this head, (H, W): no beard,
    no pet, nobody else's; and nothing below the brows within the face, unless asked for what hangs
    `before_face`."""
    found = hair > 0.5
    height, width = found.shape
    y = np.arange(height)[:, None] + 0.5
    x = np.arange(width)[None] + 0.5
    mesh, unit = face.landmarks[:, :2].astype(np.float64), face.iod
    image = Image.new("1", (width, height))
    ImageDraw.Draw(image).polygon([(float(a), float(b)) for a, b in mesh[list(OVAL)]], fill=1)
    oval = np.asarray(image)
    chin = mesh[_CHIN, 1]
    lower = oval & (y > mesh[list(_MOUTH), 1].mean())
    kept = oval & (y > mesh[list(_BROWS), 1].mean() - 0.15 * unit) & (not before_face)
    if lower.any() and found[lower].mean() > _BEARDED:
        left, right = sorted(mesh[list(_JAW), 0])
        column = (x > left - 0.2 * unit) & (x < right + 0.2 * unit)
        kept = kept | (column & (y > mesh[_NOSE, 1]) & (y < chin + unit))
    passable = found & ~kept
    around = dilate(oval & (y < mesh[_NOSE, 1]), max(1, round(0.3 * unit)))
    return np.asarray(reached(passable & around, passable, max(1, round(0.06 * unit))))


def left(had: Mask, hair: Plane, face: Face) -> dict[str, Any]:
    """The record of an edit: for each zone the share of the hair that the photo `had` (H, W), see
    `of_head`, that still is `hair` (H, W) to the teacher; None where there was little of it."""
    y = np.arange(had.shape[0])[:, None] + 0.5
    zones = {"all": had, "hanging": had & (y > face.eyes[:, 1].mean())}
    out: dict[str, Any] = {}
    for name, zone in zones.items():
        area = float(zone.sum()) / face.iod**2
        share = float((hair > 0.5)[zone].mean()) if area > _LITTLE[name] else None
        out |= {f"had_{name}": round(area, 4), f"left_{name}": share}
    return out


def table(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Over the photos of `records`, see `left`: for each zone `photos`, `pooled` (all hair
    together), `mean`, `median`, `p95` and `clean`, the share of photos with less than `CLEAN`."""
    out = {}
    for name in ZONES:
        rows = [row for row in records if row[f"left_{name}"] is not None]
        if not rows:
            continue
        shares = np.array([row[f"left_{name}"] for row in rows])
        had = np.array([row[f"had_{name}"] for row in rows])
        out[name] = {
            "photos": float(len(rows)),
            "pooled": float((shares * had).sum() / had.sum()),
            **spread(shares),
            "clean": float((shares < CLEAN).mean()),
        }
    return out
