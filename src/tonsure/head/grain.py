"""Grain: the fine structure a photo has everywhere, laid over what was filled in.

Pores, fabric, sensor noise and JPEG noise are taken from visible pixels of the same layer and
quilted over the hole in windowed patches (Efros and Freeman's quilting, with random choice and
windows that keep the variance instead of cuts).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur

_ENOUGH = 50_000  # pixels to know a texture's spread


def detail(luma: Plane, sigma: float) -> Plane:
    """What of `luma` (H, W) is finer than `sigma` pixels: (H, W), about 0."""
    return luma - blur(luma, sigma)


def evened(texture: Plane, source: Plane, sigma: float, most: float) -> Plane:
    """`texture` (H, W) with what is coarser than `sigma` pixels weakened until, where `source` is
    above a half, it deviates by at most `most`: wrinkles and stubble turn to worms when they are
    quilted, pores do not."""
    if most == np.inf:
        return texture
    coarse = blur(texture, sigma)
    values = coarse[source > 0.5]
    values = values[:: max(1, values.size // _ENOUGH)]
    if values.size == 0:
        return texture
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    return texture - coarse * np.float32(max(0.0, 1 - most / max(spread, 1e-3)))


def _twos(plane: Plane) -> Plane:
    """Sums of 2 x 2 pixels of (H, W); odd ends are left out."""
    height, width = (side // 2 * 2 for side in plane.shape)
    rows = plane[:height:2] + plane[1:height:2]
    return rows[:, :width:2] + rows[:, 1:width:2]


def _sums(plane: Plane, side: int) -> npt.NDArray[np.float64]:
    """Sums of all squares of `side` pixels in (H, W)."""
    table = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1))
    np.cumsum(plane, 0, out=table[1:, 1:])
    np.cumsum(table[1:, 1:], 1, out=table[1:, 1:])
    rows = table[side:] - table[:-side]
    return np.asarray(rows[:, side:] - rows[:, :-side])


def quilt(
    texture: Plane,
    source: Plane,
    wanted: Plane,
    size: int,
    generator: np.random.Generator,
    limit: float = 3.0,
) -> Plane:
    """Cover what is wanted with patches of a texture.

    Parameters
    ----------
    texture : (H, W), what `detail` gave.
    source : (H, W) 0..1; patches come from where it is above a half, the calmest first.  Where
        there is little of it, up to a quarter of a patch may lie beside it.
    wanted : (H, W), positive where to cover.
    size : the patch's side in pixels.
    generator : chooses the patches.
    limit : robust deviations beyond which values are clipped (spots, stray hair).

    Returns (H, W) float32; zeros where nothing is wanted, everywhere when there is no source.
    """
    height, width = texture.shape
    size = int(np.clip(size, 6, min(height, width) // 2))
    out = np.zeros_like(texture)
    half = size // 2
    solid = source > 0.5
    blocks = half + 1  # of 2 x 2 pixels, that hold a patch
    full = _sums(_twos(solid.astype(np.float32)), blocks)
    for share in (0.995, 0.9, 0.75):
        ys, xs = np.nonzero(full > share * 4 * blocks**2)
        if len(ys) > 12:
            break
    if len(ys) == 0:
        return out
    values = texture[solid]
    values = values[:: max(1, len(values) // _ENOUGH)]
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle))) + 1e-3
    calm = np.clip(texture - middle, -limit * spread, limit * spread)
    # the calmest patches: no wrinkle, no freckle, no stray hair
    energy = _sums(_twos(calm * calm), blocks)[ys, xs]
    order = np.argsort(energy)[: max(12, int(0.35 * len(energy)))]
    ys, xs = 2 * ys[order], 2 * xs[order]
    ramp = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
    window = np.outer(ramp, ramp)
    power = np.full_like(texture, 1e-6)
    step = max(2, int(size * 0.6))
    lacking = wanted > 0.003
    for top in range(-half, height, step):
        for left in range(-half, width, step):
            y0, x0, y1, x1 = (
                max(top, 0),
                max(left, 0),
                min(top + size, height),
                min(left + size, width),
            )
            if y1 - y0 < 1 or x1 - x0 < 1:
                continue
            if not lacking[y0:y1, x0:x1].any():
                continue
            pick = int(generator.integers(len(ys)))
            patch: npt.NDArray[np.float32] = calm[
                ys[pick] : ys[pick] + size, xs[pick] : xs[pick] + size
            ]
            if generator.random() < 0.5:
                patch = patch[:, ::-1]
            a, b = y0 - top, x0 - left
            h, w = min(y1 - y0, patch.shape[0] - a), min(x1 - x0, patch.shape[1] - b)
            if h < 1 or w < 1:
                continue
            part = window[a : a + h, b : b + w]
            out[y0 : y0 + h, x0 : x0 + w] += patch[a : a + h, b : b + w] * part
            power[y0 : y0 + h, x0 : x0 + w] += part * part
    out /= np.sqrt(power)
    out *= wanted > 0
    return out
