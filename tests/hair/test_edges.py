"""Edges of the photo tell whose hair it is, and tell everybody the same."""

from __future__ import annotations

import numpy as np
import pytest

import portraits
from portraits import moved
from tonsure.faces import Face
from tonsure.hair.edges import Edges
from tonsure.hair.people import People

LOCK = (1.2, 1.8, 0.9, 1.4)  # eye distances from the left face: left, right, top, low


@pytest.fixture(scope="module")
def pair() -> tuple[Face, Face]:
    """Two faces of 40 pixels an eye distance, three of them apart."""
    face = portraits.people("president")[0]
    z = 40 / face.iod
    left = moved(face, z, complex(150, 150) - z * complex(*face.centre))
    return left, moved(left, 1, 120)


def picture(pair: tuple[Face, Face], whose: int) -> np.ndarray:
    """Hair of one of two as a dark patch that reaches a lock beside the other, before grey."""
    out = np.full((360, 440, 3), 170, np.uint8)
    (x, y), owner = pair[0].centre, pair[whose].centre
    left, right, top, low = (round(40 * k) for k in LOCK)
    out[round(y) + top : round(y) + low, round(x) + left : round(x) + right] = 20
    first, last = sorted((round(owner[0]), round(x) + (left + right) // 2))
    out[round(y) - 45 : round(y) + top, round(x) + left : round(x) + right] = 20
    out[round(y) - 60 : round(y) - 20, first:last] = 20
    return out


@pytest.mark.parametrize("whose", [0, 1])
def test_a_lock_hangs_together_with_its_own_head(pair, whose):
    pixels = picture(pair, whose)
    x, y = pair[0].centre
    spot = (round(x + 52), round(y + 40), round(x + 68), round(y + 52))
    own, other = (People.of(pair[k], pair, pixels).mine(spot).mean() for k in (whose, 1 - whose))
    assert own > 0.9
    assert other < 0.1


def test_by_the_photo_too_every_pixel_has_one_owner_in_whatever_box(pair):
    rng = np.random.default_rng(5)
    pixels = np.kron(rng.integers(0, 255, (45, 55, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    third = moved(pair[0], 0.5, 100 + 60j)
    crowd = (*pair, third)
    box = (0, 0, 440, 360)
    masks = [People.of(face, crowd, pixels).mine(box) for face in crowd]
    count = sum(mask.astype(int) for mask in masks)
    assert count.max() == 1
    assert (count == 1).mean() > 0.99
    for face, mask in zip(crowd, masks, strict=True):
        again = People.of(face, crowd[::-1], pixels)  # and in whatever order they were found
        for x0, y0, x1, y1 in ((0, 0, 150, 90), (37, 80, 300, 200), (299, 199, 300, 200)):
            assert np.array_equal(again.mine((x0, y0, x1, y1)), mask[y0:y1, x0:x1])


def test_a_plain_photo_leaves_the_border_in_the_middle(pair):
    plain = np.full((360, 440, 3), 120, np.uint8)
    by_photo, by_place = People.of(pair[0], pair, plain), People.of(pair[0], pair)
    box = (0, 0, 440, 360)
    assert (by_photo.mine(box) != by_place.mine(box)).mean() < 0.02


def test_the_way_around_an_edge_costs_nothing(pair):
    """A wall with a gap: what lies behind it is reached through the gap."""
    pixels = np.full((360, 440, 3), 120, np.uint8)
    face = pair[0]
    x, y = (round(k) for k in face.centre)
    pixels[:, x + 64 : x + 70] = 255
    behind = np.array([[complex(x + 90, y + 20)]])
    closed = Edges.around(pixels, face).at(behind).item()
    pixels[y + 30 : y + 70, x + 64 : x + 70] = 120
    gap = Edges.around(pixels, face).at(behind).item()
    assert closed > 2
    assert gap < 0.6


def test_a_face_beyond_the_photo_has_no_edges(pair):
    away = moved(pair[0], 1, -4000)
    assert not Edges.around(np.zeros((60, 60, 3), np.uint8), away).cost.any()
