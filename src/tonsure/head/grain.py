"""Grain: the fine structure a photo has everywhere, laid over what was filled in.

Pores, fabric, sensor noise and JPEG noise are taken from visible pixels of the same layer and
quilted over the hole in windowed patches (Efros and Freeman's quilting, with random choice and
windows that keep the variance instead of cuts).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur

_ENOUGH = 50_000  # pixels to know a texture's spread


def detail(luma: Plane, sigma: float) -> Plane:
    """What of `luma` (H, W) is finer than `sigma` pixels: (H, W), about 0."""
    return luma - blur(luma, sigma)


def _sums(plane: npt.NDArray[Any], kind: type[Any]) -> npt.NDArray[Any]:
    """Of (H, W) what lies above and left of every corner of a pixel: (H + 1, W + 1)."""
    out = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1), kind)
    np.cumsum(plane, 0, out=out[1:, 1:])
    np.cumsum(out[1:, 1:], 1, out=out[1:, 1:])
    return out


def _boxes(table: npt.NDArray[Any], y: Any, x: Any, half: int) -> npt.NDArray[Any]:
    """Sums of squares of 2 `half` + 1 whose first pixel is (y, x), of a table of `_sums`."""
    far = 2 * half + 1
    out = table[y + far, x + far] - table[y, x + far] - table[y + far, x] + table[y, x]
    return np.asarray(out)


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
    table = _sums(solid, np.int32)
    rows, columns = (np.arange(0, side - 2 * half - 1, 2) for side in (height, width))
    full = _boxes(table, rows[:, None], columns, half)
    for share in (0.995, 0.9, 0.75):
        ys, xs = np.nonzero(full > share * (2 * half + 1) ** 2)
        if len(ys) > 12:
            break
    if len(ys) == 0:
        return out
    ys, xs = ys * 2, xs * 2
    values = texture[solid]
    values = values[:: max(1, len(values) // _ENOUGH)]
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle))) + 1e-3
    calm = np.clip(texture - middle, -limit * spread, limit * spread)
    # the calmest patches: no wrinkle, no freckle, no stray hair
    energy = _boxes(_sums(calm * calm, np.float64), ys, xs, half)
    order = np.argsort(energy)[: max(12, int(0.35 * len(energy)))]
    ys, xs = ys[order], xs[order]
    ramp = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
    window = np.outer(ramp, ramp)
    power = np.full_like(texture, 1e-6)
    step = max(2, int(size * 0.6))
    table = _sums(wanted > 0.003, np.int32)
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
            if table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0] <= 0:
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
    return np.where(wanted > 0, out / np.sqrt(power), 0).astype(np.float32)
