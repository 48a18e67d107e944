"""People to the waist: the photos, the sheets, the command; people are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sitters import HEIGHT, WIDTH, body, long_hair, packed, portrait
from tonsure.errors import BadOption, ModelMissing
from tonsure.hair.classes import BACKGROUND, SKIN
from tonsure.lab.cli import app
from tonsure.lab.evaluate.wide import (
    cases,
    look,
    people,
    runs,
    sheets,
    teacher,
    ways,
)


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
