"""Grain: the fine structure a photo has everywhere, laid over what was filled in.

Pores, fabric, sensor noise and JPEG noise are taken from visible pixels of the same layer and
quilted over the hole in windowed patches (Efros and Freeman's quilting, with random choice and
windows that keep the variance instead of cuts).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur

_ENOUGH = 50_000  # pixels to know a texture's spread
_SOME = 24  # patches that tell it of one in full


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


@dataclass(frozen=True)
class Patch:
    """One patch laid with its upper left corner at `top`, `left` (may lie beyond the plane), from
    the `source` of this number, mirrored or not."""

    top: int
    left: int
    source: int
    turned: bool


class Quilt:
    """What is wanted covered with patches of a texture, known before any of it is laid.

    Parameters
    ----------
    texture : (h, w), what `detail` gave.
    source : (h, w) 0..1; patches come from where it is above a half, the calmest first.  Where
        there is little of it, up to a quarter of a patch may lie beside it.
    wanted : (h, w), positive where to cover.
    size : the patch's side in pixels of the texture in full.
    generator : chooses the patches.
    limit : robust deviations beyond which values are clipped (spots, stray hair).
    step, shape, fetch : if the planes are smaller than the texture is in full: how many times, its
        height and width in full, and what gives `size` x `size` of it from a row and column on.

    Nothing is laid where there is no source.
    """

    def __init__(
        self,
        texture: Plane,
        source: Plane,
        wanted: Plane,
        size: int,
        generator: np.random.Generator,
        limit: float = 3.0,
        *,
        step: int = 1,
        shape: tuple[int, int] | None = None,
        fetch: Callable[[int, int, int], Plane] | None = None,
    ) -> None:
        self.shape = shape or (texture.shape[0], texture.shape[1])
        self.size = int(np.clip(size, 6, min(self.shape) // 2))
        self._fetch = fetch or (lambda y, x, n: texture[y : y + n, x : x + n])
        self._sources: list[tuple[int, int]] = []
        self.patches: list[Patch] = []
        solid = source > 0.5
        half = -(-self.size // step) // 2
        blocks = half + 1  # of 2 x 2 pixels, that hold a patch
        full = _sums(_twos(solid.astype(np.float32)), blocks)
        for share in (0.995, 0.9, 0.75):
            ys, xs = np.nonzero(full > share * 4 * blocks**2)
            if len(ys) > 12:
                break
        if len(ys) == 0:
            return
        self._middle, spread = _spread(texture[solid])
        self._most = limit * spread
        calm = self._calm(texture)
        # the calmest patches: no wrinkle, no freckle, no stray hair
        energy = _sums(_twos(calm * calm), blocks)[ys, xs]
        order = np.argsort(energy)[: max(12, int(0.35 * len(energy)))]
        corners = 2 * step * np.stack([ys[order], xs[order]], 1)
        corners = np.clip(corners, 0, np.array(self.shape) - self.size) if step > 1 else corners
        self._sources = [(int(y), int(x)) for y, x in corners]
        if step > 1:  # the spread in full is not that of means
            some = self._sources[:: max(1, len(self._sources) // _SOME)]
            self._middle, spread = _spread(
                np.concatenate([self._fetch(y, x, self.size).ravel() for y, x in some])
            )
            self._most = limit * spread
        self._choose(wanted > 0.003, step, generator)

    def _calm(self, texture: Plane) -> Plane:
        calm = texture - np.float32(self._middle)
        np.maximum(calm, np.float32(-self._most), out=calm)
        return np.asarray(np.minimum(calm, np.float32(self._most), out=calm), np.float32)

    def _choose(
        self, lacking: npt.NDArray[np.bool_], step: int, generator: np.random.Generator
    ) -> None:
        (height, width), size = self.shape, self.size
        every = max(2, int(size * 0.6))
        table = np.zeros((lacking.shape[0] + 1, lacking.shape[1] + 1), np.int64)
        np.cumsum(np.cumsum(lacking, 0), 1, out=table[1:, 1:])
        for top in range(-(size // 2), height, every):
            rows = table[[max(top, 0) // step, -(-min(top + size, height) // step)]]
            within = (rows[1] - rows[0]).tolist()
            for left in range(-(size // 2), width, every):
                ends = max(left, 0) // step, -(-min(left + size, width) // step)
                if within[ends[1]] > within[ends[0]]:
                    pick = int(generator.integers(len(self._sources)))
                    self.patches.append(Patch(top, left, pick, bool(generator.random() < 0.5)))

    def part(self, rows: slice, columns: slice) -> Plane:
        """`rows` and `columns` of what is laid, float32 about 0."""
        size = self.size
        (top, bottom), (start, stop) = ((one.start, one.stop) for one in (rows, columns))
        out = np.zeros((bottom - top, stop - start), np.float32)
        power = np.full_like(out, 1e-6)
        ramp = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
        window = np.outer(ramp, ramp)
        for one in self.patches:
            if not (top - size < one.top < bottom and start - size < one.left < stop):
                continue
            patch = self._calm(self._fetch(*self._sources[one.source], size))
            if one.turned:
                patch = patch[:, ::-1]
            a, b = max(top - one.top, 0), max(start - one.left, 0)
            h = min(patch.shape[0], bottom - one.top) - a
            w = min(patch.shape[1], stop - one.left) - b
            if h < 1 or w < 1:
                continue
            soft = window[a : a + h, b : b + w]
            y, x = one.top + a - top, one.left + b - start
            out[y : y + h, x : x + w] += patch[a : a + h, b : b + w] * soft
            power[y : y + h, x : x + w] += soft * soft
        out /= np.sqrt(power)
        return out


def _spread(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Median and robust deviation of some values."""
    values = values[:: max(1, len(values) // _ENOUGH)]
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle))) + 1e-3
