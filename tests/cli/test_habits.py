"""What users of other tools try first: completion, captions, degrees of single faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

from tonsure.cli import values
from tonsure.cli.app import app


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [
        (["bald", "--style"], "", ["recede", "thin"]),
        (["bald", "--face"], "l", ["largest", "left"]),
        (["mask", "--face"], "r", ["right"]),
        (["sweep", "--model"], "st", ["stgan_celeba", "stargan_celeba"]),
        (["sweep", "--attribute"], "Bl", ["Black_Hair", "Blond_Hair"]),
        (["models"], "face_", ["face_detector", "face_mesh"]),
        (["help"], "ba", ["bald", "batch"]),
    ],
)
def test_values_are_completed(words, typed, offered):
    verb = get_command(app).commands[words[0]]
    parameter = next(
        one for one in verb.params
        if (words[-1] in one.opts if len(words) > 1 else one.param_type_name == "argument")
    )  # fmt: skip
    with verb.make_context(words[0], [], resilient_parsing=True) as context:
        found = parameter.shell_complete(context, typed)
    assert [item.value for item in found] == offered


def test_faces_that_are_completed_are_understood():
    from tonsure.faces import WORDS

    assert {value for value, _ in values.faces("")} == set(WORDS)


def test_generators_that_are_completed_ship():
    from tonsure.models import MODELS

    assert {value for value, _ in values.generators("")} <= set(MODELS)


def test_captions_stand_below_a_strip(run, photos, tmp_path):
    plain, told = tmp_path / "plain.png", tmp_path / "told.png"
    steps = ("bald", photos / "a.jpg", "--steps", 5, "--size", 128)
    assert run(*steps, "-o", plain).code == 0
    assert run(*steps, "-o", told, "--captions").code == 0
    with Image.open(plain) as a, Image.open(told) as b:
        assert b.width == a.width
        below = np.asarray(b.convert("L"))[a.height :]
        assert 10 <= len(below) <= 24
        assert np.array_equal(np.asarray(b)[: a.height], np.asarray(a))
    for k in range(5):  # letters below each, and nothing between them
        part = below[:, k * 132 : k * 132 + 128]
        assert (part[:, 40:88] < 100).any()
        assert (part[:, :20] == 255).all()
    assert run(*steps, "-o", tmp_path / "x.gif", "--captions").code == 2
    assert run("bald", photos / "a.jpg", "--captions").code == 2


def test_each_face_has_its_degree(run, group, tmp_path):
    source = tmp_path / "group.png"
    Image.fromarray(group).save(source)
    ran = run("bald", source, "--each", "1=0.4, 3=1", "--json")
    assert ran.code == 0
    assert [face["number"] for face in ran.records[0]["faces"]] == [1, 3]


@pytest.mark.parametrize(
    ("each", "more", "said"),
    [
        ("1", (), "give them as 1=0.8,3=0.4"),
        ("0=1", (), "counted from 1"),
        ("1=1,1=0.5", (), "names face 1 twice"),
        ("1=2", (), "it goes from 0"),
        ("1=1", ("--face", "all"), "leave out --degree, --face and --steps"),
        ("1=1", ("--degree", "0.5"), "leave out --degree, --face and --steps"),
    ],
)
def test_degrees_that_cannot_be_read(run, photos, each, more, said):
    ran = run("bald", photos / "a.jpg", "--each", each, *more)
    assert ran.code == 2
    assert said in ran.said
