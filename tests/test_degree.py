"""How hair goes: evenly, and never back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonsure.degree import STYLES, even, order, pattern, weight
from tonsure.errors import BadOption

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@dataclass(frozen=True)
class Head:
    mask: np.ndarray
    time: np.ndarray
    thin: np.ndarray


@pytest.fixture(scope="module")
def head() -> Head:
    """A disc of hair whose times are what `even` makes of a place and of noise."""
    y, x = np.mgrid[0:120, 0:100]
    off = np.hypot(x - 50, y - 60)
    mask = (np.clip((45 - off) / 8, 0, 1) * 255).astype(np.uint8)
    noise = np.random.default_rng(0).normal(size=mask.shape).astype(np.float32)
    mass = mask.astype(np.float32)
    return Head(mask, even((y**2 / 100 + 0.3 * x).astype(np.float32), mass), even(noise, mass))


@pytest.mark.parametrize("style", STYLES)
def test_eleven_steps_are_even(head: Head, style: str) -> None:
    total = head.mask.sum(dtype=np.int64)
    share = np.array([weight(head, k / 10, style).sum(dtype=np.int64) / total for k in range(11)])
    assert share[0] == 0
    assert share[-1] == 1
    steps = np.diff(share)
    # a pixel takes its time, longer when it thins: the first and the last step are smaller
    assert steps.min() > {"recede": 0.04, "thin": 0.015}[style]
    assert steps.max() < 0.14


@pytest.mark.parametrize("style", STYLES)
def test_no_pixel_ever_grows_hair_again(head: Head, style: str) -> None:
    levels = [weight(head, k / 50, style) for k in range(51)]
    for less, more in itertools.pairwise(levels):
        assert (less <= more).all()
    assert not levels[0].any()
    assert np.array_equal(levels[-1], head.mask)


@given(
    st.floats(0, 1), st.floats(0, 1), st.sampled_from(STYLES), st.integers(0, 255),
    st.integers(0, 255),
)  # fmt: skip
@settings(max_examples=60)
def test_any_two_degrees_of_any_pixel(a: float, b: float, style: str, mask: int, time: int) -> None:
    one = np.array([[mask]], np.uint8)
    when = np.array([[time]], np.uint8)
    head = Head(one, when, when)
    less, more = (int(weight(head, d, style)[0, 0]) for d in sorted((a, b)))
    assert 0 <= less <= more <= mask


def test_ranks_hold_equal_shares_of_the_mass() -> None:
    random = np.random.default_rng(1)
    value = np.exp(random.normal(size=(80, 90))).astype(np.float32)
    mass = random.random((80, 90)).astype(np.float32)
    rank = even(value, mass)
    assert rank.dtype == np.uint8
    for limit in (64, 128, 192):
        assert mass[rank < limit].sum() / mass.sum() == pytest.approx(limit / 256, abs=0.02)
    ordered = rank.ravel()[np.argsort(value.ravel())].astype(int)
    assert (np.diff(ordered) >= 0).all()


def test_nothing_to_rank() -> None:
    flat = np.zeros((4, 5), np.float32)
    assert even(flat, flat).shape == (4, 5)


def test_the_crown_goes_before_the_sides_and_temples_before_the_middle() -> None:
    def at(x: float, y: float, reach: float = 0.9) -> float:
        plane = [np.array([[v]], np.float32) for v in (x, y, reach)]
        return float(order(*plane, hairline=-0.9, top=-1.6)[0, 0])

    assert at(0.7, -1.0) < at(0.0, -1.0)  # temples
    assert at(0.0, -1.0) < at(0.0, -1.4) < at(1.2, 0.0)  # hairline, crown, the horseshoe
    assert at(0.0, -2.2, 1.6) < at(0.0, -1.65, 1.1)  # hair that stands off shrinks to the head
    assert at(1.8, 1.5, 2.0) < at(1.3, 0.5, 1.2)  # long hair shortens from outside


def test_strands_are_seen_whatever_the_contrast() -> None:
    x = np.arange(120, dtype=np.float32)
    stripes = np.broadcast_to(np.sin(x * 1.2), (60, 120)).astype(np.float32)
    strong, faint = (pattern(100 + gain * stripes, 60.0) for gain in (40, 8))
    assert np.abs(strong).max() <= 1
    assert np.abs(strong - faint)[10:-10, 10:-10].max() < 0.15
    assert np.corrcoef(strong[30, 10:-10], stripes[30, 10:-10])[0, 1] > 0.9


@pytest.mark.parametrize("degree", [-0.01, 1.01, float("nan")])
def test_degrees_out_of_range(head: Head, degree: float) -> None:
    with pytest.raises(BadOption, match=r"0 .*to 1"):
        weight(head, degree)


def test_unknown_styles(head: Head) -> None:
    with pytest.raises(BadOption, match="recede or thin"):
        weight(head, 0.5, "comb over")
