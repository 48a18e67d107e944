"""Where brows lie: lower than the mesh's two lines of them, the more the nearer to the nose.

Medians of 693 people, by `scripts/fit_brows.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .planes import Plane
from .scene import Scene

Points = npt.NDArray[np.float64]

# points of the mesh from the nose outwards: the upper line and the lower one, of the picture's left
# and right side
LINES = (
    ((107, 66, 105, 63, 70), (55, 65, 52, 53, 46)),
    ((336, 296, 334, 293, 300), (285, 295, 282, 283, 276)),
)
# from the nose (0) outwards (1): the brow's middle, 0 on the upper line and 1 on the lower, and its
# half width in the same measure
MIDDLE = (1.12, 1.00, 1.00, 1.03, 0.93, 0.78, 0.62, 0.53, 0.48, 0.43, 0.40)
HALF = (0.60, 0.50, 0.52, 0.58, 0.53, 0.46, 0.41, 0.36, 0.33, 0.30, 0.25)

_FRINGE = 0.1  # of what is right above a brow


def told(table: tuple[float, ...], t: float) -> float:
    """A table's value at `t` (0..1)."""
    return float(np.interp(t, np.linspace(0, 1, len(table)), table))


def between(upper: Points, lower: Points, t: float | Points, s: float | Points) -> Points:
    """The points (..., 2) at `t` (0..1) along two lines (N, 2), `s` of the way from one to the
    other; `t` and `s` of one shape."""
    stops, at = np.linspace(0, 1, len(upper)), np.clip(t, 0, 1)
    a, b = (np.stack([np.interp(at, stops, n[:, k]) for k in (0, 1)], -1) for n in (upper, lower))
    return np.asarray(a + np.asarray(s)[..., None] * (b - a))


def area(scene: Scene, side: int, above: float = 1.0, below: float = 1.3) -> Plane:
    """The brow of `side` (0 left in the picture, 1 right), filled: (H, W) 0..1. It reaches `above`
    and `below` half widths from its middle; a third more is hairs that few have."""
    upper, lower = (scene.mesh[list(line), :2] for line in LINES[side])
    stops, middle, half = np.linspace(0, 1, len(MIDDLE)), np.array(MIDDLE), np.array(HALF)
    over, under = (between(upper, lower, stops, middle + k * half) for k in (-above, below))
    return scene.polygon(np.concatenate([over, under[::-1]]))


def possible(scene: Scene, hair: Plane, side: int) -> Plane:
    """Where the brow of `side` may be, (H, W) 0..1: it may be raised, but where `hair` (H, W) hangs
    before the forehead what is dark above it is no brow."""
    over = area(scene, side, 3.0, -1.0)
    fringe = float((over * hair).sum()) > _FRINGE * float(over.sum())
    return area(scene, side) if fringe else area(scene, side, 2.2)
