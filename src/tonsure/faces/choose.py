"""Which of a photo's faces is meant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches

from ..errors import BadOption, NoFace
from .face import Face

Box = tuple[float, float, float, float]
Which = str | int | Face | tuple[float, float] | Box
"""How callers name faces."""

WORDS = ("largest", "all", "left", "right")
"""Names of faces that are always understood."""
_WAYS = "give 'largest', 'all', 'left', 'right', a number, 'x,y' or 'x0,y0,x1,y1'."


def choose(faces: Sequence[Face], which: Which = "largest") -> list[Face]:
    """Those of `faces` (as `find` returns them) that are meant by `which`.

    - "largest" is the first, "all" are all;
    - "left" and "right" are the outermost in the picture, as it is looked at;
    - a number N (also as text) counts from 1 in the order of `find`, largest first;
    - "x,y" or (x, y) is the face around a point of the photo in pixels, the one with the nearest
      centre if there are several;
    - "x0,y0,x1,y1" or (x0, y0, x1, y1) is the face that shares most with that box, as another
      face detector gives it;
    - a `Face` of theirs is itself.

    Raises `NoFace` when there is none, and `BadOption` when `which` cannot be read.
    """
    if isinstance(which, Face):
        if not any(face is which for face in faces):
            raise NoFace("That face is not of this photo; take one of Shot.faces.")
        return [which]
    if isinstance(which, tuple):
        which = ",".join(str(value) for value in which)
    text = str(which).strip().lower()
    number = int(text) if text.isascii() and text.isdigit() else None
    place = _place(text)
    if text not in WORDS and number is None and place is None:
        near = get_close_matches(text, WORDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else _WAYS
        raise BadOption(f"There is no face {which!r}; {hint}")
    if number == 0:
        raise BadOption("Faces are counted from 1, the largest first.")
    if not faces:
        fact, way = "No face was found", "looks for smaller ones."
        raise NoFace(
            f"{fact}; Editor(min_face=...) {way}", cli=f"{fact}; --min-face {way}",
            http=f"{fact}; send a photo where it is larger or turned to the camera.",
        )  # fmt: skip
    if number is not None:
        if number > len(faces):
            count = "one face was" if len(faces) == 1 else f"{len(faces)} faces were"
            raise NoFace(f"There is no face {number}: {count} found.")
        return [faces[number - 1]]
    if place is not None:
        return [_at(faces, place, str(which))]
    if text == "all":
        return list(faces)
    if text in ("left", "right"):
        edge = min if text == "left" else max
        return [edge(faces, key=lambda face: face.centre[0])]
    return [faces[0]]


def _place(text: str) -> tuple[float, ...] | None:
    """A point (x, y), a box (x0, y0, x1, y1), or None for what is neither."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    if len(numbers) not in (2, 4) or not all(map(math.isfinite, numbers)):
        return None
    if len(numbers) == 4 and not (numbers[0] < numbers[2] and numbers[1] < numbers[3]):
        raise BadOption(
            f"{text} is no box; give left, top, right and bottom in pixels: x0,y0,x1,y1."
        )
    return numbers


def _at(faces: Sequence[Face], place: tuple[float, ...], said: str) -> Face:
    if len(place) == 2:
        around = [face for face in faces if _around(face, place)]
        if around:
            return min(around, key=lambda face: math.dist(face.centre, place))
    else:
        best = max(faces, key=lambda face: _shared(face.box, place))
        if _shared(best.box, place) > 0:
            return best
    fact = f"There is no face at {said}"
    raise NoFace(
        f"{fact}; Shot.faces has those found.", cli=f"{fact}; `tonsure inspect` shows all.",
        http=f"{fact}; /v1/inspect lists those found.",
    )  # fmt: skip


def _around(face: Face, point: Sequence[float]) -> bool:
    x0, y0, x1, y1 = face.box
    return x0 <= point[0] <= x1 and y0 <= point[1] <= y1


def _shared(a: Sequence[float], b: Sequence[float]) -> float:
    """Area of the intersection of two boxes over that of their union, 0..1."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (a, b)]
    return wide * high / (sum(areas) - wide * high)
