"""Patches of a small plane: their costs, their votes, and the bookkeeping of what is known.

The parts of exemplar completion (`behind`) that know nothing of hair or heads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur, dilate

Index = npt.NDArray[np.intp]

_TINY = np.float32(1e-6)
_GRAVITY = 30.0  # squared grey levels per squared eye distance
_PLAIN = 0.15  # what a source's own unrest costs
_DULL = 1.2  # and in cloth, being calmer than most: else a pattern grows bald


def mean(plane: Plane, step: int) -> Plane:
    """Means of blocks of ``step`` squared, edges replicated."""
    if step == 1:
        return plane.astype(np.float32)
    height, width = plane.shape[:2]
    pad = [(0, -height % step), (0, -width % step)] + [(0, 0)] * (plane.ndim - 2)
    p = np.pad(plane, pad, mode="edge")
    rows = sum(p[k::step] for k in range(1, step)) + p[::step].astype(np.float32, copy=False)
    out: Plane = sum(rows[:, k::step] for k in range(1, step)) + rows[:, ::step]
    out *= np.float32(1 / step**2)
    return out


def per(total: Plane, weight: Plane) -> Plane:
    """Sums (h, w, 3) over weights (h, w)."""
    return (total / np.maximum(weight, _TINY)[..., None]).astype(np.float32, copy=False)


def spread(value: Plane, weight: Plane, sigma: float) -> tuple[Plane, Plane]:
    """Weighted blur, and how much weight each pixel found."""
    total = blur(weight, sigma)
    return per(blur(value * weight[..., None], sigma), total), total


def windows(plane: Plane, r: int, at: Index | None = None) -> Plane:
    """Surroundings of every pixel, or of those that are counted in `at`: (n, (2 r + 1)^2 C)."""
    pad = [(r, r), (r, r)] + [(0, 0)] * (plane.ndim - 2)
    view = np.lib.stride_tricks.sliding_window_view(
        np.pad(plane, pad, mode="edge"), (2 * r + 1, 2 * r + 1), (0, 1)
    )
    if at is not None:
        return np.asarray(view[np.divmod(at, plane.shape[1])].reshape(len(at), -1))
    return np.asarray(view.reshape(plane.shape[0] * plane.shape[1], -1))


def all_known(weight: Plane, r: int) -> npt.NDArray[np.bool_]:
    """Pixels whose whole surroundings lie within the plane and are known."""
    return ~dilate(weight <= 0.97, r, beyond=True)


def bell(r: int) -> Plane:
    d = np.arange(-r, r + 1, dtype=np.float32) / (r + 0.5)
    one = np.exp(-1.2 * d * d)
    return np.outer(one, one).ravel().astype(np.float32)


class Patches:
    """The sources of one level, laid out so that one product of matrices gives all costs."""

    def __init__(self, value: Plane, unit: float, sources: Index, r: int, span: int = 0) -> None:
        """`value` (h, w, 3) at `unit` px per eye distance; `sources` are counted in it, `r` is the
        patches' radius; after `span` columns, if any, the plane begins again."""
        self.r, self.width, self.sources = r, value.shape[1], sources
        self.gravity = _GRAVITY / unit**2
        self.bell = bell(r)
        feature = windows(value, r, sources)
        squares = (feature.reshape(len(sources), 3, -1) ** 2).sum(1)
        mean = feature.reshape(len(sources), 3, -1).mean(-1, keepdims=True)
        unrest = ((feature.reshape(len(sources), 3, -1) - mean) ** 2).sum((1, 2)) / self.bell.size
        unrest = unrest - np.median(unrest)
        dull = _DULL * np.maximum(-unrest, 0) if span else 0
        y, x = np.divmod(sources, self.width)
        x = x % span if span else x
        cost = self.gravity * (y * y + x * x) + _PLAIN * np.maximum(unrest, 0) + dull
        extra = np.stack([y, x, cost], -1)
        self.table = np.ascontiguousarray(
            np.concatenate([feature, squares, extra], -1).T, dtype=np.float32
        )

    def nearest(self, value: Plane, trust: Plane, targets: Index) -> tuple[Index, Plane]:
        """The best source of every target and the squared difference there per pixel."""
        t = windows(value, self.r, targets)
        w = windows(trust, self.r, targets) * self.bell
        w /= np.maximum(w.sum(-1, keepdims=True), _TINY)
        w3 = np.tile(w, 3)
        y, x = np.divmod(targets, self.width)
        pull = np.stack([-2 * self.gravity * y, -2 * self.gravity * x, np.ones(len(y))], -1)
        query = np.concatenate([-2 * w3 * t, w, pull], -1).astype(np.float32)
        cost = query @ self.table
        best = cost.argmin(1)
        rows = np.arange(len(best))
        difference = (
            cost[rows, best]
            - (query[:, -3:] * self.table[-3:, best].T).sum(-1)
            + (w3 * t * t).sum(-1)
        )
        return self.sources[best], np.maximum(difference, 0).astype(np.float32)


def vote(
    value: Plane, source: Plane, targets: Index, places: Index, hole: npt.NDArray[np.bool_], r: int
) -> Plane:
    """``value`` with the hole's pixels replaced by the mean of all patches laid over them."""
    height, width = hole.shape
    wide = width + 2 * r
    total = np.zeros(((height + 2 * r) * wide, 4), np.float32)
    padded = np.ones((height + 2 * r, wide, 4), np.float32)
    padded[..., :3] = np.pad(source, ((r, r), (r, r), (0, 0)), mode="edge")
    padded = padded.reshape(-1, 4)
    at = (targets // width + r) * wide + targets % width + r
    take = (places // width + r) * wide + places % width + r
    weights = bell(r).reshape(2 * r + 1, 2 * r + 1)
    for dy in range(-r, r + 1):
        for dx in range(-r, r + 1):
            shift = dy * wide + dx
            total[at + shift] += weights[dy + r, dx + r] * padded[take + shift]
    total = total.reshape(height + 2 * r, wide, 4)[r : height + r, r : width + r]
    mean = total[..., :3] / np.maximum(total[..., 3:], _TINY)
    return np.where((hole & (total[..., 3] > 0))[..., None], mean, value)


def thin(candidates: Index, near: Plane, most: int) -> Index:
    """At most ``most`` of the candidates: those with the highest ``near``."""
    if len(candidates) <= most:
        return candidates
    order = np.argsort(-near.ravel()[candidates], kind="stable")[:most]
    return np.sort(candidates[order])
