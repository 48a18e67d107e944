"""Where faces might be, and which way up: BlazeFace over a pyramid, then a second look at each.

The net sees 128 x 128 pixels and is at ease with faces of 20 to 100 of them.  So the picture is
shrunk to several sizes, each cut into overlapping tiles.  Faces upside down are found as well,
but with eyes and mouth exchanged; therefore every proposal is looked at again, alone, in four
rotations, and the best score of these tells what is up.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..models import session
from .align import Pixels, sample

Floats = npt.NDArray[np.float32]

SIDE = 128
BATCH = 16  # more tiles at once are no faster
_OVERLAP = 64
_EYE_LEFT, _EYE_RIGHT = 0, 1  # keypoints, as in the picture of an upright face


@dataclass(frozen=True)
class Found:
    """One detection.  `centre` and `size` (box side) in photo pixels; `up` is the unit vector
    along the eyes, picture's left to right of the upright face: 1 when the face is upright."""

    centre: complex
    size: float
    score: float
    up: complex


@cache
def anchors() -> Floats:
    """(896, 2) anchor centres as fractions of the side: stride 8 twice, stride 16 six times."""
    layers = []
    for cells, times in ((16, 2), (8, 6)):
        middle = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(middle, middle, indexing="ij")
        layers.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), times, axis=0))
    return np.concatenate(layers)


def run(
    tiles: npt.NDArray[np.uint8], floor: float, threads: int | None
) -> list[tuple[Floats, Floats]]:
    """The net on tiles (N, 128, 128, 3) uint8.

    For each tile: scores (n,) of at least `floor`, and (n, 8, 2) points in tile pixels: centre of
    the box, its width and height, six keypoints (two eyes, nose, mouth, two ears).
    """
    net = session.open("face_detector", threads)
    out = []
    low = math.log(floor / (1 - floor))
    for start in range(0, len(tiles), BATCH):
        batch = tiles[start : start + BATCH].astype(np.float32)
        batch *= np.float32(1 / 127.5)
        batch -= 1
        boxes, logits = net.run(["boxes", "scores"], {"image": batch})
        for points, logit in zip(boxes, logits, strict=True):
            (at,) = np.nonzero(logit >= low)
            found = points[at].reshape(-1, 8, 2)
            offset = anchors()[at, None, :] * SIDE
            found[:, :1] += offset
            found[:, 2:] += offset
            out.append((1 / (1 + np.exp(-np.minimum(logit[at], 80))), found))
    return out


def turned_back(points: Floats, turns: int) -> Floats:
    """Points (..., 2) of a tile turned `turns` quarters counter-clockwise, before the turn."""
    for _ in range(turns % 4):
        points = np.stack([SIDE - points[..., 1], points[..., 0]], axis=-1)
    return points


def _founds(
    scores: Floats, points: Floats, turns: int, origin: complex, step: complex
) -> Iterator[Found]:
    """Detections in a tile whose corner lies at `origin` and whose columns go by `step`."""
    sizes = points[:, 1].max(axis=1)
    flat = turned_back(points[:, [0, 2, 3]], turns)
    spots = origin + step * (flat[..., 0] + 1j * flat[..., 1])
    for score, size, (centre, left, right) in zip(scores, sizes, spots, strict=True):
        across = complex(right - left)
        up = across / abs(across) if across else step / abs(step) * 1j**turns
        yield Found(complex(centre), float(size) * abs(step), float(score), up)


def _alike(a: Found, b: Found) -> bool:
    """Squares overlapping by more than 0.3 of their union, or nearly concentric."""
    shift = a.centre - b.centre
    w = (a.size + b.size) / 2
    wide = min(w - abs(shift.real), a.size, b.size)
    high = min(w - abs(shift.imag), a.size, b.size)
    if wide <= 0 or high <= 0:
        return False
    inter = wide * high
    if inter > 0.3 * (a.size**2 + b.size**2 - inter):
        return True
    return abs(shift) < 0.25 * min(a.size, b.size) and max(a.size, b.size) < 3 * min(a.size, b.size)


def merged(founds: Sequence[Found]) -> list[Found]:
    """One detection for each place, best first: the mean, weighted by score, of those alike.

    Only members that agree on what is up (within 60 degrees) with the best are averaged.
    """
    rest = sorted(founds, key=lambda f: -f.score)
    out = []
    while rest:
        best = rest[0]
        group = [f for f in rest if f is best or _alike(best, f)]
        rest = [f for f in rest[1:] if not any(f is g for g in group)]
        group = [f for f in group if (f.up * best.up.conjugate()).real > 0.5]
        total = sum(f.score for f in group)
        up = sum(f.score * f.up for f in group)
        out.append(
            Found(
                sum(f.score * f.centre for f in group) / total,
                sum(f.score * f.size for f in group) / total,
                best.score,
                up / abs(up),
            )
        )
    return out


# -- first look -----------------------------------------------------------------------------


def scan(
    level: npt.NDArray[np.uint8], unit: float, turns: Sequence[int], floor: float,
    threads: int | None,
) -> list[Found]:  # fmt: skip
    """Proposals in one level of the pyramid, `unit` photo pixels to one of its own."""
    tiles, places = [], []
    for x, y, tile in _tiles(level):
        for turn in turns:
            tiles.append(np.rot90(tile, turn))
            places.append((complex(x, y) * unit, turn))
    out: list[Found] = []
    for (scores, points), (origin, turn) in zip(
        run(np.stack(tiles), floor, threads), places, strict=True
    ):
        out += _founds(scores, points, turn, origin, unit)
    return out


def _tiles(level: npt.NDArray[np.uint8]) -> Iterator[tuple[int, int, npt.NDArray[np.uint8]]]:
    """(x, y, tile) covering a level; a level smaller than a tile lies in its middle, on black."""
    height, width = level.shape[:2]
    if height < SIDE or width < SIDE:
        top, left = max(0, SIDE - height) // 2, max(0, SIDE - width) // 2
        wide = np.zeros((max(height, SIDE), max(width, SIDE), 3), np.uint8)
        wide[top : top + height, left : left + width] = level
        level = wide
    else:
        top = left = 0
    for y in _starts(level.shape[0]):
        for x in _starts(level.shape[1]):
            yield x - left, y - top, level[y : y + SIDE, x : x + SIDE]


def _starts(length: int) -> list[int]:
    count = -(-(length - SIDE) // _OVERLAP) + 1
    return [round(i * (length - SIDE) / max(1, count - 1)) for i in range(count)]


def shrunk(pixels: Pixels, longer: int) -> tuple[npt.NDArray[np.uint8], float]:
    """The picture with `longer` pixels on its longer side, and its pixels to one of the result."""
    height, width = pixels.shape[:2]
    unit = max(height, width) / longer
    size = (max(1, round(width / unit)), max(1, round(height / unit)))
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    box = (0.0, 0.0, float(width), float(height))
    reduce = int(unit)
    if reduce > 1:
        image = image.reduce(reduce)
        box = (0.0, 0.0, width / reduce, height / reduce)
    how = Image.Resampling.BOX if unit > 1 else Image.Resampling.BILINEAR
    return np.asarray(image.resize(size, how, box=box)), unit


# -- second look ----------------------------------------------------------------------------

_ROOM = 2.4  # side of the second look, in sizes of the proposal


def again(
    pixels: Pixels, proposals: Sequence[Found], floor: float, threads: int | None
) -> list[Found]:
    """Each proposal alone in a tile, in four rotations: the best of them, if any reaches `floor`.

    The tile is turned so that one of the four is upright if the proposal was right about its
    eyes, up to a quarter.
    """
    tiles, places = [], []
    for one in proposals:
        step = one.up * one.size * _ROOM / SIDE
        origin = one.centre - step * complex(SIDE, SIDE) / 2
        tile = sample(pixels, origin, step, (SIDE, SIDE), how=Image.Resampling.BILINEAR)
        places.append((origin, step))
        tiles += [np.rot90(tile, turn) for turn in range(4)]
    if not tiles:
        return []
    seen = run(np.stack(tiles), floor, threads)
    out = []
    for i, (one, (origin, step)) in enumerate(zip(proposals, places, strict=True)):
        views = [
            found
            for turn in range(4)
            for found in _founds(*seen[4 * i + turn], turn, origin, step)
            if abs(found.centre - one.centre) < 0.5 * one.size
        ]
        if views:
            out.append(merged(views)[0])
    return out


def roll(up: complex) -> float:
    """Degrees, clockwise positive, of a direction along the eyes."""
    return math.degrees(cmath.phase(up))
