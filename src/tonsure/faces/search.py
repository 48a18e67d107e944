"""Finding every face of a photo, and choosing among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from ..errors import BadOption, NoFace
from . import detect
from .align import Pixels, to_complex
from .detect import Found
from .face import Face
from .landmarks import mesh

_FLOOR = 0.5


def find(
    pixels: Pixels, *, min_face: float | None = None, threads: int | None = None
) -> list[Face]:
    """All faces of a photo, largest first."""
    proposals: list[Found] = []
    for longer in (80, 128, 256, 512):
        level, unit = detect.shrunk(pixels, longer)
        proposals += detect.scan(level, unit, (0, 1, 2, 3), _FLOOR, threads)
    founds = detect.again(pixels, detect.merged(proposals), _FLOOR, threads)
    founds = detect.merged(founds)
    faces = [
        _face(found, points, flag)
        for found, (points, flag) in zip(founds, mesh(pixels, founds, threads), strict=True)
        if flag > 0.9 or (flag > 0.5 and found.score >= 0.7)
    ]
    return sorted(faces, key=lambda f: -f.height)


def _face(found: Found, points: np.ndarray, flag: float) -> Face:
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    flat = to_complex(points)
    return Face(
        (float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        points,
        found.score,
        flag,
        detect.roll(complex(flat[263] - flat[33])),
    )


def choose(faces: Sequence[Face], which: str | int = "largest") -> list[Face]:
    """Those of `faces` (as `find` returns them) that are meant by `which`.

    "largest" is the first, "all" are all, a number N (also as text) counts from 1 in the order of
    `find`, largest first; "x,y" is the face around a point of the photo in pixels, the one with
    the nearest centre if there are several.

    Raises `NoFace` when there is none, and `BadOption` when `which` cannot be read.
    """
    text = str(which).strip().lower()
    number = int(text) if text.isascii() and text.isdigit() else None
    point = _point(text)
    if text not in ("largest", "all") and number is None and point is None:
        near = get_close_matches(text, ("largest", "all"), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "give 'largest', 'all', a number or 'x,y'."
        raise BadOption(f"There is no face {which!r}; {hint}")
    if number == 0:
        raise BadOption("Faces are counted from 1, the largest first.")
    if not faces:
        raise NoFace("No face was found; --min-face looks for smaller ones.")
    if text == "all":
        return list(faces)
    if number is not None:
        if number > len(faces):
            count = "one face" if len(faces) == 1 else f"{len(faces)} faces"
            raise NoFace(f"There is no face {number}: {count} were found.")
        return [faces[number - 1]]
    if point is not None:
        around = [f for f in faces if _around(f, point)]
        if not around:
            raise NoFace(f"There is no face at {which}; `inspect` lists those found.")
        return [min(around, key=lambda f: math.dist(f.centre, point))]
    return [faces[0]]


def _point(text: str) -> tuple[float, float] | None:
    parts = text.split(",")
    try:
        x, y = (float(part) for part in parts)
    except ValueError:
        return None
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def _around(face: Face, point: tuple[float, float]) -> bool:
    x0, y0, x1, y1 = face.box
    return x0 <= point[0] <= x1 and y0 <= point[1] <= y1
