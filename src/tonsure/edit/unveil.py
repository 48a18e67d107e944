"""Glasses taken off: their rims, bridge and arms, not what is seen through the lenses.

The parser's glasses hold rims and lenses; a rim lies along their edge and differs from the face's
tones as the rest of the face tells them (`tones`). There the tones are laid, with the person's own
grain. Dark glasses stay: what is behind them nobody knows.
"""

from __future__ import annotations

import numpy as np

from .. import brow
from ..hair.classes import GLASSES, SKIN
from ..head.features import interrupted, smooth_skin
from ..planes import LUMA, Plane, blur, grow, shrink, smoothstep
from ..scene import Scene
from . import tones
from .fine import Patch, Pixels, onto, patch, place
from .portrait import Portrait

_OUTER, _INNER = 0.10, 0.13  # eye distances around the edge of the glasses
_OFF = (0.05, 0.12)  # of logarithms of luma: as the skin, and surely another thing
_DARK = 0.55  # of the skin's luma: lenses that are darker hide the eyes
_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
_BENEATH = ((116, 117, 118, 119, 120, 230, 229, 228), (345, 346, 347, 348, 349, 450, 449, 448))


def dark(portrait: Portrait) -> bool:
    """Whether the lenses hide what is behind them."""
    scene = portrait.scene
    lens = np.zeros(scene.shape, np.float32)
    for ring in _BENEATH:  # the skin below the eyes; a rim may cross it
        lens = np.maximum(lens, grow(scene.mesh_polygon(ring), 0.03 * scene.unit))
    where = lens * portrait.classes[..., GLASSES] > 0.5
    if float(where.sum()) < 0.01 * scene.unit**2:
        return False
    luma = float(np.quantile(scene.rgb[where] @ LUMA, 0.6))
    return luma < _DARK * float(portrait.tone @ LUMA)


def taken_off(portrait: Portrait, pixels: Pixels, degree: float) -> Patch | None:
    """Glasses off by `degree` 0..1: as transparent as that. None where none are found."""
    scene, unit = portrait.scene, portrait.scene.unit
    whole = smoothstep(0.3, 0.7, portrait.classes[..., GLASSES]) * portrait.mine
    edge = grow(whole, _OUTER * unit) * (1 - shrink(whole, _INNER * unit))
    eyes = np.maximum(*(grow(scene.mesh_polygon(ring), 0.035 * unit) for ring in _LIDS))
    band = edge * (1 - smoothstep(0.2, 0.8, eyes)) * smoothstep(0.8, 0.4, portrait.hair)
    if float(band.max()) < 0.1:
        return None
    bare = tones.completed(scene, _clear(portrait, band))
    smooth = np.log(blur(scene.rgb, 0.006 * unit) @ LUMA + 8)
    off = np.abs(smooth - np.log(bare @ LUMA + 8))
    differs = grow(smoothstep(*_OFF, off) * band, 0.06 * unit)
    hole = np.clip(blur(differs * smoothstep(0.0, 0.4, band), 0.012 * unit), 0, 1)
    hole *= 1 - smoothstep(0.2, 0.8, eyes)
    # what is seen of a brow well above the rim stays
    brows = np.maximum(*(brow.area(scene, side, 1.0, 0.6) for side in (0, 1)))
    hole *= 1 - smoothstep(0.3, 0.8, brows) * (1 - grow(whole, 0.06 * unit))
    box = place(scene, hole, pixels)
    if box is None:
        return None
    weight = onto(scene, hole, box)
    colour = onto(scene, bare, box)
    clear = portrait.bare * (1 - grow(whole, 0.1 * unit))
    colour += tones.grain(portrait, pixels, box, clear, weight)[..., None]
    return patch(box, colour, weight * np.float32(degree))


def _clear(portrait: Portrait, band: Plane) -> Plane:
    """Bare skin, that behind lenses included, without what may be a rim: (H, W) 0..1."""
    classes = portrait.classes.copy()
    classes[..., SKIN] += classes[..., GLASSES]
    classes[..., GLASSES] = 0
    scene: Scene = portrait.scene
    skin = smooth_skin(classes, interrupted(scene, classes))
    return np.asarray(skin * (1 - grow(band, 0.04 * scene.unit)) * portrait.mine, np.float32)
