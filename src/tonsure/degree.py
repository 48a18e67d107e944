"""How hair goes: when each pixel loses its hair, and how bald a pixel is at a degree.

A time map says at which degree a pixel goes. It is made even by rank: every step bares the same
share of what there is to bare, whatever the head. `recede`: the hairline climbs, temples ahead,
hair standing off the head shrinks towards it, the sides go last and long hair shortens from
outside. `thin`: strand by strand everywhere.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from .errors import BadOption
from .planes import Plane, blur, smoothstep

Bytes = npt.NDArray[np.uint8]
STYLES = ("recede", "thin")
_SOFT = {"recede": 0.14, "thin": 0.30}  # how long one pixel takes, in degrees


class Timed(Protocol):
    """What `weight` needs of a bald head: `mask`, `time` and `thin` (h, w) uint8."""

    @property
    def mask(self) -> Bytes: ...
    @property
    def time(self) -> Bytes: ...
    @property
    def thin(self) -> Bytes: ...


def order(x: Plane, y: Plane, reach: Plane, hairline: float, top: float) -> Plane:
    """When hair goes by place alone: (H, W) float32, about 0..1; only its order counts.

    Parameters
    ----------
    x, y : (H, W), eye distances from between the eyes, y down.
    reach : (H, W), distance from the head's centre over the outline's there; 1 on the outline.
    hairline, top : y of the hairline's middle and of the crown, eye distances.
    """
    climb = (hairline - y) / max(hairline - top, 0.2)
    temples = 0.35 * np.clip(np.abs(x) / 0.9, 0, 1) ** 2 * smoothstep(1.25, 0.7, np.abs(x))
    crown = 0.10 + 0.62 * np.clip(climb - temples, 0, 1.1)
    side = smoothstep(-0.75, -0.25, y) + smoothstep(1.0, 1.35, np.abs(x)) * smoothstep(
        -1.3, -0.7, y
    )
    side = np.clip(side, 0, 1)
    inside = crown * (1 - side) + 0.92 * side
    off = np.clip(reach - 1, 0, 2)
    volume = 0.78 - 0.75 * np.clip(off / 0.45, 0, 1) ** 0.8
    hanging = 0.95 - 0.45 * np.clip(off / 1.2, 0, 1)
    outside = volume * (1 - side) + hanging * side
    out = smoothstep(0.98, 1.04, reach)
    return np.asarray(inside * (1 - out) + outside * out, dtype=np.float32)


def pattern(luma: Plane, unit: float) -> Plane:
    """The hair's own strands.

    From `luma` (h, w), 0..255, with `unit` pixels per eye distance; returns (h, w) float32, -1..1.
    """
    band = blur(luma, max(0.6, 0.006 * unit)) - blur(luma, max(1.5, 0.035 * unit))
    local = np.sqrt(blur(band * band, max(3.0, 0.15 * unit))) + 0.5
    return np.asarray(np.tanh(band / (1.5 * local)), dtype=np.float32)


def even(value: Plane, mass: Plane) -> Bytes:
    """Ranks of `value` (h, w) among pixels of weight `mass` (h, w), which is not negative.

    Returns (h, w) uint8, 0 for the lowest: equal steps of it hold equal shares of the mass.
    """
    low, high = float(value.min()), float(value.max())
    bins = np.clip((value - low) / max(high - low, 1e-6) * 4095, 0, 4095).astype(np.int32)
    counts = np.bincount(bins.ravel(), weights=mass.ravel().astype(np.float64), minlength=4096)
    below = np.cumsum(counts) - 0.5 * counts
    rank = (below / max(float(counts.sum()), 1e-6) * 255).round().astype(np.uint8)
    return np.asarray(rank[bins])


def check(degree: float, style: str) -> None:
    """Raise `BadOption` for a degree outside 0..1 or an unknown style."""
    if not 0.0 <= degree <= 1.0:  # NaN fails too
        raise BadOption(f"The degree is {degree}; it goes from 0 (untouched) to 1 (fully bald).")
    if style not in STYLES:
        raise BadOption(f"There is no style {style!r}; choose {' or '.join(STYLES)}.")


def weight(bare: Timed, degree: float, style: str = "recede") -> Bytes:
    """How bald each pixel is at `degree` (0..1): (h, w) uint8, 0 keeps the photo.

    Never falls as the degree grows; the head's mask at 1.  Raises `BadOption`, see `check`.
    """
    check(degree, style)
    if degree >= 1.0:
        return bare.mask
    if degree <= 0.0:
        return np.zeros_like(bare.mask)
    soft = _SOFT[style]
    t = np.arange(256) / 255.0
    s = np.clip((degree * (1 + soft) - t) / soft, 0, 1)
    table = (s * s * (3 - 2 * s) * 255).round().astype(np.uint8)
    gone = Image.fromarray(bare.time if style == "recede" else bare.thin).point(table.tolist())
    return np.asarray(ImageChops.multiply(Image.fromarray(bare.mask), gone))
