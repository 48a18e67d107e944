"""Is what is left a head? Its outline against those of people who are bald.

Where hair is painted over with whatever is near, skin runs into the background and beside the
neck; a judge of labels hardly minds, the outline tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tonsure.lab.evaluate.seen import OVAL, Seen

Vector = npt.NDArray[np.float64]

ANGLES = np.arange(-120, 121, 10)
"""Degrees, 0 upwards, clockwise, around the point between the eyes."""
FILE = Path(__file__).resolve().parent.parent / "assets" / "bald_heads.npz"
"""Made by `scripts/measure_heads.py` from the parser's view of bald people."""


def outline(seen: Seen) -> Vector:
    """How far skin, ears and neck reach without a break, less how far the mesh's oval does: (25,)
    eye distances; NaN at the photo's border."""
    turn = np.radians(ANGLES)[:, None]
    reach = np.arange(0.3, 3.0, 0.03)
    columns = (reach * np.sin(turn) - seen.x[0, 0]) / (seen.x[0, 1] - seen.x[0, 0])
    rows = (-reach * np.cos(turn) - seen.y[0, 0]) / (seen.y[1, 0] - seen.y[0, 0])
    height, width = seen.hair.shape
    within = (columns > 0) & (columns < width - 1) & (rows > 0) & (rows < height - 1)
    across = np.clip(columns, 0, width - 1).round().astype(int)
    down = np.clip(rows, 0, height - 1).round().astype(int)
    flesh = np.where(within, seen.flesh[down, across], 0)
    inside = within & seen.inside[down, across]
    out = np.full(len(ANGLES), np.nan)
    for k in range(len(ANGLES)):
        # a break is three samples long: a strap of glasses or an ear's shadow is none
        gone = np.convolve(flesh[k] < 0.5, np.ones(3), "valid") == 3
        first = int(np.argmax(gone)) if gone.any() else len(reach) - 1
        if inside[k, : first + 1].all():
            out[k] = reach[first]
    points = seen.mesh[list(OVAL)]
    angle = np.degrees(np.arctan2(points[:, 0], -points[:, 1]))
    order = np.argsort(angle)
    radius = np.hypot(points[:, 0], points[:, 1])[order]
    return np.asarray(out - np.interp(ANGLES, angle[order], radius, period=360))


@dataclass(frozen=True)
class Heads:
    """Outlines of bald people: `mean` (25,), `precision` (25, 25), and the `limit` of their own
    oddness that 95 in 100 of them keep."""

    mean: Vector
    precision: Vector
    limit: float

    @classmethod
    def of(cls, outlines: Vector, slack: float = 0.003) -> Heads:
        """From (N, 25) outlines, gaps filled with the mean; `slack` is added to each variance."""
        mean = np.nanmean(outlines, 0)
        whole = np.where(np.isfinite(outlines), outlines, mean)
        spread = np.cov(whole.T) + np.eye(len(ANGLES)) * slack
        precision = np.linalg.inv(spread).astype(np.float64)
        first = cls(mean, precision, 0.0)
        odd = [first.odd(row) for row in outlines]
        return cls(mean, precision, float(np.nanquantile(odd, 0.95)))

    def odd(self, found: Vector) -> float:
        """Mahalanobis distance of an outline (25,), over the square root of 25: about 0.7 for a
        bald head. NaN where less than half of the outline is in the photo."""
        known = np.isfinite(found)
        if known.mean() < 0.5:
            return float("nan")
        off = np.where(known, found - self.mean, 0)
        return float(np.sqrt(off @ self.precision @ off / len(ANGLES)))

    def save(self, file: Path) -> None:
        """Write what `heads` reads."""
        mean, precision = self.mean.astype(np.float32), self.precision.astype(np.float32)
        np.savez_compressed(file, mean=mean, precision=precision, limit=np.float32(self.limit))


@cache
def heads(file: Path = FILE) -> Heads:
    """The bald people's outlines that come with the package."""
    with np.load(file) as found:
        return Heads(
            found["mean"].astype(np.float64),
            found["precision"].astype(np.float64),
            float(found["limit"]),
        )
