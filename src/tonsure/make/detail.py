"""One layer under the hair completed in full detail from what is visible of it.

Two fillings are made and mixed. The *smooth* one is the guide (what the net says), moved to meet
the known pixels, or without a guide the smoothest surface through them: right where the layer is
calm, fog where it has structure. The *copy* is built of the layer's own pixels: on a plane of a few
pixels per eye distance every hidden pixel looks for the known place whose surroundings suit it
best, from the rim inwards, then all together until the overlapping patches agree (Wexler, Shechtman
and Irani's completion, with an exhaustive search because the planes are tiny); the places found are
refined one level finer and the photo's pixels are then copied from there. Their broad tones are the
agreed ones of the small plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur, dilate, eased, membrane, resize, smoothstep
from . import patches
from .level import Level, doubled

Index = npt.NDArray[np.intp]

_TINY = np.float32(1e-6)

_FINE = 24.0  # px per eye distance of the finer plane
_REACH = 1.6  # eye distances around the hole where sources may lie
_PATCH, _CLOTH_PATCH = 2, 3  # radius of patches: smaller ones make bubbles of folds
_SOURCES, _TARGETS = 1600, 2200
_VARIED = (0.06, 0.12)  # different places for each pixel to be filled, likewise
_GRAIN = 0.8  # of the fine texture of copies stays where their broad tones do not suit
_BROAD = 0.1  # eye distances
_OTHER = 0.6  # of the trust in what is seen
_SOFTER = (0.02, 0.04, 0.07, 0.1, 0.15, 0.2)  # eye distances
_SLACK, _FEW, _SMALL = 1.1, 0.98, 0.1
_CALMEST = np.float32(0.5)
_MISFIT = 0.35  # how much a squared level of the copy's error weighs beside one of fog


@dataclass(frozen=True)
class Detail:
    """``rgb`` (H, W, 3) complete; ``grained`` (H, W) 0..1 where it carries the background's
    own fine texture."""

    rgb: Plane
    grained: Plane


def complete(
    rgb: Plane, known: Plane, wanted: Plane, unit: float, guide: Plane | None = None,
    axis: float | None = None,
) -> Detail:  # fmt: skip
    """The layer wherever ``wanted`` (H, W) > 0, from where it is ``known`` (H, W).

    ``known`` is 1 where the layer is seen and nothing else is; 0 on hair, on other layers and
    outside the photo; ``unit`` is px per eye distance; ``guide`` (H, W, 3) 0..255 the smooth
    colours that the layer should have. ``axis`` is the column about which the layer is much the
    same mirrored, as clothes are: then copies come from its other side, too.
    Known pixels come back as they are; what is neither known nor wanted is smooth.
    """
    step = max(1, round(unit / _FINE))
    height, width = rgb.shape[:2]
    rows, columns = -(-height // step), -(-width // step)
    sure = known > 0.6
    fine = Level.of(rgb, sure, (wanted > 0.02) & ~sure, step, unit)
    fine.distrust_rim()
    if guide is None:
        base = membrane(fine.value, fine.weight, 10)
    else:
        told = patches.mean(guide, step)
        base = told + membrane(fine.value - told, fine.weight, 10)
    smooth = resize(base, (rows * step, columns * step))[:height, :width]
    out, cover = smooth, np.zeros((height, width), np.float32)
    busy = fine.unrest()
    if busy > 0.0 and axis is not None:
        rgb, fine, base = doubled(rgb, fine, base, round(2 * axis / step - 1), step)
    found = _search(fine, base) if busy > 0.0 else None
    if found is not None:
        value, offset, doubt = found
        share = busy * _variety(fine.hole, offset) * (1 - doubt)
        copied = _copy(rgb, fine, value, offset, share, step).cut(width)
        out, cover = _textured(smooth, copied, busy, _BROAD * unit), copied.cover
    out = _no_sharper(_mixed(out, rgb[:, :width], known), known, wanted, unit)
    return Detail(out, cover * (1 - known))


def _no_sharper(made: Plane, known: Plane, wanted: Plane, unit: float) -> Plane:
    """`made` (H, W, 3), with what is `wanted` blurred until its steepest slopes are no steeper than
    those of what is `known` near it: in a wall out of focus no seam of copies is sharp."""
    hole = (wanted > 0.02) & (known < 0.5)
    near = (known > 0.97) & (blur(hole.astype(np.float32), 0.5 * _REACH * unit) > 0.02)
    if near.sum() < unit**2 or hole.sum() < _SMALL * unit**2:
        return made
    luma: Plane = np.float32(1 / 3) * (made[..., 0] + made[..., 1] + made[..., 2])
    most = _SLACK * _steepest(luma, near, unit)
    needed, soft = 0.0, luma
    for sigma in _SOFTER:
        if _steepest(soft, hole, unit) <= most:
            break
        needed, soft = sigma, blur(luma, sigma * unit)
    return _mixed(made, blur(made, needed * unit), 1 - known) if needed else made


def _steepest(luma: Plane, where: npt.NDArray[np.bool_], unit: float) -> float:
    """The slope of `luma` (H, W), in levels an eye distance, that few pixels of `where` (H, W)
    exceed."""
    rows, columns = (slice(int(k.min()), int(k.max()) + 2) for k in np.nonzero(where))
    fine, where = blur(luma, 0.01 * unit)[rows, columns], where[rows, columns]
    slopes = np.hypot(np.diff(fine, axis=0)[:, :-1], np.diff(fine, axis=1)[:-1])
    return float(np.quantile(slopes[where[:-1, :-1]], _FEW)) * unit


def _calmed(parts: list[tuple[Plane, Index]], weight: Plane) -> Plane:
    """How much of the contrast of a texture is left in weighted means of it from several places:
    1 where all are of one place. `parts` are weights and places (n,), `weight` their sums."""
    square = np.zeros(len(weight), np.float32)
    for k, (w, place) in enumerate(parts):
        square += w * w
        for other, there in parts[k + 1 :]:
            square += 2 * w * other * (place == there)
    return np.asarray(np.sqrt(square) / weight, np.float32)


@dataclass(frozen=True)
class _Copied:
    """``rgb`` (H, W, 3) where it is ``laid`` (H, W) 0 or 1; ``cover`` (H, W) 0..1, how much it
    counts; ``calmer`` (H, W) 0..1, what is left of a texture's contrast in means of several."""

    rgb: Plane
    laid: Plane
    cover: Plane
    calmer: Plane

    def cut(self, width: int) -> _Copied:
        """The first columns."""
        planes = (self.rgb, self.laid, self.cover, self.calmer)
        return _Copied(*(p[:, :width] for p in planes))


def _textured(smooth: Plane, copied: _Copied, busy: float, sigma: float) -> Plane:
    """`smooth` (H, W, 3) with the share `cover` of the copies' broad tones, and with their fine
    texture: a mean of two textures has less of it than either, and a wrong place shows in broad
    tones, not in the grain of cloth."""
    grain = np.maximum(copied.cover, np.float32(_GRAIN * busy) * copied.laid)
    grain /= np.maximum(copied.calmer, _CALMEST)
    weight = np.maximum(blur(copied.laid, sigma), _TINY)
    out = np.empty_like(smooth)
    for c in range(3):
        apart = (copied.rgb[..., c] - smooth[..., c]) * copied.laid
        broad = blur(apart, sigma) / weight * copied.laid
        np.add(smooth[..., c], copied.cover * broad + grain * (apart - broad), out=out[..., c])
    return np.clip(out, 0, 255)


def _mixed(one: Plane, other: Plane, share: Plane) -> Plane:
    """(H, W, 3) with the share (H, W) of the other; by channels, which is quicker here."""
    out, rest = np.empty_like(one), 1 - share
    for c in range(3):
        np.add(one[..., c] * rest, other[..., c] * share, out=out[..., c])
    return out


def _search(fine: Level, base: Plane) -> tuple[Plane, Index, Plane] | None:
    """Agreed colours, the offset (rows, columns) to each pixel's source and the doubt 0..1, on the
    finer plane.

    Nothing where too little background is seen.
    """
    r = _radius(fine)
    chain = [fine, fine.half()]
    while int(chain[-1].hole.sum()) > _TARGETS and min(chain[-1].hole.shape) > 24:
        chain.append(chain[-1].half())
    level = chain[-1]
    hole = level.hole
    reach = blur(hole.astype(np.float32), 0.5 * _REACH * level.unit)
    sources = np.flatnonzero(patches.all_known(level.weight, r))
    if len(sources) < 40 or not hole.any():
        return None
    if level.span:
        reach = np.tile(reach[:, : level.span], 2)
    sources = patches.thin(sources, reach, _SOURCES)
    pool = patches.Patches(level.value, level.unit, sources, r, level.span)
    known = level.weight > 0
    start = _mean_to(base, hole.shape)
    value = np.where(known[..., None], level.value, start)
    trust = np.where(known, 1.0, np.where(hole, 0.05, 0.0)).astype(np.float32)
    if level.span:  # the other side tells more than the guide
        other = hole & (np.roll(level.weight, -level.span, 1) > 0)
        value[other] = np.roll(level.value, -level.span, 1)[other]
        trust[other] = _OTHER
    places = np.zeros(hole.size, np.intp)
    # from the rim inwards
    left = hole.copy()
    while left.any():
        layer = left & dilate(~left & (known | hole), 1)
        if not layer.any():
            break
        targets = np.flatnonzero(layer)
        places[targets], _ = pool.nearest(value, trust, targets)
        value.reshape(-1, 3)[targets] = level.value.reshape(-1, 3)[places[targets]]
        trust.ravel()[targets] = 0.5
        left &= ~layer
    # all together
    ring = dilate(hole, r) & (hole | known)
    targets = np.flatnonzero(ring)
    trust = np.where(known, 1.0, np.where(hole & ~left, 0.6, 0.0)).astype(np.float32)
    for _ in range(4):
        places[targets], difference = pool.nearest(value, trust, targets)
        value = patches.vote(value, level.value, targets, places[targets], hole, r)
    width = hole.shape[1]
    offset = np.zeros((*hole.shape, 2), np.intp)
    at = places[targets]
    offset.reshape(-1, 2)[targets] = np.stack(
        [at // width - targets // width, at % width - targets % width], -1
    )
    doubt = np.zeros(hole.shape, np.float32)
    doubt.ravel()[targets] = difference
    has = ring
    for finer in reversed(chain[:-1]):
        value, offset, has, doubt = _refine(finer, value, offset, has, doubt)
    spread = fine.value[fine.weight > 0.9]
    scale = float(np.median(((spread - np.median(spread, 0)) ** 2).sum(-1))) + 60.0
    unsure = smoothstep(0.5, 1.5, doubt / scale)
    return value, np.where(has[..., None], offset, 0), unsure


def _radius(level: Level) -> int:
    """Of patches, in cells: of clothes, which have a mirror image, or of a background."""
    return _CLOTH_PATCH if level.span else _PATCH


def _variety(hole: npt.NDArray[np.bool_], offset: Index) -> float:
    """0 where the copies come from so few places, for the size of the `hole` (h, w), that they make
    a pattern of their own; 1 where they come from many. `offset` (h, w, 2) leads to them."""
    rows, columns = np.nonzero(hole)
    if not len(rows):
        return 1.0
    move = offset[rows, columns]
    places = (rows + move[:, 0]) * hole.shape[1] + columns + move[:, 1]
    return eased(*_VARIED, len(np.unique(places)) / len(rows))


def _mean_to(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """Halved until it has ``shape``."""
    while plane.shape[0] > shape[0]:
        plane = patches.mean(plane, 2)
    return plane


def _twice(plane: npt.NDArray[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    return plane.repeat(2, 0).repeat(2, 1)[: shape[0], : shape[1]]


def _refine(
    level: Level, value: Plane, offset: Index, has: npt.NDArray[np.bool_], doubt: Plane
) -> tuple[Plane, Index, npt.NDArray[np.bool_], Plane]:
    """One level finer: offsets doubled, then each pixel tries small shifts and its
    neighbours' offsets."""
    r = _radius(level)
    hole, (height, width) = level.hole, level.hole.shape
    offset = np.asarray(_twice(offset * 2, hole.shape))
    has = np.asarray(_twice(has, hole.shape))
    known = level.weight > 0
    ring = dilate(hole, r) & (hole | known) & has
    good = patches.all_known(level.weight, r)
    targets = np.flatnonzero(ring)
    ty, tx = np.divmod(targets, width)
    table = patches.windows(level.value, r)
    bell = patches.bell(r)
    coarse = resize(value, (-(-height // 2) * 2, -(-width // 2) * 2))[:height, :width]
    value = np.where(known[..., None], level.value, coarse)
    trust = np.where(known, 1.0, np.where(hole, 0.5, 0.0)).astype(np.float32)
    best = offset.reshape(-1, 2)[targets]
    jitter = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)]
    for turn in range(2):
        t = patches.windows(value, r, targets)
        w = patches.windows(trust, r, targets) * bell
        w /= np.maximum(w.sum(-1, keepdims=True), _TINY)
        w3 = np.tile(w, 3)
        lowest = np.full(len(targets), np.inf, np.float32)
        chosen = best.copy()
        full = np.zeros((height, width, 2), np.intp)
        full.reshape(-1, 2)[targets] = best
        tries = [best + np.array(j) for j in (jitter if turn == 0 else jitter[:5])]
        if turn == 1:
            for dy, dx in ((-2, 0), (2, 0), (0, -2), (0, 2)):
                ny, nx = np.clip(ty + dy, 0, height - 1), np.clip(tx + dx, 0, width - 1)
                near = full[ny, nx]
                tries.append(np.where(ring[ny, nx][:, None], near, best))
        for attempt in tries:
            y, x = ty + attempt[:, 0], tx + attempt[:, 1]
            fits = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            at = np.where(fits, y * width + x, 0)
            fits &= good.ravel()[at]
            d = table[at]
            d -= t
            d *= d
            cost = np.einsum("ij,ij->i", w3, d)
            better = fits & (cost < lowest)
            lowest[better] = cost[better]
            chosen[better] = attempt[better]
        best = chosen
        places = np.clip(ty + best[:, 0], 0, height - 1) * width + np.clip(
            tx + best[:, 1], 0, width - 1
        )
        value = patches.vote(value, level.value, targets, places, hole, r)
    offset = np.zeros((height, width, 2), np.intp)
    offset.reshape(-1, 2)[targets] = best
    doubt = np.zeros((height, width), np.float32)
    doubt.ravel()[targets] = np.where(np.isfinite(lowest), lowest, 1e6)
    return value, offset, ring, doubt


def _copy(rgb: Plane, fine: Level, value: Plane, offset: Index, share: Plane, step: int) -> _Copied:
    """The photo's pixels laid where the offsets say, with the agreed tones."""
    height, width = rgb.shape[:2]
    rows, columns = fine.hole.shape
    valid = np.repeat(np.repeat(fine.weight > 0.5, step, 0), step, 1)[:height, :width]
    near = dilate(fine.hole, 1)
    ys, xs = np.nonzero(~valid & np.repeat(np.repeat(near, step, 0), step, 1)[:height, :width])
    cy, cx = (ys + 0.5) / step - 0.5, (xs + 0.5) / step - 0.5
    y0, x0 = np.floor(cy).astype(np.intp), np.floor(cx).astype(np.intp)
    fy, fx = (cy - y0).astype(np.float32), (cx - x0).astype(np.float32)
    total = np.zeros((len(ys), 3), np.float32)
    weight = np.full(len(ys), 1e-6, np.float32)
    parts: list[tuple[Plane, Index]] = []
    has = (offset[..., 0] != 0) | (offset[..., 1] != 0)
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            near_y, near_x = np.clip(y0 + dy, 0, rows - 1), np.clip(x0 + dx, 0, columns - 1)
            at = near_y * columns + near_x
            move = offset.reshape(-1, 2)[at] * step
            sy, sx = ys + move[:, 0], xs + move[:, 1]
            fits = has.ravel()[at] & (sy >= 0) & (sy < height) & (sx >= 0) & (sx < width)
            at = np.where(fits, sy * width + sx, 0)
            w = wy * wx * (fits & valid.ravel()[at])
            total += w[:, None] * rgb.reshape(-1, 3)[at]
            weight += w
            parts.append((w, move[:, 0] * width + move[:, 1]))
    plane = np.array(rgb)
    plane[~valid] = 0
    plane[ys, xs] = total / weight[:, None]
    # where sources differ their mean is calmer than each
    calmer = np.ones((height, width), np.float32)
    calmer[ys, xs] = _calmed(parts, weight)
    laid = np.zeros((height, width), np.float32)
    laid[ys, xs] = weight > 1e-3
    # tones as agreed on the small plane
    full = valid.astype(np.float32)
    full[ys, xs] = laid[ys, xs]
    w = patches.mean(full, step)
    tone = patches.per(patches.mean(plane * full[..., None], step), w)
    laid_here = (fine.hole & (w > 0.5)).astype(np.float32)
    amiss, _ = patches.spread(value - tone, laid_here, 0.1 * fine.unit)
    # and no step of tone at the rim: its pixels beside the hole tell how far the copies are off
    far_rows = np.clip(np.arange(rows)[:, None] + offset[..., 0], 0, rows - 1)
    far_columns = np.clip(np.arange(columns)[None] + offset[..., 1], 0, columns - 1)
    beside = has & (fine.weight > 0.9) & (fine.weight[far_rows, far_columns] > 0.9)
    off = fine.value - fine.value[far_rows, far_columns]
    amiss = amiss + membrane(np.clip(off, -30, 30), beside.astype(np.float32), 10)
    size = (rows * step, columns * step)
    plane = plane + resize(np.clip(amiss, -40, 40), size)[:height, :width]
    # a copy that does not suit its surroundings is worse than fog, the nearer to them the more
    misfit, _ = patches.spread(
        (off**2).mean(-1, keepdims=True), beside.astype(np.float32), 0.2 * fine.unit
    )
    smooth = fine.smooth_amiss() ** 2
    wrong = np.float32(_MISFIT) * misfit[..., 0]
    share *= smooth / np.maximum(smooth + wrong, _TINY)
    even, _ = patches.spread(share[..., None], fine.hole.astype(np.float32), 0.08 * fine.unit)
    cover = resize(even[..., 0], size)[:height, :width] * laid
    return _Copied(plane, laid, np.clip(cover, 0, 1), calmer)
