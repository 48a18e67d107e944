"""Whose pixel it is, where people stand close together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import portraits
from portraits import moved
from tonsure.faces import Face, Frame
from tonsure.hair.classes import CLOTHES, HAIR, JEWELLERY, SKIN
from tonsure.hair.people import People
from tonsure.scene import OVAL, look


@pytest.fixture(scope="module")
def face() -> Face:
    return portraits.people("president")[0]


@pytest.fixture(scope="module")
def crowd(face) -> list[Face]:
    """Nine faces of many sizes, some over others, drawn by lot."""
    rng = np.random.default_rng(11)
    out = []
    for _ in range(9):
        z = rng.uniform(0.15, 0.6) * np.exp(1j * rng.uniform(-0.5, 0.5))
        goal = complex(rng.uniform(0, 300), rng.uniform(0, 200))
        out.append(moved(face, z, goal - z * complex(*face.centre)))
    return out


def test_every_pixel_has_one_owner(crowd):
    box = (0, 0, 300, 200)
    count = sum(People.of(one, crowd).mine(box).astype(int) for one in crowd)
    assert count.max() == 1
    assert (count == 1).mean() > 0.99  # the rest lies in two faces, and is nearest to a third


@pytest.mark.parametrize("name", portraits.GROUPS)
def test_faces_are_their_own(name):
    found, shape = portraits.people(name), portraits.pixels(name).shape
    box = (0, 0, shape[1], shape[0])
    owned = [People.of(one, found).mine(box) for one in found]
    assert (sum(mine.astype(int) for mine in owned) == 1).all()
    for one, mine in zip(found, owned, strict=True):
        x, y = one.landmarks[list(OVAL), :2].mean(0).astype(int)
        assert mine[y, x]
        assert mine[one.landmarks[OVAL[0], 1].astype(int) - 5, x]  # above the forehead, too


def test_in_parts_it_is_the_same(crowd):
    people = People.of(crowd[3], crowd)
    whole = people.mine((0, 0, 300, 200))
    for x0, y0, x1, y1 in ((0, 0, 150, 90), (37, 80, 300, 200), (299, 199, 300, 200)):
        assert np.array_equal(people.mine((x0, y0, x1, y1)), whole[y0:y1, x0:x1])


def test_alone_all_is_mine_and_a_face_found_twice_is_nobody(face):
    twice = moved(face, 1.1 * np.exp(3.0j), 0)
    twice = moved(twice, 1, complex(*face.centre) - complex(*twice.centre))
    for found in ((), (face,), (face, twice)):
        people = People.of(face, found)
        assert not people.others
        assert people.mine((0, 0, 40, 30)).all()


def test_hair_hangs_from_the_head_above(face):
    """And a child's head before somebody's chest is the child's."""
    unit, (x, y) = face.iod, face.centre
    lower = moved(face, 1, complex(3.2, 2.0) * unit)
    child = moved(face, 0.8, complex(x, y + 3.6 * unit) - 0.8 * complex(x, y))
    at = (round(x + 1.5 * unit), round(y + 1.8 * unit))
    spot = (*at, at[0] + 1, at[1] + 1)
    assert People.of(face, (face, lower)).mine(spot).all()
    assert not People.of(lower, (face, lower)).mine(spot).any()
    crown = (round(x), round(child.landmarks[10, 1] - 0.6 * child.iod))
    spot = (*crown, crown[0] + 1, crown[1] + 1)
    assert People.of(child, (face, child)).mine(spot).all()
    assert not People.of(face, (face, child)).mine(spot).any()


def test_what_is_theirs_tells_nothing(face):
    picture = np.full((640, 1100, 3), 128, np.uint8)
    beside = moved(face, 1, 2.5 * face.iod)
    people = People.of(face, (face, beside))
    scene = look(picture, face, 16.0)
    classes = np.zeros((*scene.shape, 9), np.float32)
    classes[..., HAIR], classes[..., SKIN], classes[..., CLOTHES] = 0.5, 0.3, 0.2
    out = people.left_alone(scene, classes)
    theirs = people.on(scene) < 0.5
    assert np.allclose(out.sum(-1), 1, atol=1e-6)
    assert theirs.any()
    assert not out[theirs][:, [HAIR, SKIN, CLOTHES]].any()
    assert np.allclose(out[theirs][:, JEWELLERY], 1.0)
    assert np.array_equal(out[~theirs], classes[~theirs])
    # between two people of one size the border runs through the middle
    points = scene.to_scene(Frame.of(face).to_frame([[*face.centre]]))[0].round().astype(int)
    row = theirs[points[1]]
    assert abs(int(np.argmax(row)) - (points[0] + 1.25 * scene.unit)) < 0.15 * scene.unit


def test_an_earring_that_was_found_as_a_face_owns_nothing(face):
    ring = replace(moved(face, 0.3, complex(*face.centre) * 0.7 + 1.2 * face.iod), score=0.71)
    x, y = (round(v) for v in ring.centre)
    spot = (x, y, x + 1, y + 1)
    assert not People.of(face, (face, ring)).mine(spot).any()
    assert People.of(face, (face, replace(ring, flag=0.9))).mine(spot).all()
