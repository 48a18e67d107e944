"""Layers beneath the hair: what the net is asked, where its answer lies, and two sorts of cloth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonsure import faces
from tonsure.make import beneath as room
from tonsure.make.beneath import BACKGROUND, CLOTH, CLOTH2, LAYERS, SKIN, beneath, two_sorts
from tonsure.make.body import body
from tonsure.planes import Plane, grow
from tonsure.scene import Scene, look


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    return look(astronaut, face, 32.0, 1)


def test_the_window_lies_where_the_scene_says(scene: Scene) -> None:
    """A plane of x (or y) in eye distances, brought back from the window, is the scene's own."""
    x = (np.arange(room.WIDTH, dtype=np.float32) + 0.5) / room.DENSITY + room.LEFT
    y = (np.arange(room.HEIGHT, dtype=np.float32) + 0.5) / room.DENSITY + room.TOP
    across, down = scene.face_units()
    within = (np.abs(across) < 3.8) & (down > -3) & (down < 6.5)
    planes = (np.tile(x, (room.HEIGHT, 1)), across), (np.tile(y[:, None], (1, room.WIDTH)), down)
    for plane, truth in planes:
        assert np.abs(room._back(scene, plane) - truth)[within].max() < 0.02


def striped(first: int, second: int) -> tuple[Plane, Plane]:
    rgb = np.full((80, 80, 3), first, np.float32)
    rgb[:, 50:] = second
    return rgb, np.ones((80, 80), np.float32)


def test_cloths_of_two_colours_are_told_apart() -> None:
    rgb, cloth = striped(30, 220)
    known = np.ones((80, 80), bool)
    share = two_sorts(rgb, cloth, known, 16.0)
    assert share[:, :45].max() == 0  # the first sort is that of most pixels
    assert share[:, 55:].min() == 1


def test_a_jacket_that_is_a_little_darker_is_another_sort() -> None:
    rgb, cloth = striped(90, 150)
    assert two_sorts(rgb, cloth, np.ones((80, 80), bool), 16.0)[:, 55:].min() == 1


def test_shades_of_one_cloth_are_one_sort() -> None:
    rgb, cloth = striped(100, 128)
    assert two_sorts(rgb, cloth, np.ones((80, 80), bool), 16.0).max() == 0
    rgb, cloth = striped(140, 210)  # in half shade
    assert two_sorts(rgb, cloth, np.ones((80, 80), bool), 16.0).max() == 0
    rgb[:, 50:] = [210, 210, 140]  # and of another hue
    assert two_sorts(rgb, cloth, np.ones((80, 80), bool), 16.0)[:, 55:].min() == 1
    rgb, cloth = striped(30, 220)  # what is hidden tells nothing
    assert two_sorts(rgb, cloth, np.zeros((80, 80), bool), 16.0).max() == 0


def test_a_pattern_is_one_sort() -> None:
    rgb = np.full((160, 160, 3), 200, np.float32)
    rgb[np.arange(160) % 8 < 3] = 20  # stripes of a quarter of an eye distance
    rgb[:, 110:] = [60, 60, 200]
    second = two_sorts(rgb, np.ones((160, 160), np.float32), np.ones((160, 160), bool), 32.0)
    assert second[:, :100].max() == 0
    assert second[:, 120:].min() == 1


def test_broad_stripes_are_one_sort_and_a_badge_is_none() -> None:
    rgb = np.full((160, 160, 3), 200, np.float32)
    rgb[np.arange(160) % 20 < 5] = 20
    cloth, known = np.ones((160, 160), np.float32), np.ones((160, 160), bool)
    assert two_sorts(rgb, cloth, known, 32.0).max() == 0
    badge = np.full((60, 60, 3), 200, np.float32)
    badge[20:38, 20:38] = 20  # little of a cloth of which little is seen
    assert two_sorts(badge, cloth[:60, :60], known[:60, :60], 48.0).max() == 0


def test_layers_are_of_one_mind_with_what_is_seen_around() -> None:
    """A strand over a jacket hides no shirt, however sure the net is; a wide hole is the net's."""
    shape = (room.HEIGHT, room.WIDTH)
    logits = np.zeros((len(LAYERS), *shape), np.float32)
    logits[SKIN] = 3
    seen = np.zeros((len(LAYERS), *shape), np.float32)
    shown = np.ones(shape, np.float32)
    shown[:, 30:33] = shown[:, 70:110] = 0
    seen[CLOTH] = shown
    shares = room._agreed(logits, seen, shown)
    assert np.abs(shares.sum(0) - 1).max() < 1e-5
    assert shares[CLOTH, 40:120, 30:33].min() > 0.9
    assert shares[SKIN, 40:120, 78:102].min() > 0.9
    assert shares[CLOTH][shown > 0].min() > 0.9


@pytest.fixture(scope="module")
def curtains(scene: Scene) -> tuple[Plane, Plane, Plane]:
    """What is seen (the astronaut's suit below, her face above), a hole like two curtains of hair
    beside neck and chest, and a head."""
    x, y = scene.face_units()
    hole = ((np.abs(x) > 0.75) & (np.abs(x) < 1.6) & (y > 0) & (y < 3.0)).astype(np.float32)
    head = ((x / 0.95) ** 2 + ((y - 0.1) / 1.55) ** 2 < 1).astype(np.float32)
    shoulders = (y > 1.9 + 0.25 * np.abs(x)) & (np.abs(x) < 2.6)
    neck = (np.abs(x) < 0.6) & (y > 1.2) & ~shoulders
    skin = ((head > 0) | neck) & ~shoulders
    seen = np.stack([~skin & ~shoulders, skin, shoulders], -1).astype(np.float32)
    return seen, hole, head


def test_layers_fill_the_hole(scene: Scene, curtains: tuple[Plane, Plane, Plane]) -> None:
    seen, hole, head = curtains
    found = beneath(scene, seen, hole, head)
    assert found.shares.shape == (*scene.shape, len(LAYERS))
    assert np.abs(found.shares.sum(-1) - 1).max() < 1e-3
    x, y = scene.face_units()
    hidden = (hole > 0) & (scene.inside > 0)
    cloth = found.shares[..., CLOTH] + found.shares[..., CLOTH2]
    # low in the curtains lies the suit, high beside the jaw does not
    assert cloth[hidden & (y > 2.6)].mean() > 0.8
    assert cloth[hidden & (y < 0.9)].mean() < 0.2
    assert found.shares[..., BACKGROUND][hidden & (y < 0.9) & (np.abs(x) > 1.2)].mean() > 0.7
    # a neck lies between chin and suit, and not far beside
    assert found.shares[..., SKIN][hidden & (y < 2.0) & (np.abs(x) > 1.3)].mean() < 0.3


def test_colours_are_those_of_their_layers(
    scene: Scene, curtains: tuple[Plane, Plane, Plane]
) -> None:
    seen, hole, head = curtains
    painted = scene.rgb.copy()
    painted[seen[..., 0] > 0.5] = [40, 160, 60]
    painted[seen[..., 2] > 0.5] = [30, 40, 170]
    found = beneath(replace(scene, rgb=painted), seen, hole, head)
    _, y = scene.face_units()
    cloth = np.median(found.colours[CLOTH][(hole > 0) & (y > 2.5)], 0)
    wall = np.median(found.colours[BACKGROUND][(hole > 0) & (y < 0.9)], 0)
    assert np.abs(cloth - [30, 40, 170]).max() < 30
    assert np.abs(wall - [40, 160, 60]).max() < 30


def test_ends_of_hair_are_no_sort_of_cloth(
    scene: Scene, curtains: tuple[Plane, Plane, Plane]
) -> None:
    """What the parser calls clothes right beside the hair may be its ends."""
    seen, hole, head = curtains
    painted = np.full_like(scene.rgb, 200)
    painted[grow(hole, 0.15 * scene.unit) > 0.5] = [60, 30, 10]
    found = beneath(replace(scene, rgb=painted), seen, hole, head)
    assert found.seen[..., CLOTH2].max() < 0.5


def test_what_is_hidden_does_not_matter(scene: Scene, curtains: tuple[Plane, Plane, Plane]) -> None:
    """The colour of the hair itself is not seen; it only tells what of its rim is tainted."""
    seen, hole, head = curtains
    painted = scene.rgb.copy()
    painted[hole > 0] = [0, 255, 0]
    one = body(scene, seen, hole, head)
    other = body(replace(scene, rgb=painted), seen, hole, head)
    inner = hole > 0
    assert np.abs(one.rgb - other.rgb)[inner].mean() < 5.0


def test_edges_are_sharp(scene: Scene, curtains: tuple[Plane, Plane, Plane]) -> None:
    shares = beneath(scene, *curtains).shares
    three = np.stack([shares[..., 0], shares[..., 1], shares[..., CLOTH:].sum(-1)])
    assert (three.max(0) < 0.9).mean() < 0.05


def test_beside_the_head_nothing_is_skin(
    scene: Scene, curtains: tuple[Plane, Plane, Plane], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the head ends is its outline's to say, whatever the net says."""

    class All:
        def run(self, _: None, given: dict[str, Plane]) -> list[Plane]:
            layers = np.zeros((2, len(LAYERS), room.HEIGHT, room.WIDTH), np.float32)
            layers[:, SKIN] = 9
            return [layers, np.zeros((2, 12, room.HEIGHT, room.WIDTH), np.float32)]

    monkeypatch.setattr(room.session, "open", lambda *_: All())
    x, y = scene.face_units()
    hidden = np.ones(scene.shape, np.float32)
    shares = beneath(scene, curtains[0], hidden, curtains[2]).shares[..., SKIN]
    assert shares[(y < 0.4) & (np.abs(x) > 1.4)].max() < 0.1
    assert shares[(y > 1.3) & (y < 4) & (np.abs(x) < 3)].min() > 0.9
