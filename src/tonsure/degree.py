"""How hair goes: when each pixel loses its hair, and how bald a pixel is at a degree.

A time map says at which degree a pixel goes. It is made even by rank: every step takes away the
same share of what is seen to change, whatever the head. Strand by strand: within the zone where
hair is thinning, whole strands go one after the other, along the way they lie.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from .errors import BadOption
from .planes import Plane, blur

Bytes = npt.NDArray[np.uint8]
STYLES = ("recede", "thin")
_SOFT = {"recede": 0.22, "thin": 0.7}  # how long one pixel takes, in degrees
_BINS = 8192
_TURNS = 10


class Timed(Protocol):
    """What `weight` needs of a bald head: `mask` (h, w), and `time` and `thin`, which show the same
    with as many pixels or fewer, uint8."""

    @property
    def mask(self) -> Bytes: ...
    @property
    def time(self) -> Bytes: ...
    @property
    def thin(self) -> Bytes: ...


def strands(luma: Plane, unit: float, length: float = 0.2, own: float = 0.45) -> Plane:
    """Which strand goes before which, -1..1 (h, w): streaks along the hair.

    `luma` (h, w) 0..255 at `unit` pixels per eye distance; streaks are about `length` eye distances
    long, and are the hair's own by the share `own`, where it shows any.
    """
    if min(luma.shape) < 4:
        return np.zeros_like(luma)
    fine = luma - blur(luma, max(1.0, 0.012 * unit))
    local = np.sqrt(blur(fine * fine, max(3.0, 0.12 * unit))) + 1.5
    noise = np.random.default_rng(11).standard_normal(luma.shape, dtype=np.float32)
    source = own * np.clip(fine / local, -2.5, 2.5) + (1 - own) * noise
    bins = lie(luma, unit) * np.float32(_TURNS / np.pi)
    rounds = max(1, round(float(np.log2(max(2.0, length * unit)))))
    out = np.zeros_like(luma)
    for k in range(_TURNS):
        apart = np.abs(bins - k)
        share = 1 - np.minimum(apart, _TURNS - apart)
        out += np.maximum(share, 0) * _along(source, np.pi * k / _TURNS, rounds)
    out -= blur(out, max(2.0, 0.04 * unit))
    spread = np.sqrt(blur(out * out, max(3.0, 0.12 * unit))) + 1e-3
    return np.asarray(np.tanh(0.6 * out / spread), dtype=np.float32)


def lie(luma: Plane, unit: float) -> Plane:
    """Which way strands lie (h, w): their angle from the right, y down, 0 to pi."""
    smooth = blur(luma, max(0.7, 0.008 * unit))
    gx, gy = np.zeros_like(luma), np.zeros_like(luma)
    gx[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    gy[1:-1] = smooth[2:] - smooth[:-2]
    wide = max(2.0, 0.05 * unit)
    xx, yy, xy = blur(gx * gx, wide), blur(gy * gy, wide), blur(gx * gy, wide)
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    return np.asarray((across + np.pi / 2) % np.pi, np.float32)


def _along(plane: Plane, angle: float, rounds: int) -> Plane:
    """Mean along a direction over 2 ** rounds pixels, by doubling; less near the border."""
    out = plane
    for k in range(rounds):
        step = (-2) ** k  # to and fro: all offsets once, about centred
        out = _halfway(out, round(step * np.cos(angle)), round(step * np.sin(angle)))
    return out


def _halfway(plane: Plane, dx: int, dy: int) -> Plane:
    """Mean of a plane and itself moved by (dx, dy), where both are known."""
    h, w = plane.shape
    out = plane.copy()
    if abs(dx) < w and abs(dy) < h:
        part = out[max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)]
        part += plane[max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)]
        part *= 0.5
    return out


def even(value: Plane, mass: Plane) -> Bytes:
    """Ranks of `value` (h, w) among pixels weighted by `mass` (h, w), 0..255: equal steps take away
    equal shares."""
    low, high = float(value.min()), float(value.max())
    scaled = (value - low) * ((_BINS - 1) / max(high - low, 1e-6))
    bins = scaled.astype(np.int32)
    counts = np.bincount(bins.ravel(), weights=mass.ravel(), minlength=_BINS)
    below = np.cumsum(counts) - 0.5 * counts
    rank = (below / max(float(counts.sum()), 1e-6) * 255).round().astype(np.uint8)
    return rank[bins]


def check(degree: float, style: str) -> None:
    """Raise `BadOption` for a degree outside 0..1 or an unknown style."""
    value: Any = degree  # callers may give anything
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0.0 <= degree <= 1.0:  # NaN fails too
        raise BadOption(f"The degree is {degree!r}; it goes from 0 (untouched) to 1 (fully bald).")
    if style not in STYLES:
        raise BadOption(f"There is no style {style!r}; choose {' or '.join(STYLES)}.")


def weight(bare: Timed, degree: float, style: str = "recede") -> Bytes:
    """How bald each pixel is at `degree` (0..1): (h, w) uint8, 0 keeps the photo. Never falls as
    degree grows."""
    check(degree, style)
    if degree >= 1.0:
        return bare.mask
    if degree <= 0.0:
        return np.zeros_like(bare.mask)
    table = _ramp(_moment(degree, _SOFT[style]), _SOFT[style])
    gone = Image.fromarray(bare.time if style == "recede" else bare.thin)
    if gone.size != bare.mask.shape[::-1]:
        gone = gone.resize(bare.mask.shape[::-1], Image.Resampling.BICUBIC)
    gone = gone.point((table * 255).round().astype(np.uint8).tolist())
    return np.asarray(ImageChops.multiply(Image.fromarray(bare.mask), gone))


def _ramp(moment: float, soft: float) -> npt.NDArray[np.float64]:
    """How far each of the 256 times has gone at `moment`, 0 to 1 + soft."""
    s = np.clip((moment - np.arange(256) / 255) / soft, 0, 1)
    return np.asarray(s * s * (3 - 2 * s))


def _moment(degree: float, soft: float) -> float:
    """The moment by which the share `degree` of all has gone."""
    moments = np.linspace(0, 1 + soft, 257)
    gone = [float(_ramp(float(m), soft).mean()) for m in moments]
    return float(np.interp(degree, gone, moments))
