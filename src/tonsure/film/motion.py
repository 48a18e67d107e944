"""How a part of the picture moves from one frame to another: similarities, from points followed.

Points are followed from a keyframe to the frame at hand, not from frame to frame: errors do not add
up. Against a known motion with noise and JPEG's blocks this is true to a tenth of a pixel, where
the face mesh trembles by a whole one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]

_WINDOW = (17, 17)
_LEVELS = 2
_OFF = 1.5  # pixels by which a point may miss the motion of its part
_LEAST = 6  # points that tell a motion


@dataclass(frozen=True)
class Motion:
    """A turn with a scale, and a shift: p -> `turn` * p + `shift` of points x + iy in pixels;
    pixel k covers k..k+1."""

    turn: complex = 1 + 0j
    shift: complex = 0j

    def __call__(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Points (..., 2) where they have gone to."""
        xy = np.asarray(points, dtype=np.float64)
        moved = self.turn * (xy[..., 0] + 1j * xy[..., 1]) + self.shift
        return np.stack([moved.real, moved.imag], -1)

    def then(self, other: Motion) -> Motion:
        """This motion, and `other` after it."""
        return Motion(other.turn * self.turn, other.turn * self.shift + other.shift)

    @property
    def back(self) -> Motion:
        """The way back."""
        return Motion(1 / self.turn, -self.shift / self.turn)

    def warp(self, corner: tuple[int, int], other: tuple[int, int]) -> npt.NDArray[np.float64]:
        """(2, 3) for `cv2.warpAffine` with WARP_INVERSE_MAP: from pixels of a piece whose corner
        has gone to `other` to those of a piece cut at `corner` before."""
        way = self.back
        half = 0.5 + 0.5j
        shift = way.turn * (complex(*other) + half) + way.shift - complex(*corner) - half
        a = way.turn
        return np.array([[a.real, -a.imag, shift.real], [a.imag, a.real, shift.imag]])

    def apart(self, other: Motion, points: npt.ArrayLike) -> float:
        """The largest distance in pixels at which the two put `points` (N, 2)."""
        return float(np.abs(self(points) - other(points)).max())


STILL = Motion()


def fit(before: npt.ArrayLike, after: npt.ArrayLike) -> Motion:
    """The similarity that brings points (N, 2) `before` nearest to those `after`, N >= 2."""
    p, q = (np.asarray(k, dtype=np.float64) for k in (before, after))
    a, b = p[..., 0] + 1j * p[..., 1], q[..., 0] + 1j * q[..., 1]
    a0, b0 = a.mean(), b.mean()
    turn = complex((np.conj(a - a0) * (b - b0)).sum() / max((np.abs(a - a0) ** 2).sum(), 1e-9))
    return Motion(turn, complex(b0 - turn * a0))


def mixed(one: Motion, other: Motion, share: float) -> Motion:
    """`share` 0 is `one`, 1 is `other`."""
    return Motion(
        one.turn + share * (other.turn - one.turn), one.shift + share * (other.shift - one.shift)
    )


def corners(grey: Grey, where: npt.NDArray[np.bool_], most: int, apart: float) -> Points:
    """Points (N, 2) of `grey` (H, W) that can be followed, within `where` (H, W); at most `most`,
    at least `apart` pixels from each other."""
    import cv2

    ys, xs = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if len(ys) == 0:
        return np.zeros((0, 2), np.float32)
    part = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    found: Any = cv2.goodFeaturesToTrack(
        np.ascontiguousarray(grey[part]), most, 0.01, max(apart, 2.0),
        mask=np.ascontiguousarray(where[part]).astype(np.uint8),
    )  # fmt: skip
    if found is None:
        return np.zeros((0, 2), np.float32)
    return np.asarray(
        found[:, 0] + np.array([xs[0] + 0.5, ys[0] + 0.5], np.float32), dtype=np.float32
    )


def follow(before: Grey, after: Grey, points: Points, guess: Motion) -> Motion | None:
    """Where a part has gone whose `points` (N, 2) lie in the frame `before`; None if it cannot be
    told. `guess` is about where; frames are (H, W), the motion is from `before` to `after`."""
    pairs = _pairs(before, after, points, guess)
    return None if pairs is None else _agreed(*pairs)


def shifted(
    before: Grey, after: Grey, points: Points, guess: Motion, turn: complex, near: complex,
    reach: float,
) -> Motion | None:  # fmt: skip
    """As `follow`, of a part that bends: `turn` is given, and the shift is that of most points
    around `near` (in `before`), within about `reach` pixels."""
    pairs = _pairs(before, after, points, guess)
    if pairs is None:
        return None
    p, q = (k[:, 0] + 1j * k[:, 1] for k in pairs)
    weight = np.exp(-np.abs(p - near) / reach)
    off = q - turn * p
    return Motion(turn, complex(_median(off.real, weight), _median(off.imag, weight)))


def _median(values: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def _pairs(
    before: Grey, after: Grey, points: Points, guess: Motion
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Points that were found again, (N, 2) each, or None if they are few."""
    import cv2

    if len(points) < _LEAST:
        return None
    start = np.asarray(guess(points) - 0.5, np.float32)
    height, width = after.shape
    inside = ((start > -8) & (start < np.array([width + 8, height + 8], np.float32))).all(1)
    if inside.sum() < _LEAST:
        return None
    here = np.ascontiguousarray(points[inside] - np.float32(0.5))
    moved: Any
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, here, start[inside].copy(), winSize=_WINDOW, maxLevel=_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )  # fmt: skip
    kept = (found[:, 0] > 0) & np.isfinite(moved).all(1)
    if kept.sum() < _LEAST:
        return None
    return here[kept].astype(np.float64) + 0.5, moved[kept].astype(np.float64) + 0.5


def _agreed(before: npt.ArrayLike, after: npt.ArrayLike) -> Motion | None:
    """The motion of most points: those that miss it are left out, from round to round."""
    import cv2

    p, q = np.asarray(before, np.float64), np.asarray(after, np.float64)
    cv2.setRNGSeed(7)
    matrix, agree = cv2.estimateAffinePartial2D(p, q, ransacReprojThreshold=_OFF, maxIters=500)
    if matrix is None or agree is None or agree.sum() < max(_LEAST, 0.25 * len(p)):
        return None
    close = agree[:, 0] > 0
    return fit(p[close], q[close])
