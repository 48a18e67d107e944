"""The working picture: the way from the photo and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tonsure import faces
from tonsure.faces import Face
from tonsure.planes import blur, resize
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, Scene, look


def face_at(middle: complex, distance: float, roll: float) -> Face:
    """A face of nothing but eyes and mouth; `roll` in degrees, clockwise."""
    points = np.zeros((468, 3), np.float32)
    turn = distance / EYE_DISTANCE * np.exp(1j * np.radians(roll))
    places = {(33, 133): 69.63 + 112.59j, (362, 263): 108.03 + 112.76j, (61, 291): 88.96 + 152.74j}
    for ends, place in places.items():
        where = middle + turn * (place - complex(*EYES_MIDDLE))
        points[list(ends), :2] = where.real, where.imag
    return Face((0.0, 0.0, 1.0, 1.0), points, 1.0, 1.0, roll)


CASES = [(0.0, 30.0), (90.0, 40.0), (-33.0, 25.0), (180.0, 60.0)]


@pytest.fixture(params=CASES, ids=[f"{r:.0f} degrees" for r, _ in CASES])
def scene(request: Any) -> Scene:
    roll, distance = request.param
    pixels = np.zeros((300, 260, 3), np.uint8)
    return look(pixels, face_at(120 + 140j, distance, roll), 36.0)


def centres(box: tuple[int, int, int, int]) -> np.ndarray:
    x, y = np.meshgrid(np.arange(box[0], box[2]) + 0.5, np.arange(box[1], box[3]) + 0.5)
    return np.stack([x, y], -1)


def test_planes_come_back_to_where_they_were(scene: Scene) -> None:
    x, y = scene.face_units()
    box = (80, 100, 160, 170)
    back = scene.to_photo(np.stack([x, y], -1), box)
    exact = (scene.frame.to_frame(centres(box)) - EYES_MIDDLE) / EYE_DISTANCE
    assert back.shape == (70, 80, 2)
    assert np.abs(back - exact).max() * scene.unit < 0.02  # pixels of the scene: 1/64
    assert np.abs(scene.to_photo(x, box) - back[..., 0]).max() * scene.unit < 0.02


@pytest.mark.parametrize("shape", [(30, 25), (50, 60)])
def test_planes_of_other_densities_come_back_as_well(scene: Scene, shape: tuple[int, int]) -> None:
    plane = resize(np.stack(scene.face_units(), -1), shape)
    box = (80, 100, 160, 170)
    exact = (scene.frame.to_frame(centres(box)) - EYES_MIDDLE) / EYE_DISTANCE
    coarser = scene.shape[0] / shape[0]
    assert np.abs(scene.to_photo(plane, box) - exact).max() * scene.unit < 0.05 + coarser / 64


def test_the_eyes_are_the_origin(scene: Scene) -> None:
    assert scene.unit == pytest.approx(36)
    eyes = scene.mesh[[33, 362], :2]
    assert np.abs(eyes.mean(0) - EYES_MIDDLE).max() < 0.01
    assert np.ptp(eyes[:, 0]) == pytest.approx(EYE_DISTANCE, abs=0.01)
    column, row = scene.to_scene(np.array([EYES_MIDDLE]))[0]
    x, y = scene.face_units()
    assert abs(x[0, int(column)]) < 1 / 36
    assert abs(y[int(row), 0]) < 1 / 36


def test_the_inside_is_the_photos_area(scene: Scene) -> None:
    corners = np.array([[0, 0], [260, 0], [260, 300], [0, 300]], float)
    exact = scene.polygon(scene.frame.to_frame(corners))
    assert np.abs(exact - scene.inside).mean() < 0.01
    assert set(np.unique(scene.inside)) <= {0, 1}


def test_a_box_is_cut_where_it_lies(scene: Scene) -> None:
    x0, y0 = EYES_MIDDLE[0] - EYE_DISTANCE, EYES_MIDDLE[1] - EYE_DISTANCE / 2
    box = (x0, y0, x0 + 2 * EYE_DISTANCE, y0 + EYE_DISTANCE)
    x, y = (scene.part(plane, box) for plane in scene.face_units())
    assert x.shape == (36, 72)
    assert abs(x.mean()) < 0.02
    assert abs(y.mean()) < 0.02
    everything = scene.part(x, (-1e4, -1e4, 1e4, 1e4))
    assert everything.shape == x.shape
    rows, columns = scene.slices((-1e4, -1e4, 1e4, 1e4))
    assert (rows.stop, columns.stop) == scene.shape


def test_polygons_are_filled_to_their_area(scene: Scene) -> None:
    t = np.radians(np.arange(0, 360, 3))
    circle = np.array(EYES_MIDDLE) + EYE_DISTANCE * np.stack([np.cos(t), np.sin(t)], 1)
    filled = scene.polygon(circle)
    assert filled.sum() / scene.unit**2 == pytest.approx(np.pi, rel=0.03)
    assert filled.min() == 0
    assert filled.max() == 1


def test_a_photo_survives_the_way_there_and_back(astronaut: np.ndarray) -> None:
    (face,) = faces.find(astronaut, threads=1)
    scene = look(astronaut, face, 96.0)
    box = (100, 20, 350, 300)
    back = scene.to_photo(scene.rgb, box)
    photo = astronaut[20:300, 100:350].astype(np.float32)
    # fine detail blurs, and what turns a photo rounds down by half a level
    assert np.abs(back - photo).mean() < 1.2
    assert np.abs(blur(back - photo, 4) + 0.5).max() < 1.5


def test_what_a_plane_touches_lies_within_its_reach(scene: Scene) -> None:
    x, y = scene.face_units()
    spot = (np.hypot(x - 0.4, y + 0.3) < 0.5).astype(np.float32)
    box = (40, 60, 220, 260)
    part, at = scene.reach(spot, box)
    whole = scene.to_photo(spot, box)
    assert whole.sum() == pytest.approx(whole[at].sum())
    assert whole[at].shape == (part[3] - part[1], part[2] - part[0])
    assert np.abs(scene.to_photo(spot, part) - whole[at]).max() < 0.05
    assert whole[at].mean() > 0.25  # and it is not much larger


def test_nothing_has_no_reach(scene: Scene) -> None:
    part, at = scene.reach(np.zeros(scene.shape, np.float32), (3, 4, 50, 60))
    assert part == (3, 4, 3, 4)
    assert np.zeros((56, 47))[at].size == 0
