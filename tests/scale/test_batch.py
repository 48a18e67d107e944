"""Batches in one process: kinds of sources and targets, and each photo once whatever dies."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tonsure.cli.app import app
from tonsure.errors import BadOption, NoFace, UnreadableInput, UnwritableOutput
from tonsure.scale import work
from tonsure.scale.order import Made, Order, failure
from tonsure.scale.run import run
from tonsure.scale.store import Store

pytest.importorskip("fsspec")
pytestmark = pytest.mark.usefixtures("drawn")


class Died(BaseException):
    """What kills a process: nothing on the way takes it."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, portraits: list[bytes]) -> dict[str, int]:
    """For bookkeeping: results cost nothing; one photo fails. `calls` counts them."""
    state = {"calls": 0}

    def made(self: Order, load: Any, name: str, format: str | None = None) -> Made:
        state["calls"] += 1
        data = load()
        if data == portraits[3]:
            return Made(None, "", failure(name, NoFace("Nobody.")))
        return Made(b"bald " + data, ".png", {"status": "done", "input": name})

    monkeypatch.setattr(Order, "made", made)
    return state


def report(target: Path) -> list[dict[str, Any]]:
    lines = (target / "_tonsure" / "report.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def tree(folder: Path) -> dict[str, bytes]:
    """All results: every file that is not among the notes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_tonsure" not in path.parts
    }


def changed(data: bytes, photo: bytes) -> bool:
    one, other = (np.asarray(Image.open(io.BytesIO(d)).convert("RGB")) for d in (data, photo))
    return one.shape == other.shape and bool((one != other).any())


def test_files_become_files(source, portraits, tmp_path):
    done = run(source, tmp_path / "out", size=2)
    assert (done.photos, done.failed) == (5, 1)
    made = tree(tmp_path / "out")
    assert list(made) == ["0.bald.png", "1.bald.png", "2.bald.png", "below/4.bald.png"]
    assert changed(made["1.bald.png"], portraits[1])
    rows = report(tmp_path / "out")
    assert [row["input"] for row in rows] == ["0.png", "1.png", "2.png", "below/3.png",
                                              "below/4.png"]  # fmt: skip
    assert [row["status"] for row in rows] == ["done", "done", "done", "failed", "done"]
    assert rows[0]["outputs"] == [str(tmp_path / "out" / "0.bald.png")]
    assert rows[3]["error"]["code"] == "no_face"


def test_what_changes_its_format_keeps_its_whole_name(portraits, tmp_path):
    (tmp_path / "in").mkdir()
    picture = Image.open(io.BytesIO(portraits[0]))
    for name in ("a.png", "a.gif", "a.jpg"):
        picture.save(tmp_path / "in" / name)
    assert run(tmp_path / "in", tmp_path / "out").failed == 0
    assert list(tree(tmp_path / "out")) == ["a.bald.jpg", "a.bald.png", "a.gif.bald.png"]


def test_parquet_keeps_its_columns_and_types(table, portraits, tmp_path):
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    done = run(table, tmp_path / "out", size=2)
    assert (done.photos, done.failed) == (5, 1)
    names = list(tree(tmp_path / "out"))  # parts do not go across row groups
    assert names == [f"part-000000{g}-000{p}.parquet" for g, p in ((0, 0), (0, 1), (1, 0))]
    tables = [parquet.read_table(tmp_path / "out" / name) for name in names]
    was = parquet.read_schema(table)
    assert [field.type for field in tables[0].schema][:2] == [field.type for field in was]
    rows = [row for one in tables for row in one.to_pylist()]
    assert [row["label"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["image"]["path"] for row in rows] == [f"{k}.png" for k in range(5)]
    assert rows[3]["image"]["bytes"] is None
    assert json.loads(rows[3]["tonsure"])["status"] == "failed"
    assert changed(rows[4]["image"]["bytes"], portraits[4])
    again = run(tmp_path / "out", tmp_path / "again")  # what was written can be read
    assert again.photos == 5
    with pytest.raises(BadOption, match="no column 'photo'; its columns are label, image"):
        run(table, tmp_path / "other", column="photo")


def test_webdataset_keeps_what_goes_with_a_photo(tar, portraits, tmp_path):
    done = run(tar, tmp_path / "out", size=3)
    assert (done.photos, done.failed) == (5, 1)
    members: dict[str, bytes] = {}
    for name in ("part-0000000-0000.tar", "part-0000000-0001.tar"):
        with tarfile.open(tmp_path / "out" / name) as file:
            members |= {m.name: file.extractfile(m).read() for m in file}  # type: ignore[union-attr]
    assert [members[f"some/{k:03}.cls"] for k in range(5)] == [str(k).encode() for k in range(5)]
    assert [k for k in range(5) if f"some/{k:03}.png" not in members] == [3]
    assert changed(members["some/004.png"], portraits[4])
    assert json.loads(members["some/003.tonsure.json"])["status"] == "failed"


@pytest.mark.parametrize("kind", ["photos", "parquet", "webdataset"])
def test_one_kind_becomes_another(tar, kind, quick, tmp_path):
    assert run(tar, tmp_path / "out", kind=kind).photos == 5
    endings = {Path(name).suffix for name in tree(tmp_path / "out")}
    assert endings == {{"photos": ".png", "parquet": ".parquet", "webdataset": ".tar"}[kind]}
    assert len(report(tmp_path / "out")) == 5


def test_addresses_are_read_and_written(source, quick, tmp_path):
    store = Store("memory://tonsure-test/in")
    for name, data in tree(source).items():
        store.write(name, data)
    done = run("memory://tonsure-test/in", "memory://tonsure-test/out", size=2)
    assert (done.photos, done.failed) == (5, 1)
    assert done.report == "memory:///tonsure-test/out/_tonsure/report.jsonl"
    run(source, tmp_path / "out", size=2)
    out = Store("memory://tonsure-test/out")
    assert {name: out.read(name) for name in out.names()} == tree(tmp_path / "out")
    with pytest.raises(BadOption, match="cannot be reached"):
        run("nonsense://a/b", tmp_path / "other")


@pytest.mark.parametrize("kind", ["photos", "parquet", "webdataset"])
def test_killed_at_any_step_it_ends_as_if_never_killed(source, kind, quick, tmp_path, monkeypatch):
    """The process dies before or after something is written, each time at a later thing."""
    run(source, tmp_path / "whole", size=2, kind=kind)
    write, limit = Store.write, 0

    def dying(self: Store, name: str, data: bytes) -> None:
        nonlocal count
        count += 1
        if count == limit:
            raise Died
        write(self, name, data)
        if count == -limit:
            raise Died

    monkeypatch.setattr(Store, "write", dying)
    kills = 0
    while True:
        count, limit = 0, (kills + 3) * (-1) ** kills  # each run gets further than the last
        try:
            run(source, tmp_path / "out", size=2, kind=kind)
            break
        except Died:
            kills += 1
        assert kills < 40
    assert kills >= 3
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    rows, others = report(tmp_path / "out"), report(tmp_path / "whole")
    assert [(row["input"], row["status"]) for row in rows] == [
        (row["input"], row["status"]) for row in others
    ]


def test_what_is_done_is_not_done_again(source, quick, tmp_path):
    first = run(source, tmp_path / "out", size=2)
    assert quick["calls"] == 5
    assert run(source, tmp_path / "out", size=2) == first
    assert quick["calls"] == 5
    (source / "new.png").write_bytes((source / "0.png").read_bytes())  # the plan is settled
    assert run(source, tmp_path / "out", size=2).photos == 5


def test_a_photo_that_kills_is_given_up(source, quick, tmp_path, monkeypatch):
    made = Order.made

    def deadly(self: Order, load: Any, name: str, format: Any = None) -> Any:
        if name == "1.png":
            raise Died
        return made(self, load, name, format)

    monkeypatch.setattr(Order, "made", deadly)
    for _ in range(4):  # two of the unit, two more of the photo
        with pytest.raises(Died):
            run(source, tmp_path / "out", size=2)
    assert run(source, tmp_path / "out", size=2).failed == 2
    rows = report(tmp_path / "out")
    assert [row["status"] for row in rows] == ["done", "failed", "done", "failed", "done"]
    assert "died of this photo" in rows[1]["error"]["text"]


def test_two_workers_at_one_unit_do_no_harm(source, quick, tmp_path):
    """A worker that was taken for dead goes on beside the one that has its unit now."""
    run(source, tmp_path / "out", size=5)
    before = tree(tmp_path / "out")
    (tmp_path / "out" / work.mark(0)).unlink()
    (tmp_path / "out" / work.rows(0, 0)).unlink()
    assert run(source, tmp_path / "out", size=5).photos == 5
    assert tree(tmp_path / "out") == before
    assert len(report(tmp_path / "out")) == 5


def test_a_cut_tar_gives_what_it_has_and_says_so(tar, tmp_path):
    whole = tar.read_bytes()
    tar.write_bytes(whole[: len(whole) // 2])
    done = run(tar, tmp_path / "out")
    rows = report(tmp_path / "out")
    assert done.photos == len(rows) >= 2
    assert rows[-1]["error"]["code"] == "unreadable_input"
    assert rows[0]["status"] == "done"


def test_what_is_wrong_is_said_before_anything_is_written(source, quick, tmp_path):
    other = tmp_path / "full"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(BadOption, match="is not empty"):
        run(source, other)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BadOption, match=r"no photos, \.parquet or \.tar"):
        run(tmp_path / "nothing", tmp_path / "out")
    with pytest.raises(BadOption, match="nothing at"):
        run(tmp_path / "gone", tmp_path / "out")
    with pytest.raises(BadOption, match="degree"):
        run(source, tmp_path / "out", Order(degree=2))
    assert not (tmp_path / "out").exists()
    run(source, tmp_path / "out", Order(degree=0))
    with pytest.raises(BadOption, match=r"another degree \(0, now 1\.0\)"):
        run(source, tmp_path / "out")


def test_a_place_that_cannot_be_written_ends_it(source, quick, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((UnwritableOutput, UnreadableInput)):
        run(source, tmp_path / "file" / "out")


def test_the_command(source, quick, tmp_path):
    words = ["batch", str(source), str(tmp_path / "out"), "--size", "2", "--json"]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 7
    assert "4 of 5 photos done, 1 failed." in ran.stderr
    told = json.loads(ran.stdout)
    assert (told["photos"], told["failed"]) == (5, 1)
    assert Path(told["report"]).exists()
    for more, said in (
        (["--as", "films"], "choose one of photos"), (["--workers", "2"], "--ray"),
        (["--degree", "3"], "degree"),
    ):  # fmt: skip
        wrong = CliRunner().invoke(app, [*words[:2], str(tmp_path / "new"), *more])
        assert wrong.exit_code == 2
        assert said in wrong.stderr


@pytest.mark.parametrize(
    ("library", "words", "said"),
    [("fsspec", [], "pip install fsspec"), ("ray", ["--ray", "auto"], "pip install \"ray[data]\""),
     ("pyarrow", ["--as", "parquet"], "pip install pyarrow")],
)  # fmt: skip
def test_without_the_extra_one_sentence_says_what_to_install(
    source, tmp_path, monkeypatch, library, words, said
):
    import sys

    monkeypatch.setitem(sys.modules, library, None)
    ran = CliRunner().invoke(app, ["batch", str(source), str(tmp_path / "out"), *words])
    assert ran.exit_code == 6
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
