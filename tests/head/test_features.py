"""Which ears hair hides so far that they have to be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import faces
from tonsure.hair.classes import BACKGROUND, CLASSES, EAR, HAIR
from tonsure.head import ears, features
from tonsure.planes import Plane
from tonsure.scene import Scene, look


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    return look(astronaut, face, 60.0, 1)


def ear_at(scene: Scene, side: int) -> Plane:
    """Where the mesh foretells the ear of `side`: (H, W) 0..1."""
    origin, step = complex(*scene.box[:2]), complex(1 / scene.scale)
    drawn = ears.draw(scene.mesh, side, scene.shape, origin, step)
    assert drawn is not None
    out = np.zeros(scene.shape, np.float32)
    out[drawn.at] = drawn.alpha
    return out


def ask(scene: Scene, shown: float) -> tuple[tuple[features.HiddenEar, ...], Plane, Plane, Plane]:
    """Both ears seen from the lobe upwards to the share `shown` of their height, hair over the
    rest: what is found, where, the ears that are seen and all of them."""
    y = scene.face_units()[1] + np.zeros(scene.shape, np.float32)
    both = [ear_at(scene, side) for side in (-1, 1)]
    seen = np.zeros(scene.shape, np.float32)
    for ear in both:
        rows = y[ear > 0.5]
        seen = np.maximum(seen, ear * (y > rows.max() - shown * np.ptp(rows)))
    whole = np.maximum(*both)
    classes = np.zeros((*scene.shape, len(CLASSES)), np.float32)
    classes[..., EAR], classes[..., HAIR] = seen, whole - seen
    classes[..., BACKGROUND] = 1 - whole
    found, where = features.hidden_ears(scene, classes, whole - seen)
    return found, where, seen, whole


def test_ears_that_are_seen_are_not_drawn(scene: Scene) -> None:
    found, where, _, _ = ask(scene, 1.0)
    assert found == ()
    assert where.max() == 0


def test_ears_under_hair_are_drawn_where_the_mesh_foretells_them(scene: Scene) -> None:
    found, where, _, whole = ask(scene, 0.0)
    assert [ear.side for ear in found] == [-1, 1]
    assert all(ear.shift == 0 for ear in found)
    assert np.abs(where - whole).max() < 1e-6


def test_an_ear_whose_tip_is_hidden_keeps_what_is_seen(scene: Scene) -> None:
    found, where, seen, _ = ask(scene, 0.62)
    assert [ear.side for ear in found] == [-1, 1]
    assert float((where * seen).max()) == 0
    assert all(abs(ear.shift) < 0.1 * 38.4 for ear in found)


def test_a_lobe_alone_gives_way_to_a_drawn_ear(scene: Scene) -> None:
    found, where, seen, _ = ask(scene, 0.3)
    assert [ear.side for ear in found] == [-1, 1]
    assert where[seen > 0.5].min() > 0.9


@pytest.mark.parametrize("wider", [0, 3, 5, 6, 7, 9, 16])
def test_half_an_ear_is_never_left_alone_however_broad_it_is(scene: Scene, wider: int) -> None:
    """Between two bounds of its breadth an ear was neither a lobe nor hidden and stayed so."""
    import cv2

    whole, y = ear_at(scene, -1), scene.face_units()[1] + np.zeros(scene.shape, np.float32)
    rows = y[whole > 0.5]
    broad = cv2.dilate(whole, np.ones((1, wider + 1), np.uint8))
    seen = (broad > 0.5) & (y > rows.max() - 0.5 * np.ptp(rows))
    hair = np.maximum(whole, broad) * ~seen
    classes = np.zeros((*scene.shape, len(CLASSES)), np.float32)
    classes[..., EAR], classes[..., HAIR] = seen, hair
    classes[..., BACKGROUND] = 1 - seen - hair
    found, _ = features.hidden_ears(scene, classes, hair)
    assert -1 in [ear.side for ear in found]


def test_an_ear_is_cut_off_where_hair_lies_right_above_it() -> None:
    y = np.linspace(-1, 1, 80, dtype=np.float32)[:, None] + np.zeros((80, 40), np.float32)
    seen = (np.abs(y - 0.4) < 0.25) & (np.arange(40) > 20)
    hair = ((y < 0.15) & (y > -0.3)).astype(np.float32)
    assert features._cut_off(seen, hair, y)
    assert not features._cut_off(seen, hair * (y < -0.1), y)
    assert not features._cut_off(seen & False, hair, y)
    assert not features._cut_off(np.ones_like(seen), hair, y)  # it begins at the picture's border
