"""The whole way with the shipped networks: what must hold whatever a result looks like.

(Whether it looks well is judged in the laboratory, on many photos.)
"""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tonsure
from tonsure.editor import Editor


@pytest.fixture(scope="module")
def shot(astronaut):
    with Editor().open(astronaut) as opened:
        yield opened


@pytest.fixture(scope="module")
def mask(shot, astronaut):
    """(512, 512) bool: where the result may differ from the photo."""
    bare = shot.head(1)
    x0, y0, x1, y1 = bare.box
    where = np.zeros(astronaut.shape[:2], bool)
    where[y0:y1, x0:x1] = bare.mask > 0
    return where


def test_hair_goes_and_all_else_stays(shot, astronaut, mask):
    out = shot.bald().image
    assert np.array_equal(out[~mask], astronaut[~mask])
    changed = (np.abs(out.astype(int) - astronaut).max(axis=2) > 12).mean()
    assert 0.01 < changed < 0.3
    x0, y0, x1, y1 = (int(v) for v in shot.faces[0].box)
    eyes_to_chin = slice(y0 + (y1 - y0) // 2, y1), slice(x0 + 20, x1 - 20)
    assert np.array_equal(out[eyes_to_chin], astronaut[eyes_to_chin])
    hair = astronaut[30:60, 190:260].mean()
    scalp = out[30:60, 190:260].mean()
    assert scalp > hair  # her skin is lighter than her hair


@pytest.mark.parametrize("style", ["recede", "thin"])
def test_eleven_steps_only_ever_take_hair(shot, astronaut, style):
    goal = shot.bald(1, style).image.astype(int)
    left = [
        np.abs(shot.bald(k / 10, style).image.astype(int) - goal).sum(axis=2) for k in range(11)
    ]
    for earlier, later in itertools.pairwise(left):
        assert (later <= earlier + 3).all()  # a level of rounding in each channel
    sums = np.array([part.sum() for part in left], float)
    taken = -np.diff(sums) / sums[0]
    assert (taken > 0).all()
    assert taken.max() < 0.3
    assert np.array_equal(shot.bald(0, style).image, astronaut)


def test_every_run_gives_the_same(shot, astronaut):
    assert np.array_equal(tonsure.bald(astronaut, 0.6).image, shot.bald(0.6).image)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_is_made_bald_as_well(shot, astronaut, turns):
    turned = np.ascontiguousarray(np.rot90(astronaut, turns))
    back = np.rot90(tonsure.bald(turned).image, -turns).astype(int)
    upright = shot.bald().image.astype(int)
    edited = (upright != astronaut).any(axis=2)
    assert np.abs(back - upright)[edited].mean() < 12


def test_all_faces_of_a_group(group):
    with Editor().open(group) as opened:
        out = opened.bald(face="all").image
        for face in opened.faces:
            x0, y0, x1, _ = (int(v) for v in face.box)
            above = slice(max(y0 - 20, 0), y0 + 5), slice(x0 + 10, x1 - 10)
            assert (out[above] != group[above]).any(axis=2).mean() > 0.3


def test_grey_and_sixteen_bits(astronaut, mask):
    grey = astronaut[..., 1]
    out = tonsure.bald(grey).image
    assert out.shape == grey.shape
    assert (out != grey).mean() > 0.01
    deep = astronaut.astype(np.uint16) * 257 - (astronaut > 128)
    result = tonsure.bald(deep).image
    assert np.array_equal(result[~mask], deep[~mask])
    assert (result[mask] != deep[mask]).any()


def test_the_command(data, tmp_path):
    target = tmp_path / "bald.png"
    subprocess.run(
        [sys.executable, "-m", "tonsure", "bald", data / "astronaut.jpg", "-o", target], check=True
    )
    with Image.open(target) as im:
        assert im.size == (512, 512)
    ran = subprocess.run([sys.executable, "-m", "tonsure", "doctor"], capture_output=True)
    assert ran.returncode == 0
    assert b"test photo: passed" in ran.stdout
