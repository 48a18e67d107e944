"""The statistical ear: where it lies, that it mirrors, and that it is drawn the same at any size
and turn."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure.head import ears
from tonsure.head.outline import CENTRE, EYE_DISTANCE

SIZE = (178, 218)


def face(turn: float = 0.0) -> np.ndarray:
    """A plain mesh: the ellipsoid the model's mean features describe, turned about the vertical by
    ``turn``."""
    known = {
        234: (-1.18, 0.3), 454: (1.18, 0.3), 127: (-1.15, 0.0), 356: (1.15, 0.0), 93: (-1.15, 0.6),
        323: (1.15, 0.6), 132: (-1.1, 0.85), 361: (1.1, 0.85), 58: (-1.03, 1.15), 288: (1.03, 1.15),
        172: (-0.9, 1.4), 397: (0.9, 1.4), 54: (-0.92, -0.72), 284: (0.92, -0.72), 162: (-1.1, -0.3),  # noqa: E501
        389: (1.1, -0.3), 33: (-0.74, 0.02), 263: (0.74, 0.02), 10: (0.0, -1.1), 152: (0.0, 2.05),
        4: (0.0, 0.65), 168: (0.0, 0.0),
    }  # fmt: skip
    points = np.zeros((468, 3))
    for k, (x, y) in known.items():
        z = -np.sqrt(max(0.0, 1.6 - x * x)) + (0.7 if k != 4 else 0.35)
        points[k] = x * np.cos(turn) - z * np.sin(turn), y, z * np.cos(turn) + x * np.sin(turn)
    return points * EYE_DISTANCE + [*CENTRE, 0.0]


def mirrored(mesh: np.ndarray) -> np.ndarray:
    out = mesh.copy()
    out[:, 0] = 2 * CENTRE[0] - out[:, 0]
    for a, b in ears._PAIRS:
        out[[a, b]] = out[[b, a]]
    return out


def whole(ear: ears.Ear, plane: str, size: tuple[int, int]) -> np.ndarray:
    out = np.zeros(size, np.float32)
    out[ear.at] = getattr(ear, plane)
    return out


@pytest.mark.parametrize("side", [-1, 1])
def test_an_ear_sits_beside_the_eyes_and_is_of_an_ears_size(side: int) -> None:
    affine = ears.place(face(), side)
    assert 1.0 < affine[0, 2] < 1.6
    assert -0.1 < affine[1, 2] < 0.7
    assert 0.7 < np.hypot(affine[0, 1], affine[1, 1]) < 1.15
    assert 0.2 < np.hypot(affine[0, 0], affine[1, 0]) < 0.6


def test_left_and_right_are_mirrored() -> None:
    mesh = face(0.1)
    np.testing.assert_allclose(ears.place(mesh, 1), ears.place(mirrored(mesh), -1), atol=1e-9)
    origin = complex(CENTRE[0] - 90, 40)
    right = ears.draw(mesh, 1, (160, 180), origin, 1 + 0j, light=0.5)
    left = ears.draw(mirrored(mesh), -1, (160, 180), origin, 1 + 0j, light=2.0)
    assert right is not None
    assert left is not None
    size = (160, 180)
    for name in ("alpha", "under"):
        a, b = whole(right, name, size), whole(left, name, size)
        assert np.abs(a - b[:, ::-1]).mean() < 2e-3


def test_the_far_ear_goes_and_the_near_one_stays() -> None:
    away, near = face(0.6), face(-0.6)
    sides = [(ears.turn(away, s), s) for s in (-1, 1)]
    far = min(sides)[1]
    assert ears.draw(away, far, (218, 178), 0j, 1 + 0j) is None
    assert ears.visibility(away, far) == 0
    assert ears.visibility(away, -far) == 1
    assert ears.visibility(near, far) == 1
    seen = [ears.visibility(face(far * t), far) for t in np.linspace(-0.6, 0.6, 13)]
    assert seen == sorted(seen) or seen == sorted(seen, reverse=True)


def test_the_same_ear_at_any_scale_and_turn() -> None:
    mesh = face()
    box = (100.0, 60.0, 170.0, 200.0)
    areas = []
    for scale in (0.5, 1.0, 3.0, 9.0):
        size = (round(140 * scale), round(70 * scale))
        ear = ears.draw(mesh, 1, size, complex(*box[:2]), complex(1 / scale))
        assert ear is not None
        assert ear.alpha.dtype == np.float32
        assert ear.shade.shape == (*ear.alpha.shape, 3)
        assert 0 <= ear.alpha.min() <= ear.alpha.max() <= 1
        assert 0 <= ear.shadow.min() <= ear.shadow.max() < 0.7
        assert (ear.under >= ear.alpha - 1e-6).all()
        inside = ear.alpha > 0.5
        assert 0.4 < ear.shade[inside].min() < ear.shade[inside].max() < 1.6
        areas.append(float(ear.alpha.sum()) / scale**2)
    assert np.ptp(areas) < 0.12 * np.mean(areas)
    turned = ears.draw(mesh, 1, (300, 300), complex(130, 20), complex(0.7, 0.7) * 0.7)
    assert turned is not None
    assert abs(float(turned.alpha.sum()) * 0.49 * 0.98 - areas[1]) < 0.12 * areas[1]


def test_crisp_outside_and_soft_inside() -> None:
    scale = 6.0
    ear = ears.draw(face(), 1, (900, 600), complex(100, 60), complex(1 / scale))
    assert ear is not None
    row = ear.alpha[ear.alpha.shape[0] // 2]
    between = np.nonzero((row > 0.05) & (row < 0.95))[0]
    top = int(np.argmax(row))
    inner, outer = (between < top).sum(), (between > top).sum()
    assert inner > 2 * outer > 0


def test_the_lit_side_is_lighter() -> None:
    args = (face(), 1, (218, 178), 0j, 1 + 0j)
    bright, dark = ears.draw(*args, light=0.5), ears.draw(*args, light=2.0)
    assert bright is not None
    assert dark is not None
    inside = bright.alpha > 0.5
    assert bright.shade[inside].mean() != dark.shade[inside].mean()


def test_nothing_beyond_the_plane() -> None:
    assert ears.draw(face(), 1, (50, 50), 0j, 1 + 0j) is None
    part = ears.draw(face(), 1, (218, 140), 0j, 1 + 0j)
    assert part is not None
    assert part.at[1].stop == 140


def test_the_model_is_small() -> None:
    assert sum(v.nbytes for v in ears.model().values()) < 1_000_000
