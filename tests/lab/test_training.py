"""The three systems in the loop: training goes on where it stopped, whatever stopped it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from small import SMALL, drawn, go, small, trained, write_pack  # noqa: E402
from tonsure.errors import BadOption  # noqa: E402
from tonsure.lab import checkpoints, config, sample  # noqa: E402
from tonsure.lab.data.feed import Feed  # noqa: E402
from tonsure.lab.group import ALONE, Group, join  # noqa: E402
from tonsure.lab.recipe import decayed  # noqa: E402
from tonsure.lab.tasks import edits  # noqa: E402
from tonsure.lab.train import NotANumber  # noqa: E402


def tensors(run: Path) -> dict[str, torch.Tensor]:
    return checkpoints.load(checkpoints.newest(run))[0]


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def log(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def curve(run: Path) -> list[dict[str, float]]:
    """The log without what depends on the clock."""
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_s")} for row in log(run)]


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("stgan-128", ()),
        ("attgan-128", ("train.gan=hinge", "train.penalty=r1", "train.penalty_every=2")),
        ("stargan-128", ("train.gan=lsgan", "train.penalty=dragan")),
    ],
)
def test_resuming_is_exact_to_the_bit(tmp_path, preset, changes):
    changes = (*changes, "train.schedule=constant")
    made = small(preset, *changes)
    whole = trained(made, tmp_path / "whole")
    halves = tmp_path / "halves"
    trained(small(preset, *changes, "train.steps=2"), halves)
    trained(made, halves)
    assert same(tensors(whole), tensors(halves))
    assert curve(whole) == curve(halves)
    assert [row["step"] for row in curve(halves)] == [1, 2, 3, 4]


def test_a_checkpoint_says_all(tmp_path):
    made = small("stgan-128", "network.units=gru", "train.keep=1")
    run = trained(made, tmp_path)
    assert [path.name for path in checkpoints.every(run)] == ["step-00000004.safetensors"]
    found, config, told = sample.found(run)
    assert config == made
    assert told["step"] == 4
    assert told["images"] == 4 * 3 * 4
    assert {k.split(".")[0] for k in found} == {
        "generator", "average", "discriminator", "generator_adam", "discriminator_adam",
    }  # fmt: skip
    with pytest.raises(BadOption, match="units = gru, not stu"):
        go(small(), drawn(made), run)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("train.batch=8", "train.batch = 4, not 8"),
        ("train.seed=1", "train.seed = 0, not 1"),
        ("train.fresh=false", "train.fresh = True, not False"),
    ],
)
def test_what_numbers_the_batches_is_kept_by_a_run(tmp_path, change, said):
    trained(small("stgan-128", "train.steps=1"), tmp_path)
    other = small("stgan-128", "train.steps=2", change)
    with pytest.raises(BadOption, match=said):
        go(other, drawn(other), tmp_path)


def test_no_samples_is_no_sheet(tmp_path):
    trained(small("stgan-128", "train.samples=0", "train.sample_every=1"), tmp_path)
    assert not (tmp_path / "samples").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("train.steps=-5", "train.steps is 0 or more"),
        ("train.samples=-1", "train.samples is 0 or more"),
        ("train.epochs=0", "train.steps is 1 or more, or 0 with train.epochs above 0"),
        ("train.save_every=0", "train.save_every is 1 or more"),
    ],
)
def test_lengths_that_cannot_be_are_named(change, said):
    with pytest.raises(BadOption, match=said):
        config.load("stgan-128", [change])


def test_a_device_that_is_not_there_is_named():
    with (
        pytest.raises(BadOption, match=r"train\.device is auto, cpu or cuda, not 'gpu'"),
        join("gpu"),
    ):
        pass
    if not torch.cuda.is_available():
        with (
            pytest.raises(BadOption, match=r"no CUDA device .* --set train\.device=cpu"),
            join("cuda"),
        ):
            pass


def test_a_loss_that_is_not_finite_stops_it(tmp_path):
    made = small("stgan-128", "train.steps=6")
    run = trained(replace(made, train=replace(made.train, steps=2)), tmp_path)
    pack = drawn(made)
    labels = np.full_like(pack.labels, np.nan)
    with pytest.raises(NotANumber, match=r"at step 2; .*step-00000002"):
        go(made, replace(pack, labels=labels), run)
    assert checkpoints.newest(run).name == "step-00000002.safetensors"


def test_interrupted_it_saves(tmp_path, monkeypatch):
    made = small("stgan-128", "train.save_every=100")
    order = Feed.order

    def interrupt(self, number):
        if number == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return order(self, number)

    monkeypatch.setattr(Feed, "order", interrupt)
    assert not go(made, drawn(made), tmp_path).whole
    assert checkpoints.newest(tmp_path).name == "step-00000002.safetensors"
    monkeypatch.undo()
    trained(made, tmp_path)
    assert same(tensors(tmp_path), tensors(trained(made, tmp_path / "whole")))


@pytest.fixture(autouse=True)
def _one_thread():
    """As the processes that are compared with: sums of other threads round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def command(tmp_path: Path, run: str, *changes: str) -> list[str]:
    sets = [part for change in (*SMALL, *changes) for part in ("--set", change)]
    return [
        "-m", "tonsure", "lab", "train", "stgan-128", "--data", str(tmp_path / "pack"), "--out",
        str(tmp_path / run), "--quiet", "--threads", "1", *sets,
    ]  # fmt: skip


def test_killed_it_loses_one_interval_at_most(tmp_path):
    changes = ("train.steps=400", "train.save_every=2", "train.keep=2")
    write_pack(tmp_path / "pack", small())
    line = [sys.executable, *command(tmp_path, "run", *changes)]
    process = subprocess.Popen(line)
    until, run = time.monotonic() + 300, tmp_path / "run"
    while not (run.exists() and checkpoints.every(run)) and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = int(log(run)[-1]["step"]) if log_is_whole(run) else 0
    kept = int(sample.found(run)[2]["step"])
    assert reached - kept <= 2
    steps = kept + 2
    made = small("stgan-128", *changes[1:], f"train.steps={steps}")
    trained(made, run)
    assert same(tensors(run), tensors(trained(made, tmp_path / "whole")))


def log_is_whole(run: Path) -> bool:
    try:
        return bool(log(run))
    except ValueError:
        return False


def test_two_processes_do_what_one_does(tmp_path):
    """Gloo on the processor: the same curve as one process with the same whole batch."""
    made = small("stgan-128", "train.steps=3")
    write_pack(tmp_path / "pack", made)
    whole = trained(made, tmp_path / "whole")
    line = command(tmp_path, "both", "train.steps=3")
    runner = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *runner, *line],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for one, two in zip(log(whole), log(tmp_path / "both"), strict=True):
        for key in one.keys() - {"seconds", "images_s"}:
            assert two[key] == pytest.approx(one[key], rel=2e-3, abs=2e-4), key
    a, b = tensors(whole), tensors(tmp_path / "both")
    statistics = [k for k in a if k.startswith("generator.") and "running" in k]
    assert all(torch.allclose(a[k], b[k], atol=1e-4) for k in statistics)


def test_parts_of_a_batch_add_up(tmp_path):
    """Without batch statistics, two halves give the gradients of the whole."""
    whole = tensors(trained(small("stargan-128", "train.steps=1"), tmp_path / "1"))
    parts = tensors(
        trained(small("stargan-128", "train.steps=1", "train.accumulate=2"), tmp_path / "2")
    )
    for key in whole:
        if key.startswith("generator_adam") and key.endswith("exp_avg"):
            assert torch.allclose(whole[key], parts[key], atol=1e-5), key


def test_batches_are_a_function_of_their_number():
    made = small("stgan-128", "data.flip=true")
    feed = Feed(drawn(made), made, ALONE)
    order = np.concatenate([feed.order(k) for k in range(6)])
    assert sorted(order.tolist()) == list(range(24))
    assert sorted(np.concatenate([feed.order(k) for k in range(6, 12)]).tolist()) == list(range(24))
    one, again = feed.batch(3), feed.batch(3)
    assert torch.equal(one["real"], again["real"])
    assert torch.equal(one["alpha"], again["alpha"])
    halves = [Feed(drawn(made), made, Group(k, 2, torch.device("cpu"))).batch(3) for k in range(2)]
    for name in ("real", "target", "edit", "alpha"):
        joined = torch.cat([half[name] for half in halves])
        assert torch.equal(joined, one[name])


def test_rates():
    assert decayed("constant", 0.5, 0.9) == 1
    assert decayed("drop", 0.5, 0.49) == 1
    assert decayed("drop", 0.5, 0.5) == 0.1
    assert decayed("linear", 0.5, 0.75) == 0.5
    feed = Feed(drawn(small()), small(), ALONE)
    assert edits.length(small("stgan-128", "train.steps=0", "train.epochs=10"), feed) == 20


def test_too_few_pictures_or_uneven_shares():
    made = small()
    with pytest.raises(BadOption, match="fewer than a batch"):
        Feed(drawn(made, 3), made, ALONE)
    with pytest.raises(BadOption, match="cannot be shared by 3"):
        Feed(drawn(made), made, Group(0, 3, torch.device("cpu")))
