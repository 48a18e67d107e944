"""Where faces might be, and which way up: BlazeFace over a pyramid, then a second look at each.

The net is at ease with faces of 20 to 100 pixels, so it sees the picture at several sizes.  It was
made for 128 x 128, but has no fixed size inside: a level is seen as a whole, which finds the same
faces as overlapping tiles at a third of the time.  Faces upside down are found as well, but with
eyes and mouth exchanged; therefore every proposal is looked at again, alone, in four rotations.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..models import session
from .align import Pixels, reduced, sample

Floats = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]

SIDE = 128
_CELL = 16  # sides are multiples of the coarsest stride
_BATCH = 16  # more tiles at once are no faster
_BLOCK, _OVERLAP = 640, 128  # of large levels, to bound the memory


@dataclass(frozen=True)
class Found:
    """One detection.  `centre` and `size` (box side) in photo pixels; `up` is the unit vector
    along the eyes, picture's left to right of the upright face: 1 when the face is upright."""

    centre: complex
    size: float
    score: float
    up: complex


@lru_cache(maxsize=64)
def anchors(height: int, width: int) -> npt.NDArray[np.complex64]:
    """(A,) anchor centres x + iy in pixels: two for each cell of stride 8, six for stride 16."""
    layers = []
    for stride, times in ((8, 2), (16, 6)):
        x = (np.arange(width // stride) + 0.5) * stride
        y = (np.arange(height // stride) + 0.5) * stride
        layers.append(np.repeat((x[None, :] + 1j * y[:, None]).ravel(), times))
    return np.concatenate(layers).astype(np.complex64)


def run(
    pictures: Picture, places: Sequence[tuple[int, complex, complex]], floor: float,
    threads: int | None,
) -> list[list[Found]]:  # fmt: skip
    """The net on pictures (N, h, w, 3) uint8, all of one size.

    Each has a place: by how many quarters counter-clockwise it was turned, and, before that turn,
    where its corner lies in the photo and how far one of its columns goes there.  Detections with
    a score of at least `floor`.
    """
    net = session.open("face_detector", threads)
    low = math.log(floor / (1 - floor))
    height, width = pictures.shape[1:3]
    out = []
    for start in range(0, len(pictures), _BATCH):
        batch = pictures[start : start + _BATCH].astype(np.float32)
        batch *= np.float32(1 / 127.5)
        batch -= 1
        boxes, logits = net.run(["boxes", "scores"], {"image": batch})
        for points, logit, place in zip(boxes, logits, places[start:], strict=False):
            (at,) = np.nonzero(logit >= low)
            scores = 1 / (1 + np.exp(-np.minimum(logit[at], 80)))
            # centre, size, then keypoints: the eyes come first
            pairs = points[at].reshape(-1, 8, 2)
            flat = (pairs[..., 0] + 1j * pairs[..., 1])[:, [0, 2, 3]]
            flat += anchors(height, width)[at, None]
            out.append(_placed(scores, pairs[:, 1].max(1), flat, (height, width), place))
    return out


def _placed(
    scores: Floats, sizes: Floats, points: npt.NDArray[np.complex64], shape: tuple[int, int],
    place: tuple[int, complex, complex],
) -> list[Found]:  # fmt: skip
    turns, origin, step = place
    height, width = shape
    for _ in range(turns):  # undo one quarter: x = height - y, y = x
        points = height + 1j * points
        height, width = width, height
    out = []
    for score, size, (centre, left, right) in zip(
        scores, sizes, origin + step * points.astype(np.complex128), strict=True
    ):
        across = complex(right - left)
        up = across / abs(across) if across else step / abs(step) * 1j**turns
        out.append(Found(complex(centre), float(size) * abs(step), float(score), up))
    return out


def alike(a: Found, b: Found) -> bool:
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


def _agree(a: Found, b: Found) -> bool:
    """On what is up, within 60 degrees."""
    return (a.up * b.up.conjugate()).real > 0.5


def merged(founds: Sequence[Found]) -> list[Found]:
    """One detection for each place, best first: the mean, weighted by score, of those alike.

    Only members that agree on what is up (within 60 degrees) with the best are averaged.
    """
    rest = sorted(founds, key=lambda f: -f.score)
    out = []
    while rest:
        best = rest[0]
        group = [f for f in rest if f is best or alike(best, f)]
        rest = [f for f in rest[1:] if not any(f is g for g in group)]
        group = [f for f in group if _agree(f, best)]
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
    level: Picture, unit: float, turns: Sequence[int], floor: float, threads: int | None
) -> list[Found]:
    """Proposals in one level of the pyramid, `unit` photo pixels to one of its own."""
    out: list[Found] = []
    for x, y, block in _blocks(level):
        for turn in turns:
            place = (turn, complex(x, y) * unit, complex(unit))
            (found,) = run(np.rot90(block, turn)[None], [place], floor, threads)
            out += found
    return out


def _blocks(level: Picture) -> Iterator[tuple[int, int, Picture]]:
    """(x, y, block) covering a level.

    A level smaller than a tile lies in its middle, on black, as the net learnt it; so a face that
    is cut by the picture's border has room.
    """
    height, width = level.shape[:2]
    pads = []
    for length in (height, width):
        short = max(SIDE, -(-length // _CELL) * _CELL) - length
        pads.append((short // 2, short - short // 2))
    (top, _), (left, _) = pads
    level = np.pad(level, (*pads, (0, 0)))
    for y in _starts(level.shape[0]):
        for x in _starts(level.shape[1]):
            yield x - left, y - top, level[y : y + _BLOCK, x : x + _BLOCK]


def _starts(length: int) -> range:
    return range(0, max(1, length - _OVERLAP), _BLOCK - _OVERLAP)


class Pyramid:
    """The picture at several sizes, the coarser ones made from the next finer one."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self._levels: list[tuple[float, Picture]] = []  # by unit, finest first

    def unit(self, level: int) -> float:
        """Photo pixels to one of `level`: a level is the longer side of a 4:3 picture that has as
        many pixels, so that no shape of picture is slow or blurred."""
        height, width = self.pixels.shape[:2]
        return math.sqrt(height * width / 0.75) / level

    def level(self, level: int) -> tuple[Picture, float]:
        """The picture at a level, and its unit."""
        unit = self.unit(level)
        have, finer = self._finer(unit)
        height, width = self.pixels.shape[:2]
        size = (max(1, round(width / unit)), max(1, round(height / unit)))
        how = Image.Resampling.BOX if unit > have else Image.Resampling.BILINEAR
        box = (0.0, 0.0, min(finer.shape[1], width / have), min(finer.shape[0], height / have))
        picture = np.asarray(Image.fromarray(finer).resize(size, how, box=box))
        self._keep(unit, picture)
        return picture, unit

    def cut(self, origin: complex, step: complex, side: int) -> Picture:
        """A turned square of `side` pixels (see `align.sample`), from the coarsest level that
        is fine enough: a large face does not need all pixels of a large photo again."""
        unit, picture = next(
            ((u, p) for u, p in reversed(self._levels) if u <= abs(step)), (1.0, self.pixels)
        )
        how = Image.Resampling.BILINEAR
        return sample(picture, origin / unit, step / unit, (side, side), how=how)

    def _finer(self, unit: float) -> tuple[float, Picture]:
        """The coarsest picture at hand with at most `unit`; a large photo is reduced first."""
        for have, picture in reversed(self._levels):
            if have <= unit:
                return have, picture
        reduce = max(1, int(unit))
        picture = np.asarray(reduced(self.pixels, reduce))
        self._keep(float(reduce), picture)
        return float(reduce), picture

    def _keep(self, unit: float, picture: Picture) -> None:
        if all(abs(unit - u) > 1e-9 for u, _ in self._levels):
            self._levels = sorted([*self._levels, (unit, picture)], key=lambda pair: pair[0])


# -- second look ----------------------------------------------------------------------------

_ROOM = 2.6  # side of the second look, in sizes of the proposal
_DOUBT = 0.2  # by which the score of the right way up was never lower than that of a wrong one


def again(
    pyramid: Pyramid, proposals: Sequence[Found], floor: float, threads: int | None
) -> list[list[Found]]:
    """Each proposal alone in a tile, in four rotations; what none of them sees is left out.

    For each that remains the best view, and behind it, if its score is nearly as good, the best of
    those that have another idea of what is up.  The tile is turned so that one of the four is
    upright if the proposal was right about its eyes, up to a quarter.
    """
    if not proposals:
        return []
    tiles, places = [], []
    for one in proposals:
        step = one.up * one.size * _ROOM / SIDE
        origin = one.centre - step * complex(SIDE, SIDE) / 2
        tile = pyramid.cut(origin, step, SIDE)
        tiles += [np.rot90(tile, turn) for turn in range(4)]
        places += [(turn, origin, step) for turn in range(4)]
    seen = run(np.stack(tiles), places, floor, threads)
    out: list[list[Found]] = []
    for i, one in enumerate(proposals):
        views = [
            found
            for view in seen[4 * i : 4 * i + 4]
            for found in view
            if abs(found.centre - one.centre) < 0.5 * one.size
        ]
        if views:
            out.append(_contenders(views))
    return out


def _contenders(views: Sequence[Found]) -> list[Found]:
    best = max(views, key=lambda f: f.score)
    others = [f for f in views if not _agree(f, best) and f.score > best.score - _DOUBT]
    return [merged(views)[0], *merged(others)[:1]]


def roll(up: complex) -> float:
    """Degrees, clockwise positive, of a direction along the eyes."""
    return math.degrees(cmath.phase(up))
