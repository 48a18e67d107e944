"""Brows that are drawn: where people's lie, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import brow, faces
from tonsure.head import brows
from tonsure.scene import EYE_DISTANCE, Scene, look


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    return look(astronaut, face, 48.0, 1)


def at(scene: Scene, side: int, along: float, down: float) -> tuple[int, int]:
    """Row and column in the photo, `along` the brow and `down` from its upper line."""
    upper, lower = (scene.frame.to_photo(scene.mesh[list(n), :2]) for n in brow.LINES[side])
    x, y = brow.between(upper, lower, along, down)
    return int(y), int(x)


@pytest.mark.parametrize("side", [0, 1])
def test_a_brow_is_dark_at_its_inner_third_and_fades_outwards(
    scene: Scene, astronaut: np.ndarray, side: int
) -> None:
    box = (0, 0, astronaut.shape[1], astronaut.shape[0])
    cover = brows.draw(scene, side, box)
    assert cover.shape == astronaut.shape[:2]
    inner, outer = cover[at(scene, side, 0.25, 1.0)], cover[at(scene, side, 0.97, 0.4)]
    assert inner > 0.35
    assert outer < 0.6 * inner
    assert cover.max() <= 0.85


@pytest.mark.parametrize("side", [0, 1])
def test_nothing_is_drawn_off_the_brow(scene: Scene, astronaut: np.ndarray, side: int) -> None:
    box = (0, 0, astronaut.shape[1], astronaut.shape[0])
    cover = brows.draw(scene, side, box)
    rows, columns = np.nonzero(cover > 0.02)
    unit = EYE_DISTANCE / abs(scene.frame.z)
    near = np.concatenate([brow.LINES[side][0], brow.LINES[side][1]])
    points = scene.frame.to_photo(scene.mesh[near, :2])
    assert (rows > points[:, 1].min() - 0.2 * unit).all()
    assert (rows < points[:, 1].max() + 0.25 * unit).all()
    assert (columns > points[:, 0].min() - 0.2 * unit).all()
    assert (columns < points[:, 0].max() + 0.2 * unit).all()


def test_a_box_beside_the_brow_stays_empty(scene: Scene) -> None:
    assert not brows.draw(scene, 0, (0, 0, 20, 10)).any()


@pytest.mark.parametrize("side", [0, 1])
def test_a_brow_may_be_raised_unless_hair_hangs_before_it(scene: Scene, side: int) -> None:
    one, none = np.ones(scene.shape, np.float32), np.zeros(scene.shape, np.float32)
    usual = brow.area(scene, side)
    free, fringe = brow.possible(scene, none, side), brow.possible(scene, one, side)
    assert np.array_equal(fringe, usual)
    assert free.sum() > 1.3 * usual.sum()
    assert (free >= usual - 0.02).all()
    y = scene.face_units()[1]
    assert y[free > 0.5].min() < y[usual > 0.5].min()
    assert y[free > 0.5].max() == pytest.approx(y[usual > 0.5].max(), abs=0.03)
