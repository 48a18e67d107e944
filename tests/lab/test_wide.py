"""People to the waist: the maker of cases and the measures; people are drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sitters import (
    BROWN,
    HEIGHT,
    UNIT,
    WIDTH,
    body,
    classes,
    drawn_face,
    grid,
    long_hair,
    portrait,
    sitter,
)
from tonsure.errors import BadOption, ModelMissing
from tonsure.hair.classes import BACKGROUND, CLOTHES, HAIR, NECK, SKIN
from tonsure.lab.evaluate.wide import (
    cases,
    cutout,
    error,
    features,
    left,
    look,
    people,
    report,
    ways,
)


@pytest.fixture(scope="module")
def case() -> cases.Case:
    target, donor = sitter("bob"), sitter("ann", long_hair())
    made = cases.lay(target, donor, cases.hair_of(donor), False, classes)
    assert made is not None
    return made


# -- made cases ----------------------------------------------------------------------------


def test_similarity_maps_eyes_onto_eyes() -> None:
    here, there = np.array([[1.0, 2], [5, 2]]), np.array([[10.0, 10], [10, 18]])
    z, t = cutout.similarity(here, there)
    assert z * (5 + 2j) + t == pytest.approx(10 + 18j)
    assert abs(z) == pytest.approx(2)


def test_a_matte_follows_the_photo() -> None:
    hair = long_hair()
    blunt = np.asarray(  # off by a pixel and a half, soft over several
        Image.fromarray(np.roll(hair, 1, 1).astype(np.float32)).resize((40, 50)).resize((160, 200))
    )
    alpha = cutout.refined(blunt, portrait(hair), UNIT)
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    before = np.abs(blunt - hair).mean()
    assert np.abs(alpha - hair).mean() < 0.6 * before


def test_soft_rims_have_the_colour_of_hair() -> None:
    alpha = np.asarray(cutout.blur(long_hair().astype(np.float32), 2.0))
    found = cutout.cut(portrait(long_hair()), alpha, drawn_face().eyes, np.ones(3, np.float32))
    rim = (alpha > 0.2) & (alpha < 0.8)
    assert np.abs(found.colour[rim] - BROWN).mean() < 12
    again = found.mirrored().mirrored()
    assert np.array_equal(again.alpha, found.alpha)
    assert again.eyes == pytest.approx(found.eyes)
    assert found.mirrored().eyes[0, 0] < found.mirrored().eyes[1, 0]


@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.4])
def test_hair_goes_where_the_eyes_are(zoom: float) -> None:
    hair = cases.hair_of(sitter("ann", long_hair()))
    face = drawn_face(80 * zoom, 60 * zoom, UNIT * zoom)
    size = (round(HEIGHT * zoom), round(WIDTH * zoom))
    _, alpha = cutout.brought(hair, face.eyes, size)
    there = Image.fromarray(hair.alpha).resize((size[1], size[0]))
    assert np.abs(alpha - np.asarray(there)).mean() < 0.012


def test_a_case_knows_what_the_hair_hid(case: cases.Case) -> None:
    changed = np.abs(case.made.astype(int) - case.truth).sum(-1) > 60
    assert changed[case.hole].mean() > 0.95
    assert np.array_equal(case.classes, body())
    assert case.hole.sum() == pytest.approx(long_hair().sum(), rel=0.1)
    assert np.array_equal(case.truth, portrait())
    assert (case.hole & case.below).any()


def test_own_hair_is_no_part_of_the_hole() -> None:
    short = np.asarray(long_hair(0.3))
    target = sitter("eve", short)
    donor = sitter("ann", long_hair())
    made = cases.lay(target, donor, cases.hair_of(donor), False, classes)
    assert made is not None
    assert not (made.hole & short).any()


def test_grey_photos_get_grey_hair() -> None:
    hair = cases.hair_of(sitter("ann", long_hair()))
    light = np.full(3, 160, np.float32)
    made, alpha = cutout.laid(hair, portrait(), drawn_face().eyes, light, True)
    inner = made[alpha > 0.99].astype(int)
    assert np.ptp(inner, axis=-1).max() <= 1


def test_who_can_be_in_a_case() -> None:
    assert cases.is_target(sitter("bob"))
    assert not cases.is_target(sitter("ann", long_hair()))
    assert not cases.is_target(sitter("bob", hat=1.0))
    assert not cases.is_target(sitter("bob", count=2))
    assert cases.is_donor(sitter("ann", long_hair()))
    assert not cases.is_donor(sitter("ann", long_hair(), agreed=0.4))
    assert not cases.is_donor(sitter("bob"))


def test_hair_that_leaves_its_photo_is_not_cut_off_within_another() -> None:
    donor = sitter("ann", long_hair(9.0))
    fits = cases.lay(sitter("bob"), donor, cases.hair_of(donor), False, classes)
    assert fits is not None  # it leaves this photo, too
    small = drawn_face(80, 40, UNIT * 0.8)
    higher = sitter("tim", face=small, eyes=small.eyes)
    assert cases.lay(higher, donor, cases.hair_of(donor), False, classes) is None


def test_cases_are_drawn_by_the_seed() -> None:
    targets = [sitter(name) for name in ("bob", "tim")]
    donors = [sitter(name, long_hair(3.0 + k / 4)) for k, name in enumerate(("ann", "eve", "zoe"))]

    def names(seed: int, count: int = 2) -> list[str]:
        return [c.name for c in cases.make(targets, donors, classes, count=count, seed=seed)]

    first = names(1, 5)
    assert names(1) == first[:2]
    assert any(names(seed) != first[:2] for seed in (2, 3, 4))
    pairs = [name.removesuffix("-m") for name in first]
    assert len(set(pairs)) == 5
    assert all(sum(donor in pair for pair in pairs) <= 3 for donor in ("ann", "eve", "zoe"))
    with pytest.raises(BadOption, match="nobody"):
        list(cases.make([], donors, classes))


def test_cases_come_back_from_their_folder(case: cases.Case, tmp_path: Path) -> None:
    case.write(tmp_path)
    (name,) = cases.names(tmp_path)
    again = cases.Case.read(tmp_path, name)
    for key in ("made", "truth", "hole", "classes"):
        assert np.array_equal(getattr(again, key), getattr(case, key))
    assert again.face.iod == pytest.approx(case.face.iod, abs=0.02)
    with pytest.raises(BadOption, match="cannot be read"):
        cases.Case.read(tmp_path, "none")


def test_labels_of_the_photo_say_more_than_the_parser() -> None:
    planes, seen = classes(sitter("bob"))
    person = sitter("bob").person
    assert np.array_equal(look.truth(person, planes, seen), body())
    seen[:20] = False
    assert (look.truth(person, planes, seen)[:20] == look.UNKNOWN).all()
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[100:120], labels[120:140], labels[140:160] = 41, 38, 19
    told = look.truth(
        people.Person("", person.pixels, (0, 0, 1, 1), "", labels, "ccp59"), planes, seen
    )
    assert (told[:100] == 0).all()
    assert (told[100:120] == 1).all()
    assert (told[120:140] == 2).all()
    assert np.array_equal(told[140:160], body()[140:160])
    inside = (np.arange(WIDTH) < 80).astype(np.uint8)[None].repeat(HEIGHT, 0) * 255
    told = look.truth(
        people.Person("", person.pixels, (0, 0, 1, 1), "", inside, "person"), planes, seen
    )
    assert (told[:, 80:] == 0).all()
    assert (told[20:, :80] > 0).all()


def test_layout_tells_four_things_apart() -> None:
    planes = np.zeros((1, 5, 9), np.float32)
    for k, number in enumerate((BACKGROUND, NECK, CLOTHES, HAIR, SKIN)):
        planes[0, k, number] = 1
    assert look.layout(planes)[0].tolist() == [0, 1, 2, 3, 1]


# -- error ---------------------------------------------------------------------------------


def test_the_truth_has_no_error(case: cases.Case) -> None:
    told = error.measure(case, case.truth, case.classes, case.classes, 0.0)
    for name in ("all", "below", *look.NAMES):
        assert told[f"error_{name}"] == 0
        assert told[f"low_{name}"] == 0
        assert told[f"gradient_{name}"] == told[f"gradient_truth_{name}"]
    assert told["layout_all"] == 1
    json.dumps(told)


def test_hair_left_on_has_the_error_of_hair(case: cases.Case) -> None:
    told = error.measure(case, case.made)
    off = np.abs(case.made.astype(float) - case.truth).mean(-1)
    assert told["error_all"] == pytest.approx(off[case.hole].mean())
    for k, name in enumerate(look.NAMES):
        zone = case.hole & (case.classes == k)
        assert told[f"error_{name}"] == pytest.approx(off[zone].mean())
    assert told["area_all"] == pytest.approx(case.hole.sum() / UNIT**2, abs=1e-3)
    assert told["low_all"] == pytest.approx(told["error_all"], rel=0.2)


def test_grain_is_no_low_frequency(case: cases.Case) -> None:
    noise = np.random.default_rng(0).integers(-20, 21, case.truth.shape)
    told = error.measure(case, np.clip(case.truth + noise, 0, 255).astype(np.uint8))
    assert told["error_all"] == pytest.approx(10.2, abs=1)
    assert told["low_all"] < 3
    assert told["gradient_all"] > 2 * told["gradient_truth_all"]


def test_telea_is_better_than_hair_and_worse_than_the_truth(case: cases.Case) -> None:
    pytest.importorskip("cv2")
    mask = np.asarray(cutout.grow(case.hole.astype(np.float32), 3) * 255, np.uint8)
    filled = ways.telea(case.made, mask, case.face)
    assert np.array_equal(filled[mask == 0], case.made[mask == 0])
    told, hair = error.measure(case, filled), error.measure(case, case.made)
    assert 0 < told["error_all"] < 0.7 * hair["error_all"]


def test_too_little_has_no_figure(case: cases.Case) -> None:
    none = cases.Case(
        case.name, case.made, case.truth, case.hole & (case.classes == 0), case.classes, case.face
    )
    told = error.measure(none, case.made)
    assert told["error_skin"] is None
    means = error.means([told, error.measure(case, case.made)])
    assert means["error_skin"] == error.measure(case, case.made)["error_skin"]
    pair = error.paired([told], [error.measure(case, case.made)])
    assert pair["cases"] == 1
    assert error.paired([told], [])["cases"] == 0
    ratios = report.with_ratios(means)
    assert ratios["ratio_all"] == means["gradient_all"] / means["gradient_truth_all"]


def test_features_are_blind_beyond_the_hole(
    case: cases.Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Session:
        def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
            seen = given["pictures"].transpose(0, 3, 1, 2)
            assert seen.shape[2] % 32 == seen.shape[3] % 32 == 0
            assert tuple(names) == features.OUTPUTS
            return [seen[:, :, ::k, ::k] + 1 for k in (2, 4, 8, 16)]

    monkeypatch.setattr(features, "_session", lambda *_: Session())

    def apart(pixels: np.ndarray) -> float:
        return features.distance(pixels, case.truth, case.hole, case.face)

    assert apart(case.truth) == 0
    elsewhere = np.where(case.hole[..., None], case.truth, 255).astype(np.uint8)
    assert apart(elsewhere) == 0
    half = ((case.made.astype(int) + case.truth) // 2).astype(np.uint8)
    assert 0 < apart(half) < apart(case.made) <= 2
    nothing = np.zeros_like(case.hole)
    assert features.distance(case.made, case.truth, nothing, case.face) == 0
    monkeypatch.undo()
    with pytest.raises(ModelMissing, match="convert_features"):
        features.check(tmp_path / "none.onnx")


# -- hair left -----------------------------------------------------------------------------


def test_hair_of_the_head_is_no_beard_and_no_pet() -> None:
    x, y = grid()
    hair = long_hair()
    beard = (np.abs(x) < 0.7) & (y > 0.9) & (y < 2.2)
    pet = (x > 2) & (y > 2)
    found = left.of_head((hair | beard | pet).astype(np.float32), drawn_face())
    assert not (found & (pet | beard)).any()
    assert found.sum() > 0.9 * hair.sum()
    fringe = (np.abs(x) < 0.8) & (y > -0.5) & (y < 0.2)
    both = (hair | fringe).astype(np.float32)
    assert left.of_head(both, drawn_face(), before_face=True).sum() == (hair | fringe).sum()


def test_hair_left_is_a_share_of_what_there_was() -> None:
    had, (_, y) = long_hair(), grid()
    now = (had & (y > 0)).astype(np.float32)
    told = left.left(had, now, drawn_face())
    assert told["left_all"] == pytest.approx((had & (y > 0)).sum() / had.sum())
    assert told["left_hanging"] == 1
    bald = left.left(np.zeros_like(had), now, drawn_face())
    assert bald["left_all"] is None
    gone = left.left(had, np.zeros_like(now), drawn_face())
    table = left.table([told, gone, bald])
    assert table["all"]["photos"] == 2
    assert table["all"]["clean"] == 0.5
    assert table["all"]["pooled"] == pytest.approx(told["left_all"] / 2)
