"""`tonsure watch`: photos that arrive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tonsure.cli import watch
from tonsure.cli.task import Task
from tonsure.editor import Editor

pytest.importorskip("watchfiles")


class Told(list):
    """What a watcher says."""

    def __call__(self, outcome, failed=False):
        self.append((outcome.line, failed))


@pytest.fixture
def make(drawn, tmp_path):
    """Watchers of tmp_path/in, as one process after the other has them."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()

    opened = []

    def made(settle=0.0, recursive=False):
        task = Task(Editor(), 1.0, "recede", None, None, "largest", None, True)
        task.keep(tmp_path / "out" / watch.NOTES, [], None, way="")
        opened.append(task)
        told = Told()
        watcher = watch.Watcher(tmp_path / "in", tmp_path / "out", task, recursive, settle, told)
        watcher.told = told
        return watcher

    yield made
    for task in opened:
        task.close()


def test_what_arrives_is_done_once_also_by_the_next_process(make, drawn, data, tmp_path):
    first = make()
    (tmp_path / "in" / "a.jpg").write_bytes((data / "astronaut.jpg").read_bytes())
    first.round()
    first.round()
    assert (tmp_path / "out" / "a.bald.jpg").exists()
    assert len(first.told) == drawn["calls"] == 1
    first.task.manifest.close()
    second = make()
    second.round()
    assert drawn["calls"] == 1
    # what changes is done again
    (tmp_path / "in" / "a.jpg").write_bytes((data / "astronaut.jpg").read_bytes() + b"\0")
    second.round()
    assert drawn["calls"] == 2


def test_a_file_that_grows_is_waited_for(make, drawn, data, tmp_path):
    watcher = make(settle=0.2)
    photo = (data / "astronaut.jpg").read_bytes()
    path = tmp_path / "in" / "a.jpg"
    for part in (photo[:5000], photo[:20_000]):
        path.write_bytes(part)
        watcher.round()
        assert watcher.waiting
    path.write_bytes(photo)
    watcher.round()
    assert not watcher.told
    time.sleep(0.25)
    watcher.round()
    assert drawn["calls"] == 1
    assert not watcher.told[0][1]
    assert not watcher.waiting


def test_what_failed_is_told_once_and_tried_again_when_it_changes(make, data, tmp_path):
    watcher = make()
    path = tmp_path / "in" / "a.jpg"
    path.write_bytes((data / "astronaut.jpg").read_bytes()[:9000])
    watcher.round()
    watcher.round()
    assert [failed for _, failed in watcher.told] == [True]
    watcher.task.manifest.close()
    again = make()
    again.round()
    assert not again.told
    path.write_bytes((data / "astronaut.jpg").read_bytes())
    again.round()
    assert [failed for _, failed in again.told] == [False]


def test_folders_are_mirrored_and_names_do_not_collide(make, data, tmp_path):
    from PIL import Image

    watcher = make(recursive=True)
    below = tmp_path / "in" / "below"
    below.mkdir()
    with Image.open(data / "astronaut.jpg") as picture:
        small = picture.resize((256, 256))
        small.save(below / "a.png")
        small.convert("P").save(below / "a.gif")
    watcher.round()
    made = sorted(path.name for path in (tmp_path / "out" / "below").iterdir())
    assert made == ["a.bald.png", "a.png.bald.png"]
    watcher.round()
    assert len(watcher.told) == 2


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
def test_the_verb_sees_new_files_and_ends_by_sigterm(data, tmp_path):
    (tmp_path / "in").mkdir()
    command = [sys.executable, "-m", "tonsure", "watch", str(tmp_path / "in"), "-o",
               str(tmp_path / "out"), "--settle", "0", "--json"]  # fmt: skip

    out, err = tmp_path / "stdout", tmp_path / "stderr"

    def until(true) -> None:
        deadline = time.monotonic() + 90
        while not true() and time.monotonic() < deadline:
            time.sleep(0.05)

    def session(arrives: bool) -> list[dict]:
        with (
            open(out, "w") as told,
            open(err, "w") as said,
            subprocess.Popen(command, stdout=told, stderr=said) as running,
        ):
            try:
                until(lambda: "watching" in err.read_text())
                if arrives:
                    (tmp_path / "in" / "cup.jpg").write_bytes((data / "cup.jpg").read_bytes())
                    until(lambda: out.read_text().endswith("\n"))
                else:
                    time.sleep(2)
                running.send_signal(signal.SIGTERM)
                assert running.wait(60) == 143
            finally:
                running.kill()
        return [json.loads(line) for line in out.read_text().splitlines()]

    (told,) = session(arrives=True)
    assert told["error"]["code"] == "no_face"
    assert session(arrives=False) == []


def test_what_cannot_be_watched_is_said(run, tmp_path):
    assert "no folder" in run("watch", tmp_path / "none", "-o", tmp_path).said
    assert "another" in run("watch", tmp_path, "-o", tmp_path).said
    assert run("watch", tmp_path, "-o", Path(tmp_path, "o"), "--settle", -1).code == 2


def test_without_watchfiles_one_sentence_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    ran = run("watch", tmp_path, "-o", tmp_path / "o")
    assert ran.code == 6
    assert "pip install watchfiles" in ran.said
