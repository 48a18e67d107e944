"""What rules are worth: they can be left out, come back, and a table tells."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from tonsure.errors import BadOption
from tonsure.faces import Face
from tonsure.hair import matte
from tonsure.lab import ablate
from tonsure.lab.evaluate.wide.cases import Case


@dataclass(frozen=True)
class Drawn:
    box: tuple[int, int, int, int]
    colour: np.ndarray
    mask: np.ndarray


@pytest.fixture
def folder(tmp_path):
    """Three made cases: black hair on a grey wall."""
    truth = np.full((60, 60, 3), 120, np.uint8)
    made = truth.copy()
    made[30:50, 10:50] = 0
    hole = made[..., 0] == 0
    face = Face((20, 10, 40, 35), np.random.default_rng(0).random((468, 3)).astype(np.float32) * 60,
                1.0, 1.0, 0.0)  # fmt: skip
    for name in ("a", "b", "c"):
        Case(name, made, truth, hole, np.zeros((60, 60), np.uint8), face).write(tmp_path)
    return tmp_path


@pytest.fixture
def made(monkeypatch):
    """Heads are the wall's grey; without the rule "strands" a part of the hair stays."""
    strands = matte.strands

    def make(pixels, face, *, threads):
        colour = np.full((20, 40, 3), 120, np.uint8)
        mask = np.full((20, 40), 255, np.uint8)
        if matte.strands is not strands:
            mask[:5] = 0
        return Drawn((10, 30, 50, 50), colour, mask)

    monkeypatch.setattr(ablate, "make", make)


def test_a_rule_that_is_missed(folder, made, tmp_path):
    told: list[str] = []
    rules = ["hair: strands", "hair: locks"]
    ablate.run(folder, tmp_path / "out", 2, rules, told.append)
    seen = json.loads((tmp_path / "out" / "ablate.json").read_text())
    assert seen["whole"]["error"] == 0
    assert seen["without"]["hair: strands"]["error"] == 30
    assert seen["without"]["hair: strands"]["left"] == 0.25
    assert seen["without"]["hair: locks"]["error"] == 0
    assert len(seen["cases"]) == 2
    table = (tmp_path / "out" / "ablate.md").read_text()
    assert table.index("strands") < table.index("locks")
    assert len(told) == 3


def test_every_rule_is_there_and_comes_back():
    for name, (owner, function, instead) in ablate.RULES.items():
        before = getattr(owner, function)
        with ablate.without(name):
            assert getattr(owner, function) is instead
        assert getattr(owner, function) is before


def test_bad_wishes(folder, tmp_path):
    with pytest.raises(BadOption, match="no rule 'hair: combs'"):
        ablate.run(folder, tmp_path, None, ["hair: combs"], print)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadOption, match="no made cases"):
        ablate.run(tmp_path / "empty", tmp_path, None, [], print)
