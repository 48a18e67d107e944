"""A keyframe's parts laid over another frame, each where it has gone to, in the light of now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..planes import Plane, membrane, resize, smoothstep
from ..scene import PhotoBox
from . import noise
from .key import Key
from .motion import STILL, Motion, mixed

Bytes = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_CELL = 8  # frame pixels to one of the grid on which light is compared
_MOST = 60.0  # levels by which light may differ: more is another thing
_GRAIN = 0.6  # of the noise is added: what a keyframe shows has a share of it, which stands still


@dataclass(frozen=True)
class Motions:
    """Where head, body and wall have gone since the keyframe."""

    head: Motion = STILL
    body: Motion = STILL
    wall: Motion = STILL


@dataclass
class Light:
    """By how much the frame is lighter than the keyframe, on a coarse grid over the piece that is
    laid: kept from frame to frame, so that it does not tremble. Of "front" and "back". `grain` is
    how strongly the camera's noise changes from frame to frame, in levels, `skin` (h, w) the face
    of the last frame, by which it is told; `laid` counts frames."""

    kept: dict[str, Plane] = field(default_factory=dict)
    grain: float = 0.0
    laid: int = 0
    skin: Plane | None = None

    def meet(self, name: str, here: Plane, laid: Plane, known: Plane, share: float) -> Plane:
        """What has to be added to `laid` (h, w, 3) to meet `here` where it is `known` (h, w);
        coarse planes. `share` of the news is taken over."""
        off = np.clip(here - laid, -_MOST, _MOST)
        wide = np.abs(here - laid).max(-1)
        weight = known * smoothstep(_MOST, 0.5 * _MOST, wide)
        now = np.zeros_like(off) if float(weight.sum()) < 4 else membrane(off, weight, relax=4)
        before = self.kept.get(name)
        if before is not None:
            before = resize(before, (now.shape[0], now.shape[1]))
            now = before + share * (now - before)
        self.kept[name] = now
        return now


@dataclass(frozen=True)
class Piece:
    """What is laid over a frame: `box` of it, `colour` (h, w, 3) float32 0..255, `mask`, `time` and
    `thin` (h, w) uint8 as of `head.Bare`."""

    box: PhotoBox
    colour: Plane
    mask: Bytes
    time: Bytes
    thin: Bytes


New = tuple[Plane, npt.NDArray[np.float64]]
"""Hair where a keyframe has none, (h, w) 0..1, and the (2, 3) that brings the frame's pixels onto
it."""


def reach(
    key: Key, moves: Motions, shape: tuple[int, ...], more: int, new: New | None = None
) -> PhotoBox:
    """The frame's pixels over which the keyframe's hair has moved, and new hair; `more` around."""
    ys, xs = np.flatnonzero(key.mask.any(1)), np.flatnonzero(key.mask.any(0))
    if len(ys) == 0:
        return 0, 0, 0, 0
    x0, y0 = key.box[:2]
    ends = np.array([[x, y] for x in (xs[0] + x0, xs[-1] + 1 + x0)
                     for y in (ys[0] + y0, ys[-1] + 1 + y0)])  # fmt: skip
    at = np.concatenate([moves.head(ends), moves.body(ends)])
    if new is not None:
        plane, matrix = new
        rows, columns = (np.flatnonzero((plane > 0.1).any(k)) for k in (1, 0))
        if len(rows):
            found = np.array([[x, y] for x in columns[[0, -1]] for y in rows[[0, -1]]], float)
            at = np.concatenate([at, (found - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T])
    low, high = np.floor(at.min(0)).astype(int) - more, np.ceil(at.max(0)).astype(int) + more
    height, width = shape[:2]
    left, top = (int(v) for v in np.clip(low, 0, (width, height)))
    right, bottom = (int(v) for v in np.clip(high, 0, (width, height)))
    return left, top, right, bottom


@dataclass(frozen=True)
class _Place:
    """The frame's `box` on which planes of `key` are put."""

    key: Key
    box: PhotoBox

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    def put(self, plane: Any, move: Motion, *, fine: bool = False, led_on: bool = True) -> Any:
        """A plane of the key (h, w[, C]) where `move` brings it; beyond it goes on, or is 0."""
        import cv2

        how = cv2.INTER_CUBIC if fine else cv2.INTER_LINEAR
        beyond = cv2.BORDER_REPLICATE if led_on else cv2.BORDER_CONSTANT
        matrix = move.warp(self.key.box[:2], self.box[:2])
        return cv2.warpAffine(
            plane, matrix, self.size, flags=how | cv2.WARP_INVERSE_MAP, borderMode=beyond
        )


def lay(
    key: Key,
    moves: Motions,
    pixels: Bytes,
    light: Light,
    *,
    new: New | None = None,
    share: float = 1.0,
) -> Piece | None:
    """The bald head of `key` on a frame.

    Parameters
    ----------
    pixels : (H, W, 3) uint8, the frame.
    light : of this keyframe; changes.
    new : hair that has come since.
    share : of the light's news that is taken over, 1 for all.

    Returns None where nothing of it is in the frame.
    """
    unit = key.face.iod * abs(moves.head.turn)
    more = round(0.35 * unit) + 2 * _CELL
    place = _Place(key, reach(key, moves, pixels.shape, more, new))
    if min(place.size) < 2 * _CELL:
        return None
    mask, time, thin = _going(place, moves, new)
    back = place.put(key.back, moves.wall, fine=True)
    if moves.body.apart(moves.wall, key.crown) > 0.05:
        body = place.put(key.body, moves.body)
        back = _over(back, place.put(key.back, moves.body, fine=True), body)
    front = place.put(key.front, moves.head, fine=True)
    alpha = place.put(key.alpha, moves.head, led_on=False)
    x0, y0, x1, y1 = place.box
    colour, before = _lit(light, pixels[y0:y1, x0:x1], back, front, alpha, mask, share)
    before -= colour
    before *= (alpha * np.float32(1 / 255))[..., None]
    colour += before
    light.laid += 1
    light.grain += share * (_trembling(key, moves, pixels, light) - light.grain)
    noise.add(colour, _GRAIN * light.grain, light.laid)
    return Piece(place.box, colour, mask, time, thin)


def _going(place: _Place, moves: Motions, new: New | None) -> tuple[Bytes, Bytes, Bytes]:
    """Mask and times (h, w) on the place. Above the chin hair moves with the head, on the shoulders
    with the body, and in some way between the two."""
    import cv2

    key = place.key
    planes = np.dstack([key.mask, key.time, key.thin])
    held = place.put(planes, moves.head, led_on=False)
    mask = held[..., 0]
    if moves.body.apart(moves.head, key.crown) > 0.3:
        low, lower = _low(key, moves, place.box), place.put(planes, moves.body, led_on=False)
        half = place.put(key.mask, mixed(moves.head, moves.body, 0.5), led_on=False)
        hanging = cv2.multiply(np.maximum(lower[..., 0], half), low, scale=1 / 255)
        mask = np.maximum(mask, hanging)
        held = _over(held, lower, low)
    if new is not None:
        plane, matrix = new
        corner = np.array([[1, 0, place.box[0]], [0, 1, place.box[1]], [0, 0, 1.0]])
        more = cv2.warpAffine(
            plane, matrix @ corner, place.size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        mask = np.maximum(mask, np.clip(more * 255, 0, 255).astype(np.uint8))
    return np.ascontiguousarray(mask), held[..., 1].copy(), held[..., 2].copy()


def _lit(
    light: Light, here: Bytes, back: Bytes, front: Bytes, alpha: Bytes, mask: Bytes, share: float
) -> tuple[Plane, Plane]:
    """Back and front (h, w, 3) in the light of the frame `here`; it is compared where nothing is
    laid."""
    import cv2

    height, width = mask.shape
    size = (max(2, width // _CELL), max(2, height // _CELL))

    def coarse(plane: Any) -> Plane:
        small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.float32)

    def clear(plane: Any) -> Plane:
        spread = cv2.dilate(plane, np.ones((_CELL + 1, _CELL + 1), np.uint8))
        return 1 - coarse(spread) / np.float32(255)

    def lit(name: str, plane: Bytes, known: Plane) -> Plane:
        off = light.meet(name, now, coarse(plane), known, share)
        out = cv2.resize(off, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(out + plane, dtype=np.float32)

    now, free = coarse(here), clear(mask)
    return (
        lit("back", back, free * clear(alpha)),
        lit("front", front, free * (coarse(alpha) > 250)),
    )


def _trembling(key: Key, moves: Motions, pixels: Bytes, light: Light) -> float:
    """The camera's noise, in levels: how the face, brought to where the keyframe has it, differs
    from that of the frame before."""
    import cv2

    where = (key.alpha > 250) & (key.mask == 0)
    ys, xs = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if len(ys) == 0:
        return 0.0
    corner = key.box[0] + int(xs[0]), key.box[1] + int(ys[0])
    size = int(xs[-1] - xs[0]) + 1, int(ys[-1] - ys[0]) + 1
    way = moves.head.back.warp((0, 0), corner)
    face: Any = cv2.warpAffine(pixels, way, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    before, light.skin = light.skin, cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if before is None:
        return light.grain
    part = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    return noise.level(before, light.skin, where[part])


def _over(under: Bytes, over: Bytes, share: Bytes) -> Bytes:
    """`over` laid on `under` by `share` (h, w); in 8 bits."""
    import cv2

    weight = cv2.merge([share] * 3).astype(np.float32) * np.float32(1 / 255)
    mixed = cv2.blendLinear(
        np.ascontiguousarray(over), np.ascontiguousarray(under),
        weight[..., 0].copy(), 1 - weight[..., 0],
    )  # fmt: skip
    return np.asarray(mixed)


def _low(key: Key, moves: Motions, box: PhotoBox) -> Bytes:
    """(h, w) uint8 on `box`: 0 down to the chin, 255 from the shoulders on."""
    eyes, chin = moves.head(key.crown[[0, 1, 3]])[:2].mean(0), moves.head(key.crown[3:])[0]
    down = chin - eyes
    length = float(np.hypot(*down))
    xs = np.arange(box[0], box[2], dtype=np.float32) + 0.5 - eyes[0]
    ys = np.arange(box[1], box[3], dtype=np.float32) + 0.5 - eyes[1]
    along = (xs[None] * down[0] + ys[:, None] * down[1]) / length**2
    return (smoothstep(0.75, 1.4, along.astype(np.float32)) * 255).astype(np.uint8)


def blend(pixels: Pixels, pieces: list[tuple[Piece, Bytes, float]]) -> None:
    """Lay pieces over a frame (H, W, 3), which changes: of each the weight (h, w) uint8 and the
    share 0..1 by which it counts; where weights are 0 the frame's bits stay."""
    if not pieces:
        return
    if len(pieces) == 1 and pieces[0][2] >= 1:
        piece, weight, _ = pieces[0]
        x0, y0, x1, y1 = piece.box
        here = pixels[y0:y1, x0:x1]
        here[:] = _mixed(here, piece.colour, weight)
        return
    # a keyframe that passes into the next: both on the untouched frame
    boxes = np.array([piece.box for piece, _, _ in pieces])
    x0, y0 = boxes[:, :2].min(0)
    x1, y1 = boxes[:, 2:].max(0)
    untouched = pixels[y0:y1, x0:x1].astype(np.float32)
    total = untouched * 0
    rest = 1.0
    for piece, weight, share in pieces:
        left, top, right, bottom = piece.box
        one = untouched.copy()
        part = one[top - y0 : bottom - y0, left - x0 : right - x0]
        part[:] = _mixed(part, piece.colour, weight, deep=pixels.dtype == np.uint16)
        total += np.float32(share) * one
        rest -= share
    if rest > 1e-6:
        total += np.float32(rest) * untouched
    most = np.iinfo(pixels.dtype).max
    pixels[y0:y1, x0:x1] = np.clip(total + 0.5, 0, most).astype(pixels.dtype)


def _mixed(here: Any, colour: Plane, weight: Bytes, deep: bool | None = None) -> Any:
    deep = here.dtype == np.uint16 if deep is None else deep
    step = colour * np.float32(257) if deep else colour.copy()
    step -= here
    step *= (weight * np.float32(1 / 255))[..., None]
    step += here
    if here.dtype == np.float32:
        return step
    most = 65535 if deep else 255
    return np.clip(step + np.float32(0.5), 0, most).astype(here.dtype)
