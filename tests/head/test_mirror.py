"""Brows and eyes beneath a fringe: from the other side, or drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonsure import faces
from tonsure.brow import area
from tonsure.head import brows, mirror
from tonsure.planes import Plane, grow
from tonsure.scene import Scene, look

TONE = np.full((20, 20, 3), (190, 150, 130), np.float32)


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    return look(astronaut, face, 40.0, 1)


def hidden(scene: Scene, *sides: int) -> Plane:
    return np.maximum.reduce([grow(area(scene, side), 0.2 * scene.unit) for side in sides])


def ask(scene: Scene, hair: Plane, head: float | Plane = 1.0) -> tuple[mirror.Mirrored, ...]:
    nothing = np.zeros(scene.shape, np.float32)
    return mirror.mirrored(scene, nothing + np.float32(1) * head, hair, hair, nothing)


def test_nothing_is_hidden(scene: Scene) -> None:
    assert ask(scene, np.zeros(scene.shape, np.float32)) == ()


@pytest.mark.parametrize("side", [0, 1])
def test_one_hidden_brow_comes_from_the_other_side(scene: Scene, side: int) -> None:
    (one,) = ask(scene, hidden(scene, side))
    assert one.side == side
    assert one.across is not None
    assert (one.where[area(scene, side) > 0.9] > 0.7).mean() > 0.9
    assert float((one.where * area(scene, 1 - side)).sum()) == 0.0
    outer, partner = (46, 276) if side == 0 else (276, 46)
    there = one.across @ np.append(scene.mesh[outer, :2], 1)
    assert np.hypot(*(there - scene.mesh[partner, :2])) < 0.15 * 38.4


def test_nothing_is_fetched_beside_the_head(scene: Scene) -> None:
    x, _ = scene.face_units()
    head = (x < 0.75).astype(np.float32)  # turned away: the face ends at the corner of the eye
    (free,) = ask(scene, hidden(scene, 1))
    (one,) = ask(scene, hidden(scene, 1), head)
    assert float((free.where * (1 - head)).max()) > 0.3
    assert float((one.where * (1 - head)).max()) < 1e-3
    np.testing.assert_array_equal((one.where - free.where)[x < 0.4], 0)


def test_what_is_laid_has_the_other_brow(scene: Scene, astronaut: np.ndarray) -> None:
    (one,) = ask(scene, hidden(scene, 1))
    assert one.across is not None
    box = (0, 0, astronaut.shape[1], astronaut.shape[0])
    inked = astronaut.copy()
    inked[scene.to_photo(area(scene, 0), box) > 0.5] = (0, 0, 90)
    inked[scene.to_photo(hidden(scene, 1), box) > 0.1] = 255  # what hangs over the right one
    at, laid, share = mirror.Fetched(scene, TONE, one).on(inked, box)
    assert laid.shape == (*share.shape, 3) == astronaut[at].shape
    whole = scene.to_photo(one.where, box)
    assert whole.sum() == pytest.approx(whole[at].sum())  # nothing is cut off
    inside = scene.to_photo(area(scene, 1), box)[at] * share > 0.8
    assert np.median(laid[inside], axis=0)[0] < 20
    assert np.median(laid[inside], axis=0)[2] > 50


def test_blocks_join(scene: Scene, astronaut: np.ndarray) -> None:
    one = ask(scene, hidden(scene, 0))[0]
    fetched = mirror.Fetched(scene, TONE, one)
    (x0, y0, x1, y1), _ = scene.reach(one.where, (0, 0, 512, 512))
    _, whole, share = fetched.on(astronaut, (x0, y0, x1, y1))
    middle = (x0 + x1) // 2
    parts = [fetched.on(astronaut, (a, y0, b, y1)) for a, b in ((x0, middle), (middle, x1))]
    for k, wanted in ((1, whole), (2, share)):
        found = np.zeros_like(wanted)
        for start, part in zip((0, middle - x0), parts, strict=True):
            rows, columns = part[0]
            found[rows, columns.start + start : columns.stop + start] = part[k]
        assert np.abs(found - wanted).max() < 0.6
    for beside in ((0, y0, 10, y1), (x0, 500, x1, 512), (0, 500, 10, 512)):
        at, none, share = fetched.on(astronaut, beside)
        place = np.zeros((beside[3] - beside[1], beside[2] - beside[0], 3))[at]
        assert place.shape == none.shape == (*share.shape, 3)
        assert not share.size


def test_the_light_of_here_is_laid(scene: Scene, astronaut: np.ndarray) -> None:
    (one,) = ask(scene, hidden(scene, 1))
    box = (0, 0, astronaut.shape[1], astronaut.shape[0])
    darker = np.repeat(np.linspace(1.2, 0.8, 20, dtype=np.float32)[None], 20, 0)[..., None] * TONE
    _, even, share = mirror.Fetched(scene, TONE, one).on(astronaut, box)
    _, shaded, _ = mirror.Fetched(scene, darker, one).on(astronaut, box)
    ratio = (shaded.sum(-1) / np.maximum(even.sum(-1), 30))[share > 0.5]
    assert 0.75 < np.median(ratio) < 0.97  # the face's right side lies in the shade


def test_hair_beside_the_other_brow_is_not_laid(scene: Scene, astronaut: np.ndarray) -> None:
    (one,) = ask(scene, hidden(scene, 1))
    assert one.across is not None
    box = (0, 0, astronaut.shape[1], astronaut.shape[0])
    zones = [grow(scene.mesh_polygon(around), 0.3 * scene.unit) for around in mirror._AROUND]
    locks = astronaut.copy()  # the other side is all hair but for brow and eye
    bare = grow(scene.mesh_polygon(mirror._AROUND[0]), 0.02 * scene.unit)
    locks[scene.to_photo(zones[0] * (1 - bare), box) > 0.5] = 10
    at, laid, share = mirror.Fetched(scene, TONE, replace(one, where=zones[1])).on(locks, box)
    own = np.maximum(area(scene, 1, 1.5, 1.5), scene.mesh_polygon(mirror._EYES[1]))
    beside = scene.to_photo(grow(own, 0.15 * scene.unit), box)[at] < 0.02
    dark = (laid.sum(-1) < 90) & (scene.to_photo(zones[1], box)[at] > 0.9) & beside
    assert dark.sum() > 50
    assert share[dark].max() < 0.1
    assert share[scene.to_photo(area(scene, 1, 0.5, 0.5), box)[at] > 0.9].mean() > 0.9


def test_two_hidden_brows_are_drawn(scene: Scene) -> None:
    both = ask(scene, hidden(scene, 0, 1))
    assert [(one.side, one.across) for one in both] == [(0, None), (1, None)]


@pytest.mark.parametrize("side", [0, 1])
def test_drawn_brow_lies_on_the_brow(scene: Scene, astronaut: np.ndarray, side: int) -> None:
    box = (0, 0, astronaut.shape[1], astronaut.shape[0])
    drawn = brows.draw(scene, side, box)
    assert drawn.shape == astronaut.shape[:2]
    assert drawn.min() >= 0
    assert drawn.max() <= 0.85
    near = scene.to_photo(grow(area(scene, side), 0.25 * scene.unit), box)
    assert float(drawn[near < 0.01].sum()) < 0.02 * float(drawn.sum())
    assert drawn[scene.to_photo(area(scene, side), box) > 0.9].mean() > 0.2


def test_drawn_brow_outside_the_box_is_nothing(scene: Scene) -> None:
    assert brows.draw(scene, 0, (0, 0, 5, 5)).max() == 0
