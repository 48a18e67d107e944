"""Back into the photo: what has no weight keeps its bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonsure.blend import apply

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@dataclass(frozen=True)
class Head:
    box: tuple[int, int, int, int]
    colour: np.ndarray


def case(seed: int, kind: Any) -> tuple[np.ndarray, Head, np.ndarray]:
    """A noisy photo (40, 50), a head somewhere in it, its weight with all values from 0 to 255."""
    random = np.random.default_rng(seed)
    top = np.iinfo(kind).max
    pixels = random.integers(0, top, (40, 50, 3), kind, endpoint=True)
    x, y = int(random.integers(0, 30)), int(random.integers(0, 20))
    w, h = int(random.integers(16, 51 - x)), int(random.integers(16, 41 - y))
    colour = random.integers(0, 256, (h, w, 3)).astype(np.uint8)
    weight = random.integers(-256, 512, (h, w)).clip(0, 255).astype(np.uint8)
    return pixels, Head((x, y, x + w, y + h), colour), weight


@given(st.integers(0, 10_000), st.sampled_from([np.uint8, np.uint16]))
@settings(max_examples=40)
def test_the_rest_is_bit_identical(seed: int, kind: Any) -> None:
    pixels, head, weight = case(seed, kind)
    before = pixels.copy()
    out = apply(pixels, [(head, weight)])
    assert np.array_equal(pixels, before)  # the photo itself is not written into
    assert out.dtype == kind
    x0, y0, x1, y1 = head.box
    where = np.zeros(pixels.shape[:2], bool)
    where[y0:y1, x0:x1] = weight > 0
    assert np.array_equal(out[~where], pixels[~where])
    full = weight == 255
    depth = 257 if kind == np.uint16 else 1
    laid = head.colour[full].astype(kind) * kind(depth)
    assert np.array_equal(out[y0:y1, x0:x1][full], laid)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_mixtures_are_exact_to_a_level(kind: Any) -> None:
    pixels, head, weight = case(3, kind)
    x0, y0, x1, y1 = head.box
    part = pixels[y0:y1, x0:x1].astype(np.float64)
    depth = 257 if kind == np.uint16 else 1
    exact = part + (head.colour * float(depth) - part) * (weight / 255.0)[..., None]
    out = apply(pixels, [(head, weight)])[y0:y1, x0:x1]
    assert np.abs(out - exact).max() <= 1


def test_heads_are_laid_one_after_the_other() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    one = Head((0, 0, 5, 8), np.full((8, 5, 3), 100, np.uint8))
    two = Head((3, 0, 8, 8), np.full((8, 5, 3), 200, np.uint8))
    full = np.full((8, 5), 255, np.uint8)
    out = apply(pixels, [(one, full), (two, full)])
    assert (out[:, :3] == 100).all()
    assert (out[:, 3:] == 200).all()


def test_no_head_no_change() -> None:
    pixels, _, _ = case(0, np.uint16)
    out = apply(pixels, [])
    assert np.array_equal(out, pixels)
    assert out is not pixels
