"""Several edits, several faces, and what the photo keeps."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure.editor import Editor
from tonsure.errors import BadOption, NoFace


@pytest.fixture(scope="module")
def shot(astronaut):
    with Editor(threads=1).open(astronaut) as opened:
        yield opened


def test_no_change_is_the_photo(shot, astronaut):
    for changes in ({}, {"Blond_Hair": 0}):
        result = shot.edit(changes)
        assert np.array_equal(result.image, astronaut)
        assert not result.photo.edited


def test_the_order_of_asking_does_not_matter(shot):
    changes = {"Eyeglasses": 1, "Pale_Skin": 0.5, "Black_Hair": 1}
    one = shot.edit(changes)
    other = shot.edit(dict(reversed(changes.items())))
    assert np.array_equal(one.image, other.image)
    steps = [step["attribute"] for step in one.report["edits"]]
    assert steps == ["Black_Hair", "Pale_Skin", "Eyeglasses"]
    assert all(step["way"] and step["changed"] for step in one.edits)


@pytest.mark.usefixtures("drawn")
def test_the_bald_head_is_paler_too(astronaut):
    with Editor(threads=1).open(astronaut) as opened:
        bald = opened.edit({"Bald": 1}).image
        assert np.array_equal(bald, opened.bald(1).image)
        both = opened.edit({"Pale_Skin": 1, "Bald": 1})
        mask, box = opened.head(1).mask > 250, opened.head(1).box
        x0, y0, x1, y1 = box
        top = both.image[y0:y1, x0:x1][mask].mean() - bald[y0:y1, x0:x1][mask].mean()
    assert [step["attribute"] for step in both.edits] == ["Bald", "Pale_Skin"]
    assert top > 3


@pytest.mark.usefixtures("drawn")
def test_a_bald_head_has_nothing_to_lose(astronaut, drawn):
    drawn["warnings"] = ("already_bald",)
    with Editor(threads=1).open(astronaut) as opened:
        result = opened.edit({"Bald": 1})
    assert np.array_equal(result.image, astronaut)
    assert "already_bald" in [note.code for note in result.warnings]


def test_faces_of_a_group_are_edited_apart(group):
    with Editor(threads=1).open(group) as opened:
        each = {1: {"Black_Hair": 1}, 3: {"Eyeglasses": 1}}
        result = opened.edit({}, each=each)
        changed = (result.image != group).any(-1)
        assert sorted(result.found) == [1, 3]
        assert changed[:, 200:480].any()  # the largest, in the middle
        assert changed[:, :180].any()  # the smallest, at the left
        assert not changed[:, 505:].any()
        assert {(s["face"], s["attribute"]) for s in result.edits} == {
            (1, "Black_Hair"), (3, "Eyeglasses"),
        }  # fmt: skip
        together = opened.edit({"Pale_Skin": 1}, face="all", each=each)
        assert [s["attribute"] for s in together.edits] == ["Black_Hair", "Pale_Skin", "Eyeglasses"]
        with pytest.raises(NoFace):
            opened.edit({}, each={4: {"Black_Hair": 1}})
        with pytest.raises(BadOption):
            opened.edit({}, each={1: {"Black_Hair": 2}})


def test_sixteen_bits_stay(astronaut):
    deep = astronaut.astype(np.uint16) * 257 + 3
    with Editor(threads=1).open(deep) as opened:
        image = opened.edit({"Pale_Skin": 1}).image
    assert image.dtype == np.uint16
    assert np.array_equal(image[430:], deep[430:])
    assert not np.array_equal(image, deep)


def test_turned_photos_are_edited_alike(astronaut):
    """The frame is upright, whatever the photo is: what changes turns with it."""
    with Editor(threads=1).open(astronaut) as opened:
        upright = (opened.edit({"Black_Hair": 1}).image != astronaut).any(-1)
    turned = np.ascontiguousarray(np.rot90(astronaut))
    with Editor(threads=1).open(turned) as opened:
        aside = (opened.edit({"Black_Hair": 1}).image != turned).any(-1)
    back = np.rot90(aside, -1)
    assert (back & upright).sum() / (back | upright).sum() > 0.9
