"""Hair that the parser calls ear, and hair that hangs out from behind a person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonsure import faces
from tonsure.hair.matte import attached
from tonsure.hair.person import alike
from tonsure.hair.tufts import tufts
from tonsure.planes import Plane
from tonsure.scene import Scene, look

SKIN, HAIR = (200, 140, 120), (60, 50, 40)


@pytest.fixture(scope="module")
def plain(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    scene = look(astronaut, face, 60.0, 1)
    noise = np.random.default_rng(1).normal(0, 6, (*scene.shape, 3))
    return replace(scene, rgb=(np.array(SKIN) + noise).astype(np.float32))


def box(scene: Scene, x0: float, y0: float, x1: float, y1: float) -> Plane:
    x, y = scene.face_units()
    return ((x >= x0) & (x < x1) & (y >= y0) & (y < y1)).astype(np.float32)


def painted(scene: Scene, where: Plane) -> Scene:
    tint = (np.array(HAIR) - np.array(SKIN)) * where[..., None]
    return replace(scene, rgb=(scene.rgb + tint).astype(np.float32))


def test_too_long_an_ear_with_hair_on_top_loses_it(plain: Scene) -> None:
    hair, ear = box(plain, -1.6, -1.2, -0.9, -0.25), box(plain, -1.4, -0.25, -1.1, 0.85)
    tuft = box(plain, -1.4, -0.25, -1.1, 0.07)
    found = tufts(painted(plain, np.maximum(hair, tuft)), ear, hair > 0.5)
    assert found[box(plain, -1.38, -0.23, -1.12, 0.0) > 0].mean() > 0.9
    assert found[box(plain, -1.4, 0.3, -1.1, 0.85) > 0].max() < 0.05


def test_long_ear_of_skin_stays_whole(plain: Scene) -> None:
    """As on turned heads and old men."""
    hair, ear = box(plain, -1.6, -1.2, -0.9, -0.25), box(plain, -1.4, -0.25, -1.1, 0.85)
    assert tufts(painted(plain, hair), ear, hair > 0.5).mean() < 1e-3


def test_sideburn_before_the_ear_goes(plain: Scene) -> None:
    hair, ear = box(plain, -1.6, -1.2, -0.9, 0.0), box(plain, -1.4, 0.0, -1.0, 0.75)
    lock = box(plain, -1.08, 0.0, -1.0, 0.25)
    found = tufts(painted(plain, np.maximum(hair, lock)), ear, hair > 0.5)
    assert found[box(plain, -1.07, 0.03, -1.01, 0.2) > 0].mean() > 0.7
    assert found[box(plain, -1.4, 0.1, -1.25, 0.75) > 0].max() < 0.05


def test_nobody_has_ears(plain: Scene) -> None:
    none = np.zeros(plain.shape, np.float32)
    assert tufts(plain, none, none > 0).max() == 0


def behind(scene: Scene, tint: bool, share: float) -> Plane:
    """What of a lock beside the neck, cut off from the hair above by the face, is attached."""
    top, lock = box(scene, -1.2, -1.8, 1.2, -0.8), box(scene, 0.9, 1.2, 1.3, 2.0)
    face = box(scene, -1.0, -0.8, 1.0, 1.6)
    colours = painted(scene, np.maximum(top, lock) if tint else top)
    hair, like = np.maximum(top, share * lock), alike(colours, top > 0.5)
    return attached(colours, hair, like, face, np.maximum(top, face)) * lock


def test_lock_behind_the_face_belongs_to_the_hair(plain: Scene) -> None:
    inside = box(plain, 1.05, 1.3, 1.25, 1.9) > 0
    assert behind(plain, True, 0.95)[inside].min() > 0.9


def test_hood_does_not(plain: Scene) -> None:
    """Neither what the parser half takes for hair, nor what has another colour."""
    inside = box(plain, 1.1, 1.3, 1.25, 1.9) > 0
    assert behind(plain, True, 0.4)[inside].max() < 0.1
    assert behind(plain, False, 0.7)[inside].max() < 0.1
