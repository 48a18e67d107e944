"""Finding every face of a photo.

The plan, by levels of the pyramid (`detect.Pyramid`; a level of 512 has as many pixels as a picture
of 512 x 384):

1. 512 as it is, and 256, 128 and 80 both as they are and upside down.  At rotation 0 the net sees
   faces of any roll once they have 20 pixels; upside down it loses some only near the ends of its
   range, which the turned coarser levels and their neighbours cover.  Level 80 leaves room around
   the picture, for faces that fill it.
2. A second look at each proposal in four rotations tells what is up (`detect.again`).
3. The mesh, twice, also of a second opinion on what is up; its flag and the score decide that, and
   what is kept.  What lies turned against the surest face of the photo has to be surer than others.
4. Only if nothing is kept: all other rotations, and levels 1024 and 2048.

Faces from about a twentieth of the longer side are found by steps 1 to 3.  `min_face` replaces the
levels by just those which a face of that height needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import BadOption
from .align import Pixels
from .detect import Found, Pyramid, again, alike, merged, roll, scan
from .face import Face, log_odds
from .landmarks import Mesh, mesh, square

FLOOR = 0.5
"""Detector score below which nothing is looked at."""
SURE = 0.7
"""Score from which a less certain mesh is believed."""
FLAG, FLAG_SURE = 0.9, 0.5
"""The mesh's flag has to exceed the first, or the second where the score is `SURE`."""
TURNED, ODDS = 60.0, 7.0
"""Faces turned further (degrees) against the surest one are kept from these log odds on.

People of one photo are mostly the same way up.  In 1,038 photos (548 in the street, 490 selfies)
all five finds turned further were false (hands, a buckle, a button, a wheel), with log odds of 3.5
to 6.5 (`_belief`), as was a street sign in another photo (2.7).  Few true faces have less than 7.
"""
MOST = 256
"""Proposals looked at again; a picture with more is noise."""

Plan = tuple[tuple[int, tuple[int, ...]], ...]  # levels and their turns, quarters

_PLAN: Plan = ((512, (0,)), (256, (0, 2)), (128, (0, 2)), (80, (0, 2)))
_MORE: Plan = (
    (2048, (0,)), (1024, (0, 2)), (512, (1, 2, 3)), (256, (1, 3)), (128, (1, 3)), (80, (1, 3)),
)  # fmt: skip
_FINEST = 4096
_SEEN = 18.0  # pixels of a level that a face needs
_ENLARGED = 0.5  # photo pixels to one of a level: enlarging further shows nothing new


def find(
    pixels: Pixels, *, min_face: float | None = None, threads: int | None = None
) -> list[Face]:
    """All faces of a photo, largest first (by height, forehead to chin).

    Parameters
    ----------
    pixels : (H, W, 3) uint8 or uint16, upright RGB; grey pictures have three equal channels.
    min_face : smallest height of a face in photo pixels that is looked for; smaller ones are left
        out.  By default from about a twentieth of the longer side, smaller if none is found.
        Small values cost time: 60 px of a 12 megapixel photo a second, 20 px three.
    threads : of the networks (default: two).

    Raises `BadOption` for a `min_face` that is not positive.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"pixels must be (H, W, 3) uint8 or uint16, not {pixels.shape}")
    if min_face is not None and not 0 < min_face < math.inf:
        raise BadOption(f"The smallest face must have more than 0 pixels, not {min_face}.")
    if 0 in pixels.shape:
        return []
    pyramid = Pyramid(pixels)
    if min_face is not None:
        found = _search(pyramid, _plan(pyramid, min_face), threads)
        return [face for face in found if face.height >= min_face]
    found = _search(pyramid, _sensible(pyramid, _PLAN), threads)
    return found or _search(pyramid, _sensible(pyramid, _MORE), threads)


def _plan(pyramid: Pyramid, min_face: float) -> Plan:
    """The levels on which faces of `min_face` and more have the pixels they need."""
    plan: list[tuple[int, tuple[int, ...]]] = [(80, (0, 2)), (128, (0, 2))]
    while plan[-1][0] < _FINEST and min_face / pyramid.unit(plan[-1][0]) < _SEEN:
        level = 2 * plan[-1][0]
        plan.append((level, (0, 2) if level <= 1024 else (0,)))
    return _sensible(pyramid, tuple(reversed(plan)))


def _sensible(pyramid: Pyramid, plan: Plan) -> Plan:
    return tuple((n, turns) for n, turns in plan if n <= 128 or pyramid.unit(n) >= _ENLARGED)


def _search(pyramid: Pyramid, plan: Plan, threads: int | None) -> list[Face]:
    proposals: list[Found] = []
    for level, turns in plan:
        picture, unit = pyramid.level(level)
        proposals += scan(picture, unit, turns, FLOOR, threads)
    seen = _distinct(again(pyramid, merged(proposals)[:MOST], FLOOR, threads))
    meshes = iter(mesh(pyramid, [found for views in seen for found in views], threads))
    # what is up: the mesh was right wherever the detector was in doubt
    pairs = [max(((f, next(meshes)) for f in views), key=_belief) for views in seen]
    made = [(_face(*pair), _belief(pair)) for pair in pairs if _credible(*pair)]
    return sorted(_single(_likely(made)), key=lambda face: -face.height)


def _distinct(seen: list[list[Found]]) -> list[list[Found]]:
    """Only the best of proposals that turned out to be the same."""
    out: list[list[Found]] = []
    for views in sorted(seen, key=lambda v: -v[0].score):
        if not any(alike(views[0], other[0]) for other in out):
            out.append(views)
    return out


def _belief(pair: tuple[Found, Mesh]) -> float:
    """Log odds that this is a face, and this way up."""
    found, seen = pair
    return log_odds(seen.logit, found.score)


def _credible(found: Found, seen: Mesh) -> bool:
    return seen.flag > FLAG or (seen.flag > FLAG_SURE and found.score >= SURE)


def _face(found: Found, seen: Mesh) -> Face:
    points, _ = seen
    (x0, y0), (x1, y1) = points[:, :2].min(0).tolist(), points[:, :2].max(0).tolist()
    _, side = square(points)
    return Face((x0, y0, x1, y1), points, found.score, seen.flag, roll(side))


def _likely(made: Sequence[tuple[Face, float]]) -> list[Face]:
    """Without faces that are neither sure (their log odds) nor the same way up as the surest."""
    if not made:
        return []
    surest, _ = max(made, key=lambda one: one[1])
    return [face for face, odds in made if odds >= ODDS or _turn(face, surest) <= TURNED]


def _turn(a: Face, b: Face) -> float:
    """Degrees from one face's way up to the other's, 0..180."""
    return abs((a.roll - b.roll + 180) % 360 - 180)


def _single(faces: Sequence[Face]) -> list[Face]:
    """Without doubles: of faces that share eyes or lie within one another the best stays."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -f.score * f.flag):
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    return kept


def _same(a: Face, b: Face) -> bool:
    shift = np.linalg.norm(a.eyes.mean(0) - b.eyes.mean(0))
    if shift < 0.6 * max(a.iod, b.iod):
        return True
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.box, b.box
    wide, high = min(ax1, bx1) - max(ax0, bx0), min(ay1, by1) - max(ay0, by0)
    if wide <= 0 or high <= 0:
        return False
    smaller = min((ax1 - ax0) * (ay1 - ay0), (bx1 - bx0) * (by1 - by0))
    return wide * high > 0.6 * smaller
