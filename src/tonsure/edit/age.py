"""Younger or older: folds of the skin, the hair's grey, and the face's shape and tones.

Younger: folds and spots are weakened, pores stay. Older: folds that are there are deepened, hair
turns grey. Shape and tones go the way from the mean of the one to that of the other (`prototypes`).
"""

from __future__ import annotations

import numpy as np

from ..planes import Plane, blur, smoothstep
from ..scene import PhotoBox
from . import hair, prototypes
from .fine import Patch, Pixels, assembled, onto, place
from .hues import GREY
from .portrait import Portrait
from .series import Series

_FINE, _FOLD, _WIDE = 0.007, 0.045, 0.13  # eye distances: pores below, folds between, form above
_CALM, _CALMER = 0.8, 0.5  # of narrow and of broad folds go
_DEEP = 0.9  # of narrow folds come


def aged(portrait: Portrait, pixels: Pixels, degree: float) -> list[Patch]:
    """A person younger by `degree` 0..1, or older by -1..0."""
    series = Series(pixels)
    if degree < 0:
        series.add(hair.colour(portrait, series.pixels, GREY, -degree))
    series.add(smoothed(portrait, series.pixels, degree))
    series.add(prototypes.step(portrait, series.pixels, "young", degree))
    return series.patches


def smoothed(portrait: Portrait, pixels: Pixels, degree: float) -> Patch | None:
    """Skin smoother by `degree` 0..1, or its folds deeper by -1..0."""
    scene, unit = portrait.scene, portrait.scene.unit
    skin = smoothstep(0.4, 0.9, portrait.bare) * blur(portrait.oval, 0.04 * unit)
    mask = blur(skin, 0.02 * unit)
    weight = (skin + np.float32(1e-3))[..., None]

    def smooth(sigma: float) -> Plane:
        return blur(scene.rgb * weight, sigma * unit) / blur(weight, sigma * unit)

    fine, fold, wide = smooth(_FINE), smooth(_FOLD), smooth(_WIDE)
    if degree > 0:
        # what is lighter or darker than its surroundings goes, the face's form stays
        change = -(_CALM * (fine - fold) + _CALMER * (fold - wide)) * degree
    else:
        change = _DEEP * np.clip(fine - fold, -14, 5) * -degree
    factor = np.clip(1 + change * mask[..., None] / (fine + 4), 0.55, 1.5).astype(np.float32)
    box = place(scene, mask, pixels)
    if box is None:
        return None

    def changed(part: PhotoBox, photo: Plane) -> tuple[Plane, Plane]:
        return photo * onto(scene, factor, part), onto(scene, mask, part)

    return assembled(scene, mask, pixels, box, changed)
