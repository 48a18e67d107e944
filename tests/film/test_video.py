"""Films in and out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import tonsure
from tonsure.errors import (
    BadOption,
    FaceTooSmall,
    ModelMissing,
    NoFace,
    OutputExists,
    TruncatedInput,
    UnreadableInput,
    UnwritableOutput,
    WrongType,
)

from .conftest import around, dome, moved, noisy, read, write

pytest.importorskip("av")


@pytest.fixture
def frames(scene):
    return [noisy(moved(scene, 2 * k, 0), k) for k in range(8)]


def edit(*arguments, **options):
    return tonsure.video(*arguments, threads=1, **options)


def pixels(frame):
    return frame.to_ndarray(format="rgb24")


def test_the_film_keeps_size_times_and_sound(frames, keyed, tmp_path):
    import av

    source = write(tmp_path / "a.mp4", frames, sound=True)
    told = []
    film = edit(source, tmp_path / "b.mp4", progress=lambda *at: told.append(at))
    made = read(film.path)
    assert [f.time for f in made] == [f.time for f in read(source)]
    assert (made[0].width, made[0].height) == (480, 360)
    assert all(dome(pixels(f)).sum() > 500 for f in made)
    assert told == [(k, 8) for k in range(1, 9)]
    assert film.report["codec"] == "libx264"
    assert (film.frames, film.edited, film.keyframes) == (8, 8, 1)
    with av.open(str(source)) as one, av.open(str(film.path)) as other:
        assert "trained" in other.metadata["comment"]
        packets = [[bytes(p) for p in c.demux(audio=0) if p.size] for c in (one, other)]
        assert packets[0] == packets[1] != []
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "b.mp4"]


def test_colours_outside_the_head_stay(frames, keyed, tmp_path):
    for colours in ((1, 1, 1), (5, 6, 5), (2, 2, 2)):
        source = write(tmp_path / "a.mp4", frames[:2], colours=colours)
        film = edit(source, tmp_path / "b.mkv", overwrite=True, codec="ffv1")
        before, after = (read(path)[1].to_ndarray().astype(int) for path in (source, film.path))
        changed = before != after
        assert changed[:200].any()
        assert not changed[260:360].any()  # rows of luma below the head, to the bit
        tags = [(f.color_primaries, f.color_trc, f.colorspace) for f in read(film.path)]
        assert tags[0] == (2, 2, 2) or tags[0] == colours


def test_a_ramp_of_degrees(frames, keyed, tmp_path):
    source = write(tmp_path / "a.mkv", frames)
    film = edit(source, tmp_path / "b.mkv", degree=(0.0, 1.0))
    areas = [dome(pixels(f)).sum() for f in read(film.path)]
    assert areas[0] == 0
    assert areas[-1] > 1.5 * areas[3] > 100


def test_variable_frame_rates_stay(frames, keyed, tmp_path):
    times = [0, 40, 50, 190, 200, 300, 301, 900]
    source = write(tmp_path / "a.mkv", frames, times=times)
    film = edit(source, tmp_path / "b.mkv")
    assert [round(f.time * 1000) for f in read(film.path)] == times
    assert film.seconds == pytest.approx(0.9)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_turned_films_come_out_upright(scene, keyed, tmp_path, rotation):
    stored = np.ascontiguousarray(np.rot90(scene, -rotation // 90))
    source = write(tmp_path / "a.mp4", [stored] * 3, rotation=rotation)
    film = edit(source, tmp_path / "b.mp4")
    made = read(film.path)[1]
    assert (made.width, made.height) == (480, 360)
    assert made.rotation == 0
    shown = pixels(made)
    assert np.abs(shown[280:].astype(int) - scene[280:]).mean() < 8
    assert dome(shown).sum() > 500


def test_ten_bits_and_hdr(scene, keyed, tmp_path):
    deep = [moved(scene, k, 0).astype(np.uint16) * 257 for k in range(3)]
    source = write(tmp_path / "a.mp4", deep, codec="libx265", kind="yuv420p10le",
                   colours=(9, 16, 9))  # fmt: skip
    film = edit(source, tmp_path / "b.mp4")
    made = read(film.path)[0]
    assert made.format.name == "yuv420p10le"
    assert int(made.color_trc) == 16
    assert film.report["hdr"] == "PQ"
    assert "hdr" in [note.code for note in film.warnings]
    assert dome(pixels(made)).sum() > 500


def test_every_nth_frame_is_a_preview(frames, keyed, tmp_path):
    source = write(tmp_path / "a.mp4", frames, sound=True)
    film = edit(source, tmp_path / "b.mp4", preview=3)
    assert [round(f.time * 25) for f in read(film.path)] == [0, 3, 6]


@pytest.mark.parametrize("suffix", [".webm", ".mov", ".mkv"])
def test_other_containers(frames, keyed, tmp_path, suffix):
    source = write(tmp_path / "a.mp4", frames[:3], sound=True)
    film = edit(source, tmp_path / f"b{suffix}")
    assert len(read(film.path)) == 3
    dropped = [note for note in film.warnings if note.code == "dropped"]
    assert bool(dropped) == (suffix == ".webm")  # WebM holds no AAC


def test_odd_sizes(frames, keyed, tmp_path):
    odd = [frame[:359, :479] for frame in frames[:2]]
    source = write(tmp_path / "a.mkv", odd, codec="ffv1", kind="bgr0")
    film = edit(source, tmp_path / "b.mp4")
    made = read(film.path)[0]
    assert (made.width, made.height) == (479, 359)


def test_an_interrupted_film_can_be_played(frames, keyed, tmp_path):
    def stop(done, total):
        if done == 5:
            raise KeyboardInterrupt

    source = write(tmp_path / "a.mp4", frames, sound=True)
    film = edit(source, tmp_path / "b.mp4", progress=stop)
    assert film.interrupted
    assert len(read(film.path)) == film.frames == 5


def test_what_is_wrong_is_said_and_nothing_is_written(frames, keyed, tmp_path):
    source = write(tmp_path / "a.mp4", frames[:2])
    (tmp_path / "text.mp4").write_text("no film")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(write(tmp_path / "c.mkv", frames[:2]).read_bytes()[:700])
    before = sorted(os.listdir(tmp_path))
    out = tmp_path / "b.mp4"
    for error, said, arguments, options in (
        (BadOption, "itself", (source, source), {}),
        (BadOption, r"\.mp4", (source, tmp_path / "b.mp5"), {}),
        (BadOption, "ending", (source, tmp_path / "b"), {}),
        (BadOption, "no encoder 'libx26'", (source, out), {"codec": "libx26"}),
        (BadOption, "crf", (source, out), {"crf": 99}),
        (BadOption, "preview", (source, out), {"preview": 0}),
        (BadOption, "degree", (source, out), {"degree": (0, 2)}),
        (UnreadableInput, "no file", (tmp_path / "none.mp4", out), {}),
        (UnreadableInput, "folder", (tmp_path, out), {}),
        (WrongType, "no film", (tmp_path / "text.mp4", out), {}),
        ((TruncatedInput, WrongType), "cut.mkv", (cut, out), {}),
        (UnwritableOutput, "make it first", (source, tmp_path / "no" / "b.mp4"), {}),
        (OutputExists, "exists", (source, tmp_path / "text.mp4"), {}),
    ):
        with pytest.raises(error, match=said):
            edit(*arguments, **options)
    assert sorted(os.listdir(tmp_path)) == before


def test_films_without_a_usable_face(keyed, astronaut, tmp_path):
    wall = np.zeros((120, 160, 3), np.uint8)
    wall[::9] = 200
    source = write(tmp_path / "a.mp4", [wall] * 3)
    with pytest.raises(NoFace, match="No face was found"):
        edit(source, tmp_path / "b.mp4")
    small = write(tmp_path / "s.mp4", [around(astronaut, (128, 96))] * 3)
    with pytest.raises((FaceTooSmall, NoFace)):
        edit(small, tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_without_pyav_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ModelMissing, match="pip install av"):
        edit(tmp_path / "a.mp4", tmp_path / "b.mp4")


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
def test_ctrl_c_leaves_a_film_that_can_be_played(scene, tmp_path):
    source = write(tmp_path / "a.mp4", [moved(scene, 0.5 * k, 0) for k in range(20)])
    out = tmp_path / "b.mp4"
    driver = """
import os, signal, sys
sys.path.insert(0, sys.argv.pop(1))
from film.conftest import draw_key
from tonsure.film import key, writer
key.make = draw_key
put = writer.Writer.put
def counted(self, pixels, frame):
    put(self, pixels, frame)
    if self.frames == 12:
        os.kill(os.getpid(), signal.SIGINT)
writer.Writer.put = counted
from tonsure.cli import main
main()
"""
    tests = os.path.dirname(os.path.dirname(__file__))
    done = subprocess.run(
        [sys.executable, "-c", driver, tests, "video", str(source), str(out)],
        capture_output=True,
        timeout=120,
        check=False,
        # a suite that runs in the background hands on that SIGINT is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert done.returncode == 130, done.stderr
    assert b"holds the first" in done.stderr
    assert len(read(out)) in (11, 12, 13)
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "b.mp4"]


def test_times_are_fractions(frames, keyed, tmp_path):
    source = write(tmp_path / "a.mp4", frames, rate=30)
    edit(source, tmp_path / "b.mp4")
    made = read(tmp_path / "b.mp4")
    assert made[3].pts * made[3].time_base == Fraction(3, 30)
