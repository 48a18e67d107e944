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

Index = npt.NDArray[np.intp]

_TINY = np.float32(1e-6)

_FINE = 24.0  # px per eye distance of the finer plane
_REACH = 1.6  # eye distances around the hole where sources may lie
_PATCH = 2  # radius of patches
_SOURCES, _TARGETS = 1600, 2200
# robust grey levels of structure below which nothing is copied, above which everything
_CALM = (2.0, 4.5)
_OFTEN, _SELDOM = 0.8, 0.95  # of what is behind and of cloth, where prints may be sparse
_VARIED = (0.06, 0.12)  # different places for each pixel to be filled, likewise
_GRAIN = 0.8  # of the fine texture of copies stays where their broad tones do not suit
_BROAD = 0.1  # eye distances
_OTHER = 0.6  # of the trust in what is seen
_APART = 16  # cells between a plane and its mirror image, at least
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
    fine = _Level.of(rgb, sure, (wanted > 0.02) & ~sure, step, unit)
    fine.distrust_rim()
    if guide is None:
        base = membrane(fine.value, fine.weight, 10)
    else:
        told = patches.mean(guide, step)
        base = told + membrane(fine.value - told, fine.weight, 10)
    smooth = resize(base, (rows * step, columns * step))[:height, :width]
    out, cover = smooth, np.zeros((height, width), np.float32)
    busy = fine.unrest(_OFTEN if axis is None else _SELDOM)
    if busy > 0.0 and axis is not None:
        rgb, fine, base = _doubled(rgb, fine, base, round(2 * axis / step - 1), step)
    found = _search(fine, base) if busy > 0.0 else None
    if found is not None:
        value, offset, doubt = found
        share = busy * _variety(fine.hole, offset) * (1 - doubt)
        copied = _copy(rgb, fine, value, offset, share, step).cut(width)
        out, cover = _textured(smooth, copied, busy, _BROAD * unit), copied.cover
    return Detail(_mixed(out, rgb[:, :width], known), cover * (1 - known))


def _calmed(parts: list[tuple[Plane, Index]], weight: Plane) -> Plane:
    """How much of the contrast of a texture is left in weighted means of it from several places:
    1 where all are of one place. `parts` are weights and places (n,), `weight` their sums."""
    square = np.zeros(len(weight), np.float32)
    for k, (w, place) in enumerate(parts):
        square += w * w
        for other, there in parts[k + 1 :]:
            square += 2 * w * other * (place == there)
    return np.sqrt(square) / weight


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


@dataclass
class _Level:
    """A reduced plane: ``value`` (h, w, 3) of known pixels, ``weight`` (h, w) how known,
    ``hole`` to be filled."""

    value: Plane
    weight: Plane
    hole: npt.NDArray[np.bool_]
    inside: Plane  # all pixels' mean, for the colour of what hides
    unit: float
    span: int = 0  # columns after which it begins again, mirrored; 0 where it does not

    @classmethod
    def of(
        cls,
        rgb: Plane,
        sure: npt.NDArray[np.bool_],
        hole: npt.NDArray[np.bool_],
        step: int,
        unit: float,
    ) -> _Level:
        w = patches.mean(sure.astype(np.float32), step)
        h = patches.mean(hole.astype(np.float32), step)
        value = patches.per(patches.mean(rgb * sure[..., None], step), w)
        other = patches.per(patches.mean(rgb * hole[..., None], step), h)
        weight = np.where(w > 0.5, w, 0).astype(np.float32)
        return cls(value, weight, (h > 0) & (w <= 0.5), other, unit / step)

    def half(self) -> _Level:
        w = patches.mean(self.weight, 2)
        value = patches.per(patches.mean(self.value * self.weight[..., None], 2), w)
        hole = patches.mean(self.hole.astype(np.float32), 2)
        weight = np.where(w > 0.45, w, 0).astype(np.float32)
        free = (hole > 0) & (w <= 0.45)
        return _Level(value, weight, free, value, self.unit / 2, self.span // 2)

    def distrust_rim(self) -> None:
        """Known pixels next to the hole whose colour lies on the way to what hides there
        are not known after all."""
        u = self.unit
        hole = self.hole.astype(np.float32)
        near = blur(hole, 0.08 * u)
        far = self.weight * smoothstep(0.12, 0.02, near)
        around, reach = patches.spread(self.value, far, 0.25 * u)
        hiding, _ = patches.spread(self.inside, hole, 0.1 * u)
        way = hiding - around
        length = (way * way).sum(-1)
        share = ((self.value - around) * way).sum(-1) / np.maximum(length, 1.0)
        # a background that varies by as much by itself is not distrusted for it
        free = (far > 0.9) & (reach > 0.15) & (blur(hole, 0.5 * u) > 0.01)
        own = 1.5 * float(np.sqrt((share[free] ** 2).mean())) if free.any() else 0.0
        least = max(0.12, own)
        taint = smoothstep(least, least + 0.18, share) * smoothstep(900.0, 2500.0, length)
        beside = np.abs(self.value - around - share[..., None] * way).max(-1)
        taint *= smoothstep(0.4, 0.2, beside / np.maximum(np.abs(share) * np.sqrt(length), 1.0))
        taint *= smoothstep(0.02, 0.08, near) * smoothstep(0.05, 0.15, reach)
        gone = (taint > 0.5) & (self.weight > 0)
        self.weight[gone] = 0
        self.hole |= gone

    def unrest(self, share: float) -> float:
        """0 for a calm or blurred layer, 1 where more than 1 - `share` of it has structure."""
        u = self.unit
        around = self.weight * (blur(self.hole.astype(np.float32), 0.5 * u) > 0.01)
        if float(around.sum()) < 0.25 * u * u:
            return 0.0
        low, _ = patches.spread(self.value, self.weight, 0.15 * u)
        rough = np.sqrt(((self.value - low) ** 2).mean(-1))[around > 0.9]
        if rough.size < 20:
            return 0.0
        return eased(*_CALM, float(np.quantile(rough, share)))

    def smooth_amiss(self) -> Plane:
        """How far off a smooth surface is in the hole, (h, w) levels: as much as the background
        changes over the way to the nearest known pixel."""
        known, change = self.weight > 0.9, [0.0]
        near = known & (blur(self.hole.astype(np.float32), 0.5 * self.unit) > 0.01)
        depth = np.zeros(self.hole.shape, np.intp)
        reached = ~self.hole
        for d in range(1, round(self.unit)):
            pairs = (
                (self.value[d:] - self.value[:-d], near[d:] & known[:-d]),
                (self.value[:, d:] - self.value[:, :-d], near[:, d:] & known[:, :-d]),
            )
            apart = np.concatenate([(step[both] ** 2).mean(-1) for step, both in pairs])
            change.append(max(change[-1], float(np.sqrt(apart.mean())) if apart.size else 0.0))
            reached = dilate(reached, 1)
            depth += ~reached
        return np.asarray(change, np.float32)[np.minimum(depth + self.hole, len(change) - 1)]


def _doubled(
    rgb: Plane, fine: _Level, base: Plane, turn: int, step: int
) -> tuple[Plane, _Level, Plane]:
    """Photo, level and base with their mirror image beside them: the cell `turn` - c for cell c."""
    rows, columns = fine.hole.shape
    span = -(-(columns + _APART) // _APART) * _APART  # halved without a rest, nothing runs across

    def beside(plane: Plane, factor: int, far: int) -> Plane:
        height, width = plane.shape[:2]
        out = np.zeros((height, 2 * span * factor, *plane.shape[2:]), plane.dtype)
        out[:, :width] = plane
        source = far - np.arange(span * factor)
        there = (source >= 0) & (source < width)
        out[:, span * factor :][:, there] = plane[:, source[there]]
        return out

    no = np.zeros((rows, 2 * span), bool)
    no[:, :columns] = fine.hole
    level = _Level(
        beside(fine.value, 1, turn), beside(fine.weight, 1, turn), no, beside(fine.inside, 1, turn),
        fine.unit, span,
    )  # fmt: skip
    return beside(rgb, step, (turn + 1) * step - 1), level, beside(base, 1, turn)


def _search(fine: _Level, base: Plane) -> tuple[Plane, Index, Plane] | None:
    """Agreed colours, the offset (rows, columns) to each pixel's source and the doubt 0..1, on the
    finer plane.

    Nothing where too little background is seen.
    """
    r = _PATCH
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
    level: _Level, value: Plane, offset: Index, has: npt.NDArray[np.bool_], doubt: Plane
) -> tuple[Plane, Index, npt.NDArray[np.bool_], Plane]:
    """One level finer: offsets doubled, then each pixel tries small shifts and its
    neighbours' offsets."""
    r = _PATCH
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


def _copy(
    rgb: Plane, fine: _Level, value: Plane, offset: Index, share: Plane, step: int
) -> _Copied:
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
