"""The second judge's training: STGAN's classifier on a pack of CelebA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")

from tonsure.attributes import CELEBA  # noqa: E402
from tonsure.errors import BadOption  # noqa: E402
from tonsure.lab import config, products  # noqa: E402
from tonsure.lab.data import packed  # noqa: E402
from tonsure.lab.evaluate import judge as judges  # noqa: E402
from tonsure.lab.tasks.classifier import ClassifierTask  # noqa: E402


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures with all labels, two of val; the first label is the picture's light."""
    folder, random = tmp_path_factory.mktemp("pack"), np.random.default_rng(0)
    labels = random.integers(0, 2, (6, len(CELEBA)))
    pictures = random.integers(0, 80, (6, 128, 128, 3))
    pictures[labels[:, 0] > 0] += 150
    np.save(folder / "pictures.npy", pictures.astype(np.uint8))
    parts = np.array([0, 0, 0, 0, 1, 1])
    np.savez(
        folder / "labels.npz", attributes=np.array(CELEBA), labels=labels.astype(np.int8),
        files=np.array([f"{k}.jpg" for k in range(6)]), parts=parts, partition=parts,
        celeba=np.full(6, -1), recipe=json.dumps(packed.recipe(config.load("stgan-128"))),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def task(pack: Path) -> Any:
    return products.opened(products.load("classifier", ["options.batch=4"]), pack)


def test_a_batch_is_of_train_and_the_same_by_its_generator(task: ClassifierTask) -> None:
    one, two = (task.batch(torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one["picture"], two["picture"])
    assert one["picture"].shape == (4, 3, 128, 128)
    assert one["picture"].abs().max() <= 1
    assert one["known"].shape == (4, len(CELEBA))
    trained_on = {tuple(row) for row in task.labels[:4].tolist()}
    assert {tuple(row) for row in one["known"].tolist()} <= trained_on
    # light is kept by what is done to a picture
    light = one["picture"].mean((1, 2, 3)) > 0
    assert torch.equal(light, one["known"][:, 0] > 0.5)


def test_it_learns_and_becomes_a_judge(task: ClassifierTask, pack: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model: Any = task.build().train()
    adam = torch.optim.Adam(model.parameters(), 2e-3)
    batch = task.batch(torch.Generator().manual_seed(3))
    said = []
    for _ in range(4):
        terms = task.losses(model, model, batch, 0.0)
        assert set(terms) == {"entropy", "l2"}
        said.append(float(terms["entropy"].detach()))
        adam.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        adam.step()
    assert said[-1] < said[0]
    figures = task.evaluate(model.eval())
    assert 0 <= figures["accuracy"] <= 1
    told = task.release(model, pack, tmp_path / "second.onnx")
    assert told["gap"] < 2e-3
    judge = judges.open(tmp_path / "second.onnx")
    assert (judge.crop, judge.size) == ("official", (128, 128))
    assert judge.priors == pytest.approx(task.labels[:4].mean(0).numpy(), abs=1e-5)


def test_a_folder_without_a_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="tonsure lab prepare classifier"):
        products.opened(products.load("classifier"), tmp_path)
