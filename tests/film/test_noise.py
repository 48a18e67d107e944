"""The camera's noise."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure.film import noise


@pytest.mark.parametrize("sigma", [0, 1.5, 4])
def test_noise_is_measured_and_added(sigma):
    rng = np.random.default_rng(1)
    skin = np.full((80, 90), 150.0) + np.linspace(0, 60, 90)
    one, other = (
        np.floor(skin + rng.normal(0, sigma, (80, 90)) + light + 0.5).astype(np.float32)
        for light in (0, 15)
    )
    where = np.ones((80, 90), bool)
    found = noise.level(one, other, where)
    assert found == pytest.approx(sigma, abs=0.3 + 0.15 * sigma)
    plain = np.zeros((300, 310, 3), np.float32)
    noise.add(plain, float(sigma), 3)
    assert plain.std() == pytest.approx(sigma, rel=0.05, abs=0.01)
    again = np.zeros_like(plain)
    noise.add(again, float(sigma), 3)
    assert np.array_equal(plain, again)


def test_too_little_tells_nothing():
    grey = np.full((10, 10), 99, np.float32)
    assert noise.level(grey, grey, np.ones((10, 10), bool)) == 0
