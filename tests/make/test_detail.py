"""The background behind the hair, on made-up textures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tonsure.make import detail
from tonsure.make.detail import Detail, complete
from tonsure.planes import blur

UNIT = 48.0
SIDE = 200
Plane = npt.NDArray[np.float32]
ROW, COLUMN = np.mgrid[:SIDE, :SIDE].astype(np.float32)


def grey(plane: Plane) -> Plane:
    return np.repeat(plane[..., None], 3, -1).astype(np.float32)


def masks() -> tuple[Plane, Plane]:
    """Known around a disc of hair, half of which is wanted (the rest is the person)."""
    away = np.hypot(ROW - 100, COLUMN - 100)
    known = (away > 48).astype(np.float32)
    return known, ((away < 52) & (away > 20)).astype(np.float32)


def fill(picture: Plane) -> tuple[Detail, npt.NDArray[np.bool_]]:
    known, wanted = masks()
    hidden = np.where(known[..., None] > 0, picture, np.array([255, 0, 255], np.float32))
    return complete(hidden.astype(np.float32), known, wanted, UNIT), (wanted > 0) & (known == 0)


def test_gradient_stays_and_nothing_is_copied() -> None:
    picture = grey(60 + 0.6 * COLUMN)
    out, hole = fill(picture)
    assert np.abs(out.rgb - picture)[hole].mean() < 4
    assert out.grained.max() == 0


def test_stripes_continue() -> None:
    picture = grey(128 + 60 * np.sin(2 * np.pi * COLUMN / 20))
    out, hole = fill(picture)
    flat = np.abs(128 - picture)[hole].mean()
    assert np.abs(out.rgb - picture)[hole].mean() < 0.5 * flat
    assert out.grained[hole].mean() > 0.7


def test_noise_keeps_its_variance() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (SIDE // 4, SIDE // 4)).astype(np.float32)
    picture = grey(128 + 25 * noise.repeat(4, 0).repeat(4, 1))
    out, hole = fill(picture)
    assert out.rgb[hole].std() > 0.5 * picture[hole].std()


@pytest.mark.parametrize("period", [16, 30])
def test_no_colour_of_what_hides_it(period: int) -> None:
    tiles = (ROW // (period // 2) + COLUMN // (period // 2)) % 2
    out, hole = fill(grey(80 + 90 * tiles))
    red, green = out.rgb[hole][:, 0], out.rgb[hole][:, 1]
    assert np.abs(red - green).max() < 2
    assert out.rgb[hole].min() > 20
    assert out.rgb[hole].max() < 230


def test_known_pixels_stay_and_runs_agree() -> None:
    picture = grey(128 + 60 * np.sin(ROW / 5) * np.sin(COLUMN / 7))
    out, _ = fill(picture)
    again, _ = fill(picture)
    known, _ = masks()
    assert np.array_equal(out.rgb[known > 0], picture[known > 0])
    assert np.array_equal(out.rgb, again.rgb)


def test_nothing_known_is_no_error() -> None:
    zero = np.zeros((40, 50), np.float32)
    out = complete(np.zeros((40, 50, 3), np.float32), zero, zero + 1, UNIT)
    assert np.isfinite(out.rgb).all()
    assert out.grained.max() == 0


def test_a_scrap_makes_no_pattern() -> None:
    """A hole that is filled from ever the same few places would look knitted."""
    noise = np.random.default_rng(2).normal(120, 40, (SIDE, SIDE)).astype(np.float32)
    picture = grey(noise)
    wanted = np.ones((SIDE, SIDE), np.float32)
    for side, copied in ((140, True), (60, False)):
        known = ((side > ROW) & (side > COLUMN)).astype(np.float32)
        cover = complete(picture, known, wanted, UNIT).grained
        assert (np.quantile(cover[known == 0], 0.9) > 0.3) == copied


def test_cloth_is_completed_from_its_other_side() -> None:
    """A lapel that is seen on the right alone, in the middle of which lies its own mark."""
    axis = 100.0
    side = np.abs(COLUMN + 0.5 - axis)
    random = np.random.default_rng(3).normal(0, 1, (SIDE // 8, SIDE // 8)).repeat(8, 0).repeat(8, 1)
    mirrored = np.where(axis > COLUMN, random[:, ::-1], random).astype(np.float32)
    picture = grey(128 + 40 * mirrored)
    hidden = (COLUMN < 92) & (side > 30) & (side < 70) & (np.abs(ROW - 100) < 40)
    known = (~hidden).astype(np.float32)
    seen = np.where(hidden[..., None], np.float32(60), picture).astype(np.float32)

    def error(out: Detail) -> float:
        return float(np.abs(out.rgb - picture)[hidden].mean())

    wanted = hidden.astype(np.float32)
    guide = np.full_like(picture, 128)
    with_axis = complete(seen, known, wanted, UNIT, guide, axis)
    without = complete(seen, known, wanted, UNIT, guide)
    assert error(with_axis) < 0.6 * error(without)


def test_a_print_does_not_fade_into_plain_cloth() -> None:
    dots = np.where(np.hypot(ROW % 30 - 15, COLUMN % 30 - 15) < 10, 60, 220).astype(np.float32)
    known, wanted = masks()
    hidden = np.where(known[..., None] > 0, grey(dots), np.float32(90))
    guide = np.full((SIDE, SIDE, 3), 200, np.float32)
    out = complete(hidden.astype(np.float32), known, wanted, UNIT, guide, 100.0)
    hole = (wanted > 0) & (known == 0)
    assert out.rgb[hole].std() > 0.4 * grey(dots)[hole].std()


def steepest(plane: Plane) -> float:
    return float(np.quantile(np.hypot(*np.gradient(plane)), 0.98))


@pytest.mark.parametrize("sharp", [False, True])
def test_copies_are_no_sharper_than_the_wall_they_are_of(sharp: bool) -> None:
    wall = np.random.default_rng(2).normal(0, 1, (SIDE // 8, SIDE // 8)).astype(np.float32)
    plane = wall.repeat(8, 0).repeat(8, 1) * 40 + 128
    picture = grey(plane if sharp else blur(plane, 6))
    made = picture.copy()
    made[80:120, 80:120] += 40  # a seam all around
    known = np.ones((SIDE, SIDE), np.float32)
    known[60:140, 60:140] = 0
    out = detail._no_sharper(made, known, 1 - known, UNIT)
    inner = (slice(64, 136), slice(64, 136), 0)
    if sharp:
        assert np.array_equal(out, made)
    else:
        assert steepest(made[inner]) > 1.5 * steepest(picture[..., 0])
        assert 0.8 < steepest(out[inner]) / steepest(picture[..., 0]) < 1.3  # nor fog
    assert np.array_equal(out[known > 0.5], made[known > 0.5])
