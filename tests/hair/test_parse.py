"""The parser on a scene, with the shipped net."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import faces
from tonsure.hair.classes import BACKGROUND, CLASSES, CLOTHES, HAIR, NECK, SKIN
from tonsure.hair.parse import COARSE, Survey, parse, survey
from tonsure.planes import Plane
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, Box, Scene, look


@pytest.fixture(scope="module")
def seen(astronaut: np.ndarray) -> tuple[Scene, Plane]:
    (face,) = faces.find(astronaut, threads=1)
    scene = look(astronaut, face, 43.0, 2)
    return scene, parse(scene)


def test_shares_sum_to_one(seen: tuple[Scene, Plane]) -> None:
    scene, classes = seen
    assert classes.shape == (*scene.shape, len(CLASSES))
    assert classes.dtype == np.float32
    assert classes.min() > -1e-4
    assert np.abs(classes.sum(-1) - 1).max() < 1e-3


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ((0.0, -0.35), SKIN),  # the forehead
        ((0.55, 0.55), SKIN),  # a cheek
        ((0.0, -1.25), HAIR),  # above the forehead
        ((-1.3, -0.3), HAIR),
        ((1.8, 3.2), CLOTHES),
        ((-3.0, -2.0), BACKGROUND),
    ],
    ids=str,
)
def test_places_of_a_face(seen: tuple[Scene, Plane], where: tuple[float, float], kind: int) -> None:
    scene, classes = seen
    x, y = scene.face_units()
    near = np.hypot(x - where[0], y - where[1]) < 0.12
    told = classes[near].mean(0)
    assert CLASSES[int(told.argmax())] == CLASSES[kind]


def test_a_mirrored_photo_is_parsed_alike(seen: tuple[Scene, Plane], astronaut: np.ndarray) -> None:
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    (face,) = faces.find(mirrored, threads=1)
    scene = look(mirrored, face, 43.0, 2)
    x, y = seen[0].face_units()
    inner = np.hypot(x, y) < 1.5
    hair = seen[1][..., HAIR][inner].mean()
    x, y = scene.face_units()
    again = parse(scene)[..., HAIR][np.hypot(x, y) < 1.5].mean()
    assert again == pytest.approx(hair, rel=0.1)


def test_necks_lie_below_chins(seen: tuple[Scene, Plane]) -> None:
    scene, classes = seen
    _, y = scene.face_units()
    neck = classes[..., NECK]
    assert (neck * y).sum() / neck.sum() > 1.3


def drawn_survey(x0: float, y0: float, x1: float, y1: float) -> Survey:
    """Of a square of 10 eye distances with hair in a box told in eye distances from its corner."""
    classes = np.zeros((100, 100, len(CLASSES)), np.float32)
    classes[..., BACKGROUND] = 1
    classes[round(10 * y0) : round(10 * y1), round(10 * x0) : round(10 * x1), HAIR] = 1
    left, top = EYES_MIDDLE[0] - 5 * EYE_DISTANCE, EYES_MIDDLE[1] - 4 * EYE_DISTANCE
    box = (left, top, left + 10 * EYE_DISTANCE, top + 10 * EYE_DISTANCE)
    return Survey(box, classes, classes[..., HAIR])


def units(box: Box) -> list[float]:
    """A box in frame units in eye distances from between the eyes."""
    return [(box[i] - EYES_MIDDLE[i % 2]) / EYE_DISTANCE for i in range(4)]


def test_reach_holds_the_hair_and_a_margin() -> None:
    # long hair on one side: x from -4 to 1, y from -2 to 5 eye distances
    reach = units(drawn_survey(1.0, 2.0, 6.0, 9.0).reach)
    assert reach[0] < -5.2
    assert reach[3] > 6.2
    assert 3.0 < reach[2] < 3.5  # what a head needs anyway


def test_reach_of_a_head_without_hair() -> None:
    reach = units(drawn_survey(0, 0, 0, 0).reach)
    assert reach[0] == pytest.approx(-reach[2])
    assert -4 < reach[0] < -2
    assert reach[1] < -2.5
    assert reach[3] > 2.5


def test_a_survey_on_a_smaller_scene_stays_in_place(astronaut: np.ndarray) -> None:
    (face,) = faces.find(astronaut, threads=1)
    whole = look(astronaut, face, 40.0, 1)
    across, down = whole.face_units()
    told = Survey(whole.box, np.dstack([across, down]), across)
    part = look(astronaut, face, 40.0, 1, told_box := (40.0, 50.0, 150.0, 190.0))
    assert part.box == pytest.approx(told_box)
    assert part.shape < whole.shape
    for found, wanted in zip(
        np.moveaxis(told.on(part, told.classes), 2, 0), part.face_units(), strict=True
    ):
        assert np.abs(found - wanted)[2:-2, 2:-2].max() < 0.02


def test_short_hair_makes_a_smaller_scene_and_the_same_classes(astronaut: np.ndarray) -> None:
    (face,) = faces.find(astronaut, threads=1)
    whole = look(astronaut, face, COARSE, 1)
    first = survey(whole)
    part = look(astronaut, face, COARSE, 1, first.reach)
    assert part.rgb.size < 0.8 * whole.rgb.size
    before = whole.part(parse(whole, first)[..., HAIR], part.box)
    after = parse(part, first)[..., HAIR]
    per = 1 / (whole.unit**2)
    assert after.sum() * per == pytest.approx(before.sum() * per, rel=0.03)


@pytest.mark.parametrize("long", [False, True])
def test_below_what_the_wide_net_was_taught_only_hair_from_above_goes_on(
    monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    """In photos that show more than the waist it is asked about its own windows; beyond them it
    calls anything hair."""
    from tonsure.hair import parse as room

    asked: list[Box] = []

    def drawn(net: str, scene: Scene, box: Box, density: float) -> Plane:
        asked.append(box)
        assert 19 < density < 36  # its training's
        size = tuple(round((box[k + 2] - box[k]) / EYE_DISTANCE * density) for k in (1, 0))
        out = np.zeros((*size, len(CLASSES)), np.float32)
        out[..., CLOTHES] = 1
        middle = slice(round(size[1] * 0.45), round(size[1] * 0.55))
        if long:
            out[:, middle] = np.eye(len(CLASSES))[HAIR]
        if units(box)[3] > 10:
            out[:] = np.eye(len(CLASSES))[HAIR]
        return out

    monkeypatch.setattr(room, "_look", drawn)
    reach = np.array([-5.0, -4.0, 5.0, 12.7]) * EYE_DISTANCE + (*EYES_MIDDLE, *EYES_MIDDLE)
    rgb = np.zeros((334, 200, 3), np.float32)
    box = (float(reach[0]), float(reach[1]), float(reach[2]), float(reach[3]))
    scene = Scene(
        faces.Frame(1 + 0j, 0j), box, 20 / EYE_DISTANCE, rgb, rgb[..., 0] + 1, np.zeros((468, 3)), 1
    )
    classes = room._known(scene)
    assert units(asked[0]) == pytest.approx([-4.25, -3.6, 4.25, 9.7])
    assert np.abs(classes.sum(-1) - 1).max() < 1e-6
    per = classes.shape[0] / 16.7
    assert classes.shape[1] / 10 == pytest.approx(per, rel=0.02)
    low, across = classes[round(15.2 * per)], classes.shape[1]
    assert low[: round(across * 0.36), HAIR].max() == 0
    assert low[: round(across * 0.36), CLOTHES].min() == 1
    assert low[across // 2, HAIR] == (1 if long else 0)
