"""Where short hairs grow and how they lie: of beards and moustaches that are not there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..planes import Plane
from ..scene import Scene

Points = npt.NDArray[np.float64]

_ROOTS = 60_000  # at most


@dataclass(frozen=True)
class Growth:
    """How hairs grow: `dense` of them per squared eye distance where a zone is 1; `length` (least,
    most) and `width` in eye distances; `stray` radians around their way; `bend` radians from root
    to tip, drawn through `points`."""

    dense: float
    length: tuple[float, float]
    width: float
    stray: float = 0.35
    bend: float = 0.3
    points: int = 5


def rooted(scene: Scene, zone: Plane, way: Plane, growth: Growth, seed: int) -> Points:
    """(N, points, 2) in frame units: hairs from root to tip.

    `zone` (H, W) of the scene says how densely they stand, `way` (H, W) where they point, radians
    from right to down. The same `seed` gives the same hairs at any size of the photo.
    """
    rng = np.random.default_rng(seed)
    ys, xs = np.nonzero(zone > 0.02)
    if len(ys) == 0:
        return np.zeros((0, growth.points, 2))
    weights = zone[ys, xs].astype(np.float64)
    count = min(_ROOTS, int(weights.sum() / scene.unit**2 * growth.dense))
    at = rng.choice(len(ys), count, p=weights / weights.sum())
    roots = np.stack([xs[at], ys[at]], -1) + rng.random((count, 2))
    angle = way[ys[at], xs[at]] + growth.stray * rng.standard_normal(count)
    bend = growth.bend * rng.uniform(-1, 1, count) / (growth.points - 1)
    length = rng.uniform(*growth.length, count) * scene.unit / (growth.points - 1)
    lines = [roots]
    for _ in range(growth.points - 1):
        step = np.stack([np.cos(angle), np.sin(angle)], -1) * length[:, None]
        lines.append(lines[-1] + step)
        angle = angle + bend
    return np.asarray(np.stack(lines, 1) / scene.scale + np.array(scene.box[:2]))
