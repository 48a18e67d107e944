"""The outline of the bare head: a closed curve, and what evidence does to it."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import faces
from tonsure.faces import Frame
from tonsure.head import outline
from tonsure.head.outline import ANGLES, CENTRE, EYE_DISTANCE, OVAL

NONE = np.full(len(ANGLES), np.nan)


@pytest.fixture(scope="module")
def mesh(astronaut: np.ndarray) -> np.ndarray:
    """(468, 3) of a real face, in frame units."""
    (face,) = faces.find(astronaut, threads=1)
    frame = Frame.of(face)
    flat = frame.to_frame(face.landmarks)
    return np.column_stack([flat, face.landmarks[:, 2] * abs(frame.z)])


def radii(mesh: np.ndarray, **evidence: np.ndarray) -> np.ndarray:
    told = [evidence.get(name, NONE) for name in ("ceiling", "border", "reach", "ear")]
    return outline.radii(mesh, *told)


def at(degrees: float) -> int:
    return int(np.abs(ANGLES - degrees).argmin())


def test_the_shape_is_a_head() -> None:
    m = outline.shape()
    sizes = {"mean": (67,), "components": (4, 67), "regression": (21, 4), "covariance": (4, 4)}
    assert {name: m[name].shape for name in sizes} == sizes
    assert np.allclose(m["mean"], m["mean"][::-1], atol=1e-6)  # as likely from left as from right
    assert 1.5 < m["mean"][at(0)] < 1.9  # eye distances from the eyes to the crown
    assert 1.2 < m["mean"][at(90)] < 1.5
    assert (np.linalg.eigvalsh(m["covariance"]) > 0).all()


def test_an_average_face_has_the_average_skull(
    mesh: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = outline.shape()
    monkeypatch.setattr(outline, "numbers", lambda _: m["feature_mean"])
    expected = m["mean"] + m["regression"][-1] @ m["components"]
    assert np.abs(radii(mesh) - expected).max() < 1e-9
    assert np.abs(m["regression"][-1] @ m["components"]).max() < 0.03


def test_a_mirrored_face_has_the_mirrored_skull(mesh: np.ndarray) -> None:
    pairs = {234: 454, 127: 356, 172: 397, 54: 284}
    mirrored = mesh * [-1, 1, 1] + [2 * CENTRE[0], 0, 0]
    for left, right in pairs.items():
        mirrored[[left, right]] = mirrored[[right, left]]
    assert np.abs(radii(mirrored) - radii(mesh)[::-1]).max() < 0.03


def test_the_contour_is_closed_and_goes_round_once(mesh: np.ndarray) -> None:
    points = outline.contour(mesh, radii(mesh))
    assert points.shape == (120, 2)
    way = points - CENTRE
    turn = np.degrees(np.unwrap(np.arctan2(way[:, 0], -way[:, 1])))
    assert np.allclose(np.diff(turn), 3)
    assert turn[-1] - turn[0] == pytest.approx(357)  # and the last point joins the first
    length = np.hypot(*way.T) / EYE_DISTANCE
    assert np.abs(np.diff(length, append=length[0])).max() < 0.12  # no step anywhere


def test_the_chin_is_the_meshs_and_the_crown_the_skulls(mesh: np.ndarray) -> None:
    skull = radii(mesh)
    points = outline.contour(mesh, skull)
    oval = mesh[list(OVAL), :2]
    assert points[:, 1].max() == pytest.approx(oval[:, 1].max(), abs=1)
    crown = CENTRE[1] - EYE_DISTANCE * skull[at(0)]
    assert points[:, 1].min() == pytest.approx(crown, abs=1)
    assert points[:, 1].min() < oval[:, 1].min() - 5


def test_hair_that_lies_close_pulls_the_skull_in(mesh: np.ndarray) -> None:
    free = radii(mesh)
    ceiling = np.where(np.abs(ANGLES) < 60, free - 0.1, np.nan)
    held = radii(mesh, ceiling=ceiling)
    assert held[at(0)] < free[at(0)] - 0.05
    assert held[at(0)] > free[at(0)] - 0.2
    high = radii(mesh, ceiling=free + 0.3)  # big hair says nothing about the skull
    assert np.abs(high - free).max() < 0.02


def test_impossible_evidence_is_not_believed(mesh: np.ndarray) -> None:
    free = radii(mesh)
    for odd in (
        {"ceiling": free - 0.5}, {"reach": free + 0.5}, {"border": free + 0.4},
        {"border": np.where(np.abs(ANGLES) < 39, free + 0.2, np.nan)},
    ):  # fmt: skip
        assert np.abs(radii(mesh, **odd) - free).max() < 1e-9


def test_skin_that_is_seen_lies_on_the_head(mesh: np.ndarray) -> None:
    free = radii(mesh)
    reached = radii(mesh, reach=free + 0.15)
    assert reached.mean() > free.mean() + 0.08
    border = np.where(np.abs(ANGLES) > 45, free - 0.15, np.nan)
    assert radii(mesh, border=border)[at(60)] < free[at(60)] - 0.05


def test_ears_never_float(mesh: np.ndarray) -> None:
    free = radii(mesh)
    ear = np.where(np.abs(ANGLES - 81) < 8, free + 0.2, np.nan)
    wide = radii(mesh, ear=ear)
    assert wide[at(81)] == pytest.approx(free[at(81)] + 0.2, abs=0.03)
    left = ANGLES <= 30
    assert np.array_equal(wide[left], free[left])
    far = radii(mesh, ear=np.where(np.isfinite(ear), free + 3, np.nan))
    assert (far - free).max() <= 0.4 + 1e-9


def test_a_cheek_that_is_seen_to_end_further_out_takes_the_outline_along(mesh: np.ndarray) -> None:
    skull, free = radii(mesh), outline.contour(mesh, radii(mesh))
    length = np.hypot(*(free - CENTRE).T) / EYE_DISTANCE
    right = (outline.ROUND > 115) & (outline.ROUND < 140)
    cheeks = np.where(right, length + 0.12, np.nan)
    moved = np.hypot(*(outline.contour(mesh, skull, cheeks) - CENTRE).T) / EYE_DISTANCE - length
    assert moved[right].min() > 0.08
    assert np.abs(moved[outline.ROUND < 80]).max() < 1e-6  # nor is the other side, nor the skull
    beside = (outline.ROUND > 103) & (outline.ROUND < 110)
    assert (moved[beside] > 0.005).all()  # it fades, without a step
    assert (moved[beside] < 0.1).all()


def test_a_cheek_far_off_is_not_believed(mesh: np.ndarray) -> None:
    skull, free = radii(mesh), outline.contour(mesh, radii(mesh))
    length = np.hypot(*(free - CENTRE).T) / EYE_DISTANCE
    odd = np.where(outline.ROUND > 100, length + 0.5, np.nan)
    assert np.abs(outline.contour(mesh, skull, odd) - free).max() < 1e-9
