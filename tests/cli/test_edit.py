"""`tonsure edit`, `tonsure attributes`, and what `tonsure sweep` shows by default."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import photo
from tonsure.attributes import STANDARD
from tonsure.edit.catalogue import CATALOGUE


def test_edit_writes_a_file_of_its_own(run, photos):
    ran = run("edit", photos / "a.jpg", "--set", "Black_Hair=1", "--json")
    assert ran.code == 0, ran.said
    target = photos / "a.edit.jpg"
    assert ran.records[0]["outputs"] == [str(target)]
    assert ran.records[0]["edits"][0]["attribute"] == "Black_Hair"
    before, after = (photo.read(path).pixels for path in (photos / "a.jpg", target))
    assert before.shape == after.shape
    assert np.abs(before[100:].astype(int) - after[100:]).mean() < 3
    assert photo.read(target).xmp
    assert run("edit", photos / "a.jpg", "--set", "Black_Hair=1").code == 3
    again = run("edit", photos / "a.jpg", "--set", "Black_Hair=1", "--skip-existing")
    assert again.code == 0
    assert "left out" in again.said


def test_a_face_has_edits_of_its_own(run, photos):
    ran = run(
        "edit", photos / "a.jpg", "--set", "1:Eyeglasses=0.5", "--json", "-o", photos / "x.png"
    )
    assert ran.code == 0, ran.said
    assert [step["face"] for step in ran.records[0]["edits"]] == [1]
    assert run("edit", photos / "a.jpg", "--set", "2:Eyeglasses=1").code == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["Blond=1"], "did you mean 'Blond_Hair'?"),
        (["Blond_Hair"], "NAME=D"),
        (["=1"], "NAME=D"),
        (["Blond_Hair=much"], "not a number"),
        (["Blond_Hair=3"], "from -1"),
        (["x:Blond_Hair=1"], "number of a face"),
        (["0:Blond_Hair=1"], "number of a face"),
        (["Young=1", "Young=0"], "twice"),
        (["Blond_Hair=1", "Black_Hair=1"], "exclude each other"),
        (["Bald=-1"], "Bald=1 can"),
    ],
)
def test_what_cannot_be_is_told_before_any_work(run, photos, given, said):
    options = [part for one in given for part in ("--set", one)]
    ran = run("edit", photos / "a.jpg", *options)
    assert ran.code == 2
    assert said in ran.said
    assert not (photos / "a.edit.jpg").exists()


def test_attributes_lists_all_and_how_good(run):
    said = run("attributes").out
    records = run("attributes", "--json").records
    assert [record["name"] for record in records] == list(STANDARD)
    for name, one in CATALOGUE.items():
        assert name in said
        for way in (one.on, one.off):
            if way is not None:
                assert f"{way.believable} of {way.seen} believable" in said


def test_sweep_shows_what_is_not_experimental(run, photos, tmp_path):
    ran = run("sweep", photos / "a.jpg", "-o", tmp_path / "tiles", "--json")
    assert ran.code == 0, ran.said
    tiles = ran.records[0]["tiles"]
    assert tiles[0] == {"shows": "original"}
    assert len(tiles) > 5
    for tile in tiles[1:]:
        way = CATALOGUE[tile["attribute"]].direction(tile["d"])
        assert way is not None
        assert not way.experimental
    assert len(list((tmp_path / "tiles").glob("*.png"))) == len(tiles)
