"""What the hair owns beyond what the parser says: strands and rims over skin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonsure import faces
from tonsure.hair import beard, loose, matte
from tonsure.hair.classes import BACKGROUND, CLASSES, CLOTHES, EAR, HAIR, NECK, SKIN
from tonsure.hair.person import alike, whole_ears
from tonsure.planes import Plane
from tonsure.scene import OVAL, Scene, look


@pytest.fixture(scope="module")
def plain(astronaut: np.ndarray) -> Scene:
    """The scene of a face, painted over with even, slightly noisy skin."""
    (face,) = faces.find(astronaut, threads=1)
    scene = look(astronaut, face, 60.0, 1)
    noise = np.random.default_rng(3).normal(0, 1.5, (*scene.shape, 1))
    rgb = np.array([190, 150, 130]) + noise
    return replace(scene, rgb=rgb.astype(np.float32))


def painted(scene: Scene, box: tuple[float, float, float, float], value: float) -> Scene:
    """`box` in eye distances, multiplied by `value`."""
    x, y = scene.face_units()
    rgb = scene.rgb.copy()
    rgb[(x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])] *= value
    return replace(scene, rgb=rgb)


def above(scene: Scene, y: float) -> Plane:
    return (scene.face_units()[1] < y).astype(np.float32)


def found_in(scene: Scene, plane: Plane, box: tuple[float, float, float, float]) -> float:
    x, y = scene.face_units()
    return float(plane[(x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])].mean())


def stray(scene: Scene, like: float = 1.0) -> Plane:
    one, none = np.ones(scene.shape, np.float32), np.zeros(scene.shape, np.float32)
    return loose.stray(scene, one, one, like * one, above(scene, -0.8), none)


def test_strand_is_followed_down_the_face(plain: Scene) -> None:
    strand = (-0.62, -0.82, -0.59, 0.5)
    assert found_in(plain, stray(painted(plain, strand, 0.8)), strand) > 0.9


def test_bright_line_is_a_strand_only_on_fair_haired_people(plain: Scene) -> None:
    strand = (-0.62, -0.82, -0.59, 0.5)
    fair = painted(plain, strand, 1.12)
    assert found_in(plain, stray(fair), strand) > 0.9
    assert found_in(plain, stray(fair, like=0.2), strand) < 0.05


def test_strand_that_hangs_nowhere_stays(plain: Scene) -> None:
    scar = (-0.62, 0.0, -0.59, 0.5)
    assert stray(painted(plain, scar, 0.8)).max() < 0.01


def test_wrinkle_is_no_strand(plain: Scene) -> None:
    wrinkle = (-0.6, -0.79, 0.6, -0.76)
    lower = (-0.6, -0.5, 0.6, -0.47)
    wrinkled = painted(painted(plain, wrinkle, 0.8), lower, 0.8)
    assert found_in(plain, stray(wrinkled), lower) < 0.05


def rim(scene: Scene) -> Plane:
    one, hole = np.ones(scene.shape, np.float32), above(scene, -0.8)
    oval = scene.mesh_polygon(matte._INNER)
    return loose.rim(scene, oval, one, 1 - hole, alike(scene, hole > 0.5), hole)


def test_dark_line_beside_the_hole_goes(plain: Scene) -> None:
    line = (-0.5, -0.8, 0.5, -0.7)
    assert found_in(plain, rim(painted(plain, line, 0.6)), line) > 0.9


def test_highlight_beside_the_hole_stays(plain: Scene) -> None:
    shine = (-0.5, -0.8, 0.5, -0.7)
    dark_hair = painted(plain, (-9, -9, 9, -0.8), 0.2)
    inner = (-0.5, -0.74, 0.5, -0.7)
    assert found_in(plain, rim(painted(dark_hair, shine, 1.2)), inner) < 0.1


def test_birthmark_far_from_the_hole_stays(plain: Scene) -> None:
    mark = (-0.4, 0.2, -0.3, 0.3)
    assert found_in(plain, rim(painted(plain, mark, 0.5)), mark) < 0.01


def before_a_wall(scene: Scene, where: Plane, hair: float) -> tuple[Scene, *tuple[Plane, ...]]:
    """Dark hair above the brows, and the same in `where`, of which the parser gives `hair`."""
    top = above(scene, -0.8)
    dark = np.maximum(top, where)[..., None]
    scene = replace(scene, rgb=(scene.rgb * (1 - 0.8 * dark)).astype(np.float32))
    classes = np.zeros((*scene.shape, len(CLASSES)), np.float32)
    classes[..., HAIR] = np.maximum(top, hair * where)
    classes[..., BACKGROUND] = 1 - classes[..., HAIR]
    like = alike(scene, top > 0.5)
    return scene, classes, top, like, loose.hairy(scene, classes, top), top


def test_end_of_a_lock_before_a_wall_goes(plain: Scene) -> None:
    x, y = plain.face_units()
    lock = ((np.abs(x - 1.0) < 0.1) & (y > -0.82) & (y < -0.3)).astype(np.float32)
    found = loose.locks(*before_a_wall(plain, lock, 0.3))
    assert found_in(plain, found, (0.92, -0.75, 1.08, -0.35)) > 0.8
    assert found_in(plain, found, (-1.2, -0.6, 0.4, 0.5)) == 0


def test_post_behind_the_head_stays(plain: Scene) -> None:
    x, y = plain.face_units()
    post = ((np.abs(x - 1.0) < 0.1) & (y > -0.82) & (y < 0.0)).astype(np.float32)
    assert found_in(plain, loose.locks(*before_a_wall(plain, post, 0.0)), (0.9, -0.6, 1.1, 0)) == 0


def test_shaggy_chin_is_a_beard(plain: Scene) -> None:
    oval = np.ones(plain.shape, np.float32)
    assert beard.shaggy(plain, oval) == 0.0
    rough = np.random.default_rng(4).normal(1, 0.15, (*plain.shape, 1)).astype(np.float32)
    lower = (plain.face_units()[1] > 1.0)[..., None]
    bearded = replace(plain, rgb=np.where(lower, plain.rgb * 0.6 * rough, plain.rgb))
    assert beard.shaggy(bearded, oval) > 0.9


def beside_the_jaw(scene: Scene, skin: float, chin: float) -> tuple[Plane, Plane]:
    """What `curls` finds of a dark patch that overlaps the jaw's edge, of which the parser gives
    `skin`; the chin is multiplied by `chin`; and the patch."""
    x, y = scene.face_units()
    oval = scene.mesh_polygon(OVAL)
    row = (y > 0.9) & (y < 1.3) & (oval > 0.5)
    edge = float(x[row].max())
    patch = ((np.abs(x - edge) < 0.12) & (y > 0.9) & (y < 1.3)).astype(np.float32)
    top = np.maximum(above(scene, -0.8), (x > edge + 0.12) & (y < 1.3)).astype(np.float32)
    dark = np.maximum(top, patch)[..., None]
    rgb = scene.rgb * np.where((oval > 0.5) & (y > 0.8), chin, 1)[..., None]
    scene = replace(scene, rgb=(rgb * (1 - 0.8 * dark)).astype(np.float32))
    classes = np.zeros((*scene.shape, len(CLASSES)), np.float32)
    classes[..., HAIR] = np.where(patch > 0, 1 - skin, top)
    classes[..., SKIN] = np.where(patch > 0, skin, oval * (1 - top))
    classes[..., BACKGROUND] = 1 - classes.sum(-1)
    coloured = loose.hairy(scene, classes, top)
    return loose.curls(scene, classes, oval, alike(scene, top > 0.5), coloured, top), patch


def test_curls_beside_the_jaw_go_where_the_parser_is_unsure(plain: Scene) -> None:
    found, patch = beside_the_jaw(plain, 0.6, 1.0)
    assert found[patch > 0].mean() > 0.5
    sure, _ = beside_the_jaw(plain, 0.95, 1.0)
    assert sure[patch > 0].mean() < 0.2 * found[patch > 0].mean()


def test_the_edge_of_a_beard_is_no_curl(plain: Scene) -> None:
    found, _ = beside_the_jaw(plain, 0.6, 0.2)
    assert found.max() == 0


def test_an_ear_gets_its_rim_back(plain: Scene) -> None:
    x, y = plain.face_units()
    whole = (np.abs(x - 1.1) < 0.15) & (np.abs(y - 0.3) < 0.35)
    core = (np.abs(x - 1.05) < 0.1) & (np.abs(y - 0.35) < 0.3)
    hair = (y < -0.1) & ~whole
    rgb = np.where(hair[..., None], 30, plain.rgb).astype(np.float32)
    classes = np.zeros((*plain.shape, len(CLASSES)), np.float32)
    classes[..., EAR], classes[..., HAIR] = core, hair
    classes[..., BACKGROUND] = 1 - classes.sum(-1)
    mask = (hair | whole).astype(np.float32)
    whole_ears(replace(plain, rgb=rgb), classes, mask)
    assert classes[..., EAR][whole].mean() > 0.9
    assert classes[..., EAR][hair].max() < 0.3  # not what has the hair's colour
    assert classes[..., EAR][(y > 0.8) | (x < 0.7)].max() < 0.01  # nor anything else
    assert np.abs(classes.sum(-1) - 1).max() < 1e-5


def beside_an_ear(scene: Scene, left: float, right: float) -> Plane:
    """What stays of an ear at 1.0 to 1.3 right of the eyes with hair from `left` to `right`."""
    x, y = scene.face_units()
    level = (y > 0.0) & (y < 0.6)
    classes = np.zeros((*scene.shape, len(CLASSES)), np.float32)
    classes[..., EAR] = level & (x > 1.0) & (x < 1.3)
    classes[..., HAIR] = level & (x > left) & (x <= right)
    classes[..., BACKGROUND] = 1 - classes[..., EAR] - classes[..., HAIR]
    none = np.zeros(scene.shape, np.float32)
    return matte._solid(scene, classes, classes[..., HAIR], none, none)


def test_ends_of_hair_over_an_ear_go_and_its_rim_before_hair_stays(plain: Scene) -> None:
    over, behind = beside_an_ear(plain, 0.6, 1.0), beside_an_ear(plain, 1.3, 1.7)
    tips, rim = (1.002, 0.1, 1.018, 0.5), (1.28, 0.1, 1.298, 0.5)
    assert found_in(plain, over, tips) < 0.3
    assert found_in(plain, over, (1.06, 0.1, 1.29, 0.5)) > 0.99
    assert found_in(plain, behind, rim) > 0.99


def test_the_edge_of_hair_goes_from_neck_and_chest(plain: Scene) -> None:
    """Single strands lie there that the parser calls neck."""
    x, y = plain.face_units()
    classes = np.zeros((*plain.shape, len(CLASSES)), np.float32)
    curtain = (np.abs(x) > 0.8) & (np.abs(x) < 1.8)
    classes[..., HAIR] = curtain | (y < -0.7)
    classes[..., NECK] = ~curtain & (y > 1.2)
    classes[..., SKIN] = ~curtain & (y >= -0.7) & (y <= 1.2)
    oval = ((x / 0.8) ** 2 + (y / 1.3) ** 2 < 1).astype(np.float32)
    none = np.zeros_like(oval)
    hole = matte.matte(plain, classes, 0.0, oval, oval, none, oval).hole
    assert found_in(plain, hole, (-0.75, 2.0, -0.65, 2.4)) > 0.9
    assert found_in(plain, hole, (-0.3, 2.0, 0.3, 2.4)) < 0.05


def test_clothes_that_may_be_hair_stay_and_background_goes(plain: Scene) -> None:
    """What a net makes of clothes is worse than the clothes."""
    x, y = plain.face_units()
    oval = ((x / 0.8) ** 2 + (y / 1.3) ** 2 < 1).astype(np.float32)
    none = np.zeros_like(oval)
    curtain = (np.abs(x) > 0.8) & (np.abs(x) < 1.5) & (y < 2.6)
    doubt = (np.abs(x) >= 1.5) & (np.abs(x) < 2.3) & (y > 1.9)
    holes = []
    for other in (CLOTHES, BACKGROUND):
        classes = np.zeros((*plain.shape, len(CLASSES)), np.float32)
        classes[..., HAIR] = np.where(doubt, 0.28, curtain | (y < -0.7))
        classes[..., SKIN] = (np.abs(x) <= 0.8) & (y >= -0.7)
        classes[..., other] = 1 - classes[..., HAIR] - classes[..., SKIN]
        holes.append(matte.matte(plain, classes, 0.0, oval, oval, none, oval).hole)
    worn, wall = (found_in(plain, hole, (1.9, 2.1, 2.2, 2.5)) for hole in holes)
    assert worn < 0.1
    assert wall > 0.5


def test_a_long_beard_stays_where_it_hangs(plain: Scene) -> None:
    """On the face it is skin to the parser, below the chin hair."""
    x, y = plain.face_units()
    noise = np.random.default_rng(5).normal(0, 1, plain.shape)
    oval = plain.polygon(plain.mesh[list(OVAL), :2])
    hair = ((np.abs(x) < 0.6) & (y > 1.85)).astype(np.float32)
    for strength, kept in ((60, True), (9, False)):
        rough = plain.rgb + (strength * noise * (y > 1.0))[..., None]
        zone, share = beard.beard(replace(plain, rgb=rough.astype(np.float32)), hair, oval)
        assert share < 0.25
        assert (found_in(plain, zone, (-0.4, 1.9, 0.4, 2.3)) > 0.9) == kept


def test_a_rough_face_over_a_bare_neck_has_no_long_beard(plain: Scene) -> None:
    """Laughing lips and lines are as rough as a beard; locks hang beside such a neck."""
    x, y = plain.face_units()
    noise = np.random.default_rng(5).normal(0, 1, plain.shape)
    oval = plain.polygon(plain.mesh[list(OVAL), :2])
    rough = plain.rgb + (60 * noise * (y > 1.0))[..., None]
    locks = ((np.abs(x) > 0.5) & (np.abs(x) < 1.2) & (y > 0.5)).astype(np.float32)
    zone, _ = beard.beard(replace(plain, rgb=rough.astype(np.float32)), locks * (1 - oval), oval)
    assert zone.max() == 0
