"""Operations on planes: float32 maps (H, W) or (H, W, C).

Everything here is vectorised and takes time in proportion to the plane's area; distances are in
pixels of the plane at hand. OpenCV is imported where it is used: what needs no plane does not wait
for it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in a grey value (BT.601), for (..., 3) @ LUMA."""


def each(function: Callable[[Plane], Plane], plane: Plane) -> Plane:
    """Apply a function of (H, W) planes to (H, W), or to every channel of (H, W, C)."""
    if plane.ndim == 2:
        return function(plane)
    return np.stack([function(plane[..., c]) for c in range(plane.shape[2])], axis=-1)


def highest(plane: Plane) -> Plane:
    """The largest of the channels of (H, W, C), (H, W): numpy is slow along short axes."""
    return np.asarray(np.maximum.reduce([plane[..., c] for c in range(plane.shape[2])]))


def resize(
    plane: Plane,
    size: tuple[int, int],
    how: Image.Resampling = Image.Resampling.BILINEAR,
    box: tuple[float, float, float, float] | None = None,
) -> Plane:
    """A plane (H, W[, C]), or its part `box` (x0, y0, x1, y1), at `size` (height, width); shrinking
    averages (Pillow widens filters)."""
    if box is None and plane.shape[:2] == size:
        return plane.astype(np.float32, copy=False)
    larger = size[0] >= plane.shape[0] and size[1] >= plane.shape[1]
    if box is None and larger and how == Image.Resampling.BILINEAR:
        return _enlarged(plane, size)

    def one(p: Plane) -> Plane:
        image = Image.fromarray(np.ascontiguousarray(p, dtype=np.float32))
        image = image.resize((size[1], size[0]), how, box)
        return np.asarray(image, dtype=np.float32)

    return each(one, plane)


def warp(
    plane: Plane,
    turn: npt.ArrayLike,
    size: tuple[int, int],
    *,
    cubic: bool = False,
    beyond: float | None = None,
) -> Plane:
    """A plane (H, W[, C]) seen through an affine map.

    Parameters
    ----------
    turn : (2, 3), from points (x, y, 1) of the result to points (x, y) of the plane, in pixels of
        each; pixel k covers k..k+1.
    size : (height, width) of the result.
    cubic : bicubic (a = -0.75) instead of bilinear.
    beyond : what lies beyond the plane; without it its border goes on.

    Returns (height, width[, C]), of the plane's type, float32 or uint8.
    """
    import cv2

    centres = np.array(turn, dtype=np.float64)
    centres[:, 2] += 0.5 * (centres[:, 0] + centres[:, 1]) - 0.5
    border = cv2.BORDER_REPLICATE if beyond is None else cv2.BORDER_CONSTANT
    how = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    channels = 1 if plane.ndim == 2 else plane.shape[2]
    parts = [
        cv2.warpAffine(
            np.ascontiguousarray(plane if channels <= 4 else plane[..., k : k + 4]),
            centres, size[::-1], flags=how | cv2.WARP_INVERSE_MAP,
            borderMode=border, borderValue=(beyond or 0.0,) * 4,
        ).reshape(*size, *((-1,) if plane.ndim == 3 else ()))
        for k in range(0, channels, 4)
    ]  # fmt: skip
    return np.asarray(parts[0] if len(parts) == 1 else np.concatenate(parts, -1), plane.dtype)


def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur of (H, W[, C]), edges replicated; wide ones run on a reduced plane."""
    if sigma < 0.3:
        return plane
    height, width = plane.shape[:2]
    factor = int(min(sigma // 2.5, height // 4, width // 4))
    if factor < 2:
        return _gauss(plane, sigma)
    small = _gauss(_reduced(plane, factor), sigma / factor)
    # shrinking and enlarging make it two hundredths wider
    large = _enlarged(small, (factor * small.shape[0], factor * small.shape[1]))
    return np.ascontiguousarray(large[:height, :width])


def _gauss(plane: Plane, sigma: float) -> Plane:
    """Blur of (H, W[, C]), on its own grid."""
    import cv2

    reach = 1 if sigma < 0.8 else int(np.ceil(3 * sigma))
    if sigma < 0.8:  # the bell is too narrow to be sampled
        side = 0.5 * sigma * sigma
        weights = np.array([side, 1 - 2 * side, side], np.float32)
    else:
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        weights = (weights / weights.sum()).astype(np.float32)
    source = np.ascontiguousarray(plane, dtype=np.float32)
    blurred = cv2.sepFilter2D(source, cv2.CV_32F, weights, weights, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(plane.shape)


def _reduced(plane: Plane, factor: int) -> Plane:
    """Means of `factor` x `factor` pixels of (H, W[, C]); of fewer in the last row and column."""
    return each(lambda p: _means(p, factor), plane)


def _means(plane: Plane, factor: int) -> Plane:
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.reduce(factor), dtype=np.float32)


def _enlarged(plane: Plane, size: tuple[int, int]) -> Plane:
    """(H, W[, C]) at a larger `size` (height, width), bilinear."""
    import cv2

    source = np.ascontiguousarray(plane, dtype=np.float32)
    large = cv2.resize(source, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32).reshape(*size, *plane.shape[2:])


def smoothstep(low: float, high: float, x: Plane) -> Plane:
    """0 below `low`, 1 above `high`, cubic between; with `low` > `high` it falls instead."""
    t = np.asarray(np.subtract(x, low), dtype=np.float32)
    t *= np.float32(1 / (high - low))
    np.clip(t, 0.0, 1.0, out=t)
    out = t * np.float32(-2.0)
    out += np.float32(3.0)
    out *= t
    out *= t
    return out


def eased(low: float, high: float, value: float) -> float:
    """`smoothstep` of one number."""
    return float(smoothstep(low, high, np.array([value], np.float32))[0])


def grow(mask: Plane, radius: float) -> Plane:
    """Soft dilation of a 0..1 mask (H, W).

    Beyond a straight edge it is 1 for 0.4 of `radius` (pixels), falls through a half at two thirds
    and is 0 from 1.3 on; less is gained around small spots.
    """
    if radius < 0.5:
        return mask
    return smoothstep(0.02, 0.25, blur(mask, radius / 1.65))


def dilate(mask: Mask, r: int, beyond: bool = False) -> Mask:
    """Whether anything is set in the square of 2 `r` + 1 around each pixel of (H, W).

    `beyond` is what lies beyond the plane.
    """
    if r < 1:
        return mask.copy()
    import cv2

    square = np.ones((2 * r + 1, 2 * r + 1), np.uint8)
    found = cv2.dilate(
        np.ascontiguousarray(mask).view(np.uint8), square,
        borderType=cv2.BORDER_CONSTANT, borderValue=(float(beyond),) * 4,
    )  # fmt: skip
    return found.view(np.bool_)


def reached(start: Mask, passable: Mask, gap: int, steps: int | None = None) -> Mask:
    """`start` (H, W) and what of `passable` can be walked to from there, over gaps of less than
    `gap` pixels; in at most `steps` of `gap`."""
    wanted = start | passable
    if not wanted.any():
        return start
    rows, columns = (
        slice(int(k[0]), int(k[-1]) + 1) for k in (np.flatnonzero(wanted.any(i)) for i in (1, 0))
    )
    here, way = start[rows, columns], passable[rows, columns]
    for _ in range(sum(here.shape) if steps is None else steps):
        grown = dilate(here, gap) & (way | here)
        if np.array_equal(grown, here):
            break
        here = grown
    found = np.zeros_like(start)
    found[rows, columns] = here
    return found


def largest(mask: Mask) -> Mask:
    """The largest part of (H, W) that hangs together, corners included."""
    import cv2

    count, parts, told, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask).view(np.uint8), connectivity=8
    )
    if count < 2:
        return np.zeros_like(mask)
    area = told[1:, cv2.CC_STAT_AREA]
    return np.asarray(parts == 1 + int(area.argmax()))


def shrink(mask: Plane, radius: float) -> Plane:
    """Soft erosion of a 0..1 mask (H, W): what `grow` does to its complement."""
    return 1.0 - grow(1.0 - mask, radius)


def _half(planes: Plane) -> Plane:
    """Means of 2 x 2 pixels of (..., H, W); beyond an odd side there are zeros."""
    height, width = planes.shape[-2:]
    rows = planes[..., ::2, :] * np.float32(0.25)
    pairs = rows[..., : height // 2, :]
    pairs += np.float32(0.25) * planes[..., 1::2, :]
    out = rows[..., ::2].copy()
    out[..., : width // 2] += rows[..., 1::2]
    return out


def _twice(planes: Plane, out: Plane) -> None:
    """(C, h, w), bilinearly at twice the size, into (C, H, W), which may lack the last row and
    column: what `_half` made comes back to where it was."""
    rows = np.empty((len(planes), out.shape[1], planes.shape[2]), np.float32)
    _stretch(planes.swapaxes(1, 2), rows.swapaxes(1, 2))
    _stretch(rows, out)


def _stretch(planes: Plane, out: Plane) -> None:
    """`_twice` along the last axis."""
    near, far = planes * np.float32(0.75), planes * np.float32(0.25)
    far = np.concatenate([far[..., :1], far, far[..., -1:]], -1)
    for odd in (0, 1):
        half = out[..., odd::2]
        count = half.shape[-1]
        np.add(near[..., :count], far[..., 2 * odd : 2 * odd + count], out=half)


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
    many = value[..., None] if value.ndim == 2 else value
    v = np.ascontiguousarray(np.moveaxis(many, 2, 0), dtype=np.float32)  # (C, H, W) from here on
    w = np.clip(weight, 0.0, 1.0).astype(np.float32)
    levels = [(v * w, w)]
    while min(levels[-1][1].shape) > 2:
        numerator, denominator = (_half(p) for p in levels[-1])
        scale = np.minimum(1.0, 4.0 * denominator) / np.maximum(denominator, 1e-6)
        levels.append((numerator * scale, denominator * scale))
    numerator, denominator = levels[-1]
    total = float(denominator.sum())
    mean = numerator.sum((1, 2)) / max(total, 1e-6)
    out = np.broadcast_to(mean[:, None, None], numerator.shape)
    for numerator, denominator in reversed(levels):
        height, width = denominator.shape
        hold = np.minimum(1.0, denominator)
        # all with a rim of one pixel, so that neighbours lie at fixed distances in memory
        held, around, other = (
            np.zeros((len(v), height + 2, width + 2), np.float32) for _ in range(3)
        )
        free = np.zeros((height + 2, width + 2), np.float32)
        np.multiply(numerator, hold / np.maximum(denominator, 1e-6), out=_inner(held))
        np.subtract(1.0, hold, out=_inner(free))
        _twice(out, _inner(around))
        around *= free
        around += held
        free *= 0.25
        for _ in range(relax):
            _go_on(around)
            _step(around, held, free, other)
            around, other = other, around
        out = _inner(around)
    return np.ascontiguousarray(out[0] if value.ndim == 2 else np.moveaxis(out, 0, 2))


def _inner(planes: Plane) -> Plane:
    return planes[..., 1:-1, 1:-1]


def _go_on(planes: Plane) -> None:
    """Copy to the rim of (C, H, W) what lies within it; corners are not needed."""
    planes[:, 0], planes[:, -1] = planes[:, 1], planes[:, -2]
    planes[:, :, 0], planes[:, :, -1] = planes[:, :, 1], planes[:, :, -2]


def _step(planes: Plane, held: Plane, free: Plane, out: Plane) -> None:
    """One Jacobi step from (C, H, W) to `out`, on unbroken memory; the rim's values are void."""
    count, row = planes.shape[0], planes.shape[2]
    flat, low, high = planes.reshape(count, -1), row + 1, free.size - row - 1
    new = out.reshape(count, -1)[:, low:high]
    np.add(flat[:, low - row : high - row], flat[:, low + row : high + row], out=new)
    new += flat[:, low - 1 : high - 1]
    new += flat[:, low + 1 : high + 1]
    new *= free.ravel()[low:high]
    new += held.reshape(count, -1)[:, low:high]
