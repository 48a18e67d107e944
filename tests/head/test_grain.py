"""Grain: as strong as where it comes from, and from nowhere else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tonsure.head import grain

SHAPE = (90, 120)


def part(quilt: grain.Quilt, rows: tuple[int, ...], columns: tuple[int, ...]) -> np.ndarray:
    """The quilt in blocks that end at these rows and columns."""
    return np.block([
        [quilt.part(slice(*down), slice(*across)) for across in pairwise(columns)]
        for down in pairwise(rows)
    ])  # fmt: skip


def laid(texture: np.ndarray, source: np.ndarray, wanted: np.ndarray, seed: int = 0) -> np.ndarray:
    quilt = grain.Quilt(texture, source, wanted, 14, np.random.default_rng(seed))
    # in blocks, whose seams nothing may tell
    return part(quilt, (0, 41, 90), (0, 47, 120))


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 4, SHAPE).astype(np.float32)


@pytest.fixture
def left() -> np.ndarray:
    """The left half is source."""
    return np.broadcast_to(np.arange(SHAPE[1]) < 60, SHAPE).astype(np.float32)


def test_the_variance_is_kept(noise: np.ndarray, left: np.ndarray) -> None:
    out = laid(noise, left, 1 - left)
    inside = out[:, 70:]
    # the calmest patches are taken, so it is a little calmer than the whole
    assert 0.75 * 4 < inside.std() < 1.05 * 4
    assert abs(inside.mean()) < 0.5
    rows = inside.std(axis=1)
    assert rows.min() > 0.5 * rows.mean()  # no seams where patches meet
    assert out.dtype == np.float32


def test_correlation_is_kept(left: np.ndarray) -> None:
    """Grain that is long sideways stays so."""
    white = np.random.default_rng(6).normal(0, 4, (SHAPE[0], SHAPE[1] + 4)).astype(np.float32)
    streaks = (white[:, :-4] + white[:, 1:-3] + white[:, 2:-2] + white[:, 3:-1]) / 2
    out = laid(streaks, left, 1 - left)[:, 72:]

    def along(axis: int) -> float:
        a, b = np.delete(out, 0, axis), np.delete(out, -1, axis)
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    assert along(1) > 0.5
    assert abs(along(0)) < 0.2


def test_nothing_comes_from_beside_the_source(left: np.ndarray) -> None:
    small = np.random.default_rng(7).uniform(-1, 1, SHAPE).astype(np.float32)
    texture = np.where(left > 0, small, np.float32(1e6))
    out = laid(texture, left, 1 - left)
    # where four patches overlap, values of at most one may add up to two
    assert np.abs(out).max() <= 2.01
    assert out[:, 70:].std() == pytest.approx(small.std(), rel=0.25)


def test_spots_do_not_spread(noise: np.ndarray, left: np.ndarray) -> None:
    noise[40:43, 30:33] = 300
    assert np.abs(laid(noise, left, 1 - left)).max() < 2 * 3.5 * 4


def test_only_what_is_wanted_is_covered(noise: np.ndarray, left: np.ndarray) -> None:
    wanted = np.zeros(SHAPE, np.float32)
    wanted[20:50, 80:110] = 0.5
    out = laid(noise, left, wanted)
    assert not out[:, :60].any()  # as far as a patch reaches
    assert (out[wanted > 0] != 0).mean() > 0.99


def test_blocks_join(noise: np.ndarray, left: np.ndarray) -> None:
    quilt = grain.Quilt(noise, left, 1 - left, 14, np.random.default_rng(0))
    assert np.array_equal(laid(noise, left, 1 - left), part(quilt, (0, 90), (0, 120)))


def test_what_was_planned_on_means_is_laid_in_full(left: np.ndarray) -> None:
    """The planes are three times smaller than the texture: its own values are laid all the same."""
    full = np.random.default_rng(5).normal(0, 4, (270, 360)).astype(np.float32)
    means = full.reshape(90, 3, 120, 3).mean((1, 3))
    quilt = grain.Quilt(
        means, left, 1 - left, 42, np.random.default_rng(0), step=3, shape=full.shape,
        fetch=lambda y, x, size: full[y : y + size, x : x + size],
    )  # fmt: skip
    out = part(quilt, (0, 100, 270), (200, 360))
    assert 0.75 * 4 < out.std() < 1.05 * 4
    assert not part(quilt, (0, 270), (0, 130)).any()


def test_no_source_no_grain(noise: np.ndarray, left: np.ndarray) -> None:
    assert not laid(noise, np.zeros_like(left), np.ones_like(left)).any()


def test_the_same_seed_lays_the_same(noise: np.ndarray, left: np.ndarray) -> None:
    one, two, three = (laid(noise, left, 1 - left, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, three)


def test_planes_smaller_than_a_patch() -> None:
    small = np.ones((13, 15), np.float32)
    quilt = grain.Quilt(small, small, small, 50, np.random.default_rng(0))
    assert part(quilt, (0, 13), (0, 15)).shape == (13, 15)


def test_detail_is_what_a_blur_takes_away(noise: np.ndarray) -> None:
    y, _ = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float32)
    fine = grain.detail(noise + 2 * y, 3)
    assert abs(fine[15:-15].mean()) < 0.3
    assert fine[15:-15].std() == pytest.approx(4, rel=0.15)
