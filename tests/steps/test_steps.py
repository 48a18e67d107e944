"""Steps from hair to none: strip, loop, frames, page."""

from __future__ import annotations

import base64
import io
import json
import os
import re

import numpy as np
import pytest
from PIL import Image, ImageSequence

from tonsure import photo
from tonsure.editor import Editor
from tonsure.errors import BadOption, OutputExists
from tonsure.steps import loop, plan, strip, write

pytestmark = pytest.mark.usefixtures("drawn")


@pytest.fixture
def shot(astronaut):
    with Editor().open(astronaut[:320, 60:380].copy(), name="a {{data}} <b>.png") as opened:
        yield opened


def test_a_strip_holds_the_single_results(shot, tmp_path):
    path = tmp_path / "strip.png"
    write(shot, plan(path, 5, size=0))
    whole = photo.read(path)
    assert (whole.width, whole.height) == (5 * 320 + 4 * strip.GAP, 320)
    for k in range(5):
        left = k * (320 + strip.GAP)
        part = whole.pixels[:, left : left + 320]
        assert np.array_equal(part, shot.bald(k / 4).image)
    assert photo.earlier(whole.xmp) == photo.MARK


def test_a_strip_fits(shot, tmp_path):
    path = tmp_path / "strip.jpg"
    write(shot, plan(path, 11))
    assert photo.read(path).width == 11 * 320 + 10 * strip.GAP
    write(shot, plan(path, 11, size=64), overwrite=True)
    assert photo.read(path).width == 11 * 64 + 10 * strip.GAP
    wide = photo.read(np.zeros((300, 4000), np.uint8))
    assert strip.fitting(wide, 11, 0, 65500) * 11 <= 30_000


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_a_loop_goes_there_and_back(shot, tmp_path, ending):
    path = tmp_path / f"loop.{ending}"
    write(shot, plan(path, 5, size=160))
    with Image.open(path) as im:
        assert im.info["loop"] == 0
        pairs = [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(im)]
    values = [np.asarray(frame).astype(int) for frame, _ in pairs]  # equal ones are merged
    assert sum(duration for _, duration in pairs) == 2 * loop.REST + 6 * (loop.SWEEP // 4)
    far = [np.abs(value - values[0]).mean() for value in values]
    middle = len(far) // 2
    assert far[middle] == max(far) > 3
    for k in range(1, middle):
        assert far[k] < far[k + 1]
        assert np.abs(values[k] - values[-k]).mean() < 0.5


def test_a_gif_does_not_flicker(shot, tmp_path):
    path = tmp_path / "loop.gif"
    write(shot, plan(path, 5, size=0))
    before, after = shot.bald(0).image, shot.bald(1).image
    still = (before == after).all(axis=2)
    with Image.open(path) as im:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(im)]
    assert np.array_equal(frames[0][still], frames[4][still])


def test_frames_are_the_single_results(shot, tmp_path):
    write(shot, plan(tmp_path / "frame-%02d.png", 4))
    assert sorted(os.listdir(tmp_path)) == [f"frame-{k:02d}.png" for k in range(4)]
    for k in range(4):
        assert np.array_equal(
            photo.read(tmp_path / f"frame-{k:02d}.png").pixels, shot.bald(k / 3).image
        )
    write(shot, plan(tmp_path / "small-%d.jpg", 3, size=80))
    assert photo.read(tmp_path / "small-2.jpg").width == 80


def test_the_page_is_one_file(shot, tmp_path):
    path = tmp_path / "slider.html"
    write(shot, plan(path, 6, size=200))
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']?(?!data:)\w""", text.split("<script>")[0])
    assert not re.search(r"https?://(?!cv\.iptc\.org)", text)
    assert "a {{data}} &lt;b&gt;.png" in text
    assert 'type="range"' in text
    assert photo.MARK in text
    holds = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert holds["degrees"] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    for frame in holds["frames"]:
        head, _, body = frame.partition(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(body))) as im:
            assert im.size == (200, 200)


def test_the_policy_of_the_page_allows_its_own_script(shot, tmp_path):
    import hashlib

    path = tmp_path / "slider.html"
    write(shot, plan(path, 2, size=64))
    text = path.read_text(encoding="utf-8")
    for tag in ("script", "style"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text


def test_nothing_is_overwritten_or_left_half(shot, tmp_path):
    (tmp_path / "frame-02.png").write_bytes(b"mine")
    with pytest.raises(OutputExists):
        write(shot, plan(tmp_path / "frame-%02d.png", 4))
    assert os.listdir(tmp_path) == ["frame-02.png"]


def test_steps_of_grey_deep_and_transparent_photos(astronaut, tmp_path):
    part = astronaut[:320, 60:380]
    kinds = {
        "grey": part[..., 1],
        "deep": part.astype(np.uint16) * 257,
        "clear": np.dstack([part, part[..., 0]]),
    }
    for name, array in kinds.items():
        with Editor().open(array) as opened:
            for ending in ("png", "jpg", "gif", "webp", "html"):
                path = tmp_path / f"{name}.{ending}"
                write(opened, plan(path, 3, size=96))
                assert path.stat().st_size > 500


def test_where_and_when_stay_out_of_what_is_shown_around(astronaut, tmp_path):
    from samples import exif_with_thumbnail, save

    data = save(Image.fromarray(astronaut), "JPEG", exif=b"Exif\0\0" + exif_with_thumbnail(b""))
    with Editor().open(data) as opened:
        for ending in ("png", "jpg", "webp", "html", "gif"):
            path = tmp_path / f"x.{ending}"
            write(opened, plan(path, 2, size=64))
            assert b"Maker" not in path.read_bytes()


def test_the_command(tmp_path, data):
    from typer.testing import CliRunner

    from tonsure.cli.app import app

    source = tmp_path / "me.jpg"
    source.write_bytes((data / "astronaut.jpg").read_bytes())
    ran = CliRunner().invoke(app, ["bald", str(source), "--steps", "3", "--json"])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["outputs"] == [str(tmp_path / "me.steps.png")]
    target = str(tmp_path / "f" / "{name}-%d.jpg")
    ran = CliRunner().invoke(app, ["bald", str(source), "--steps", "3", "-o", target])
    assert ran.exit_code == 0
    assert sorted(os.listdir(tmp_path / "f")) == ["me-0.jpg", "me-1.jpg", "me-2.jpg"]


@pytest.mark.parametrize(
    ("target", "count", "size"),
    [("a.png", 1, None), ("a.png", 102, None), ("a.xyz", 5, None), ("a.png", 5, 8)],
)
def test_plans_that_cannot_be(target, count, size):
    with pytest.raises(BadOption):
        plan(target, count, size)
