"""Is it a hat: the net's word, and what it does to the parser's."""

from __future__ import annotations

import numpy as np
import pytest

import tonsure
from tonsure import faces
from tonsure.hair import hat
from tonsure.hair.classes import BACKGROUND, CLASSES, HAIR, HAT, SKIN
from tonsure.hair.matte import Matte, matte
from tonsure.head import features
from tonsure.planes import Plane, grow
from tonsure.scene import Scene, look


@pytest.fixture(scope="module")
def scene(astronaut: np.ndarray) -> Scene:
    (face,) = faces.find(astronaut, threads=1)
    return look(astronaut, face, 40.0, 1)


def test_bare_head_is_surely_none(scene: Scene, astronaut: np.ndarray) -> None:
    """The astronaut's own hair, so high above the orange suit, leaves the net in doubt."""
    bare = tonsure.Editor(threads=1).open(astronaut).bald(1.0).photo.pixels
    assert hat.worn(bare, scene.frame, 1) < 0.1


def test_painted_cap_raises_it(scene: Scene, astronaut: np.ndarray) -> None:
    """A red cap with a visor, drawn over the hair."""
    capped = astronaut.copy()
    h, w = capped.shape[:2]
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    at = scene.frame.to_frame(np.stack([x.ravel(), y.ravel()], -1)).reshape(h, w, 2)
    across, down = (at[..., 0] - 88.8) / 38.4, (at[..., 1] - 112.7) / 38.4
    dome = (np.hypot(across / 1.25, (down + 0.55) / 1.35) < 1) & (down < -0.55)
    visor = (np.abs(across) < 1.3) & (down > -0.75) & (down < -0.5)
    capped[dome] = (170, 20, 30)
    capped[visor] = (110, 10, 20)
    assert hat.worn(capped, scene.frame, 1) > hat.worn(astronaut, scene.frame, 1) + 0.2


def test_view_has_the_size_of_the_training(scene: Scene, astronaut: np.ndarray) -> None:
    assert hat.view(astronaut, scene.frame).shape == (*hat.SIZE, 3)


def covered(scene: Scene, hatted: float, kind: int, other: int, share: float) -> Matte:
    """The matte of a head whose top is `kind` to `share`, and `other` for the rest."""
    x, y = scene.face_units()
    top = ((y < -0.45) & (np.hypot(x, y + 0.5) < 1.3)).astype(np.float32)
    oval = features.oval(scene)
    classes = np.zeros((*scene.shape, len(CLASSES)), np.float32)
    classes[..., kind], classes[..., other] = share * top, (1 - share) * top
    classes[..., SKIN] = oval * (1 - top)
    classes[..., BACKGROUND] = 1 - classes.sum(-1)
    head = np.maximum(oval, grow(top, 2))
    rough = np.zeros_like(oval)
    return matte(scene, classes, hatted, oval, head, rough, oval * (1 - top))


def test_what_looks_like_a_hat_stays(scene: Scene) -> None:
    kept = covered(scene, 0.6, HAT, HAIR, 1.0)
    assert kept.hat > 0.35
    assert kept.hair.max() < 0.05


def on_top(scene: Scene, where: Plane) -> Plane:
    """Classes of a head with hair to its top, which is hat `where` (H, W)."""
    x, y = scene.face_units()
    top = ((y < -0.45) & (np.hypot(x, y + 0.5) < 1.3)).astype(np.float32)
    classes = np.zeros((*scene.shape, len(CLASSES)), np.float32)
    classes[..., HAT], classes[..., HAIR] = top * where, top * (1 - where)
    classes[..., BACKGROUND] = 1 - top
    return classes


def test_it_is_hair_if_nobody_wears_one(scene: Scene) -> None:
    cap = on_top(scene, np.ones(scene.shape, np.float32))
    assert hat.believed(cap, 0.1)[..., HAT].max() == 0
    assert hat.believed(cap, 0.1)[..., HAIR].max() == 1
    np.testing.assert_array_equal(hat.believed(cap, 0.6), cap)


@pytest.mark.parametrize(("share", "then"), [(0.5, 0.2), (0.7, 0.7)])
def test_a_parser_that_sees_a_hat_is_believed(scene: Scene, share: float, then: float) -> None:
    """Long hair below it does not count."""
    classes = on_top(scene, np.full(scene.shape, share, np.float32))
    _, y = scene.face_units()
    classes[y > 1] = np.eye(len(CLASSES), dtype=np.float32)[HAIR]
    assert hat.likely(scene, classes, 0.2) == pytest.approx(then, abs=0.01)
    assert hat.likely(scene, classes, 0.05) == 0.05  # short curls
    assert hat.likely(scene, classes, 0.9) == 0.9
    assert hat.likely(scene, np.zeros_like(classes), 0.1) == 0.1


def test_a_little_hat_is_one_if_there_surely_is(scene: Scene) -> None:
    assert covered(scene, 0.95, HAT, HAIR, 0.1).hair.max() < 0.05
    assert covered(scene, 0.6, HAT, HAIR, 0.1).hair.max() > 0.9
    assert covered(scene, 0.95, HAT, HAIR, 0.0).hair.max() > 0.9
