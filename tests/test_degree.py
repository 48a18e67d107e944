"""How hair goes: the table of a degree, ranks, strands, and the maps of a drawn head."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from tonsure import blend, degree
from tonsure.errors import BadOption
from tonsure.faces import Frame
from tonsure.head import Bare
from tonsure.head.times import Hair, Later, even, going
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, OVAL, Scene

DEGREES = [k / 10 for k in range(11)]
STYLES = pytest.mark.parametrize("style", degree.STYLES)


@dataclass(frozen=True)
class Head:
    """A drawn head: dark hair with strands on light skin, before a grey wall."""

    photo: np.ndarray
    box: tuple[int, int, int, int]
    colour: np.ndarray
    mask: np.ndarray
    time: np.ndarray
    thin: np.ndarray

    def place(self, x: float, y: float) -> tuple[slice, slice]:
        """Rows and columns of a small piece at (x, y), eye distances from between the eyes."""
        row, column = round((y + 3) * 40), round((x + 3) * 40)
        return slice(row - 3, row + 4), slice(column - 3, column + 4)

    def when(self, x: float, y: float) -> float:
        """The mean time of "recede" there."""
        return float(self.time[self.place(x, y)].mean())


def draw(long: bool = False, place: tuple[int, int, int, int] = (0, 0, 240, 240)) -> Head:
    """6 x 6 eye distances at 40 pixels each, of which `place` is edited."""
    y, x = (np.mgrid[0:240, 0:240] + 0.5) / 40 - 3
    mesh = np.zeros((468, 3))
    angle = np.radians(np.arange(36) * 10)
    mesh[list(OVAL), 0] = 1.05 * np.sin(angle)
    mesh[list(OVAL), 1] = 0.35 - 1.25 * np.cos(angle)
    mesh[:, :2] = mesh[:, :2] * EYE_DISTANCE + EYES_MIDDLE
    angle = np.radians(np.arange(0, 360, 3))
    rim = np.stack([1.25 * np.sin(angle), -0.1 - 1.65 * np.cos(angle)], 1)
    rim = rim * EYE_DISTANCE + EYES_MIDDLE
    head = np.hypot(x / 1.25, (y + 0.1) / 1.65) < 1
    hair = (np.hypot(x / 1.5, (y + 0.3) / 1.9) < 1) & (y < (1.8 if long else 0.2))
    hair &= ~(np.hypot(x / 1.0, (y - 0.35) / 1.25) < 1)
    noise = np.random.default_rng(3)
    strands = np.repeat(noise.integers(0, 60, (1, 240)), 240, 0)
    colour = np.where(head, 210, 120).astype(np.uint8)
    photo = np.where(hair, 20 + strands, colour).astype(np.uint8)
    colour, photo = (np.repeat(p[..., None], 3, -1) for p in (colour, photo))
    scale = 40 / EYE_DISTANCE
    box = tuple(float(EYES_MIDDLE[k % 2] + (3 if k > 1 else -3) * EYE_DISTANCE) for k in range(4))
    frame = Frame(1 / scale, complex(box[0], box[1]))
    scene = Scene(
        frame, box, scale, photo.astype(np.float32), np.ones((240, 240), np.float32), mesh
    )
    part = slice(place[1], place[3]), slice(place[0], place[2])
    colour, mask = colour[part], (hair * 255).astype(np.uint8)[part]
    found = Hair(scene, hair.astype(np.float32), rim)
    time, thin = even(going(photo, found, place, mask), colour)
    return Head(photo, place, colour, mask, time, thin)


@pytest.fixture(scope="module")
def head() -> Head:
    return draw()


@pytest.fixture(scope="module")
def ramp() -> SimpleNamespace:
    """Every time once, under a mask of every weight."""
    time, mask = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    return SimpleNamespace(time=time, thin=time, mask=mask)


@STYLES
def test_ends_are_exact(ramp, style):
    assert not degree.weight(ramp, 0, style).any()
    assert np.array_equal(degree.weight(ramp, 1, style), ramp.mask)


@STYLES
def test_no_pixel_ever_falls(ramp, style):
    steps = [degree.weight(ramp, k / 100, style).astype(int) for k in range(101)]
    for earlier, later in itertools.pairwise(steps):
        assert (later >= earlier).all()
    assert (steps[-2] <= ramp.mask).all()


@STYLES
def test_a_degree_is_the_share_that_has_gone(ramp, style):
    full = float(ramp.mask.sum())
    for wanted in np.linspace(0, 1, 21):
        gone = degree.weight(ramp, float(wanted), style).sum() / full
        assert gone == pytest.approx(wanted, abs=0.006)


@STYLES
def test_maps_may_be_smaller_than_the_head(ramp, style):
    small = SimpleNamespace(
        mask=ramp.mask, **{name: getattr(ramp, name)[1::3, 1::3] for name in ("time", "thin")}
    )
    for wanted in (0.2, 0.5, 0.9):
        near, true = degree.weight(small, wanted, style), degree.weight(ramp, wanted, style)
        assert near.shape == true.shape
        assert np.abs(near.astype(int) - true).mean() < 6
    assert np.array_equal(degree.weight(small, 1, style), ramp.mask)


@pytest.mark.parametrize("wrong", [-0.1, 1.01, float("nan"), float("inf")])
def test_degrees_beyond_the_ends(ramp, wrong):
    with pytest.raises(BadOption, match="0 \\(untouched\\) to 1"):
        degree.weight(ramp, wrong)


def test_unknown_style(ramp):
    with pytest.raises(BadOption, match="recede or thin"):
        degree.weight(ramp, 0.5, "fade")


def test_ranks_are_even_by_mass():
    noise = np.random.default_rng(1)
    value = noise.standard_normal((200, 300)).astype(np.float32)
    mass = noise.random((200, 300)).astype(np.float32)
    mass[:, :100] = 0
    rank = degree.even(value, mass)
    shares = [mass[(rank >= a) & (rank < a + 32)].sum() / mass.sum() for a in range(0, 256, 32)]
    assert max(shares) < 0.15
    order = np.argsort(value.ravel(), kind="stable")
    assert (np.diff(rank.ravel()[order].astype(int)) >= 0).all()


def test_ranks_of_nothing():
    flat = np.zeros((4, 5), np.float32)
    assert degree.even(flat, flat).shape == (4, 5)


@pytest.mark.parametrize("wanted", [0, 30, 75, 90, 140])
def test_strands_lie_as_they_are_drawn(wanted):
    y, x = np.mgrid[0:120, 0:120].astype(np.float32)
    across = x * np.sin(np.radians(wanted)) - y * np.cos(np.radians(wanted))
    luma = (100 + 60 * np.sin(across * 1.1)).astype(np.float32)
    found = np.degrees(degree.lie(luma, 100)[20:-20, 20:-20])
    apart = np.abs((found - wanted + 90) % 180 - 90)
    assert apart.max() < 4


def test_streaks_run_along_the_hair():
    stripes = np.random.default_rng(2).normal(90, 30, (1, 200)).astype(np.float32)
    streaks = degree.strands(np.repeat(stripes, 150, 0), 100)

    def alike(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    assert alike(streaks[8:], streaks[:-8]) > 0.7
    assert abs(alike(streaks[:, 8:], streaks[:, :-8])) < 0.3
    assert np.abs(streaks).max() <= 1


@STYLES
def test_steps_are_even(head, style):
    frames = [
        blend.apply(head.photo, [(head, degree.weight(head, d, style))]).astype(int)
        for d in DEGREES
    ]
    steps = np.array([np.abs(b - a).sum() for a, b in itertools.pairwise(frames)])
    assert steps.max() < 1.35 * steps.mean()
    assert steps.min() > 0.65 * steps.mean()
    weights = [degree.weight(head, d, style).astype(int).sum() for d in DEGREES]
    areas = np.diff(weights)
    assert 0 < areas.min() < areas.max() < 1.8 * areas.mean()


@STYLES
def test_both_sides_go_alike(head, style):
    for d in DEGREES[1:-1]:
        gone = degree.weight(head, d, style).astype(float)
        left, right = gone[:, :120].sum(), gone[:, 120:].sum()
        assert abs(left - right) < 0.12 * (left + right)


def test_the_hairline_climbs_temples_ahead(head):
    line = [head.when(0, y) for y in (-0.98, -1.2, -1.4)]
    assert line == sorted(line)
    assert line[0] < line[2] - 30
    assert head.when(-0.7, -1.05) < head.when(0, -1.25)
    assert head.when(0.7, -1.05) < head.when(0, -1.25)


def test_hair_sinks_to_the_skull(head):
    above = [head.when(0, y) for y in (-2.15, -2.0, -1.85)]
    assert above == sorted(above)
    assert above[0] < 60


def test_the_sides_stay_longest(head):
    for x in (-1.2, 1.2):
        assert head.when(x, 0) > head.when(0, -1.6) + 20


def test_long_hair_shortens_from_its_tips():
    head = draw(long=True)
    for x in (-1.2, 1.2):
        assert head.when(x, 1.3) < head.when(x, 0.9) < head.when(x, 0.3)


def test_nothing_but_hair_has_strands(head):
    wall = head.time[200:, :].astype(int)
    assert np.abs(np.diff(wall, axis=1)).max() < 8


@pytest.mark.parametrize("place", [(0, 0, 1, 1), (100, 20, 103, 90), (60, 20, 62, 22)])
def test_however_little_there_is(place):
    head = draw(place=place)
    assert head.time.shape == head.thin.shape == head.mask.shape


def test_maps_are_made_once_and_only_when_asked_for() -> None:
    made: list[int] = []

    def maps() -> tuple[np.ndarray, np.ndarray]:
        made.append(1)
        return np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)

    later = Later(maps)
    assert not made
    assert later.maps[1].all()
    assert not later.maps[0].any()
    assert made == [1]


def test_a_head_fully_bald_needs_no_maps() -> None:
    def refused() -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("nobody asked")

    mask = np.full((3, 4), 255, np.uint8)
    bare = Bare((0, 0, 4, 3), np.zeros((3, 4, 3), np.uint8), mask, Later(refused), ())
    assert np.array_equal(degree.weight(bare, 1.0), mask)
    assert not degree.weight(bare, 0.0).any()
    with pytest.raises(AssertionError, match="nobody asked"):
        degree.weight(bare, 0.5)
