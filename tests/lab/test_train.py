"""The training loop on a toy: what is interrupted goes on as if nothing had been."""

from __future__ import annotations

import itertools
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from tonsure.lab.train import NotANumber, learning_rate, load, save, train  # noqa: E402


class Toy:
    """A line through noisy points; dropout and batch norm use and keep what a resume must."""

    config: dict[str, Any] = {"task": "toy"}  # noqa: RUF012

    def __init__(self, interrupt: int = -1, spoil: int = -1) -> None:
        self.steps, self.interrupt, self.spoil = 0, interrupt, spoil

    def build(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.2), nn.Conv2d(4, 1, 1)
        )

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        x = torch.rand((8, 1, 2, 2), generator=generator)
        y = 2 * x + 0.1 * torch.randn((8, 1, 2, 2), generator=generator)
        return {"x": x, "y": y}

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        assert 0 <= progress < 1
        error = (model(batch["x"]) - batch["y"]).float()
        if self.steps == self.interrupt:
            os.kill(os.getpid(), signal.SIGINT)
        if self.steps == self.spoil:
            error = error * float("nan")
        self.steps += 1
        return {"square": (error**2).mean(), "bend": 0.1 * error.abs().mean()}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        assert not model.training
        x = torch.linspace(0, 1, 8).reshape(2, 1, 2, 2)
        with torch.no_grad():
            return {"error": float((model(x) - 2 * x).abs().mean())}


STEPS = 120


def go(task: Toy, run: Path, steps: int = STEPS) -> nn.Module:
    return train(task, run, steps, peak=0.03, average=0.95, save_every=40, bf16=False)


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole")
    go(Toy(), run)
    return run


def test_it_learns_and_writes_down_how(whole: Path) -> None:
    told = lines(whole)
    steps = [line for line in told if "square" in line]
    assert [line["step"] for line in steps] == [50, 100]
    assert steps[1]["square"] < 0.5 * steps[0]["square"]
    assert steps[0]["images_s"] > 0
    assert told[-1]["step"] == STEPS
    assert told[-1]["evaluation"]["error"] < 0.4
    _, config = load(whole / "last.safetensors")
    assert config["task"] == "toy"
    assert config["step"] == STEPS


@pytest.mark.parametrize("when", [1, 63])
def test_a_resumed_run_is_bit_identical(whole: Path, tmp_path: Path, when: int) -> None:
    go(Toy(interrupt=when), tmp_path)
    _, config = load(tmp_path / "last.safetensors")
    assert config["step"] == when + 1  # Ctrl-C ends the step and saves
    resumed = go(Toy(), tmp_path)
    one, two = load(whole / "last.safetensors")[0], load(tmp_path / "last.safetensors")[0]
    assert one.keys() == two.keys()
    assert [k for k in one if not torch.equal(one[k], two[k])] == []
    assert any(k.startswith("optimiser.") for k in one)
    for name, value in resumed.state_dict().items():
        assert torch.equal(value, one[f"ema.{name}"])


def test_a_finished_run_is_left_as_it_is(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "last.safetensors").write_bytes((whole / "last.safetensors").read_bytes())
    task = Toy()
    go(task, tmp_path)
    assert task.steps == 0


def test_a_loss_that_is_no_number_ends_it_and_spoils_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotANumber, match="step 55"):
        go(Toy(spoil=55), tmp_path)
    tensors, config = load(tmp_path / "last.safetensors")
    assert config["step"] == 40
    assert all(torch.isfinite(v.float()).all() for v in tensors.values())


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    tensors = {"a": torch.arange(6).reshape(2, 3).t(), "b": torch.tensor(2.5)}
    save(file, tensors, {"name": "x", "sizes": [1, 2]})
    got, config = load(file)
    assert config == {"name": "x", "sizes": [1, 2]}
    assert all(torch.equal(got[k], v) for k, v in tensors.items())
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_the_rate_rises_then_falls() -> None:
    rates = [learning_rate(k, 1000, 1.0) for k in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (99, 100)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))
    assert rates[-1] == pytest.approx(0.01, abs=1e-4)
