"""Raw frames through pipes."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tonsure
from tonsure.errors import BadOption, TruncatedInput
from tonsure.film import raw

from .conftest import dome, moved, noisy, write

DOC = Path(__file__).parent.parent.parent / "docs" / "video.md"


def nv12(rgb: np.ndarray) -> np.ndarray:
    import cv2

    high, wide = rgb.shape[:2]
    planes = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    u, v = planes[high:].reshape(2, high // 2, wide // 2)
    return np.concatenate([planes[:high].ravel(), np.stack([u, v], -1).ravel()])


@pytest.mark.parametrize("kind", raw.KINDS)
def test_frames_in_and_out(scene, keyed, kind):
    frames = [noisy(moved(scene, k, 0), k) for k in range(3)]
    data = [f.ravel() if kind == "rgb24" else nv12(f) for f in frames]
    stream = io.BytesIO(b"".join(d.tobytes() for d in data))
    with tonsure.Follower(threads=1) as follower:
        made = [
            raw.edit(follower, one, kind, 480, 360, k / 25)
            for k, one in enumerate(raw.frames(stream, kind, 480, 360))
        ]
    assert len(made) == 3
    for before, after in zip(data, made, strict=True):
        out = np.frombuffer(after, np.uint8)
        assert out.shape == before.shape
        changed = (out != before).reshape(-1, 480 * (3 if kind == "rgb24" else 1))[:360]
        assert changed[:200].any()
        assert not changed[260:].any()  # bit for bit
    if kind == "rgb24":
        assert dome(np.frombuffer(made[0], np.uint8).reshape(360, 480, 3)).sum() > 500


def test_a_stream_that_ends_within_a_frame():
    stream = io.BytesIO(bytes(2 * 4 * 2 * 3 + 5))
    found = raw.frames(stream, "rgb24", 4, 2)
    assert len(next(found)) == len(next(found)) == 24
    with pytest.raises(TruncatedInput, match="5 of 24 bytes"):
        next(found)


@pytest.mark.parametrize("text", ["", "12", "axb", "0x4", "-3x4", "99999x99999"])
def test_sizes_that_are_wrong(text):
    with pytest.raises(BadOption, match="1280x720"):
        raw.size(text)


def test_kinds_that_are_wrong():
    with pytest.raises(BadOption, match="nv12"):
        raw.check("nv21", 4, 4)
    with pytest.raises(BadOption, match="even"):
        raw.check("nv12", 5, 4)


def test_the_line_of_the_documents_runs(scene, tmp_path):
    """The ffmpeg line of docs/video.md, as it stands there, with this Python's tonsure."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("there is no ffmpeg")
    (block,) = re.findall(r"```console\n(ffmpeg .*?)```", DOC.read_text(encoding="utf-8"), re.S)
    write(tmp_path / "in.mp4", [moved(scene, k, 0) for k in range(3)])
    line = block.replace("tonsure video", f"{sys.executable} -m tonsure video")
    line = line.replace("1280x720", "480x360")
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.mp4").stat().st_size > 1000
