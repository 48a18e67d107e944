"""Layers beneath the hair: how wide a neck is, and which clothes lend their colour."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import faces
from tonsure.head import bare
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, Scene, look


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    return look(astronaut, face, bare.DENSITY, 1)


def test_neck_ends_within_the_face(scene: Scene) -> None:
    shape = scene.shape
    rows = (np.arange(shape[0], dtype=np.float32) + 0.5) / bare.DENSITY + bare._top(scene)
    beside = bare._beside_neck(scene, rows, shape)
    row = int(np.argmin(np.abs(rows - 2.0)))
    free = np.nonzero(beside[row] < 0.5)[0]
    left, right = ((x / bare.DENSITY + _left(scene)) for x in (free[0], free[-1] + 1))
    mesh = (scene.mesh[:, 0] - EYES_MIDDLE[0]) / EYE_DISTANCE
    width = mesh[361] - mesh[132]
    assert 0.65 * width < right - left < 0.95 * width
    assert mesh[132] - 0.3 < left < right < mesh[361] + 0.3
    assert beside[rows < 0.9].max() == 0  # a face is no neck
    assert (beside[-1] < 0.5).sum() > len(free)  # and shoulders are wider


def _left(scene: Scene) -> float:
    return float((scene.box[0] - EYES_MIDDLE[0]) / EYE_DISTANCE)


def test_neck_beside_a_neck_is_background_or_cloth() -> None:
    layers = np.zeros((1, 2, 5), np.float32)
    layers[0, :, bare.NECK] = 0.6
    layers[0, 0, bare.BACKGROUND], layers[0, 1, bare.CLOTHES] = 0.4, 0.4
    out = bare._slender(layers, np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32))
    assert np.abs(out.sum(-1) - 1).max() < 1e-6
    assert out[..., bare.NECK].max() == 0
    assert out[0, 0, bare.BACKGROUND] > 0.95
    assert out[0, 1, bare.CLOTHES] > 0.9
    seen = bare._slender(layers, np.ones((1, 2), np.float32), np.ones((1, 2), np.float32))
    assert (seen == layers).all()


def test_bare_shoulders_lend_clothes_no_colour() -> None:
    rgb = np.full((20, 20, 3), (200, 150, 130), np.float32)
    rgb[15:, 10:] = (40, 60, 160)
    seen = np.zeros((20, 20, 5), np.float32)
    seen[:10, :, bare.HEAD] = 1
    seen[15:, :, bare.CLOTHES] = 1
    plane = np.zeros((20, 20), np.float32)
    low = bare.Visible(seen, plane, plane, plane, plane, plane + 1)
    found = bare._clothes(rgb, low, plane + 1)
    assert found[15:, 10:].min() > 0.99
    assert found[15:, :10].max() < 0.01
