"""The parser on a scene, with the shipped net."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import faces
from tonsure.hair.parse import BACKGROUND, CLASSES, CLOTHES, HAIR, NECK, SKIN, parse
from tonsure.planes import Plane
from tonsure.scene import Scene, look


@pytest.fixture(scope="module")
def seen(astronaut: np.ndarray) -> tuple[Scene, Plane]:
    (face,) = faces.find(astronaut, threads=1)
    scene = look(astronaut, face, 43.0, 2)
    return scene, parse(scene)


def test_shares_sum_to_one(seen: tuple[Scene, Plane]) -> None:
    scene, classes = seen
    assert classes.shape == (*scene.shape, len(CLASSES))
    assert classes.dtype == np.float32
    assert classes.min() > -1e-4
    assert np.abs(classes.sum(-1) - 1).max() < 1e-3


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ((0.0, -0.35), SKIN),  # the forehead
        ((0.55, 0.55), SKIN),  # a cheek
        ((0.0, -1.25), HAIR),  # above the forehead
        ((-1.3, -0.3), HAIR),
        ((1.8, 3.2), CLOTHES),
        ((-3.0, -2.0), BACKGROUND),
    ],
    ids=str,
)
def test_places_of_a_face(seen: tuple[Scene, Plane], where: tuple[float, float], kind: int) -> None:
    scene, classes = seen
    x, y = scene.face_units()
    near = np.hypot(x - where[0], y - where[1]) < 0.12
    told = classes[near].mean(0)
    assert CLASSES[int(told.argmax())] == CLASSES[kind]


def test_a_mirrored_photo_is_parsed_alike(seen: tuple[Scene, Plane], astronaut: np.ndarray) -> None:
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    (face,) = faces.find(mirrored, threads=1)
    scene = look(mirrored, face, 43.0, 2)
    x, y = seen[0].face_units()
    inner = np.hypot(x, y) < 1.5
    hair = seen[1][..., HAIR][inner].mean()
    x, y = scene.face_units()
    again = parse(scene)[..., HAIR][np.hypot(x, y) < 1.5].mean()
    assert again == pytest.approx(hair, rel=0.1)


def test_necks_lie_below_chins(seen: tuple[Scene, Plane]) -> None:
    scene, classes = seen
    _, y = scene.face_units()
    neck = classes[..., NECK]
    assert (neck * y).sum() / neck.sum() > 1.3
