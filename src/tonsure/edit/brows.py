"""Brows bushier or thinner, by their own hairs.

How much darker than the bare skin beneath it each pixel of a brow is, is known of the photo itself:
the skin is the smoothest surface through what lies around the brow. That darkness, hairs and all,
is made broader and stronger, or narrower and weaker, and the skin is darkened by it anew.
"""

from __future__ import annotations

import numpy as np

from .. import brow
from ..hair.classes import GLASSES
from ..planes import Plane, blur, grow, membrane, smoothstep
from ..scene import EYE_DISTANCE, Scene
from .fine import Patch, Pixels, moved, onto, patch, place
from .portrait import Portrait

_WIDER, _STRONGER = 1.8, 1.9
_NARROWER, _WEAKER = 0.5, 0.5
_DARKEST = 1.5  # of logarithms: no brow is a hole
_FLOOR = 6.0  # levels


def bushy(portrait: Portrait, pixels: Pixels, degree: float) -> list[Patch]:
    """Both brows bushier by `degree` 0..1, or thinner by -1..0; those that are hidden stay."""
    found = [_one(portrait, pixels, side, degree) for side in (0, 1)]
    return [one for one in found if one is not None]


def _one(portrait: Portrait, pixels: Pixels, side: int, degree: float) -> Patch | None:
    scene = portrait.scene
    area = brow.area(scene, side, 2.6, 2.0)
    hidden = np.maximum(portrait.hair, grow(portrait.classes[..., GLASSES], 0.05 * scene.unit))
    if float((area * hidden).sum()) > 0.6 * float(area.sum()) + 1e-3:
        return None
    eye = grow(scene.mesh_polygon(_LIDS[side]), 0.03 * scene.unit)
    where = blur(area, 0.07 * scene.unit) * (1 - eye) * smoothstep(0.5, 0.1, hidden)
    box = place(scene, where, pixels)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    photo = pixels[y0:y1, x0:x1].astype(np.float32)
    around = (1 - smoothstep(0.0, 0.3, blur(area, 0.02 * scene.unit))) * (1 - eye) * (1 - hidden)
    part = scene.slices(_box(scene, area))
    bare = np.array(scene.rgb)
    bare[part] = membrane(blur(scene.rgb[part], 0.02 * scene.unit), around[part], 8)
    skin = onto(scene, bare, box)
    times = (_WIDER if degree > 0 else _NARROWER) ** abs(degree)
    amount = (_STRONGER if degree > 0 else _WEAKER) ** abs(degree)
    here = _dark(photo, skin)
    down = _away(scene, side) * (1 / times - 1) * area / scene.scale
    source = moved(scene, np.zeros_like(down), down, pixels, box)
    there = amount * _dark(source, onto(scene, bare, box))
    if degree > 0:
        there = np.minimum(np.maximum(there, here), np.maximum(here, _DARKEST))
    weight = onto(scene, where, box)
    out = (photo + _FLOOR) * np.exp((here - there) * weight[..., None]) - _FLOOR
    return patch(box, out, (weight > 0.004).astype(np.float32))


def _dark(photo: Plane, skin: Plane) -> Plane:
    """How much darker `photo` (h, w, 3) is than the bare `skin`: 0 and more, of logarithms."""
    out: Plane = np.log((skin + _FLOOR) / (photo + _FLOOR))
    return np.maximum(out, 0, out=out)


def _away(scene: Scene, side: int) -> Plane:
    """How far below the brow's middle each pixel of the scene lies, (H, W) in its pixels."""
    upper, lower = (scene.mesh[list(line), :2] for line in brow.LINES[side])
    stops = np.linspace(0, 1, 21)
    middle = [brow.between(upper, lower, t, brow.told(brow.MIDDLE, t)) for t in stops]
    line = scene.to_scene(np.array(middle))
    line = line[np.argsort(line[:, 0])]
    height, width = scene.shape
    at = np.interp(np.arange(width) + 0.5, line[:, 0], line[:, 1])
    return np.asarray(np.arange(height)[:, None] + 0.5 - at[None], np.float32)


def _box(scene: Scene, area: Plane) -> tuple[float, float, float, float]:
    """The box in frame units around `area`, with a margin in which the skin is seen."""
    ys, xs = np.nonzero(area > 0.01)
    if len(ys) == 0:
        return scene.box
    margin = 0.25 * EYE_DISTANCE
    left, top = xs.min() / scene.scale + scene.box[0], ys.min() / scene.scale + scene.box[1]
    right, low = xs.max() / scene.scale + scene.box[0], ys.max() / scene.scale + scene.box[1]
    return left - margin, top - margin, right + margin, low + margin


_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
