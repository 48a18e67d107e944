"""`tonsure video`, within the test's process."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from film.conftest import around, draw_key, write  # type: ignore[import-not-found]


@pytest.fixture
def keyed(monkeypatch):
    from tonsure.film import key

    monkeypatch.setattr(key, "make", draw_key)


def test_a_film_is_told_and_reported(run, keyed, astronaut, tmp_path):
    pytest.importorskip("av")
    source = write(tmp_path / "a.mp4", [around(astronaut)] * 3)
    ran = run("video", source, tmp_path / "b.mp4", "--json", "--degree", "0.5..1")
    assert ran.code == 0
    (record,) = ran.records
    assert (record["status"], record["frames"], record["edited"]) == ("done", 3, 3)
    assert "(3 frames, " in ran.said
    again = run("video", source, tmp_path / "b.mp4")
    assert again.code == 3
    assert "--overwrite" in again.said
    quiet = run("video", source, tmp_path / "b.mp4", "--overwrite", "-q")
    assert (quiet.code, quiet.said, quiet.out) == (0, "", "")


def test_raw_frames_go_through(run, keyed, astronaut):
    frame = around(astronaut)
    ran = run(
        "video", "-", "-", "--raw", "rgb24", "--size", "480x360", stdin=frame.tobytes() * 2
    )  # fmt: skip
    assert ran.code == 0
    made = np.frombuffer(ran.bytes, np.uint8).reshape(2, 360, 480, 3)
    changed = (made != frame).any(-1)
    assert changed[:, :200].any((1, 2)).all()
    assert not changed[:, 300:].any()
    cut = run("video", "-", "-", "--raw", "rgb24", "--size", "480x360", stdin=b"abc")
    assert cut.code == 5
    assert "3 of 518400 bytes" in cut.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.mp4", "b.mp4", "--degree", "x"), "0..1"),
        (("a.mp4", "b.mp4", "--degree", "0..2"), "goes from 0"),
        (("a.mp4", "b.mp4", "--size", "4x4"), "--raw"),
        (("-", "-"), "--raw"),
        (("-", "-", "--raw", "rgb24"), "--size"),
        (("a.mp4", "-", "--raw", "rgb24", "--size", "4x4"), "from - to -"),
        (("-", "-", "--raw", "nv12", "--size", "5x4"), "even"),
        (("-", "-", "--raw", "rgb", "--size", "4x4"), "rgb24"),
        (("-", "-", "--raw", "rgb24", "--size", "4x4", "--rate", "0"), "--rate"),
        (("-", "-", "--raw", "rgb24", "--size", "4x4", "--degree", "0..1"), "single --degree"),
        (("a.mp4", "b.mp4", "--preview", "0"), "preview"),
        (("a.mp4", "b.mp4", "--face", "biggest"), "face"),
    ],
)
def test_options_that_are_wrong(run, arguments, said):
    ran = run("video", *arguments)
    assert ran.code == 2
    assert said in ran.said


def test_without_pyav_one_sentence_says_what_to_install(run, tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "av", None)
    ran = run("video", tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert ran.code == 6
    assert "pip install av" in ran.said
    assert len(ran.said.splitlines()) == 1
