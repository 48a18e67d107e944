"""People to the waist: the maker of cases, the measures, sheets, reports; people are drawn."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tonsure.errors import BadOption, ModelMissing
from tonsure.faces import Face
from tonsure.hair.classes import BACKGROUND, CLOTHES, HAIR, NECK, SKIN
from tonsure.lab.cli import app
from tonsure.lab.evaluate.wide import (
    cases,
    cutout,
    error,
    features,
    left,
    look,
    people,
    report,
    runs,
    sheets,
    teacher,
    ways,
)  # fmt: skip
from tonsure.scene import OVAL

HEIGHT, WIDTH, UNIT = 200, 160, 24.0
WALL, FLESH, SHIRT, BROWN = (90, 120, 150), (210, 160, 130), (60, 140, 70), (70, 40, 20)


def drawn_face(x: float = 80, y: float = 60, unit: float = UNIT) -> Face:
    """A face looking ahead, between the eyes at (x, y)."""
    mesh = np.zeros((468, 3), np.float32)
    turn = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    mesh[list(OVAL), 0], mesh[list(OVAL), 1] = 1.0 * np.sin(turn), 0.5 - 1.2 * np.cos(turn)
    for numbers, at in {
        (33, 133): (-0.5, 0.0), (362, 263): (0.5, 0.0), (105,): (-0.5, -0.3), (334,): (0.5, -0.3),
        (1, 2): (0.0, 0.6), (61,): (-0.3, 1.0), (291,): (0.3, 1.0), (172,): (-0.7, 1.2),
        (397,): (0.7, 1.2), (234,): (-1.0, 0.4), (454,): (1.0, 0.4),
        (50, 205): (-0.5, 0.6), (280, 425): (0.5, 0.6),
    }.items():  # fmt: skip
        mesh[list(numbers), :2] = at
    mesh = mesh * unit + np.array([x, y, 0], np.float32)
    low, high = mesh[list(OVAL), :2].min(0), mesh[list(OVAL), :2].max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Face(box, mesh, 1.0, 1.0, 0.0)


def grid() -> tuple[np.ndarray, np.ndarray]:
    """x (1, W) and y (H, 1) in eye distances from between the eyes."""
    return (np.arange(WIDTH)[None] + 0.5 - 80) / UNIT, (
        np.arange(HEIGHT)[:, None] + 0.5 - 60
    ) / UNIT


def body() -> np.ndarray:
    """(H, W) of layout: 0 wall, 1 skin, 2 clothes."""
    x, y = grid()
    out = np.zeros((HEIGHT, WIDTH), np.uint8)
    out[(np.abs(x) < 2.2 - 0.4 * (2.6 - y)) & (y > 2.2)] = 2
    out[(np.abs(x) < 0.6) & (y > 1) & (y < 2.6)] = 1
    out[x**2 + ((y - 0.5) / 1.2) ** 2 < 1] = 1
    return out


def portrait(hair: np.ndarray | None = None) -> np.ndarray:
    """(H, W, 3): the body, some grain, and brown hair where told."""
    out = np.array([WALL, FLESH, SHIRT], np.int64)[body()]
    if hair is not None:
        out[hair] = BROWN
    out += np.random.default_rng(3).integers(-3, 4, (HEIGHT, WIDTH, 1))
    return out.clip(0, 255).astype(np.uint8)


def long_hair(low: float = 4.0) -> np.ndarray:
    """(H, W) True beside the face, down to `low`."""
    x, y = grid()
    cap = ((x / 1.5) ** 2 + ((y + 0.1) / 1.6) ** 2 < 1) & (y < 0.2)
    sides = (np.abs(x) > 0.9) & (np.abs(x) < 1.5) & (y > -0.2) & (y < low)
    face = x**2 + ((y - 0.5) / 1.2) ** 2 < 1
    return np.asarray((cap | sides) & ~(face & (y > -0.45)))


def sitter(name: str, hair: np.ndarray | None = None, **changes: Any) -> look.Sitter:
    """A drawn person, looked at."""
    pixels, face = portrait(hair), drawn_face()
    mask = np.zeros((HEIGHT, WIDTH), np.float32) if hair is None else hair.astype(np.float32)
    person = people.Person(name, pixels, (56, 46, 48, 58), "short" if hair is None else "long")
    known = {
        "person": person, "face": face, "count": 1, "hair": mask, "own": mask, "eyes": face.eyes,
        "light": np.array(FLESH, np.float32), "hat": 0.0, "agreed": 1.0,
    }  # fmt: skip
    return look.Sitter(**(known | changes))


def classes(_: look.Sitter) -> tuple[np.ndarray, np.ndarray]:
    """The body as the parser would see it."""
    planes = np.zeros((HEIGHT, WIDTH, 9), np.float32)
    for k, number in enumerate((BACKGROUND, SKIN, CLOTHES)):
        planes[..., number] = body() == k
    return planes, np.ones((HEIGHT, WIDTH), bool)


@pytest.fixture(scope="module")
def case() -> cases.Case:
    target, donor = sitter("bob"), sitter("ann", long_hair())
    made = cases.lay(target, donor, cases.hair_of(donor), False, classes)
    assert made is not None
    return made


# -- people --------------------------------------------------------------------------------


def packed(folder: Path, **rows: tuple[np.ndarray, np.ndarray | None, str]) -> Path:
    """A folder as the command wants it: `wide.csv` and `eg1800-test.tar`."""
    wide = folder / "wide"
    wide.mkdir()
    fields = [
        "set", "name", "part", "width", "height", "face_x", "face_y", "face_w", "face_h",
        "hair_below_chin", "hair_length", "labels",
    ]  # fmt: skip
    with (wide / "wide.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, fields)
        table.writeheader()
        for name, (pixels, _, hair) in rows.items():
            height, width = pixels.shape[:2]
            box = {"face_x": 0.4 * width, "face_y": 0.2 * height, "face_w": 0.2 * width}
            row = {"set": "eg1800", "name": name, "part": "test", "width": width, "height": height}
            table.writerow(row | box | {"face_h": 0.2 * height, "hair_length": hair})
        table.writerow({"set": "eg1800", "name": "x", "part": "train"})
    with tarfile.open(wide / "eg1800-test.tar", "w") as tar:
        for name, (pixels, labels, _) in rows.items():
            for plane, suffix, format in ((pixels, "webp", "WEBP"), (labels, "png", "PNG")):
                if plane is None:
                    continue
                data = io.BytesIO()
                Image.fromarray(plane).save(data, format, lossless=True)
                info = tarfile.TarInfo(f"{name}.{suffix}")
                info.size = data.tell()
                data.seek(0)
                tar.addfile(info, data)
    return folder


def test_people_come_from_the_test_part_with_their_labels(tmp_path: Path) -> None:
    mask = (body() > 0).astype(np.uint8) * 255
    packed(tmp_path, a=(portrait(), mask, "short"), b=(portrait(long_hair()), None, "long"))
    first, second = people.people(tmp_path)
    assert (first.name, first.hair, first.kind) == ("eg1800-a", "short", "person")
    assert np.array_equal(first.pixels, portrait())
    assert first.labels is not None
    assert np.array_equal(first.labels, mask)
    assert (second.labels, second.kind) == (None, "")
    with pytest.raises(BadOption, match="part 'val'"):
        list(people.people(tmp_path, "val"))
    with pytest.raises(BadOption, match=r"no wide\.csv"):
        list(people.people(tmp_path / "none"))
    (tmp_path / "wide" / "eg1800-test.tar").unlink()
    with pytest.raises(BadOption, match="is missing"):
        list(people.people(tmp_path))


def test_teacher_sees_the_whole_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Session:
        def run(self, _: Any, given: dict[str, np.ndarray]) -> list[np.ndarray]:
            seen = given["input"]
            assert seen.shape == (1, 512, 512, 4)
            assert not seen[..., 3].any()
            return [(seen[..., 0] > 0.5).astype(np.float32)[:, None]]

    monkeypatch.setattr(teacher, "_session", lambda *_: Session())
    pixels = np.zeros((90, 50, 3), np.uint8)
    pixels[:30, :20] = 255
    found = teacher.hair(pixels, Path("x"))
    assert found.shape == (90, 50)
    assert (found > 0.5).sum() == pytest.approx(600, abs=40)
    monkeypatch.undo()
    with pytest.raises(ModelMissing, match="teacher"):
        teacher.hair(pixels, tmp_path / "none.onnx")


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


# -- sheets, folders, the command ----------------------------------------------------------


def test_sheets_show_whole_pictures_at_their_own_size(tmp_path: Path) -> None:
    tiles = [sheets.row([portrait(), portrait(long_hair())], f"photo {k}") for k in range(20)]
    written = sheets.write(tiles, tmp_path, "long", high=460)
    assert [path.name for path in written] == ["long-01.jpg", "long-02.jpg"]
    with Image.open(written[0]) as image:
        assert image.width <= sheets.WIDTH
        shown = np.asarray(image)
    assert np.abs(shown[:HEIGHT, :WIDTH].astype(int) - portrait()).mean() < 4
    assert sheets.write([], tmp_path / "none", "x") == []
    close = sheets.zoom([portrait()] * 2, 80, 100, 90.0)
    assert [part.shape for part in close] == [(450, 450, 3)] * 2
    assert sheets.zoom([portrait()], 0, 0, 600)[0].shape == (HEIGHT, WIDTH, 3)


def test_results_of_another_tool_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not runs.renew(tmp_path)
    for inner in ("tonsure/made/a.png", "cases/a.truth.png"):
        runs.write(tmp_path / inner, portrait())
    assert not runs.renew(tmp_path)
    assert np.array_equal(runs.read(tmp_path / "tonsure" / "made" / "a.png"), portrait())
    monkeypatch.setattr(runs, "fingerprint", lambda: "another")
    assert runs.renew(tmp_path)
    assert runs.read(tmp_path / "tonsure" / "made" / "a.png") is None
    assert runs.read(tmp_path / "cases" / "a.truth.png") is not None
    assert runs.results(tmp_path) == tmp_path / "tonsure"
    assert runs.results(tmp_path / "tonsure") == tmp_path / "tonsure"


def test_command_measures_side_by_side(
    astronaut: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    drawn: dict[str, Any],
) -> None:
    """A real face whose bald head is drawn; the teacher finds what is dark."""
    pytest.importorskip("cv2")
    dark = lambda pixels, *_: (pixels.mean(-1) < 60).astype(np.float32)  # noqa: E731
    monkeypatch.setattr(teacher, "hair", dark)

    def parsed(pixels: np.ndarray, *_: Any) -> tuple[np.ndarray, np.ndarray]:
        planes = np.zeros((*pixels.shape[:2], 9), np.float32)
        planes[..., SKIN] = pixels[..., 0] > 150
        planes[..., BACKGROUND] = 1 - planes[..., SKIN]
        return planes, np.ones(pixels.shape[:2], bool)

    monkeypatch.setattr(look, "parsed", parsed)
    astronaut = astronaut[:300, 80:370]
    data = packed(tmp_path, a=(astronaut, None, "long"))
    (person,) = people.people(data)
    face, _ = look.face_of(person, look.Editor())
    assert face is not None
    hole = np.zeros(astronaut.shape[:2], bool)
    hole[20:100, 90:210] = astronaut[20:100, 90:210].mean(-1) < 60  # her hair
    bare = np.where(hole[..., None], (200, 165, 150), astronaut).astype(np.uint8)
    layout = np.ones(hole.shape, np.uint8)
    earlier = tmp_path / "earlier"
    cases.Case("a--b", astronaut, bare, hole, layout, face).write(earlier / "cases")
    runs.write(earlier / "tonsure" / "made" / "a--b.png", bare)
    runs.write(earlier / "tonsure" / "real" / "eg1800-a.png", astronaut)
    line = [
        "evaluate", "wide", "--data", str(data), "-o", str(tmp_path / "out"), "--no-features",
        "--made", str(earlier), "--against", str(earlier), "--sheets",
    ]  # fmt: skip
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert list(told["made"]) == ["tonsure", "telea", "nothing", "earlier"]
    assert told["made"]["earlier"]["error_all"] == 0
    (record,) = told["records"]["made"]["earlier"]
    assert record["layout_all"] == 1
    errors = [told["made"][way]["error_all"] for way in ("tonsure", "telea", "nothing")]
    assert 0 < errors[0] < errors[2]
    assert 0 < errors[1] < errors[2]
    assert told["pairs"]["earlier"]["better"] == 0
    assert told["real"]["long"]["earlier"]["all"]["pooled"] == 1
    assert told["real"]["long"]["tonsure"]["all"]["pooled"] < 0.9
    text = (tmp_path / "out" / "report.md").read_text()
    assert "| in the hole | tonsure | telea | nothing | earlier |" in text
    assert "| below the eyes | tonsure | telea | earlier |" in text
    names = {path.name for path in (tmp_path / "out" / "sheets").iterdir()}
    assert names == {"made-01.jpg", "long-01.jpg", "long-zoom-01.jpg"}
    first = (tmp_path / "out" / "report.md").read_bytes()
    monkeypatch.setattr(ways, "bald", None)  # everything is there
    assert CliRunner().invoke(app, line).exit_code == 0
    assert (tmp_path / "out" / "report.md").read_bytes() == first
    assert CliRunner().invoke(app, [*line, "--alone", "--no-real"]).exit_code == 0
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert list(told["made"]) == ["tonsure", "earlier"]
    assert told["real"] == {}
    for more in (["--made", str(tmp_path / "none")], ["--against", str(tmp_path / "telea")]):
        refused = CliRunner().invoke(app, [*line, *more])
        assert refused.exit_code == 2, refused.output
        assert "made cases" in refused.output or "names of their own" in refused.output


def test_photos_without_a_face_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2")
    monkeypatch.setattr(teacher, "hair", lambda pixels, *_: np.zeros(pixels.shape[:2], np.float32))
    data = packed(tmp_path, a=(portrait(), None, "short"))
    line = ["evaluate", "wide", "--data", str(data), "-o", str(tmp_path / "out"), "--cases", "0"]
    done = CliRunner().invoke(app, [*line, "--no-features"])
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["failed"] == {"eg1800-a": ["no_face"]}
    assert "eg1800-a: no_face" in (tmp_path / "out" / "report.md").read_text()
