"""Where teacher and parser differ, and what an eye said of it."""

import numpy as np
import pytest

pytest.importorskip("torch")

from tonsure.hair.classes import CLOTHES, HAIR, HAT, NECK
from tonsure.lab.data import mended, review, wide
from tonsure.lab.data.pasted import Pastes, Windows

SHAPE = (wide.HEIGHT, wide.WIDTH)


def planes():
    """The teacher sees hair in two squares, the parser in the first and in a third."""
    teacher, told = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    teacher[50:90, 100:140] = told[50:90, 100:140] = 255
    teacher[200:240, 40:80] = 255
    told[200:240, 180:220] = 255
    return teacher, told, np.full(SHAPE, 255, np.uint8)


def test_doubts_are_areas_where_the_two_differ():
    first, second = sorted(review.doubts(*planes()), key=lambda d: d.seed)
    assert first.hair
    assert not second.hair
    assert first.where[220, 60]
    assert second.where[220, 200]
    assert first.area == pytest.approx(1600 / wide.DENSITY**2, rel=0.1)


def test_what_lies_below_the_parsers_windows_is_no_doubt():
    teacher, told, inside = planes()
    teacher[:], told[:] = 0, 0
    teacher[380:, 50:100] = 255
    assert review.doubts(teacher, told, inside) == []


@pytest.mark.parametrize(("answer", "then"), [(True, 1 << HAIR), (False, wide.ANY ^ (1 << HAIR))])
def test_an_eye_has_the_last_word(answer, then):
    sets = np.full(SHAPE, wide.ANY, np.uint16)
    sets[200:240, 40:80] = 1 << HAIR
    mended, hair = review.settled(sets, *planes(), [(60, 220, answer)])
    assert mended[220, 60] == then
    assert hair[220, 60] == 255 * answer


def test_what_no_eye_has_seen_is_no_hair_or_teaches_nothing():
    sets = np.full(SHAPE, wide.ANY, np.uint16)
    sets[200:240, 40:80] = 1 << HAIR
    mended, hair = review.settled(sets, *planes(), [])
    assert mended[220, 60] == wide.ANY ^ (1 << HAIR)
    assert mended[220, 200] == wide.ANY | review.SILENT
    assert hair[220, 60] == 0
    assert mended[70, 120] == wide.ANY  # both say hair


def test_labels_by_people_stay():
    sets = np.full(SHAPE, wide.ANY, np.uint16)
    sets[200:240, 40:80] = (1 << HAIR) | (1 << CLOTHES)
    mended, _ = review.settled(sets, *planes(), [], labelled=True)
    assert mended[220, 60] == 1 << CLOTHES


def test_verdicts_name_places_of_windows():
    rows = [row for rows in review.verdicts().values() for row in rows]
    assert len(rows) > 100
    assert all(0 <= x < wide.WIDTH and 0 <= y < wide.HEIGHT for x, y, _ in rows)
    assert {hair for _, _, hair in rows} == {True, False}


@pytest.fixture(scope="module")
def windows():
    """Two people: one with a hat, an arm and cloth, the other with long hair."""
    random = np.random.default_rng(0)
    rgb = random.integers(0, 255, (2, *SHAPE, 3), dtype=np.uint8)
    sets = np.full((2, *SHAPE), wide.ANY, np.uint16)
    hair = np.zeros((2, *SHAPE), np.uint8)
    sets[0, 20:60, 100:160] = 1 << HAT
    sets[0, 200:390, 60:200] = 1 << CLOTHES
    sets[0, 270:330, 15:25] = sets[0, 320:330, 15:50] = 1 << NECK  # a bent arm
    hair[1, 60:300, 60:110] = hair[1, 60:300, 150:200] = 255
    sets[1, hair[1] > 0] = 1 << HAIR
    mesh = np.zeros((2, 468, 3), np.float32)
    angle = np.linspace(0, 2 * np.pi, 468)
    middle = wide.EYES_MIDDLE
    mesh[..., 0] = middle[0] + 0.9 * wide.EYE_DISTANCE * np.sin(angle)
    mesh[..., 1] = middle[1] + (0.4 - 1.2 * np.cos(angle)) * wide.EYE_DISTANCE
    return Windows(rgb, sets, hair, mesh)


def test_hats_and_arms_are_laid_with_their_labels(windows):
    pastes, random = Pastes(windows), np.random.default_rng(1)
    assert len(pastes.hats) == len(pastes.arms) == 1
    rgb, sets = windows.rgb[1].copy(), windows.sets[1].copy()
    pastes.hat(rgb, sets, random)
    laid = sets == 1 << HAT
    assert 0.5 < laid.sum() / 2400 < 1.5
    assert (rgb[laid] != windows.rgb[1][laid]).any(-1).mean() > 0.9
    pastes.arm(rgb, sets, windows.mesh[1], random)
    assert (sets == 1 << NECK).sum() > 100


def test_other_peoples_hair_is_hair_and_its_edge_is_not_told(windows):
    pastes = Pastes(windows)
    rgb, sets = windows.rgb[0].copy(), windows.sets[0].copy()
    pastes.hair(rgb, sets, np.random.default_rng(2))
    now = sets == 1 << HAIR
    assert now.sum() == pytest.approx((windows.hair[1] > 127).sum(), rel=0.1)
    assert (rgb[~now & (sets != wide.ANY | review.SILENT)] == windows.rgb[0][
        ~now & (sets != wide.ANY | review.SILENT)
    ]).all()  # fmt: skip


def test_mended_windows_are_mapped_files_of_all_sets(tmp_path):
    teacher, told, inside = planes()
    inside[390:] = 0
    row = {
        "rgb": np.full((1, *SHAPE, 3), 9, np.uint8), "inside": inside[None],
        "hair": teacher[None], "sets": np.full((1, *SHAPE), 1 << HAIR, np.uint16),
        "mesh": np.random.default_rng(0).normal(80, 20, (1, 468, 3)).astype(np.float32),
        "names": np.array(["a"]), "length": np.array(["long"]), "labels": np.array([""]),
    }  # fmt: skip
    for kind in ("one", "two"):
        np.savez(tmp_path / f"wide-{kind}-train.npz", **row)
        np.save(tmp_path / f"opinion-{kind}-train.npy", told[None])
    mended.pack(tmp_path, ("one", "two"))
    found = {k: np.load(tmp_path / f"sight-{k}.npy", mmap_mode="r") for k in mended.PLANES}
    assert found["rgb"].shape == (2, *SHAPE, 3)
    assert found["sets"][1, 395, 5] == wide.ANY | review.SILENT
    assert found["hair"][0, 220, 60] == 0  # the teacher alone
    with np.load(tmp_path / "sight.npz") as d:
        assert list(d["kind"]) == ["one", "two"]
        assert d["floor"][0] == pytest.approx(390 / wide.DENSITY + wide.TOP)
