"""Brows drawn where hair hides both of them, so that neither can be taken from the other side.

Short tapering hairs, upright at the inner end and turning outwards along it, over a soft ground.
The mesh's two lines of a brow lie higher than brows do: where these are, how broad and how dark,
was measured by `scripts/fit_brows.py`. A drawn brow is no one's; it only keeps the face from
looking erased.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..brow import HALF, LINES, MIDDLE, between, told
from ..planes import Plane, blur
from ..scene import EYE_DISTANCE, PhotoBox, Scene

Points = npt.NDArray[np.float64]

# how dark a brow is from the nose (0) outwards (1), compared with the skin above it
_DARK = (0.26, 0.44, 0.53, 0.52, 0.47, 0.39, 0.32, 0.26, 0.19, 0.13, 0.07)
_HAIRS = 230
_LONG, _WIDE = (0.05, 0.10), 0.011  # eye distances
_SHADE, _INK = 0.8, 0.65  # of the darkness: what the ground has, and the hairs


def draw(scene: Scene, side: int, box: PhotoBox) -> Plane:
    """How much of the brow of `side` (0 left in the picture, 1 right) covers each pixel of the
    photo's `box` (x0, y0, x1, y1): (h, w) 0..1."""
    lines = [scene.frame.to_photo(scene.mesh[list(n), :2]) - box[:2] for n in LINES[side]]
    unit = EYE_DISTANCE / abs(scene.frame.z)
    both = np.concatenate(lines)
    margin = 0.2 * unit
    low = np.floor(np.maximum(both.min(0) - margin, 0)).astype(int)
    high = np.ceil(np.minimum(both.max(0) + margin, (box[2] - box[0], box[3] - box[1]))).astype(int)
    out = np.zeros((box[3] - box[1], box[2] - box[0]), np.float32)
    if (high - low < 2).any():
        return out
    zoom = max(2, int(np.ceil(3 / (_WIDE * unit))))
    upper, lower = ((line - low) * zoom for line in lines)
    across, down = ((high - low) * zoom).tolist()
    ground, hairs = Image.new("L", (across, down)), Image.new("L", (across, down))

    def place(t: float, off: float) -> Points:
        """At `t` along the brow, `off` half widths below its middle."""
        return between(upper, lower, t, told(MIDDLE, t) + off * told(HALF, t))

    pen = ImageDraw.Draw(ground)
    steps = np.linspace(0, 1, 41)
    for t, after in pairwise(steps):
        corners = [place(t, -1), place(after, -1), place(after, 1), place(t, 1)]
        pen.polygon([tuple(p) for p in corners], fill=int(255 * told(_DARK, t)))
    pen = ImageDraw.Draw(hairs)
    rng = np.random.default_rng(side)
    for t, s, length in rng.random((_HAIRS, 3)):
        start = place(t, 1.8 * s - 0.7)
        along = place(min(t + 0.1, 1), 0) - place(max(t - 0.1, 0), 0)
        along /= np.hypot(*along) + 1e-6
        up = place(t, -1) - place(t, 1)
        up /= np.hypot(*up) + 1e-6
        way = along * (0.35 + 0.9 * t) + up * (1.0 - 0.9 * t) * (1.15 - s)
        way /= np.hypot(*way) + 1e-6
        reach = unit * zoom * (_LONG[0] + (_LONG[1] - _LONG[0]) * length) * (1 - 0.35 * t)
        ink = int(255 * told(_DARK, t) * rng.uniform(0.6, 1.0))
        ends = [tuple(start), tuple(start + way * reach)]
        pen.line(ends, fill=ink, width=max(1, round(_WIDE * unit * zoom)))
    soft, fine = (
        np.asarray(image.reduce(zoom), np.float32) / np.float32(255) for image in (ground, hairs)
    )
    brow = np.clip(_SHADE * blur(soft, 0.03 * unit) + _INK * blur(fine, 0.006 * unit), 0, 0.85)
    rows, columns = slice(low[1], low[1] + len(brow)), slice(low[0], low[0] + brow.shape[1])
    out[rows, columns] = brow[: out.shape[0] - low[1], : out.shape[1] - low[0]]
    return out
