"""Evaluation: scores, choices, measures, reports; heads are drawn, nets have stand-ins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tonsure.errors import BadOption, ModelMissing
from tonsure.faces import Face, Frame
from tonsure.lab.cli import app
from tonsure.lab.evaluate import (
    command,
    examine,
    judge,
    methods,
    photos,
    run,
    scores,
    shape,
    sheets,
    skin,
    summary,
)
from tonsure.lab.evaluate.measure import HAIR_DEFINES, Tools, look_at, measure
from tonsure.lab.evaluate.methods import Edit
from tonsure.lab.evaluate.seen import OVAL, Seen

NAMES = ("Bald", "Bangs", "Male", "No_Beard", "Smiling", "Young")
PRIORS = np.array([0.04, 0.1, 0.4, 0.8, 0.5, 0.7])


# -- scores --------------------------------------------------------------------------------


def test_auc() -> None:
    truth = np.array([0, 0, 1, 1], bool)
    assert scores.auc(np.array([1.0, 2, 3, 4]), truth) == 1
    assert scores.auc(np.array([4.0, 3, 2, 1]), truth) == 0
    assert scores.auc(np.array([1.0, 1, 1, 1]), truth) == 0.5
    assert scores.auc(np.array([1.0, 3, 2, 4]), truth) == 0.75
    assert np.isnan(scores.auc(np.array([1.0, 2]), np.array([True, True])))


def test_balanced_accuracy() -> None:
    truth = np.array([1, 1, 0, 0, 0, 0], bool)
    assert scores.balanced_accuracy(truth, truth) == 1
    assert scores.balanced_accuracy(np.zeros(6, bool), truth) == 0.5
    assert np.isnan(scores.balanced_accuracy(truth, np.ones(6, bool)))


def test_equal_odds_moves_the_threshold_to_the_prior() -> None:
    assert scores.equal_odds(0.04, 0.04) == pytest.approx(0.5)
    assert scores.equal_odds([0.5, 0.2], [0.5, 0.5]) == pytest.approx([0.5, 0.2])
    assert 0 <= scores.equal_odds(0.0, 0.1) < 1e-6


def test_spread_leaves_out_what_is_unknown() -> None:
    assert scores.spread([1.0, np.nan, 3.0])["mean"] == 2
    assert np.isnan(scores.spread([])["p95"])


# -- choice of photos ----------------------------------------------------------------------


@pytest.fixture
def lists(tmp_path: Path) -> tuple[Path, Path]:
    """CelebA's two lists for ten pictures: even ones are men, 0 and 1 bald; 8 and 9 are train."""
    rows = [f"{k}.jpg {1 if k < 2 else -1} {1 if k % 2 == 0 else -1}" for k in range(10)]
    labels, parts = tmp_path / "labels.txt", tmp_path / "parts.txt"
    labels.write_text("\n".join(["10", "Bald Male", *rows]) + "\n")
    parts.write_text("\n".join(f"{k}.jpg {0 if k > 7 else 1}" for k in range(10)))
    return labels, parts


PATHS = [Path(f"{k}.webp") for k in range(10)]


def test_choice_by_labels_and_part(lists: tuple[Path, Path]) -> None:
    labels, part = photos.attributes(lists[0]), photos.partition(lists[1], 1)
    found = photos.choose(PATHS, labels, part=part, lacking=["Bald"])
    assert [item.path.stem for item in found] == list("234567")
    assert found[0].labels == {"Bald": False, "Male": True}
    both = photos.choose(PATHS, labels, part=part, lacking=["Bald"], count=4, even="Male")
    assert sum(bool(item.labels and item.labels["Male"]) for item in both) == 2
    again = photos.choose(PATHS, labels, part=part, lacking=["Bald"], count=4, even="Male")
    assert both == again


def test_choices_that_cannot_be(lists: tuple[Path, Path], tmp_path: Path) -> None:
    labels = photos.attributes(lists[0])
    with pytest.raises(BadOption, match="--attributes"):
        photos.choose(PATHS, having=["Male"])
    with pytest.raises(BadOption, match="'Bald'"):
        photos.choose(PATHS, labels, having=["bald"])
    with pytest.raises(BadOption, match="No photo"):
        photos.choose(PATHS, labels, part=set())
    with pytest.raises(BadOption, match="cannot be read"):
        photos.attributes(tmp_path / "none.txt")
    with pytest.raises(BadOption, match="not a folder"):
        photos.folder(tmp_path / "none")
    with pytest.raises(BadOption, match="no photos"):
        photos.folder(tmp_path)
    (tmp_path / "short.txt").write_text("1\nBald Male\n1.jpg 1\n")
    with pytest.raises(BadOption, match="1 labels for"):
        photos.attributes(tmp_path / "short.txt")
    with pytest.raises(BadOption, match="'telea'"):
        methods.method("tela")


# -- what is seen --------------------------------------------------------------------------


def seen(hair: Any = 0.0, skin_here: Any = 0.0) -> Seen:
    """A grid of 0.05 eye distances around a round face; `hair` and `skin_here` fill it."""
    x = np.arange(-2, 2, 0.05, dtype=np.float32)[None] + 0.025
    y = np.arange(-2, 3, 0.05, dtype=np.float32)[:, None] + 0.025
    mesh = np.zeros((468, 2))
    turn = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    mesh[list(OVAL)] = np.stack([0.9 * np.sin(turn), 0.5 - 1.1 * np.cos(turn)], 1)
    mesh[2], mesh[[105, 334]] = (0, 0.6), ((-0.5, -0.25), (0.5, -0.25))
    shape = np.broadcast_shapes(x.shape, y.shape)
    mesh[[61, 291]] = (-0.3, 0.95), (0.3, 0.95)
    planes = [np.broadcast_to(np.float32(v), shape) for v in (hair, skin_here, skin_here)]
    return Seen(*planes, x, y, mesh, np.ones(shape, bool))


def test_areas_are_in_eye_distances() -> None:
    grid = seen()
    square = (np.abs(grid.x) < 0.5) & (np.abs(grid.y + 1.5) < 0.4)
    assert seen(square).hair_area(False) == pytest.approx(0.8, abs=0.1)
    below = (np.abs(grid.x) < 0.5) & (np.abs(grid.y - 2.3) < 0.4)
    assert seen(below).below_chin(False) == pytest.approx(0.8, abs=0.1)
    assert seen(below).below_chin(True) == pytest.approx(0.2, abs=0.15)  # a beard may hang there
    assert seen(square).below_chin(False) == 0


def test_brows_and_beards_are_no_hair_of_the_head() -> None:
    everywhere, grid = seen(1.0), seen()
    face = grid.oval() & (grid.y > -0.3)
    assert seen(face).hair_area(False) == 0
    assert everywhere.hair_area(True) < everywhere.hair_area(False) < 20


def test_scalp_is_skin_above_the_face() -> None:
    grid = seen()
    assert seen(0.0, 1.0).scalp() == 1
    assert seen(1.0, (grid.y > -0.3).astype(float)).scalp() == pytest.approx(0, abs=0.05)


def test_hair_that_nobody_touched_is_left() -> None:
    grid = seen()
    square = (np.abs(grid.x) < 0.5) & (np.abs(grid.y + 1.5) < 0.4)
    bare, haired, half = seen(), seen(square), square & (grid.x < 0)
    assert bare.left(haired, square, False) == 0
    assert bare.left(haired, half, False) == pytest.approx(0.4, abs=0.1)
    assert haired.left(haired, square, False) == haired.hair_area(False)


def test_skin_beside_the_neck_is_smeared() -> None:
    grid, everywhere = seen(), np.ones(seen().hair.shape, bool)
    head = (grid.x**2 + (grid.y - 0.1) ** 2 < 1.1**2).astype(float)
    neck = ((np.abs(grid.x) < 0.5) & (grid.y > 1.2)).astype(float)
    assert seen(0.0, np.maximum(head, neck)).smear(everywhere) < 0.1
    assert seen(0.0, 1.0).smear(everywhere) > 1
    assert seen(0.0, 1.0).smear(~everywhere) == 0  # shoulders that were bare before


def test_an_odd_head_is_told_from_round_ones(tmp_path: Path) -> None:
    random, grid = np.random.default_rng(0), seen()

    def ball(radius: float, x0: float = 0.0) -> Seen:
        return seen(0.0, ((grid.x - x0) ** 2 + (grid.y - 0.2) ** 2 < radius**2).astype(float))

    found = [shape.outline(ball(r)) for r in random.normal(1.5, 0.08, 60)]
    assert found[0].shape == shape.ANGLES.shape
    heads = shape.Heads.of(np.array(found))
    heads.save(tmp_path / "heads.npz")
    same = shape.heads(tmp_path / "heads.npz")
    assert same.odd(found[1]) == pytest.approx(heads.odd(found[1]), rel=1e-3)
    assert heads.odd(shape.outline(ball(1.52))) < heads.limit
    assert heads.odd(shape.outline(ball(1.5, 0.35))) > 2 * heads.limit
    cut = ball(1.5)
    cut.inside[cut.y[:, 0] < 0.5] = False
    assert np.isnan(heads.odd(shape.outline(cut)))
    assert 0.5 < shape.heads().limit < 3  # the one that comes with the package


def test_tone_of_skin() -> None:
    white, black = skin.lab(np.array([[255.0, 255, 255], [0, 0, 0]]))
    assert white == pytest.approx([100, 0, 0], abs=0.01)
    assert black == pytest.approx([0, 0, 0], abs=0.01)
    names = [skin.tone(angle) for angle in (60, 30, -20, -90)]
    assert names == ["light", "medium", "dark", "dark"]
    points = np.zeros((468, 3), np.float32)
    points[[33, 133]], points[[362, 263]] = (80, 100, 0), (120, 100, 0)
    points[[61, 291]], points[[50, 205, 280, 425]] = (100, 140, 0), (100, 120, 0)
    face = Face((0.0, 0.0, 1.0, 1.0), points, 1.0, 1.0, 0.0)
    angles = [
        skin.ita(np.full((200, 200, 3), colour, np.uint8), face)
        for colour in ((240, 210, 190), (198, 150, 120), (90, 60, 45))
    ]
    assert [skin.tone(angle) for angle in angles] == ["light", "medium", "dark"]


def test_grain() -> None:
    random = np.random.default_rng(0)
    flat = np.full((40, 40, 3), 120, np.uint8)
    noisy = (120 + random.normal(0, 4, (40, 40, 1)) + np.zeros(3)).astype(np.uint8)
    where = np.ones((40, 40), bool)
    assert skin.grain(flat, where) == 0
    assert skin.grain(noisy, where) == pytest.approx(4.5, abs=0.7)
    assert np.isnan(skin.grain(flat, np.zeros((40, 40), bool)))


# -- the whole -----------------------------------------------------------------------------


class Session:
    """A judge who takes a bright top for bald, and a dark bottom for a smile."""

    def run(self, _: Any, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        x = inputs["picture"]
        top = 1 / (1 + np.exp(-20 * (x[:, :, :40].mean((1, 2, 3)) - 0.7)))
        smile = (x[:, :, 100:].mean((1, 2, 3)) < 0).astype(np.float32)
        fixed = [np.full(len(x), p) for p in (0.1, 0.9, 0.9)]
        return [np.stack([top, *fixed, smile, np.full(len(x), 0.8)], 1).astype(np.float32)]


def bright_is_bare(pixels: np.ndarray, face: Face) -> Seen:
    """A parser who takes whatever is not bright above the brows for hair."""
    grid = seen()
    x = grid.x * 38.4 + 88.83
    y = grid.y * 38.4 + 112.675
    box = (float(x[0, 0] - 0.96), float(y[0, 0] - 0.96), float(x[0, -1] + 0.96), 0.0)
    box = (*box[:3], float(y[-1, 0] + 0.96))
    cut = Frame.of(face).cut(pixels, 1 / (0.05 * 38.4), box)[: len(y), : x.shape[1]]
    bare = cut.mean(-1) > 150
    return seen((~bare) & (grid.y < -0.4), bare.astype(np.float32))


def colours(chips: np.ndarray) -> np.ndarray:
    """Persons are told apart by their mean colour."""
    return chips.mean((1, 2)).astype(np.float32) / 255


TOOLS = Tools(judge.Judge(NAMES, PRIORS, Session()), colours, bright_is_bare)


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray, data: Path) -> Path:
    """Two photos of a face, and one of a cup."""
    path = tmp_path / "photos"
    path.mkdir()
    Image.fromarray(astronaut).save(path / "a.png")
    Image.fromarray(astronaut[:, ::-1].copy()).save(path / "b.png")
    (path / "cup.jpg").write_bytes((data / "cup.jpg").read_bytes())
    return path


def whole(items: list[photos.Item], out: Path, names: tuple[str, ...]) -> dict[str, Any]:
    return run.evaluate(items, {n: methods.METHODS[n] for n in names}, TOOLS, out)


def test_evaluation_of_a_folder(folder: Path, tmp_path: Path, drawn: dict[str, Any]) -> None:
    pytest.importorskip("cv2")
    items, out = photos.choose(photos.folder(folder)), tmp_path / "out"
    result = whole(items, out, ("tonsure", "telea", "unchanged"))
    assert json.loads((out / "report.json").read_text()) == json.loads(json.dumps(result))
    groups = {name: told["groups"]["all"] for name, told in result["methods"].items()}
    ours, none, telea = groups["tonsure"], groups["unchanged"], groups["telea"]
    assert (ours["photos"], ours["failed"]) == (3, 1)
    assert ours["outside_identical"] == telea["outside_identical"] == 1
    assert none["hair_left"]["mean"] == 1
    assert ours["hair_left"]["mean"] < 0.9
    assert (none["passed"], none["identity"]["mean"], none["labels_flipped"]) == (0, 0, 0)
    assert ours["identity"]["mean"] > 0
    assert ours["photos_per_second"] > 0
    assert 0 < ours["touched"]["mean"] < 0.5
    for name in ("tonsure", "telea", "unchanged"):
        for sheet in ("best", "median", "worst"):
            assert (out / name / f"{sheet}.jpg").stat().st_size > 1000
    text = (out / "report.md").read_text()
    assert "| judged bald |" in text
    assert "## Groups: tonsure" in text
    assert "nan" not in text
    calls = drawn["calls"]
    whole(items, out, ("tonsure", "telea", "unchanged"))  # goes on where it was: at the end
    assert drawn["calls"] == calls
    with pytest.raises(BadOption, match="another choice"):
        whole(items[:1], out, ("tonsure",))


@pytest.fixture
def before(astronaut: np.ndarray) -> Any:
    from tonsure import faces

    return look_at(astronaut, faces.find(astronaut)[0], TOOLS)


def test_a_pixel_outside_the_mask_is_found(before: Any) -> None:
    after = before.pixels.copy()
    after[0, 0, 0] ^= 1
    touched = np.zeros(after.shape[:2], bool)
    assert measure(before, Edit(after, touched, 0.1), TOOLS)["outside_identical"] is False
    touched[0, 0] = True
    assert measure(before, Edit(after, touched, 0.1), TOOLS)["outside_identical"] is True


def test_flips_leave_out_what_hair_defines(before: Any) -> None:
    white = np.full_like(before.pixels, 255)
    record = measure(before, Edit(white, np.ones(white.shape[:2], bool), 0.1), TOOLS)
    assert record["flipped"] == ["Smiling"]
    assert record["bald"] > 0.9 > 0.1 > record["bald_before"]
    assert record["hair_left"] == 0
    assert record["passed"] is False  # not the same person any more
    assert {"Bald", "Bangs"} <= HAIR_DEFINES


def test_labels_decide_the_groups(before: Any) -> None:
    labels = {"Male": False, "No_Beard": True}
    told = look_at(before.pixels, before.face, TOOLS, labels)
    assert (before.groups["sex"], told.groups["sex"]) == ("men", "women")
    assert told.groups["hair"] in ("long", "short")


def record(name: str, **values: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "name": name, "status": "done", "sex": "men", "hair": "short", "skin": "light",
        "seconds": 0.5, "bald_before": 0.1, "bald": 0.9, "bald_rare": 0.4, "identity": 0.2,
        "outside_identical": True, "touched": 0.2, "flipped": [], "hair_before": 2.0,
        "hair_after": 0.02, "hair_left": 0.01, "scalp": 0.9, "odd": 0.7,
        "smear": 0.0, "grain": 1.0, "passed": True,
        "tile": f"{name}.jpg",
    }  # fmt: skip
    return base | values


def test_summary_by_group_and_bars() -> None:
    rows = [
        record("a"),
        record("b", sex="women", bald=0.2, flipped=["Smiling"], passed=False),
        record("c", hair_left=None, identity=None),
        {"name": "d", "status": "failed", "error": "no_face", "passed": False},
    ]
    out = summary.table(rows, NAMES)
    assert next(iter(out)) == "all"
    assert (out["all"]["photos"], out["all"]["failed"], out["all"]["passed"]) == (4, 1, 0.5)
    assert (out["men"]["judged_bald"], out["women"]["judged_bald"]) == (1, 0)
    assert out["women"]["labels_flipped"] == pytest.approx(1 / 4)
    assert out["all"]["photos_per_second"] == 2
    met = {(bar["value"], bar["group"]): bar["met"] for bar in summary.bars(out)}
    assert met["judged_bald", "men"]
    assert not met["judged_bald", "women"]
    assert met["hair_left.mean", "all"]
    assert summary.bars({"all": out["all"]})[0]["group"] == "all"


def test_sheets_put_the_worst_last(tmp_path: Path) -> None:
    rows = [record("good"), record("bad", bald=0.1, hair_left=0.9), record("fair", bald=0.8)]
    assert [row["name"] for row in sheets.order(rows)] == ["good", "fair", "bad"]
    assert sheets.write([], tmp_path, tmp_path / "out") == []


def test_command_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    runner, out = CliRunner(), str(tmp_path / "out")
    missing = ["evaluate", str(folder), "-o", out, "--identity", str(tmp_path / "none.onnx")]
    assert runner.invoke(app, missing).exit_code == 6
    assert runner.invoke(app, ["evaluate", str(folder), "-o", out, "--method", "x"]).exit_code == 2
    assert runner.invoke(app, ["evaluate", str(tmp_path / "no"), "-o", out]).exit_code == 2
    assert "--without" in runner.invoke(app, ["evaluate", "--help"]).output
    with pytest.raises(ModelMissing, match="train judge"):
        judge.open(tmp_path / "judge.onnx")


def test_command_evaluates(
    folder: Path, tmp_path: Path, drawn: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "open", lambda **_: TOOLS.judge)
    monkeypatch.setattr(command, "see", lambda pixels, face, threads: bright_is_bare(pixels, face))
    line = ["evaluate", str(folder), "-o", str(tmp_path / "out"), "--no-identity", "--count", "2"]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    assert "The report is" in done.output
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["facts"]["choice"] == "2 drawn, seed 0"
    assert told["methods"]["tonsure"]["groups"]["all"]["photos"] == 2


# -- the judge's card ----------------------------------------------------------------------


def test_figures_of_the_card() -> None:
    truth = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], bool)
    sure = np.array([[0.9, 0.6], [0.04, 0.4], [0.01, 0.6], [0.02, 0.6]])
    table = examine.figures(["Bald", "Male"], sure, truth, np.array([0.03, 0.5]))
    assert table["Bald"]["accuracy"] == 0.75  # one is missed at 0.5,
    assert table["Bald"]["balanced"] == 1  # none where bald is as common as not
    assert table["Male"]["balanced"] == 0.75
    assert table["mean"]["accuracy"] == 0.75
    by_sex = examine.baldness(sure[:, 0], truth[:, 0], truth[:, 1], np.array([0.9, 0.1]))
    assert by_sex["bald men judged bald"] == 1
    assert by_sex["bald heads with women's faces judged bald"] == 0.5
    text = examine.markdown(table, by_sex)
    assert "| Bald | 0.500 | 0.750 | 1.000 | 1.000 |" in text
    card = examine.fill("a\n<!-- figures -->\nold\n<!-- end -->\nb\n", text)
    assert "old" not in card
    assert card.startswith("a\n<!-- figures -->\n| label")
    assert card.endswith("<!-- end -->\nb\n")
    assert examine.told({"a": {"b": float("nan"), "c": 0.123456}}) == {
        "a": {"b": None, "c": 0.1235}
    }
