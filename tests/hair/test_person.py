"""What belongs to a person and is no hair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonsure import faces
from tonsure.hair import person
from tonsure.hair.classes import BACKGROUND, HAIR
from tonsure.planes import Plane
from tonsure.scene import OVAL, Scene, look

ARM, LOCK = (1.5, -0.8, 2.1, 0.2), (-2.1, -0.8, -1.5, 0.2)


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    """A face whose surroundings are grey, with a patch of skin to its right and one of dark hair to
    its left."""
    (face,) = faces.find(astronaut, threads=1)
    scene = look(astronaut, face, 48.0, 1)
    oval = scene.mesh_polygon(OVAL) > 0.5
    rgb = np.where(oval[..., None], scene.rgb, np.float32(120))
    rgb[within(scene, ARM)] = np.median(scene.rgb[oval], 0)
    rgb[within(scene, LOCK)] = (40, 30, 25)
    rgb[scene.face_units()[1] < -1.2] = (45, 32, 26)  # the hair
    return replace(scene, rgb=rgb.astype(np.float32))


def within(scene: Scene, box: tuple[float, float, float, float]) -> np.ndarray:
    x, y = scene.face_units()
    return (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])


def limbs(scene: Scene, mask: float) -> Plane:
    one = np.ones(scene.shape, np.float32)
    hair = scene.face_units()[1] < -1.2
    skin = scene.mesh_polygon(OVAL) > 0.9
    return person._limbs(scene, one * ~skin * ~hair, one * hair, mask * one, skin)


def middle(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    return box[0] + 0.1, box[1] + 0.1, box[2] - 0.1, box[3] - 0.1


def test_what_is_a_persons_and_has_the_skins_colour_is_a_limb(scene: Scene) -> None:
    found = limbs(scene, 1.0)
    assert found[within(scene, middle(ARM))].mean() > 0.9
    assert found[within(scene, LOCK)].max() < 0.1


def test_a_wall_of_the_skins_colour_is_none(scene: Scene) -> None:
    assert limbs(scene, 0.2).max() < 0.01


def test_flesh_has_the_skins_colour_however_bright(scene: Scene) -> None:
    skin = scene.mesh_polygon(OVAL) > 0.9
    found = person.flesh(replace(scene, rgb=scene.rgb * np.float32(0.8)), skin)
    assert found[within(scene, middle(ARM))].mean() > 0.9
    assert found[within(scene, LOCK)].max() < 0.1
    assert person.flesh(scene, np.zeros(scene.shape, bool)).max() == 0


def test_a_hand_in_the_hair_stays_and_lights_of_the_hair_do_not(scene: Scene) -> None:
    one, hair = np.ones(scene.shape, np.float32), scene.face_units()[1] < -1.2
    skin = scene.mesh_polygon(OVAL) > 0.9
    unsure = np.where(within(scene, ARM), np.float32(0.6), hair)
    air = one * ~skin * ~hair * ~within(scene, ARM)
    assert person._limbs(scene, air, unsure, one, skin)[within(scene, middle(ARM))].mean() > 0.9
    light = np.where(within(scene, ARM), np.float32(0.93), hair)
    assert person._limbs(scene, air, light, one, skin)[within(scene, middle(ARM))].max() < 0.1


def test_a_mask_that_lacks_the_face_has_no_word(scene: Scene) -> None:
    """In the dark, or behind letters, the mask may have nobody: the hair is no wall's then."""
    classes = np.zeros((*scene.shape, 9), np.float32)
    hair = scene.face_units()[1] < -1.2
    classes[..., HAIR] = hair
    classes[..., BACKGROUND] = ~hair
    nobody = np.zeros(scene.shape, np.float32)
    assert np.array_equal(person.settle(scene, classes, nobody), classes)
    face = scene.mesh_polygon(OVAL)  # it has the face, and says that the rest is nobody's
    settled = person.settle(scene, classes, face)
    assert settled[within(scene, (-0.5, -1.9, 0.5, -1.5)), HAIR].max() < 0.1
