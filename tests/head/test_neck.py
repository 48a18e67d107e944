"""How wide a neck is that hair hides."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import faces
from tonsure.head import bare, neck
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, Scene, look

ROWS = np.arange(0.7, 2.9, 0.05, dtype=np.float32)
COLUMNS = np.arange(-2, 2, 0.02, dtype=np.float32)
NOTHING = np.zeros((len(ROWS), len(COLUMNS)), np.float32)


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    return look(astronaut, face, bare.DENSITY, 1)


def _ends(beside: np.ndarray, row: float) -> tuple[float, float]:
    free = COLUMNS[beside[int(np.argmin(np.abs(ROWS - row)))] < 0.5]
    return float(free[0]), float(free[-1])


def test_neck_ends_within_the_face(scene: Scene) -> None:
    beside = neck.beside(scene, ROWS, COLUMNS, NOTHING, NOTHING)
    left, right = _ends(beside, 2.0)
    mesh = (scene.mesh[:, 0] - EYES_MIDDLE[0]) / EYE_DISTANCE
    width = mesh[361] - mesh[132]
    assert 0.65 * width < right - left < 0.95 * width
    assert mesh[132] - 0.3 < left < right < mesh[361] + 0.3
    shoulders = _ends(beside, 2.8)
    assert shoulders[1] - shoulders[0] > right - left + 0.3


def test_beside_the_jaw_there_is_no_neck(scene: Scene) -> None:
    beside = neck.beside(scene, ROWS, COLUMNS, NOTHING, NOTHING)
    mesh = (scene.mesh[:, 0] - EYES_MIDDLE[0]) / EYE_DISTANCE
    left, right = _ends(beside, 0.75)
    assert abs(left - mesh[132]) < 0.12
    assert abs(right - mesh[361]) < 0.12


def test_a_neck_seen_to_be_slim_is_slim_further_up(scene: Scene) -> None:
    mean = neck.beside(scene, ROWS, COLUMNS, NOTHING, NOTHING)
    right = _ends(mean, 1.8)[1]
    skin, air = NOTHING.copy(), NOTHING.copy()
    seen = (ROWS > 1.7)[:, None]
    skin[...] = seen & (np.abs(COLUMNS) < right - 0.2)
    air[...] = seen & (right - 0.2 < COLUMNS)  # at the left hair hides where it ends
    slim = neck.beside(scene, ROWS, COLUMNS, skin, air)
    assert _ends(slim, 1.5)[1] < _ends(mean, 1.5)[1] - 0.1
    assert _ends(slim, 1.5)[0] == _ends(mean, 1.5)[0]
