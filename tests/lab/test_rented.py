"""Training on a rented machine: pack, the step on one device, checkpoints in halves, resuming."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tonsure.lab import plain, rented  # noqa: E402
from tonsure.lab.data import small  # noqa: E402
from tonsure.lab.data.store import Store  # noqa: E402
from tonsure.lab.networks.beneath import PLANES  # noqa: E402
from tonsure.lab.tasks.beneath import HEIGHT, WIDTH, BeneathTask  # noqa: E402

WIDTHS = (20, 24, 32, 32)
SHAPE = (small.WIDE.height, small.WIDE.width)


def draw(folder: Path, part: str, count: int) -> None:
    """Drawn people: a head, a body, hair beside it; every other one is a target."""
    rng = np.random.default_rng(count)
    y = ((np.arange(SHAPE[0]) + 0.5) / small.WIDE.density + small.WIDE.top)[:, None]
    x = ((np.arange(SHAPE[1]) + 0.5) / small.WIDE.density + small.WIDE.left)[None]
    body, head = y > 2 + 0.2 * np.abs(x), np.broadcast_to(x**2 + y**2 < 1.2, SHAPE)
    hair = (np.abs(x - 1.4) < 0.5) & (y < 4) & (y > -1)
    labels = np.where(body, 2, np.where(head, 1, 0)).astype(np.uint8)
    palette = rng.integers(0, 255, (count, 3, 3))
    rgb = np.stack([p[labels] for p in palette]).astype(np.uint8)
    rgb[1::2, hair] = 40
    own = np.zeros((count, *SHAPE), np.uint8)
    own[1::2, hair] = 255
    told = np.repeat(labels[None], count, 0)
    told[1::2, hair] = 255
    target = (np.arange(count) % 2 == 0).astype(np.float32)
    np.savez(
        folder / f"targets-drawn-{part}.npz",
        rgb=rgb,
        inside=np.full((count, *SHAPE), 255, np.uint8),
        labels=told,
        own=own,
        head=np.repeat((255 * head).astype(np.uint8)[None], count, 0),
        as_target=target,
        as_donor=1 - target,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("targets")
    draw(made, "train", 6)
    draw(made, "test", 4)
    small.write(made, made / "targets.zip", tell=lambda _: None)
    return made


def test_a_pack_holds_what_was_put_in(folder: Path) -> None:
    part = small.read(folder / "targets.zip", "train")
    assert part.windows.shape == (6, small.CHANNELS, small.SMALL.height, small.SMALL.width)
    again = small.read(folder / "targets.zip", "train", most=2)
    assert np.array_equal(again.windows, part.windows[:2])
    target, donor = (int(np.argmax(c)) for c in (part.as_target, part.as_donor))
    # a pixel of the body and one of the hair, in eye distances
    row, hair = round((3 - small.SMALL.top) * 20), round((1.4 - small.SMALL.left) * 20)
    assert part.windows[target, 6, row, hair] == 2
    assert part.windows[donor, 6, row, hair] == 255
    assert part.windows[donor, 4, row, hair] == 255
    assert part.windows[:, 3].min() == 255
    assert set(np.unique(part.windows[:, 6])) <= set(small.LABELS)


def test_the_least_useful_are_left_out(folder: Path, tmp_path: Path) -> None:
    whole = small.write(folder, tmp_path / "a.zip", tell=lambda _: None)
    # what the windows and their index are reckoned at, less one byte
    most = whole["rgb_bytes"] + whole["planes_bytes"] + 10 * 40 + 10_000 - 1
    told = small.write(folder, tmp_path / "b.zip", most=most, tell=lambda _: None)
    assert told["left_out"] == 1
    assert told["bytes"] <= most
    assert told["windows"]["test"] == 4


def test_small_and_wide_say_the_same(folder: Path) -> None:
    wide, packed = (BeneathTask(p, 2, WIDTHS).tests for p in (folder, folder / "targets.zip"))
    task = BeneathTask(folder, 2, WIDTHS)
    at = [int(torch.nonzero(s.as_target > 0.9)[0]) for s in (wide, packed)]
    a, b = (
        task._planes(s, torch.tensor([k]), torch.Generator().manual_seed(0), 0.0)
        for s, k in zip((wide, packed), at, strict=True)
    )
    assert float((a["labels"] == b["labels"]).float().mean()) > 0.98
    assert float((a["rgb"] - b["rgb"]).abs().mean()) < 0.02


def test_maps_are_read_where_they_lie(folder: Path) -> None:
    store = Store.open(folder, "train")
    with np.load(folder / "targets-drawn-train.npz") as d:
        taken = store.take(torch.tensor([4, 1])).numpy()
        assert np.array_equal(taken[:, :3].transpose(0, 2, 3, 1), d["rgb"][[4, 1]])
        assert np.array_equal(taken[:, 6], d["labels"][[4, 1]])
    with pytest.raises(FileNotFoundError):
        Store.open(folder / "nowhere", "train")


def test_batches_are_the_seeds(folder: Path) -> None:
    task = BeneathTask(folder / "targets.zip", 3, WIDTHS)
    one, two = (task.batch(torch.Generator().manual_seed(4)) for _ in range(2))
    assert one["window"].shape == (3, PLANES, HEIGHT, WIDTH)
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_halves_come_back() -> None:
    g = torch.Generator().manual_seed(0)
    moments = {
        "model.w": torch.randn(50, generator=g),
        "model_adam.0.exp_avg": 1e-9 * torch.randn(50, generator=g),
        "model_adam.0.exp_avg_sq": 1e-14 * torch.rand(50, generator=g),
        "model_adam.0.step": torch.tensor(7.0),
        "model.n": torch.tensor(3),
    }
    again = plain.whole(plain.halved(moments))
    for name, value in moments.items():
        assert again[name].dtype == value.dtype
        assert float((again[name] - value).abs().max()) <= 2e-3 * float(value.abs().max())
    zero = plain.whole(plain.halved({"model_adam.0.exp_avg_sq": torch.tensor([0.0, 1.0])}))
    assert float(zero["model_adam.0.exp_avg_sq"][0]) > 0


def test_files_are_safetensors_and_in_parts(tmp_path: Path) -> None:
    load = pytest.importorskip("tonsure.lab.checkpoints").load
    tensors = {f"t{k}": torch.arange(k, dtype=torch.float32) for k in range(1, 30)}
    tensors["one"] = torch.tensor(5)
    plain.write(tmp_path / "a.safetensors", tensors, {"step": 3})
    for read in (plain.read, load):
        found, config = read(tmp_path / "a.safetensors")
        assert config == {"step": 3}
        assert all(torch.equal(found[k], v) for k, v in tensors.items())
    divided = plain.parts(tensors, 1000)
    assert len(divided) > 1
    assert sorted(k for p in divided for k in p) == sorted(tensors)
    with pytest.raises(ValueError, match="bytes"):
        plain.parts(tensors, 250)


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_a_run_ends_in_time_and_goes_on(folder: Path, tmp_path: Path) -> None:
    out, keep = tmp_path / "out", tmp_path / "keep"
    task = BeneathTask(folder / "targets.zip", 2, WIDTHS, rival=0.07, rival_start=0.3)

    def plan(steps: int) -> rented.Plan:
        return rented.Plan(300, time.monotonic(), steps=steps, tell_every=2, bf16=False)

    rented.train(task, out, plan(4), keep=keep, tell=lambda _: None)
    files = list(out.iterdir())
    assert len(files) <= rented.MOST_FILES
    assert all(f.stat().st_size <= rented.MOST_BYTES for f in files)
    told = lines(out)
    assert told[-1]["step"] == 4
    assert any("images_s" in t for t in told)
    assert any("critic" in t for t in told)
    exact, config = rented.load(keep)
    halves, _ = rented.load(out)
    assert config["step"] == 4
    assert exact.keys() == halves.keys()
    for source in (keep, out, out / "average.safetensors"):
        again = tmp_path / f"again-{source.name}"
        rented.train(task, again, plan(1), resume=source, tell=lambda _: None)
        assert lines(again)[0]["step"] == 4
        assert lines(again)[-1]["step"] == 5
    release = pytest.importorskip("tonsure.lab.release")
    for source in (keep, out / "average.safetensors"):
        told = release.write(source, tmp_path / "beneath.onnx")
        assert told["step"] == 4
        assert told["gap"] < 0.02


def test_no_time_no_steps(folder: Path, tmp_path: Path) -> None:
    task = BeneathTask(folder / "targets.zip", 2, WIDTHS)
    rented.train(task, tmp_path, rented.Plan(0.0, time.monotonic()), tell=lambda _: None)
    assert lines(tmp_path)[-1]["event"] == "end"
    assert not (tmp_path / "average.safetensors").exists()


def test_too_wide_a_net_is_told_first(folder: Path) -> None:
    task = BeneathTask(folder / "targets.zip", 2, (64, 128, 256, 512))
    with pytest.raises(ValueError, match="16 MiB"):
        rented.files_needed(task)


def test_torch_numpy_and_pillow_are_enough() -> None:
    code = (
        "import sys\n"
        "import tonsure.lab.rented, tonsure.lab.tasks.beneath\n"
        "bad = {'cv2', 'onnx', 'onnxruntime', 'safetensors', 'skimage', 'typer', 'rich', 'scipy'}\n"
        "assert not bad & set(sys.modules), bad & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_loop_of_every_network_takes_it_too(folder: Path, tmp_path: Path) -> None:
    train = pytest.importorskip("tonsure.lab.train").train
    recipe = pytest.importorskip("tonsure.lab.recipe").Recipe
    for data in (folder, folder / "targets.zip"):
        task, run = BeneathTask(data, 2, list(WIDTHS)), tmp_path / data.name
        told = recipe(steps=2, warmup=1, evaluate_every=2, sample_every=2, log_every=1)
        made = train(task, run, told, quiet=True)
        assert (made.step, made.whole) == (2, True)
        assert any(run.rglob("*.png")) or any(run.rglob("*.webp")) or any(run.rglob("*.jpg"))
