"""A quick look at every frame: where hair is now, and how that differs from the keyframe.

The net `sight` sees the frame once, coarsely, in the place where the keyframe's head lay. As both
looks are of the same kind at the same place, their difference tells what moved, whatever the net's
leanings are.
"""

from __future__ import annotations

import numpy as np

from ..faces import Frame
from ..hair.classes import BACKGROUND, CLOTHES, HAIR, HAT
from ..models import session
from ..planes import Plane
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Box

_DENSITY = 19.0  # pixels per eye distance; the net was taught from there on
_CELL = 32  # sides are multiples of it
_SHOWN = (HAIR, HAT, BACKGROUND, CLOTHES)


class Glance:
    """Where the quick look looks: `box` in frame units, (h, w) of `shape`."""

    def __init__(self, box: Box, threads: int | None) -> None:
        self.threads = threads
        wide, high = box[2] - box[0], box[3] - box[1]
        step = EYE_DISTANCE / _DENSITY * _CELL
        self.shape = (max(1, round(high / step)) * _CELL, max(1, round(wide / step)) * _CELL)
        self.scale = max(self.shape[0] / high, self.shape[1] / wide)
        x0, y0 = box[:2]
        self.box: Box = (x0, y0, x0 + self.shape[1] / self.scale, y0 + self.shape[0] / self.scale)
        ys, xs = (
            (corner + (np.arange(count) + 0.5) / self.scale - middle) / EYE_DISTANCE
            for corner, count, middle in zip(
                (y0, x0), self.shape, reversed(EYES_MIDDLE), strict=True
            )
        )
        where = np.stack(np.broadcast_arrays(xs[None], ys[:, None]), 0).clip(-4, 4) / 2
        self._where = where.astype(np.float32)

    @property
    def unit(self) -> float:
        """Pixels per eye distance."""
        return self.scale * EYE_DISTANCE

    def look(self, pixels: np.ndarray, frame: Frame) -> Plane:
        """(h, w, 3) 0..1 of `pixels` (H, W, 3) uint8: hair, background, clothes."""
        cut = frame.cut(pixels, self.scale, self.box)
        picture = cut.astype(np.float32).transpose(2, 0, 1) / np.float32(127.5) - np.float32(1)
        batch = np.concatenate([picture, self._where])[None]
        (classes,) = session.open("sight", self.threads).run(None, {"picture": batch})[0]
        hair, hat, behind, cloth = (classes[k] for k in _SHOWN)
        return np.stack([hair + hat, behind, cloth], -1)
