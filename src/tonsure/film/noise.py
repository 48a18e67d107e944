"""A camera's noise: what is laid over a film has to have it, or it seems painted on glass."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur

_SIDE = 256
_SOFT = 0.6  # pixels: films are coded, their noise is not white
_MOST = 8.0  # levels
_LEAST = 400  # pixels that tell it


def level(before: Plane, now: Plane, where: npt.NDArray[np.bool_]) -> float:
    """The noise's deviation in levels, 0 to 8, from two frames (h, w) that show the same skin
    `where` (h, w).

    Each has noise of its own, so that their difference has twice the variance; what is coarse in
    it is light, what is rare (median) is motion.
    """
    import cv2

    if int(where.sum()) < _LEAST:
        return 0.0
    off = now - before
    off -= cv2.blur(off, (5, 5))
    spread = 1.4826 * float(np.median(np.abs(off[where])))
    return min(spread / math.sqrt(2), _MOST)


def add(colour: Plane, strength: float, number: int) -> None:
    """Add noise to `colour` (h, w, 3), which changes; another for each frame `number`, and the same
    for the same."""
    if strength < 0.2:
        return
    high, wide = colour.shape[:2]
    y, x = (number * 97) % _SIDE, (number * 151) % _SIDE
    rows, columns = (np.arange(n) + start for n, start in ((high, y), (wide, x)))
    noise = _tile()[np.ix_(rows % _SIDE, columns % _SIDE)] * np.float32(strength)
    colour += noise[..., None]


@lru_cache(maxsize=1)
def _tile() -> Plane:
    plain = np.random.default_rng(23).standard_normal((_SIDE, _SIDE)).astype(np.float32)
    soft = blur(plain, _SOFT)
    return np.asarray(soft / soft.std(), dtype=np.float32)
