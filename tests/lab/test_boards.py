"""Curves on other people's boards: what they are told, and that a run goes on there."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from small import SMALL, drawn, small, write_pack
from tonsure.errors import BadOption
from tonsure.lab import checkpoints, training
from tonsure.lab.group import ALONE
from tonsure.lab.runs import Log
from tonsure.lab.tasks.edits import Edits
from tonsure.lab.train import train


class Wandb(SimpleNamespace):
    """The package, as far as it is called."""

    def __init__(self) -> None:
        super().__init__(told=[], began=[], finished=0, Image=lambda pixels: pixels.shape)

    def init(self, **told: Any) -> Any:
        self.began.append(told)
        return SimpleNamespace(
            id=told["id"] or "abc", log=lambda values, step: self.told.append((step, values)),
            finish=self.finish,
        )  # fmt: skip

    def finish(self) -> None:
        self.finished += 1


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Wandb:
    package = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", package)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return package


def test_a_run_and_its_sequel_are_one(tmp_path: Path, wandb: Wandb) -> None:
    for steps in (2, 4):
        made = small("stgan-128", f"train.steps={steps}", "train.sample_every=4")
        edits = Edits(made, drawn(made), ALONE)
        train(edits, tmp_path / "mine", edits.recipe, boards=["wandb"], quiet=True)
    one, two = wandb.began
    assert (one["project"], one["name"], one["id"]) == ("tonsure", "mine", None)
    assert (two["id"], two["resume"]) == ("abc", "allow")
    assert two["config"]["network"]["system"] == "stgan"
    assert [step for step, told in wandb.told if "generator_reconstruction" in told] == [1, 2, 3, 4]
    assert [told["samples"] for _, told in wandb.told if "samples" in told] == [(64, 480, 3)] * 2
    assert wandb.finished == 2


def test_groups_of_figures_are_flat(tmp_path: Path, wandb: Wandb, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "other")
    log = Log(tmp_path, 0, boards=["wandb"], quiet=True)
    log.write(3, {"loss": 1.5, "evaluation": {"hair": 0.5}})
    log.picture(3, np.zeros((2, 4, 3), np.uint8))
    log.close()
    assert wandb.told == [(3, {"loss": 1.5, "evaluation/hair": 0.5}), (3, {"samples": (2, 4, 3)})]
    assert wandb.began[0]["project"] is None  # its own variable decides


@pytest.mark.parametrize("name", ["wandb", "tensorboard"])
def test_a_package_that_is_not_there_is_named(tmp_path: Path, monkeypatch, name: str) -> None:
    monkeypatch.setitem(
        sys.modules, {"tensorboard": "torch.utils.tensorboard"}.get(name, name), None
    )
    with pytest.raises(BadOption, match=rf"--{name} needs 'pip install {name}'"):
        Log(tmp_path, 0, boards=[name])


def test_minutes_end_a_run_and_the_same_line_goes_on(tmp_path: Path, monkeypatch) -> None:
    made = small("stgan-128")
    write_pack(tmp_path / "pack", made)
    clock = iter([0.0, 10.0, 70.0, 80.0, *([90.0] * 50)])
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    line = ("stgan-128", SMALL, tmp_path / "pack", tmp_path / "run")
    assert not training.run(*line, minutes=1, quiet=True)
    assert checkpoints.newest(tmp_path / "run").name == "step-00000002.safetensors"
    monkeypatch.undo()
    assert training.run(*line, quiet=True, minutes=60)
    assert checkpoints.newest(tmp_path / "run").name == "step-00000004.safetensors"
    with pytest.raises(BadOption, match="--minutes is more than 0"):
        training.run(*line, minutes=0)
    assert time.monotonic() > 0
