"""The frame: exact both ways, and cuts that show what they should."""

from __future__ import annotations

import cmath
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tonsure import faces
from tonsure.faces import Frame, align

Picture = npt.NDArray[np.uint8]

angles = st.floats(-math.pi, math.pi)
scales = st.floats(0.02, 20.0)
places = st.complex_numbers(max_magnitude=12_000)


@given(scales, angles, places, st.lists(places, min_size=1, max_size=8))
def test_there_and_back(scale: float, angle: float, t: complex, spots: list[complex]) -> None:
    frame = Frame(cmath.rect(scale, angle), t)
    points = align.to_points(np.array(spots))
    assert np.abs(frame.to_photo(frame.to_frame(points)) - points).max() < 1e-3


def moved(face: faces.Face, z: complex, t: complex) -> faces.Face:
    flat = z * align.to_complex(face.landmarks) + t
    points = np.column_stack([flat.real, flat.imag, face.landmarks[:, 2] * abs(z)])
    return faces.Face(face.box, points.astype(np.float32), face.score, face.flag, face.roll)


@given(scales, angles, places)
def test_a_face_moved_has_the_same_place_in_the_frame(
    face: faces.Face, scale: float, angle: float, t: complex
) -> None:
    z = cmath.rect(scale, angle)
    before = Frame.of(face).to_frame(face.landmarks)
    other = moved(face, z, t)
    assert np.abs(Frame.of(other).to_frame(other.landmarks) - before).max() < 0.1


def test_the_frame_puts_eyes_and_mouth_in_their_places(face: faces.Face) -> None:
    frame = Frame.of(face)
    eyes = align.to_complex(frame.to_frame(face.eyes))
    assert np.abs(eyes - align.TEMPLATE[:2]).max() < 4
    assert abs(abs(frame.z) * face.iod - 38.4) < 6


def gradient(height: int, width: int) -> Picture:
    """Red counts columns and green rows, slowly enough for eight bits."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 250 // width, y * 250 // height, x * 0], -1).astype(np.uint8)


# Pillow's bicubic kernel (a = -1) moves things by up to a tenth along each axis.
@pytest.mark.parametrize(
    ("how", "limit"), [(Image.Resampling.BILINEAR, 0.06), (Image.Resampling.BICUBIC, 0.16)]
)
@given(shrink=st.floats(0.3, 6.0), angle=angles, shift=st.complex_numbers(max_magnitude=60))
@settings(max_examples=40)
def test_sample_shows_the_right_place(
    how: Image.Resampling, limit: float, shrink: float, angle: float, shift: complex
) -> None:
    spot, wide = 250 + 240j + shift, 4 * max(shrink, 1.0)
    y, x = np.mgrid[:500, :500] + 0.5
    dot = 250 * np.exp(-(np.abs(x + 1j * y - spot) ** 2) / (2 * wide**2))
    picture = np.repeat(dot[..., None], 3, 2).astype(np.uint8)
    step = cmath.rect(shrink, angle)
    want = 41.3 + 38.8j
    cut = align.sample(picture, spot - step * want, step, (80, 80), how=how)[..., 0].astype(float)
    y, x = np.mgrid[:80, :80] + 0.5
    assert abs((cut * (x + 1j * y)).sum() / cut.sum() - want) < limit


def test_sample_keeps_a_picture_as_it_is(astronaut: Picture) -> None:
    assert (align.sample(astronaut, 0j, 1 + 0j, (512, 512)) == astronaut).all()
    part = align.sample(astronaut, 100 + 50j, 1 + 0j, (30, 20))
    assert (part == astronaut[50:70, 100:130]).all()


@pytest.mark.parametrize("shrink", [2.0, 3.0, 7.0])
def test_sample_averages_areas(shrink: float) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (420, 420, 3), dtype=np.uint8)
    cut = align.sample(noise, 0j, complex(shrink), (40, 40)).astype(float)
    assert cut.std() < 1.2 * noise.std() / shrink
    assert abs(cut.mean() - noise[: int(40 * shrink), : int(40 * shrink)].mean()) < 1.5


@pytest.mark.parametrize("origin", [-1000 - 1000j, -30 + 200j, 490 + 20j, 600 + 3j, 0 + 900j])
@pytest.mark.parametrize("step", [0.3, 1.0, 1.4j, 5.5 + 1j])
def test_beyond_the_picture_its_border_is_repeated(origin: complex, step: complex) -> None:
    picture = gradient(500, 500)
    cut = align.sample(picture, origin, complex(step), (50, 40)).astype(float)
    y, x = np.mgrid[:40, :50] + 0.5
    spot = origin + step * (x + 1j * y)
    want = np.clip(spot.real - 0.5, 0, 499) / 2
    assert np.abs(cut[..., 0] - want).max() < 1.5 + 0.6 * abs(step)


@pytest.mark.parametrize(
    ("size", "step"), [((0, 4), 1 + 0j), ((4, 4), 0j), ((4, 4), math.nan + 0j)]
)
def test_sample_refuses_nonsense(size: tuple[int, int], step: complex) -> None:
    with pytest.raises(ValueError, match="cannot sample"):
        align.sample(gradient(9, 9), 0j, step, size)


def test_sixteen_bits_give_their_upper_byte(astronaut: Picture) -> None:
    deep = astronaut.astype(np.uint16) * 257
    for step in (1 + 0j, 3.3 + 1j):
        a = align.sample(astronaut, 40 + 30j, step, (50, 50))
        assert (align.sample(deep, 40 + 30j, step, (50, 50)) == a).all()


def test_cut_is_upright_whatever_the_photo_is(astronaut: Picture, face: faces.Face) -> None:
    upright = Frame.of(face).cut(astronaut).astype(float)
    for quarter in range(1, 4):
        # one quarter counter-clockwise: x = y, y = 512 - x
        z = (-1j) ** quarter
        t = {1: 512j, 2: 512 + 512j, 3: 512 + 0j}[quarter]
        turned = Frame.of(moved(face, z, t)).cut(np.rot90(astronaut, quarter))
        assert np.abs(turned - upright).mean() < 1.0


def test_cut_has_the_size_asked_for(astronaut: Picture, face: faces.Face) -> None:
    frame = Frame.of(face)
    assert frame.cut(astronaut).shape == (218, 178, 3)
    box = (-40.0, -60.5, 200.0, 300.25)
    cut = frame.cut(astronaut, scale=1.7, box=box)
    assert cut.shape == (round(360.75 * 1.7), round(240 * 1.7), 3)
    assert frame.inside(astronaut.shape, 1.7, box).shape == cut.shape[:2]


def test_inside_tells_photo_from_border(astronaut: Picture, face: faces.Face) -> None:
    frame = Frame.of(face)
    assert frame.inside(astronaut.shape, box=(60, 90, 120, 150)).all()
    far = frame.to_frame([[-400.0, -400.0]])[0]
    assert not frame.inside(astronaut.shape, box=(*far, *(far + 30))).any()
    share = frame.inside(astronaut.shape, box=(-400, -400, 600, 600)).mean()
    assert share == pytest.approx(512**2 * abs(frame.z) ** 2 / 1000**2, rel=0.01)
