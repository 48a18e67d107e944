"""The judge: what it learns from, how it is calibrated, and that the exported file agrees."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")

from tonsure.errors import ModelDamaged  # noqa: E402
from tonsure.faces import Frame  # noqa: E402
from tonsure.lab.calibration import Judge, calibrate  # noqa: E402
from tonsure.lab.evaluate import judge  # noqa: E402
from tonsure.lab.tasks.judge import (  # noqa: E402
    FACE_DECIDES,
    HAIR_DECIDES,
    JudgeTask,
    ellipse,
    logits,
    swap_faces,
)

NAMES = ["Bald", "Bangs", "Male", "Smiling"]
WIDTHS = (8, 8, 16, 16, 16)


@pytest.fixture
def task() -> JudgeTask:
    """48 flat pictures; a light top is bald, light below is a smile; 8 are held back."""
    random = np.random.default_rng(0)
    labels = random.choice([-1, 1], (48, 4)).astype(np.int8)
    pictures = np.full((48, *judge.SIZE, 3), 90, np.uint8)
    pictures[labels[:, 0] > 0, :60] = 200
    pictures[labels[:, 3] > 0, 100:] = 200
    labels[-4:, 1:] = 0
    held = np.arange(48) < 8
    return JudgeTask(pictures, labels, NAMES, held, batch=16, widths=WIDTHS)


def test_batches_never_show_who_is_held_back(task: JudgeTask) -> None:
    generator = torch.Generator().manual_seed(0)
    assert float(task.chance[:8].sum()) == 0
    assert float(task.chance[8:].min()) > 0
    batch = task.batch(generator)
    assert batch["picture"].shape == (16, 3, *judge.SIZE)
    assert batch["picture"].abs().max() <= 1
    hair = [name in HAIR_DECIDES for name in NAMES]
    assert hair == [True, True, False, False]
    assert not set(HAIR_DECIDES) & set(FACE_DECIDES)
    # the faces of the first quarter are those of the second: so is what is asked about them
    assert torch.equal(batch["known"][:4, 2:], batch["known"][4:8, 2:])
    assert float(batch["known"][:, 0].abs().min()) == 1


def test_what_neither_decides_is_not_asked_of_a_swapped_face(task: JudgeTask) -> None:
    task.names = ["Bald", "Bangs", "Chubby", "Smiling"]
    again = JudgeTask(
        task.pictures.permute(0, 2, 3, 1).numpy(), task.labels.numpy().astype(np.int8), task.names,
        np.arange(48) < 8, batch=16, widths=WIDTHS,
    )  # fmt: skip
    batch = again.batch(torch.Generator().manual_seed(0))
    assert float(batch["known"][:4, 2].abs().sum()) == 0
    assert float(batch["known"][4:, 2].abs().sum()) > 0


def test_the_same_seed_gives_the_same_batch(task: JudgeTask) -> None:
    one, two = (task.batch(torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one["picture"], two["picture"])


def test_it_learns(task: JudgeTask) -> None:
    torch.manual_seed(0)
    generator, model = torch.Generator().manual_seed(0), task.build()
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(25):
        loss = task.losses(model.train(), model, task.batch(generator), 0.0)["entropy"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    told = task.evaluate(model)
    assert told["bald_auc"] > 0.95
    assert set(told) == {"accuracy", "auc", "bald_auc", "bald_balanced"}


def test_swapping_changes_the_inner_face_only() -> None:
    random = torch.Generator().manual_seed(0)
    a, b = (torch.rand((2, 3, *judge.SIZE), generator=random) * 255 for _ in range(2))
    out, mask = swap_faces(a, b), ellipse()
    assert torch.equal(out[:, :, mask == 0], a[:, :, mask == 0])
    assert (out - a).abs()[:, :, mask == 1].mean() > 20
    assert 0.1 < float(mask.mean()) < 0.35
    assert float(mask[:40].max()) == 0  # no hair of the other comes along


def test_calibration_finds_slope_and_shift() -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 2, (4000, 2)).astype(np.float32)
    p = 1 / (1 + np.exp(-(x * [0.5, 2.0] + [-1.0, 0.5])))
    slopes, shifts = calibrate(x, random.random((4000, 2)) < p)
    assert slopes == pytest.approx([0.5, 2.0], abs=0.15)
    assert shifts == pytest.approx([-1.0, 0.5], abs=0.15)


def test_calibration_with_few_positives_stays_in_place() -> None:
    x = np.linspace(-3, 3, 200, dtype=np.float32)[:, None]
    slopes, shifts = calibrate(x, x > 2.9)
    assert 0.5 < slopes[0] < 10
    assert np.isfinite(shifts).all()


# torch's own word about its older exporter, which needs no further package
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_exported_judge_agrees_with_torch(task: JudgeTask, tmp_path: Path) -> None:
    from tonsure.lab.export import export

    torch.manual_seed(0)
    model, file = task.build().eval(), tmp_path / "judge.onnx"
    slopes, shifts = np.array([0.5, 1.0, 1.5, 2.0]), np.array([-1.0, 0.0, 0.5, 1.0])
    example = torch.rand(2, 3, *judge.SIZE) * 2 - 1
    gap = export(
        Judge(model, slopes, shifts), {"picture": example}, ["probability"], file,
        {"picture": {0: "N"}, "probability": {0: "N"}},
    )  # fmt: skip
    assert gap < 5e-3
    judge.describe(file, NAMES, np.array([0.04, 0.1, 0.4, 0.5]))
    opened = judge.open(file)
    assert opened.names == tuple(NAMES)
    views = np.random.default_rng(0).integers(0, 256, (3, *judge.SIZE, 3)).astype(np.uint8)
    got = opened.probabilities(views)
    raw = logits(model, torch.from_numpy(views).permute(0, 3, 1, 2))
    wanted = 1 / (1 + np.exp(-(raw * slopes + shifts)))
    assert got.shape == (3, 4)
    assert np.abs(got - wanted).max() < 5e-3
    assert opened.probabilities(views[:0]).shape == (0, 4)
    assert opened.balanced(np.full((1, 4), 0.04, np.float32))[0, 0] == pytest.approx(0.5)


def test_another_file_is_refused(task: JudgeTask, tmp_path: Path) -> None:
    file = tmp_path / "judge.onnx"
    file.write_bytes(b"one")
    judge.describe(file, NAMES, np.full(4, 0.5))
    file.write_bytes(b"two")
    with pytest.raises(ModelDamaged):
        judge.open(file)


def packed(folder: Path) -> tuple[Path, Path]:
    """A packed CelebA of six pictures, the list of their people, and a tar of one more."""
    random = np.random.default_rng(0)
    landmarks = np.zeros((6, 468, 3), np.float32)
    landmarks[:, [33, 133]], landmarks[:, [362, 263]] = (69.63, 112.59, 0), (108.03, 112.76, 0)
    landmarks[:, [61, 291]] = (88.96, 152.74, 0)
    names = np.array([f"{k:06d}" for k in range(6)])
    values: dict[str, Any] = {
        "attr": random.choice([-1, 1], (6, 4)).astype(np.int8), "attr_names": np.array(NAMES),
        "part": np.array([0, 0, 0, 0, 1, 1], np.int8), "lm": landmarks, "names": names,
        "flag": np.array([1, 1, 1, 0, 1, 1], np.float32),
    }  # fmt: skip
    np.savez(folder / "celeba.npz", **values)
    images = random.integers(0, 256, (6, 218, 178, 3)).astype(np.uint8)
    np.save(folder / "celeba_img.npy", images)
    people = folder / "people.txt"
    people.write_text("\n".join(f"{name}.jpg {10 + k}" for k, name in enumerate(names)))
    half = np.array(["000099"])
    np.savez(folder / "lm_bald_half.npz", names=half, lm=landmarks[:1] / 2, flag=np.ones(1))
    Image.fromarray(images[0]).resize((89, 109)).save(folder / "000099.jpg")
    with tarfile.open(folder / "half.tar", "w") as tar:
        tar.add(folder / "000099.jpg", "000099.jpg")
    return people, folder / "half.tar"


def test_from_packed_pictures(tmp_path: Path) -> None:
    people, half = packed(tmp_path)
    task = JudgeTask.from_folder(tmp_path, people, half, batch=4, widths=WIDTHS)
    assert task.pictures.shape == (5, 3, *judge.SIZE)
    assert task.held.tolist() == [0]  # the person 10
    assert task.labels[4].tolist() == [1, 0, 0, 0]
    whole = judge.view(np.load(tmp_path / "celeba_img.npy")[3], Frame(1, 0))
    assert np.array_equal(task.pictures[3].permute(1, 2, 0).numpy(), whole)
    small, large = task.pictures[4].float(), task.pictures[0].float()
    assert (small.mean() - large.mean()).abs() < 4  # the same picture, at half the size
