"""Similarities and points that are followed."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure.film.motion import Motion, corners, fit, follow, mixed, shifted

from .conftest import moved, noisy


def grey(picture):
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def test_there_and_back():
    motion = Motion(0.9 + 0.2j, 5 - 3j)
    points = np.random.default_rng(0).uniform(0, 100, (20, 2))
    assert np.allclose(motion.back(motion(points)), points)
    other = Motion(1.1 - 0.1j, 2 + 1j)
    assert np.allclose(motion.then(other)(points), other(motion(points)))
    assert np.allclose(mixed(motion, other, 1)(points), other(points))
    again = fit(points, motion(points))
    assert np.isclose(again.turn, motion.turn)
    assert motion.apart(again, points) < 1e-6


def test_a_warp_puts_pixels_where_the_motion_says():
    import cv2

    plane = np.zeros((40, 50), np.float32)
    plane[20, 30] = 1  # the pixel's middle is at (30.5, 20.5), in a piece cut at (100, 200)
    motion = Motion(1 + 0j, 7 + 4j)
    out = cv2.warpAffine(
        plane, motion.warp((100, 200), (90, 190)), (80, 80),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )  # fmt: skip
    assert np.argwhere(out > 0.5).tolist() == [[20 + 200 + 4 - 190, 30 + 100 + 7 - 90]]


@pytest.mark.parametrize(("dx", "dy", "scale", "turn"), [(3.3, -2.6, 1, 0), (-9, 5, 1.05, 2)])
def test_a_known_motion_is_found_to_a_fraction_of_a_pixel(scene, dx, dy, scale, turn):
    import cv2

    before, after = grey(noisy(scene, 1)), grey(noisy(moved(scene, dx, dy, scale, turn), 2))
    where = np.zeros(before.shape, bool)
    where[100:260, 150:330] = True
    points = corners(before, where, 80, 5)
    assert where[tuple(points.astype(int).T[::-1])].all()
    found = follow(before, after, points, Motion())
    matrix = cv2.getRotationMatrix2D((240, 180), turn, scale)
    matrix[:, 2] += (dx, dy)
    ends = np.array([[150, 100], [330, 100], [240, 260.0]])
    # getRotationMatrix2D speaks of indices: pixel k is at k, here at k + 0.5
    true = (ends - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
    assert found is not None
    assert np.abs(found(ends) - true).max() < 0.25
    near = shifted(before, after, points, Motion(), found.turn, 240 + 180j, 60)
    assert near is not None
    assert near.apart(found, ends) < 0.3


def test_what_cannot_be_followed_is_none(scene):
    plain = np.full(scene.shape[:2], 128, np.uint8)
    where = np.ones(plain.shape, bool)
    assert len(corners(plain, where, 50, 5)) == 0
    assert len(corners(plain, ~where, 50, 5)) == 0
    points = corners(grey(scene), where, 50, 5)
    assert follow(grey(scene), plain, np.zeros((0, 2), np.float32), Motion()) is None
    assert follow(grey(scene), grey(scene), points, Motion(1, 5000 + 0j)) is None
