"""Operations on planes, each against what it stands for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonsure import planes
from tonsure.planes import Plane, blur, dilate, grow, membrane, resize, shrink, smoothstep

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def laplace(value: Plane, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The discrete Laplace equation with free edges, solved outright."""
    height, width = value.shape
    matrix, right = np.zeros((value.size, value.size)), np.zeros(value.size)
    for y in range(height):
        for x in range(width):
            k = y * width + x
            if known[y, x]:
                matrix[k, k], right[k] = 1, value[y, x]
                continue
            for b, a in ((y, x + 1), (y, x - 1), (y + 1, x), (y - 1, x)):
                if 0 <= b < height and 0 <= a < width:
                    matrix[k, k] += 1
                    matrix[k, b * width + a] -= 1
    return np.linalg.solve(matrix, right).reshape(value.shape)


@pytest.fixture(scope="module")
def slope() -> Plane:
    """(18, 23): a tilted plane with a wave in it, 16..120."""
    y, x = np.mgrid[0:18, 0:23]
    return (50 + 3 * x - 2 * y + 10 * np.sin(x / 4)).astype(np.float32)


def hole(shape: tuple[int, ...], radius: float) -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.hypot(y - shape[0] / 2, x - shape[1] / 2) < radius


def test_a_membrane_solves_laplaces_equation(slope: Plane) -> None:
    known = ~hole(slope.shape, 6)
    exact = laplace(slope, known)
    weight = known.astype(np.float32)
    assert np.abs(membrane(slope, weight, 300) - exact).max() < 0.01
    # the few steps that are taken for real come within a hundredth of what there is
    assert np.abs(membrane(slope, weight) - exact).max() < 0.01 * np.ptp(slope)


def test_a_membrane_from_scattered_pixels(slope: Plane) -> None:
    known = np.random.default_rng(0).random(slope.shape) < 0.15
    exact = laplace(slope, known)
    found = membrane(slope, known.astype(np.float32), 300)
    assert np.abs(found - exact).max() < 0.01


@given(st.integers(0, 1000), st.integers(3, 25), st.integers(3, 25), st.floats(0.01, 1))
@settings(max_examples=20)
def test_a_membrane_holds_what_is_known_and_goes_no_further(
    seed: int, height: int, width: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    value = random.normal(0, 100, (height, width, 2)).astype(np.float32)
    weight = (random.random((height, width)) < share).astype(np.float32)
    out = membrane(value, weight)
    known = weight > 0
    assert out.dtype == np.float32
    assert np.array_equal(out[known], value[known])
    if known.any():
        low, high = value[known].min(0), value[known].max(0)
        assert (out >= low - 1e-3).all()
        assert (out <= high + 1e-3).all()
    else:
        assert not out.any()


def test_a_membrane_does_not_look_where_nothing_is_known(slope: Plane) -> None:
    known = ~hole(slope.shape, 6)
    other = np.where(known, slope, np.float32(1e6))
    weight = known.astype(np.float32)
    assert np.array_equal(membrane(slope, weight), membrane(other, weight))


def test_channels_of_a_membrane_are_planes(slope: Plane) -> None:
    weight = (~hole(slope.shape, 6)).astype(np.float32)
    both = membrane(np.stack([slope, -slope], -1), weight)
    assert np.array_equal(both[..., 0], membrane(slope, weight))
    assert np.array_equal(both[..., 1], membrane(-slope, weight))


@pytest.mark.parametrize("sigma", [0.3, 0.5, 0.7, 0.8, 1.5, 3, 6, 10, 20])
def test_a_blur_is_as_wide_as_asked_for(sigma: float) -> None:
    point = np.zeros((253, 261), np.float32)
    point[120, 131] = 1
    out = blur(point, sigma).astype(np.float64)
    assert out.sum() == pytest.approx(1, abs=1e-3)
    for axis, middle in ((0, 120), (1, 131)):
        profile = out.sum(1 - axis)
        place = np.arange(len(profile))
        mean = (profile * place).sum()
        assert abs(mean - middle) < max(0.05, 0.2 * sigma)  # wide ones work in blocks
        deviation = np.sqrt((profile * (place - mean) ** 2).sum())
        assert deviation == pytest.approx(sigma, rel=0.1, abs=0.2)


@pytest.mark.parametrize("sigma", [0.5, 2, 7, 30])
@pytest.mark.parametrize("shape", [(50, 61), (50, 61, 3), (3, 40)])
def test_a_blur_leaves_a_flat_plane(sigma: float, shape: tuple[int, ...]) -> None:
    flat = np.full(shape, 37.25, np.float32)
    out = blur(flat, sigma)
    assert out.shape == shape
    assert out.dtype == np.float32
    assert np.abs(out - flat).max() < 1e-3


@given(st.integers(0, 100), st.integers(1, 4), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=20)
def test_a_mask_grows_by_squares(seed: int, radius: int, height: int, width: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.1
    side = 2 * radius + 1
    for beyond in (False, True):
        around = np.pad(mask, radius, constant_values=beyond)
        windows = np.lib.stride_tricks.sliding_window_view(around, (side, side))
        assert np.array_equal(dilate(mask, radius, beyond), windows.any((-1, -2)))


@pytest.mark.parametrize("radius", [3.0, 6.0, 12.0, 25.0])
def test_grown_and_shrunk_edges_move_as_told(radius: float) -> None:
    edge = np.zeros((64, 200), np.float32)
    edge[:, :100] = 1
    grown, shrunk = grow(edge, radius)[32], shrink(edge, radius)[32]
    assert np.argmax(grown < 0.5) - 100 == pytest.approx(0.65 * radius, abs=1)
    assert 100 - np.argmax(shrunk < 0.5) == pytest.approx(0.65 * radius, abs=1)
    assert (grown[: 100 + int(0.3 * radius)] > 0.99).all()
    assert (grown[100 + round(1.3 * radius) + 1 :] == 0).all()
    assert (grown >= edge[32]).all()
    assert (shrunk <= edge[32]).all()


def test_smoothstep_rises_or_falls() -> None:
    x = np.linspace(-1, 2, 31, dtype=np.float32)
    up = smoothstep(0, 1, x)
    assert up[0] == 0
    assert up[-1] == 1
    assert (np.diff(up) >= 0).all()
    assert np.abs(smoothstep(1, 0, x) - (1 - up)).max() < 1e-6


def test_resizing_keeps_the_mean_and_shifts_nothing() -> None:
    y, x = np.mgrid[0:60, 0:80]
    ramp = (x + 2 * y).astype(np.float32)
    small = resize(ramp, (15, 20))
    assert small.mean() == pytest.approx(ramp.mean(), abs=1e-3)
    back = resize(small, (60, 80))
    assert np.abs(back - ramp)[8:-8, 8:-8].max() < 0.01
    assert resize(ramp, (60, 80)) is ramp


def test_a_walk_crosses_small_gaps_and_stays_on_the_way() -> None:
    passable = np.zeros((9, 30), bool)
    passable[4, 2:10] = passable[4, 12:20] = passable[4, 25:28] = True
    start = np.zeros_like(passable)
    start[4, 3] = True
    assert np.flatnonzero(planes.reached(start, passable, 1)[4]).tolist() == list(range(2, 10))
    far = np.flatnonzero(planes.reached(start, passable, 3)[4]).tolist()
    assert far == [*range(2, 10), *range(12, 20)]
    assert planes.reached(start, passable, 1, steps=2)[4].sum() == 4  # 2, 3, 4, 5
    nothing = np.zeros_like(passable)
    assert not planes.reached(nothing, nothing, 1).any()


def test_the_largest_part_is_found() -> None:
    mask = np.zeros((12, 12), bool)
    mask[1:3, 1:3] = mask[5:9, 5:9] = mask[10, 1] = True
    found = planes.largest(mask)
    assert found.sum() == 16
    assert found[5:9, 5:9].all()
    assert not planes.largest(np.zeros((4, 4), bool)).any()


@pytest.mark.parametrize("channels", [0, 1, 3, 5])
@pytest.mark.parametrize("cubic", [False, True])
def test_a_warp_shows_what_lies_there(channels: int, cubic: bool) -> None:
    y, x = np.mgrid[0:40, 0:50] + 0.5
    plane = (2 * x - 3 * y).astype(np.float32)
    if channels:
        plane = np.stack([plane + k for k in range(channels)], -1)
    turn = np.array([[0.5, 0.2, 10.0], [-0.2, 0.5, 20.0]])
    seen = planes.warp(plane, turn, (12, 16), cubic=cubic)
    down, across = np.mgrid[0:12, 0:16] + 0.5
    exact = 2 * (0.5 * across + 0.2 * down + 10) - 3 * (-0.2 * across + 0.5 * down + 20)
    assert seen.shape == ((12, 16) if channels == 0 else (12, 16, channels))
    # OpenCV's fractions may be of 1/32 pixel; its bicubic kernel bends ramps a little
    least = 0.5 if cubic else 5 / 64 + 1e-3
    assert np.abs((seen if channels == 0 else seen[..., 0]) - exact).max() < least
    far = planes.warp(plane, [[1, 0, 500], [0, 1, 0]], (2, 2), beyond=-7.0)
    assert (far == -7).all()


def test_the_highest_channel() -> None:
    plane = np.random.default_rng(0).random((5, 6, 4), np.float32)
    assert np.array_equal(planes.highest(plane), plane.max(-1))
