"""The training loop on a toy: what is interrupted goes on as if nothing had been."""

from __future__ import annotations

import itertools
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from tonsure.errors import BadOption  # noqa: E402
from tonsure.lab.checkpoints import load, newest, save  # noqa: E402
from tonsure.lab.recipe import Recipe, cosine  # noqa: E402
from tonsure.lab.train import NotANumber, train  # noqa: E402


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
RECIPE = Recipe(steps=STEPS, rate=0.03, average=0.95, save_every=40, precision="fp32")


def go(task: Toy, run: Path, **changes: Any) -> nn.Module:
    return train(task, run, replace(RECIPE, **changes), quiet=True).model


def saved(run: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    return load(newest(run))


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
    assert [line["step"] for line in steps] == [50, 100, 120]
    assert steps[1]["square"] < 0.5 * steps[0]["square"]
    assert steps[0]["images_s"] > 0
    assert told[-1]["step"] == STEPS
    assert told[-1]["evaluation"]["error"] < 0.4
    _, told = saved(whole)
    assert told["config"]["task"] == "toy"
    assert told["config"]["train"]["rate"] == 0.03
    assert (told["step"], told["images"]) == (STEPS, 8 * STEPS)


@pytest.mark.parametrize("when", [1, 63])
def test_a_resumed_run_is_bit_identical(whole: Path, tmp_path: Path, when: int) -> None:
    go(Toy(interrupt=when), tmp_path)
    assert saved(tmp_path)[1]["step"] == when + 1  # Ctrl-C ends the step and saves
    resumed = go(Toy(), tmp_path)
    one, two = saved(whole)[0], saved(tmp_path)[0]
    assert one.keys() == two.keys()
    assert [k for k in one if not torch.equal(one[k], two[k])] == []
    assert any(k.startswith("model_adam.") for k in one)
    for name, value in resumed.state_dict().items():
        assert torch.equal(value, one[f"average.{name}"])


def test_a_finished_run_is_left_as_it_is_and_says_so(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = newest(whole)
    (tmp_path / file.name).write_bytes(file.read_bytes())
    task = Toy()
    done = train(task, tmp_path, RECIPE)
    assert task.steps == 0
    assert (done.step, done.whole) == (STEPS, True)
    assert "is finished: it has 120 steps of 120" in capsys.readouterr().err


def test_a_loss_that_is_no_number_ends_it_and_spoils_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotANumber, match="step 55"):
        go(Toy(spoil=55), tmp_path)
    tensors, told = saved(tmp_path)
    assert told["step"] == 40
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
    rates = [cosine(k, 1000, 100) for k in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (99, 100)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))
    assert rates[-1] == pytest.approx(0.01, abs=1e-4)


def test_stages_begin_the_schedule_anew() -> None:
    """What "9,000 steps, and 4,000 more by the same line" did."""
    recipe = Recipe(steps=300, stages=(200, 300), warmup=10)
    shares = [recipe.share(k, recipe.steps) for k in range(300)]
    assert shares[199] == cosine(199, 200, 10) < 0.011
    assert shares[200] == cosine(200, 300, 10) > 0.2
    stopped = Recipe(steps=100, stages=(200,), warmup=10)
    assert stopped.share(99, 100) == cosine(99, 200, 10) > 0.5
    with pytest.raises(BadOption, match="each after the one before"):
        Recipe(stages=(5, 5))


class Duel(Toy):
    """The same line, and a critic that learns to say how far off it is."""

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[int] = []

    def build_critic(self) -> nn.Module:
        return nn.Conv2d(1, 1, 1)

    def critic_losses(
        self, critic: nn.Module, model: nn.Module, batch: dict[str, Tensor], update: int
    ) -> dict[str, Tensor]:
        assert all(p.requires_grad for p in critic.parameters())
        self.updates.append(update)
        with torch.no_grad():
            off = (model(batch["x"]) - batch["y"]).abs()
        terms = {"guess": (critic(batch["x"]) - off).abs().mean()}
        return terms | ({"lazy": terms["guess"] * 0 + 6} if update % 2 == 0 else {})

    def losses_against(
        self, critic: nn.Module, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor],
        progress: float,
    ) -> dict[str, Tensor]:  # fmt: skip
        assert not any(p.requires_grad for p in critic.parameters())
        assert not teacher.training
        return self.losses(model, teacher, batch, progress)


def test_a_second_player(tmp_path: Path) -> None:
    task = Duel()
    go(task, tmp_path, steps=10, critic_steps=3, log_every=10)
    assert task.updates == list(range(30))
    (line,) = (line for line in lines(tmp_path) if "model_square" in line)
    assert line["critic_guess"] > 0
    assert line["critic_lazy"] == 6.0  # the mean over the updates that had it
    tensors, _ = saved(tmp_path)
    assert {k.split(".")[0] for k in tensors} == {
        "model", "average", "critic", "model_adam", "critic_adam",
    }  # fmt: skip


def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    go(Toy(), tmp_path)
    whole = {k: v.clone() for k, v in saved(tmp_path)[0].items()}  # not a view of the file
    file = newest(tmp_path)
    file.write_bytes(file.read_bytes()[:-100])
    go(Toy(), tmp_path)
    assert "step-00000120.safetensors is not a checkpoint" in capsys.readouterr().err
    again = saved(tmp_path)[0]
    assert all(torch.equal(whole[k], again[k]) for k in whole)
    for path in tmp_path.glob("step-*"):
        path.write_bytes(b"none")
    with pytest.raises(BadOption, match=r"No checkpoint .* can be read"):
        go(Toy(), tmp_path)


def test_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (tmp_path / "lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BadOption, match="Another process trains in"):
            go(Toy(), tmp_path)
    go(Toy(), tmp_path, steps=1)


def test_batches_and_seed_are_kept_by_a_run(tmp_path: Path) -> None:
    go(Toy(), tmp_path, steps=2)
    with pytest.raises(BadOption, match=r"begun with train\.seed = 0, not 1"):
        go(Toy(), tmp_path, steps=4, seed=1)
    go(Toy(), tmp_path, steps=4, rate=0.01)


def test_a_run_of_the_loop_before_this_one_goes_on(whole: Path, tmp_path: Path) -> None:
    """`last.safetensors`, with the average called ema and one optimiser."""
    tensors, _ = saved(whole)
    names = {"average": "ema", "model_adam": "optimiser", "model": "model"}
    old = {}
    for key, value in tensors.items():
        first, _, rest = key.partition(".")
        old[f"{names[first]}.{rest}"] = value
    old["rng.torch"] = torch.get_rng_state()
    save(tmp_path / "last.safetensors", old, {"task": "toy", "step": STEPS})
    task = Toy()
    go(task, tmp_path, steps=STEPS + 1)
    assert task.steps == 1
    assert saved(tmp_path)[1]["step"] == STEPS + 1
