"""The hat's task: what a batch holds, and that it learns what a hat is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tonsure.lab.tasks.hat import Hat, HatTask  # noqa: E402

NAMES = ["Bald", "Black_Hair", "Male", "Wearing_Hat"]


@pytest.fixture
def task(tmp_path: Path) -> HatTask:
    """96 people; who wears a hat has a red top."""
    random = np.random.default_rng(0)
    attr = random.choice([-1, 1], (96, 4)).astype(np.int8)
    attr[:8] = [[-1, -1, -1, 1], [-1, -1, -1, 1], [1, -1, 1, -1], [1, -1, 1, -1],
                [-1, 1, 1, -1], [-1, 1, 1, -1], [-1, -1, -1, -1], [-1, -1, -1, -1]]  # fmt: skip
    images = np.full((96, 218, 178, 3), 120, np.uint8)
    images[attr[:, 3] > 0, :90] = (200, 20, 20)
    landmarks = np.zeros((96, 468, 3), np.float32)
    for ends, place in {(33, 133): (69.63, 112.59), (362, 263): (108.03, 112.76),
                        (61, 291): (88.96, 152.74)}.items():  # fmt: skip
        landmarks[:, list(ends), :2] = place
    names = np.array([f"{k:06d}" for k in range(96)])
    np.save(tmp_path / "celeba_img.npy", images)
    np.savez(
        tmp_path / "celeba.npz", attr=attr, attr_names=np.array(NAMES), part=np.zeros(96, int),
        flag=np.ones(96), lm=landmarks, names=names,
    )  # fmt: skip
    people = tmp_path / "identity.txt"
    people.write_text("".join(f"{name}.jpg {k}\n" for k, name in enumerate(names)))
    return HatTask(tmp_path, people, batch=12)


def test_half_of_a_batch_wears_one_and_nobody_held_back_does(task: HatTask) -> None:
    batch = task.batch(torch.Generator().manual_seed(0))
    assert batch["picture"].shape == (12, 3, 144, 112)
    assert batch["hat"].tolist() == [1.0] * 6 + [0.0] * 6
    held = set(task.held.tolist())
    assert held
    assert all(not held & set(pool.tolist()) for pool in task.pools)


def test_a_few_steps_teach_it(task: HatTask) -> None:
    torch.manual_seed(0)
    model = task.build().train()
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    for step in range(12):
        losses = task.losses(model, model, task.batch(torch.Generator().manual_seed(step)), 0.0)
        optimiser.zero_grad()
        losses["entropy"].backward()
        optimiser.step()
    assert task.evaluate(model)["auc"] > 0.9
    with torch.no_grad():
        seen = Hat(model.eval())(task.pictures[:8].float() / 127.5 - 1)
    assert seen.shape == (8,)
    assert float(seen[:2].min()) > float(seen[2:].max())
