"""Choosing one face of several."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import errors
from tonsure.faces import Face, choose


def face(x: float, y: float, size: float) -> Face:
    points = np.zeros((468, 3), np.float32)
    return Face((x, y, x + size, y + size), points, 0.9, 1.0, 0.0)


FACES = [face(300, 100, 200), face(0, 0, 100), face(480, 250, 90)]


@pytest.mark.parametrize(
    ("which", "indices"),
    [
        ("largest", [0]),
        (" Largest ", [0]),
        ("all", [0, 1, 2]),
        (1, [0]),
        ("2", [1]),
        (3, [2]),
        ("50,50", [1]),
        ("0, 0", [1]),
        ("490,260", [2]),  # in two boxes: the nearest centre
        ("400.5,2e2", [0]),
        ("left", [1]),
        (" RIGHT", [2]),
        ((320.0, 120.0), [0]),
        ("295,95,480,290", [0]),
        ((470, 240, 580, 350), [2]),
        ((-50, -50, 900, 900), [0]),  # shares most with the largest
    ],
)
def test_choice(which: str | int, indices: list[int]) -> None:
    assert choose(FACES, which) == [FACES[i] for i in indices]


def test_the_largest_is_what_is_meant_by_default() -> None:
    assert choose(FACES) == FACES[:1]


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ("biggest", "'right', a number, 'x,y' or 'x0,y0,x1,y1'"),
        ("largst", "did you mean 'largest'"),
        ("1,2,3", "give"),
        ("1,2,3,4,5", "give"),
        ("10,10,5,20", "is no box; give left, top"),
        ("rght", "did you mean 'right'"),
        ("-1", "give"),
        ("1.5", "give"),
        ("", "give"),
        ("nan,3", "give"),
        (0, "counted from 1"),
        ("\u00b2", "give"),  # a digit, but no number
    ],
)
def test_what_cannot_be_read(which: str | int, says: str) -> None:
    with pytest.raises(errors.BadOption, match=says) as caught:
        choose(FACES, which)
    assert caught.value.exit_code == 2
    with pytest.raises(errors.BadOption):  # also when there is no face at all
        choose([], which)


@pytest.mark.parametrize(
    ("faces", "which", "says"),
    [
        ([], "largest", "min_face="),
        ([], "all", "min_face="),
        ([], 1, "min_face="),
        (FACES, 4, "no face 4: 3 faces were found"),
        (FACES[:1], "2", "no face 2: one face was found"),
        (FACES, "900,900", "no face at 900,900"),
        (FACES, (800, 800, 900, 900), "no face at 800,800,900,900"),
    ],
)
def test_who_is_not_there(faces: list[Face], which: str | int, says: str) -> None:
    with pytest.raises(errors.NoFace, match=says) as caught:
        choose(faces, which)
    assert caught.value.exit_code == 4
