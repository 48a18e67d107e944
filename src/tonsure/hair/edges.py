"""What lies between a head and a pixel: how strong the edges are that have to be crossed.

Hair hangs together with its own head: on the way to it no edge is crossed, on that to another head
the rim of a face, a collar, the hair's own end. A lattice is laid over the photo around one head,
and the least sum of edges of all ways to each point is found (geodesic distance, as in Criminisi,
Sharp and Blake, GeoS: geodesic image segmentation, 2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..faces import Face, Frame
from ..faces.align import reduced
from ..planes import Plane, blur
from ..scene import EYE_DISTANCE, EYES_MIDDLE

Pixels = npt.NDArray[np.uint8]

_REACH = (-4.0, -3.0, 4.0, 5.0)  # eye distances from between the eyes: left, up, right, down
_FINE = 8.0  # points of the lattice per eye distance, at least half of that
_LEVELS = 25.0  # of 255: crossing an edge that strong is as long a way as an eye distance
_NOISE = 8.0  # levels between two points that are no edge
_MOST = 3.0  # eye distances: the hardest way
_DIAGONAL = math.sqrt(2)
_STEPS = (
    (0, 1, 1.0), (0, -1, 1.0), (1, 0, 1.0), (-1, 0, 1.0),
    (1, 1, _DIAGONAL), (1, -1, _DIAGONAL), (-1, 1, _DIAGONAL), (-1, -1, _DIAGONAL),
)  # fmt: skip
_FACE, _HAIR, _TEMPLES = 0.9, 1.3, 0.2
"""Eye distances around the middle of the eyes that are the head's own: below and above a line."""
_BEND = 0.02  # of a step, so that of ways without an edge the short one is taken


@dataclass(frozen=True)
class Edges:
    """`cost` (h, w) eye distances at the points of a lattice of `step` photo pixels, the first of
    them in the middle of the pixels from `corner` (x, y) on."""

    corner: tuple[int, int]
    step: int
    cost: Plane

    @classmethod
    def around(cls, pixels: Pixels, face: Face) -> Edges:
        """Those of a photo (H, W, 3) around `face`, on the ways from it and the hair next to it."""
        height, width = pixels.shape[:2]
        frame = Frame.of(face)
        unit = EYE_DISTANCE / abs(frame.z)
        step = 1 << max(0, math.floor(math.log2(max(unit / _FINE, 1)) + 0.5))
        ends = np.array([[x, y] for x in _REACH[::2] for y in _REACH[1::2]]) * EYE_DISTANCE
        points = frame.to_photo(ends + np.array(EYES_MIDDLE))
        low = np.floor(points.min(0) / step).astype(int) * step
        high = np.ceil(points.max(0)).astype(int)
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), width), min(int(high[1]), height)
        if x1 - x0 < 2 * step or y1 - y0 < 2 * step:
            return cls((x0, y0), step, np.zeros((2, 2), np.float32))
        seen = np.asarray(reduced(pixels[y0:y1, x0:x1], step), np.float32)
        ys, xs = (np.arange(n) + 0.5 for n in seen.shape[:2])
        photo = x0 + step * xs[None] + 1j * (y0 + step * ys[:, None])
        at = (frame.z * photo + frame.t - complex(*EYES_MIDDLE)) / EYE_DISTANCE
        start = np.abs(at) < np.where(at.imag < _TEMPLES, _HAIR, _FACE)
        return cls((x0, y0), step, _least(blur(seen, 1.0), start))

    def at(self, photo: npt.NDArray[np.complex128]) -> npt.NDArray[np.float64]:
        """The cost at points x + iy (h, w) of the photo, bilinear; beyond the lattice its border
        goes on."""
        height, width = self.cost.shape
        x = np.clip((photo.real - self.corner[0]) / self.step - 0.5, 0, width - 1.001)
        y = np.clip((photo.imag - self.corner[1]) / self.step - 0.5, 0, height - 1.001)
        left, top = x.astype(np.int32), y.astype(np.int32)
        across, down = x - left, y - top
        flat, first = self.cost.ravel(), top * width + left
        upper = flat[first] * (1 - across) + flat[first + 1] * across
        lower = flat[first + width] * (1 - across) + flat[first + width + 1] * across
        return np.asarray(upper * (1 - down) + lower * down)


def _least(seen: Plane, start: npt.NDArray[np.bool_]) -> Plane:
    """The least sum of edges of `seen` (h, w, 3) on a way from `start` (h, w) to each point."""
    height, width = start.shape
    far = np.float32(_MOST)
    cost = np.full((height + 2, width + 2), far)
    cost[1:-1, 1:-1][start] = 0
    padded = np.pad(seen, ((1, 1), (1, 1), (0, 0)), mode="edge")
    edges = []
    for down, across, length in _STEPS:
        other = padded[1 + down : 1 + down + height, 1 + across : 1 + across + width]
        step = np.abs(other - seen).max(-1)
        edges.append(np.maximum(step - _NOISE * length, 0) / _LEVELS + _BEND * length)
    inner = cost[1:-1, 1:-1]
    for _ in range(height + width):
        before = inner.copy()
        for (down, across, _), edge in zip(_STEPS, edges, strict=True):
            there = cost[1 + down : 1 + down + height, 1 + across : 1 + across + width]
            np.minimum(inner, there + edge, out=inner)
        if np.array_equal(before, inner):
            break
    return np.ascontiguousarray(inner)
