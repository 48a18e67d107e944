"""Short hairs drawn one by one: for brows of beards that are not there. They are no one's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..planes import Plane, blur
from ..scene import EYE_DISTANCE, PhotoBox, Scene

Points = npt.NDArray[np.float64]

_CURVE = 5  # points of a hair
_ROOTS = 60_000  # at most


@dataclass(frozen=True)
class Growth:
    """How hairs grow: `dense` of them per squared eye distance where a zone is 1; `length` (least,
    most) and `width` in eye distances; `stray` radians around their way; `bend` radians from root
    to tip."""

    dense: float
    length: tuple[float, float]
    width: float
    stray: float = 0.35
    bend: float = 0.3


def drawn(scene: Scene, zone: Plane, way: Plane, growth: Growth, box: PhotoBox, seed: int) -> Plane:
    """How much the hairs cover each pixel of the photo's `box`, (h, w) 0..1.

    `zone` (H, W) of the scene says how densely they stand, `way` (H, W) where they point, radians
    from right to down. The same `seed` gives the same hairs at any size of the photo.
    """
    rng = np.random.default_rng(seed)
    ys, xs = np.nonzero(zone > 0.02)
    if len(ys) == 0:
        return np.zeros((box[3] - box[1], box[2] - box[0]), np.float32)
    weights = zone[ys, xs].astype(np.float64)
    count = min(_ROOTS, int(weights.sum() / scene.unit**2 * growth.dense))
    at = rng.choice(len(ys), count, p=weights / weights.sum())
    roots = np.stack([xs[at], ys[at]], -1) + rng.random((count, 2))
    angle = way[ys[at], xs[at]] + growth.stray * rng.standard_normal(count)
    bend = growth.bend * rng.uniform(-1, 1, count) / (_CURVE - 1)
    length = rng.uniform(*growth.length, count) * scene.unit / (_CURVE - 1)
    ink = rng.uniform(0.55, 1.0, count)
    lines = [roots]
    for _ in range(_CURVE - 1):
        step = np.stack([np.cos(angle), np.sin(angle)], -1) * length[:, None]
        lines.append(lines[-1] + step)
        angle = angle + bend
    frame = np.stack(lines, 1) / scene.scale + np.array(scene.box[:2])
    photo = scene.frame.to_photo(frame.reshape(-1, 2)).reshape(count, _CURVE, 2) - np.array(box[:2])
    unit = EYE_DISTANCE / abs(scene.frame.z)
    wide = growth.width * unit
    zoom = int(np.clip(np.ceil(1.6 / max(wide, 0.2)), 1, 4))
    size = ((box[2] - box[0]) * zoom, (box[3] - box[1]) * zoom)
    image = Image.new("L", size)
    pen = ImageDraw.Draw(image)
    thick = max(1, round(wide * zoom))
    # what is thinner than a pixel of the canvas is paler instead
    pale = min(1.0, wide * zoom / thick)
    for line, dark in zip((photo * zoom).tolist(), ink, strict=True):
        points = [tuple(p) for p in line]
        pen.line(points[:-1], fill=int(255 * dark * pale), width=thick)
        pen.line(points[-2:], fill=int(150 * dark * pale), width=max(1, thick - 1))
    out = np.asarray(image.reduce(zoom) if zoom > 1 else image, np.float32) / np.float32(255)
    return blur(out, max(0.45, 0.003 * unit))
