"""Where on a scene the face's own parts are: its oval, and the skin that shows its own tone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import brow
from ..hair.classes import EAR, GLASSES, HAIR, SKIN
from ..planes import Plane, dilate, grow, largest, smoothstep
from ..scene import EYE_DISTANCE, OVAL, Scene
from . import ears

# of an ear's area: what is less tells nothing about where it is, what is more needs no drawing
_GLIMPSE, _WHOLE = 0.15, 0.75
_BROAD = 1.1  # widths of the foretold ear: as much of one is its broad upper part, or lobe and hair
# what interrupts the skin's tone beside brows: eyes with their lids, lips, nostrils
_ROUGH = (
    (226, 113, 224, 223, 222, 221, 189, 244, 233, 232, 231, 230, 229, 228, 31),
    (446, 342, 444, 443, 442, 441, 413, 464, 453, 452, 451, 450, 449, 448, 261),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
    (98, 97, 2, 326, 327, 278, 4, 48),
)


def oval(scene: Scene) -> Plane:
    """The face as the mesh bounds it, from the hairline to the chin: (H, W) 0..1."""
    return scene.mesh_polygon(OVAL)


def interrupted(scene: Scene, classes: Plane) -> Plane:
    """Where something else than skin is on a face: brows, eyes, lips, nostrils, glasses; 0..1."""
    rough = np.zeros(scene.shape, np.float32)
    for side in (0, 1):
        rough = np.maximum(rough, brow.possible(scene, classes[..., HAIR], side))
    for polygon in _ROUGH:
        rough = np.maximum(rough, scene.mesh_polygon(polygon))
    return np.maximum(
        grow(rough, 0.05 * scene.unit), grow(classes[..., GLASSES], 0.06 * scene.unit)
    )


def smooth_skin(classes: Plane, interrupted: Plane) -> Plane:
    """Where skin shows its own tone: none of the `interrupted`, no beard; 0..1."""
    out: Plane = smoothstep(0.7, 0.95, classes[..., SKIN]) * (1 - interrupted)
    return np.clip(out, 0, 1)


def side_light(scene: Scene, smooth: Plane) -> float:
    """Linear light of the picture's left cheek divided by that of the right one."""
    x, y = scene.face_units()
    luma = (scene.rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32) / 255) ** 2.2
    sides = []
    for side in (-1, 1):
        weight = smooth * (x * side > 0.25) * (np.abs(y - 0.4) < 0.6) + 1e-6
        sides.append(float((luma * weight).sum() / weight.sum()) + 1e-3)
    return float(np.clip(sides[0] / sides[1], 0.4, 2.5))


@dataclass(frozen=True)
class HiddenEar:
    """An ear that has to be drawn: its `side` (-1 left, 1 right in the picture), and how far from
    where the mesh foretells it, in frame units (x + iy)."""

    side: int
    shift: complex = 0j


def hidden_ears(scene: Scene, classes: Plane, hole: Plane) -> tuple[tuple[HiddenEar, ...], Plane]:
    """The ears that hair hides, wholly or in part, and where they are, (H, W) 0..1."""
    found: list[HiddenEar] = []
    where = np.zeros(scene.shape, np.float32)
    origin, step = complex(scene.box[0], scene.box[1]), complex(1 / scene.scale)
    x, y = scene.face_units()
    for side in (-1, 1):
        ear = ears.draw(scene.mesh, side, scene.shape, origin, step)
        if ear is None or ear.visibility < 0.35:
            continue
        area = float(ear.alpha.sum()) + 1e-6
        # a visible ear may lie elsewhere than the mesh foretells
        zone = (x * side > 0.5) & (np.abs(y - 0.4) < 1.2)
        seen = largest((classes[..., EAR] > 0.5) & zone)
        shown = float(classes[..., EAR][dilate(seen, 4) & zone].sum()) / area
        covered = before = float((ear.alpha * hole[ear.at]).sum()) / area
        # much of it is seen and much is hidden, but nowhere its whole length: those are shreds
        # between locks and tell nothing; nor does a lobe, alone or with hair at it
        whole = ear.alpha > 0.5
        length = _extent(seen, y) / max(_extent(whole, y[ear.at]), 1e-6)
        width = _extent(seen, x) / max(_extent(whole, x[ear.at]), 1e-6)
        shreds = shown > 0.6 and covered > 0.6 and length < 0.7
        lobe = length < (0.62 if width >= _BROAD else 0.45)
        shreds = shreds or (shown > _GLIMPSE and covered > 0.4 and lobe)
        shift = 0j
        if _GLIMPSE < shown < _WHOLE and not shreds:
            shift = _shift(ear, seen, x * side, y) * complex(EYE_DISTANCE)
            shift = complex(shift.real * side, shift.imag)
            ear = ears.draw(scene.mesh, side, scene.shape, origin - shift, step) or ear
            covered = float((ear.alpha * hole[ear.at]).sum()) / area
        hidden = before > 0.17 and covered > (0.2 if shown > _GLIMPSE else 0.5)
        hidden = shown < _WHOLE and (hidden or (length < 0.62 and _cut_off(seen, hole, y)))
        # ears are widest high up: of one as wide as that little is hidden
        hidden = hidden and width < _BROAD
        if hidden or shreds:
            found.append(HiddenEar(side, shift))
            if shown < _GLIMPSE or shreds:
                where[ear.at] = np.maximum(where[ear.at], ear.alpha)
            if shreds:
                where = np.maximum(where, grow(seen.astype(np.float32), 0.1 * scene.unit))
    return tuple(found), where


def _extent(mask: npt.NDArray[np.bool_], along: Plane) -> float:
    """From one end of `mask` (H, W) to the other `along` x or y; 0 if it is empty."""
    return float(np.ptp(along[mask])) if mask.any() else 0.0


def _cut_off(seen: npt.NDArray[np.bool_], hole: Plane, y: Plane) -> bool:
    """Whether the `hole` (H, W) lies right above what is `seen` (H, W) of an ear."""
    if not seen.any():
        return False
    top = float(y[seen].min())
    columns = np.asarray(seen.any(0))
    above = columns[None] & (y < top) & (y > top - 0.25)
    return bool(above.any()) and float(hole[above].mean()) > 0.4


def _shift(ear: ears.Ear, seen: npt.NDArray[np.bool_], out: Plane, y: Plane) -> complex:
    """How far the drawn ear has to go, in eye distances outwards and down, so that its lower end
    and its rim beside what is `seen` (H, W) of the true one lie there."""
    drawn = ear.alpha > 0.5
    if not drawn.any():
        return 0j
    down = float(np.quantile(y[seen], 0.98) - np.quantile(y[ear.at][drawn], 0.98))
    low = y[ear.at] + down > np.quantile(y[seen], 0.3)
    rim = drawn & low
    if not rim.any():
        return 0j
    across = float(np.quantile(out[seen], 0.97) - np.quantile(out[ear.at][rim], 0.97))
    return complex(min(max(across, -0.2), 0.2), min(max(down, -0.25), 0.25))
