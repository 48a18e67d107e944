"""Operations on planes: float32 maps (H, W) or (H, W, C), with numpy and Pillow alone.

Everything here is vectorised and takes time in proportion to the plane's area; distances are in
pixels of the plane at hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[np.float32]


def each(function: Callable[[Plane], Plane], plane: Plane) -> Plane:
    """Apply a function of (H, W) planes to (H, W), or to every channel of (H, W, C)."""
    if plane.ndim == 2:
        return function(plane)
    return np.stack([function(plane[..., c]) for c in range(plane.shape[2])], axis=-1)


def resize(
    plane: Plane, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BILINEAR
) -> Plane:
    """A plane (H, W[, C]) at `size` (height, width); shrinking averages (Pillow widens filters)."""
    if plane.shape[:2] == size:
        return plane.astype(np.float32, copy=False)

    def one(p: Plane) -> Plane:
        image = Image.fromarray(np.ascontiguousarray(p, dtype=np.float32))
        return np.asarray(image.resize((size[1], size[0]), how), dtype=np.float32)

    return each(one, plane)


def _box_rows(plane: Plane, radius: int) -> Plane:
    pad = [(radius + 1, radius)] + [(0, 0)] * (plane.ndim - 1)
    total = np.cumsum(np.pad(plane, pad, mode="edge"), axis=0, dtype=np.float64)
    width = 2 * radius + 1
    return ((total[width:] - total[:-width]) / width).astype(np.float32)


def box_blur(plane: Plane, radius: int) -> Plane:
    """Mean over squares of 2 `radius` + 1, of (H, W[, C]); edges replicated."""
    if radius < 1:
        return plane
    rows = _box_rows(plane, radius)
    return np.swapaxes(_box_rows(np.swapaxes(rows, 0, 1), radius), 0, 1)


def blur(plane: Plane, sigma: float) -> Plane:
    """Nearly Gaussian blur of (H, W[, C]), edges replicated; wide ones run on a reduced plane."""
    if sigma < 0.3:
        return plane
    height, width = plane.shape[:2]
    factor = int(min(sigma // 2.5, height // 4, width // 4))
    if factor >= 2:
        small = resize(plane, (-(-height // factor), -(-width // factor)), Image.Resampling.BOX)
        return resize(blur(small, sigma / factor), (height, width))
    # three boxes: variance of each (w^2 - 1) / 12
    width_ideal = np.sqrt(4.0 * sigma * sigma + 1.0)
    low = int(width_ideal)
    low -= 1 - low % 2
    low = max(low, 1)
    count = round((12 * sigma * sigma - 3 * low * low - 12 * low - 9) / (-4 * low - 4))
    out = plane
    for i in range(3):
        out = box_blur(out, (low if i < count else low + 2) // 2)
    return out


def smoothstep(low: float, high: float, x: Plane) -> Plane:
    """0 below `low`, 1 above `high`, cubic between; with `low` > `high` it falls instead."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def grow(mask: Plane, radius: float) -> Plane:
    """Soft dilation by about `radius` pixels of a 0..1 mask."""
    if radius < 0.5:
        return mask
    return smoothstep(0.02, 0.25, blur(mask, radius / 1.7))


def shrink(mask: Plane, radius: float) -> Plane:
    """Soft erosion by about `radius` pixels of a 0..1 mask."""
    return 1.0 - grow(1.0 - mask, radius)


def _half(plane: Plane) -> Plane:
    height, width = plane.shape[:2]
    pad = [(0, height % 2), (0, width % 2)] + [(0, 0)] * (plane.ndim - 2)
    even = np.pad(plane, pad)
    return 0.25 * (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2])


def membrane(value: Plane, weight: Plane, relax: int = 6) -> Plane:
    """The smoothest surface through the known values (discrete Laplace equation, edges free).

    Parameters
    ----------
    value : (H, W[, C]), any range; elsewhere than where the weight is positive it is not looked at.
    weight : (H, W), 0..1: how firmly a value is held; at 1 it comes back as it was.
    relax : Jacobi steps with the known values held, on every level of a pyramid; each level starts
        from the coarser one.

    Returns as `value`, float32; 0 everywhere if nothing at all is known.
    """
    flat = value.ndim == 2
    v = value[..., None] if flat else value
    w = np.clip(weight, 0.0, 1.0)[..., None].astype(np.float32)
    levels = [(v * w, w)]
    while min(levels[-1][0].shape[:2]) > 2:
        numerator, denominator = (_half(p) for p in levels[-1])
        scale = np.minimum(1.0, 4.0 * denominator) / np.maximum(denominator, 1e-6)
        levels.append((numerator * scale, denominator * scale))
    numerator, denominator = levels[-1]
    total = float(denominator.sum())
    mean = numerator.sum((0, 1)) / total if total > 1e-6 else np.zeros(v.shape[2])
    out = np.broadcast_to(mean, numerator.shape).astype(np.float32)
    for numerator, denominator in reversed(levels):
        out = resize(np.ascontiguousarray(out), numerator.shape[:2])
        if out.ndim == 2:
            out = out[..., None]
        known = numerator / np.maximum(denominator, 1e-6)
        hold = np.minimum(1.0, denominator * 1.0)
        out = known * hold + out * (1.0 - hold)
        for _ in range(relax):
            p = np.pad(out, ((1, 1), (1, 1), (0, 0)), mode="edge")
            near = 0.25 * (p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:])
            out = known * hold + near * (1.0 - hold)
    return out[..., 0] if flat else out
