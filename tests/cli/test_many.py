"""Many photos: lists, several at once, a manifest that outlives SIGKILL, reports."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DRIVER = """
import sys, time
sys.path.insert(0, {tests!r})
from conftest import draw_head
from tonsure import head
def make(pixels, face, others=(), **more):
    time.sleep(0.02)
    return draw_head(pixels, face)
head.make = make
from tonsure.cli import main
main()
"""


@pytest.fixture
def many(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """Two folders of small portraits, each other than the rest, and a cup among them."""
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    small = np.asarray(Image.fromarray(astronaut[:300, 75:375]).resize((150, 150)))
    for k in range(14):
        picture = small.copy()
        picture[-8:, :8] = k * 15
        place = folder / "below" if k % 3 == 0 else folder
        Image.fromarray(picture).save(place / f"{k:02}.png")
    Image.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(folder / "05a.png")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))
    }


def test_several_at_once_give_the_same_in_the_same_order(run, many, tmp_path):
    one = run("bald", many, "-r", "-o", tmp_path / "one/", "--json", "--report", tmp_path / "r")
    four = run("bald", many, "-r", "-o", tmp_path / "four/", "--json", "-j", 4)
    assert (one.code, four.code) == (7, 7)  # the cup has no face
    assert [r["input"] for r in one.records] == [r["input"] for r in four.records]
    assert [r["status"] for r in four.records].count("failed") == 1
    assert tree(tmp_path / "one") == tree(tmp_path / "four")
    assert len(tree(tmp_path / "four")) == 14
    assert (tmp_path / "four" / "below" / "00.bald.png").exists()
    told = [json.loads(line) for line in (tmp_path / "r").read_text().splitlines()]
    assert [t["input"] for t in told] == [r["input"] for r in one.records]
    assert [t["status"] for t in told] == [r["status"] for r in one.records]


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n"])
def test_a_list_names_photos(run, many, tmp_path, end):
    names = [str(many / "01.png"), str(many / "below" / "00.png")]
    (tmp_path / "list").write_bytes((end.join(names) + end).encode())
    ran = run("bald", "--list", tmp_path / "list", "-o", tmp_path / "out/", "--json")
    assert ran.code == 0
    assert [r["input"] for r in ran.records] == names
    piped = run("bald", "--list", "-", "-o", tmp_path / "piped/", stdin=end.join(names).encode())
    assert tree(tmp_path / "piped") == tree(tmp_path / "out")
    assert piped.code == 0


def test_what_is_wrong_with_lists_is_said(run, tmp_path):
    (tmp_path / "list").write_text("\n\n")
    assert "no names in the list" in run("bald", "--list", tmp_path / "list").said
    assert run("bald", "--list", tmp_path / "none").code == 5
    nothing = run("bald")
    assert nothing.code == 2
    assert "Give photos" in nothing.said
    assert run("bald", "x.png", "-j", 0).code == 2


def test_a_manifest_leaves_out_what_is_done(run, drawn, many, tmp_path):
    out, notes = tmp_path / "out", tmp_path / "notes"
    options = ("bald", many, "-o", f"{out}/", "--manifest", notes, "--json")
    first = run(*options)
    calls = drawn["calls"]
    assert calls == 9
    again = run(*options)
    assert drawn["calls"] == calls
    assert [r["status"] for r in again.records].count("skipped") == 9
    assert again.records[0]["faces"] == first.records[0]["faces"]  # the whole record is kept
    # a photo that changed, and a result that is gone, are done anew
    Image.fromarray(np.asarray(Image.open(many / "01.png"))[:, ::-1].copy()).save(many / "01.png")
    (out / "02.bald.png").unlink()
    third = run(*options, "--overwrite")
    assert drawn["calls"] == calls + 2
    assert [r["status"] for r in third.records].count("done") == 2


def test_a_manifest_is_of_one_run(run, many, tmp_path):
    notes = tmp_path / "notes"
    options = ("bald", many / "01.png", "-o", f"{tmp_path / 'out'}/", "--manifest", notes)
    assert run(*options).code == 0
    other = run(*options, "--degree", 0.5)
    assert other.code == 2
    assert "another degree (1.0, now 0.5)" in other.said
    (tmp_path / "text").write_text("hello\n")
    no = run("bald", many / "01.png", "--manifest", tmp_path / "text")
    assert "is no manifest" in no.said
    assert (tmp_path / "text").read_text() == "hello\n"


def test_what_was_to_be_overwritten_is_not_taken_for_done(run, drawn, many, tmp_path):
    notes, photo = tmp_path / "notes", many / "01.png"
    out = tmp_path / "old.png"
    out.write_bytes(b"old")
    options = ("bald", photo, "-o", out, "--manifest", notes, "--overwrite")
    assert run(*options).code == 0
    lines = notes.read_text().splitlines()
    notes.write_text("\n".join(lines[:2]) + "\n")  # killed before the photo was done
    out.write_bytes(b"old")
    os.utime(out, ns=(1, 1))
    begun = json.loads(lines[1])
    begun["before"] = [[3, 1]]
    notes.write_text(lines[0] + "\n" + json.dumps(begun) + "\n")
    assert run(*options).code == 0
    assert drawn["calls"] == 2
    assert out.read_bytes() != b"old"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_killed_three_times_a_run_ends_as_if_never_killed(many, tmp_path, run):
    whole = run("bald", many, "-r", "-o", f"{tmp_path / 'whole'}/")
    assert whole.code == 7
    out, notes, report = tmp_path / "out", tmp_path / "notes", tmp_path / "report"
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER.format(tests=str(Path(__file__).parent.parent)))
    command = [
        sys.executable, str(driver), "bald", str(many), "-r", "-o", f"{out}/", "-j", "2",
        "--manifest", str(notes), "--report", str(report), "-q",
    ]  # fmt: skip
    rng = random.Random(3)
    for kill in range(3):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
            goal = 4 * kill + rng.randint(1, 3)
            for _ in range(6000):
                done = notes.read_text().count('"done"') if notes.exists() else 0
                if done >= goal or running.poll() is not None:
                    break
                time.sleep(0.01)
            running.send_signal(signal.SIGKILL)
    with open(notes, "ab") as file:
        file.write(b'{"event": "do')  # as a kill in the middle of a line leaves it
    last = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert last.returncode == 7, last.stderr
    assert tree(out) == tree(tmp_path / "whole")
    assert not [name for name in os.listdir(out) if name.endswith(".tmp")]
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(rows) == 15
    assert len({row["input"] for row in rows}) == 15
    assert [row["status"] for row in rows].count("failed") == 1
    events = [json.loads(line) for line in notes.read_text().splitlines() if line.endswith("}")]
    done = [event["input"] for event in events if event.get("event") == "done"]
    assert len(done) == len(set(done)) == 14  # none twice
