"""Brows drawn where hair hides both of them, so that neither can be taken from the other side.

Short tapering hairs between the mesh's two lines of a brow: upright at its inner end, turning
outwards along it. A drawn brow is no one's; it only keeps the face from looking erased.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..planes import Plane, blur
from ..scene import EYE_DISTANCE, Scene

Points = npt.NDArray[np.float64]
Box = tuple[int, int, int, int]

# from the nose outwards: the upper line and the lower one, of the picture's left and right side
_LINES = (
    ((107, 66, 105, 63, 70), (55, 65, 52, 53, 46)),
    ((336, 296, 334, 293, 300), (285, 295, 282, 283, 276)),
)
_HAIRS = 190
_LONG, _WIDE = (0.06, 0.12), 0.011  # eye distances
_SHADE, _INK = 0.25, 0.5  # how dark the ground and the hairs are


def draw(scene: Scene, side: int, box: Box) -> Plane:
    """How much of the brow of `side` (0 left in the picture, 1 right) covers each pixel of the
    photo's `box` (x0, y0, x1, y1): (h, w) 0..1."""
    lines = [scene.frame.to_photo(scene.mesh[list(n), :2]) - box[:2] for n in _LINES[side]]
    unit = EYE_DISTANCE / abs(scene.frame.z)
    both = np.concatenate(lines)
    margin = 0.15 * unit
    low = np.floor(np.maximum(both.min(0) - margin, 0)).astype(int)
    high = np.ceil(np.minimum(both.max(0) + margin, (box[2] - box[0], box[3] - box[1]))).astype(int)
    out = np.zeros((box[3] - box[1], box[2] - box[0]), np.float32)
    if (high - low < 2).any():
        return out
    zoom = max(2, int(np.ceil(3 / (_WIDE * unit))))
    upper, lower = ((line - low) * zoom for line in lines)
    across, down = ((high - low) * zoom).tolist()
    ground, hairs = Image.new("L", (across, down)), Image.new("L", (across, down))
    corners = np.concatenate([_thinner(upper, lower), _thinner(lower, upper)[::-1]])
    ImageDraw.Draw(ground).polygon([tuple(p) for p in corners], fill=255)
    pen = ImageDraw.Draw(hairs)
    rng = np.random.default_rng(side)
    for t, s, length in rng.random((_HAIRS, 3)):
        t = t**0.9
        a, b = _at(upper, t), _at(lower, t)
        start = b + (a - b) * (0.12 + 0.76 * s)
        along = _at(0.5 * (upper + lower), min(t + 0.1, 1)) - _at(0.5 * (upper + lower), t - 0.1)
        along /= np.hypot(*along) + 1e-6
        up = (a - b) / (np.hypot(*(a - b)) + 1e-6)
        way = along * (0.35 + 0.9 * t) + up * (1.0 - 0.9 * t) * (1.15 - s)
        way /= np.hypot(*way) + 1e-6
        reach = unit * zoom * (_LONG[0] + (_LONG[1] - _LONG[0]) * length) * (1 - 0.35 * t)
        tip = start + way * reach
        ink = int(255 * rng.uniform(0.6, 1.0))
        pen.line([tuple(start), tuple(tip)], fill=ink, width=max(1, round(_WIDE * unit * zoom)))
    soft, fine = (
        np.asarray(image.reduce(zoom), np.float32) / np.float32(255) for image in (ground, hairs)
    )
    brow = np.clip(_SHADE * blur(soft, 0.025 * unit) + _INK * blur(fine, 0.006 * unit), 0, 0.85)
    rows, columns = slice(low[1], low[1] + len(brow)), slice(low[0], low[0] + brow.shape[1])
    out[rows, columns] = brow[: out.shape[0] - low[1], : out.shape[1] - low[0]]
    return out


def _at(line: Points, t: float) -> Points:
    """The point at `t` (0..1) of a line (N, 2)."""
    place = np.clip(t, 0, 1) * (len(line) - 1)
    return np.array([np.interp(place, np.arange(len(line)), line[:, k]) for k in (0, 1)])


def _thinner(line: Points, other: Points) -> Points:
    """`line` drawn towards `other`, the more the further out: a brow ends in a point."""
    share = np.linspace(0.05, 0.4, len(line))[:, None]
    return line + share * (other - line)
