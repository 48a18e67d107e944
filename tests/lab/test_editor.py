"""The compact editor: nothing asked is nothing changed, balanced batches, a run, an export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tonsure.errors import BadOption  # noqa: E402
from tonsure.lab import losses  # noqa: E402
from tonsure.lab.networks.editor import Critic, Editor  # noqa: E402
from tonsure.lab.recipe import Recipe  # noqa: E402
from tonsure.lab.tasks.editor import SIZE, EditorTask, box, to_judge  # noqa: E402
from tonsure.lab.train import train  # noqa: E402

WIDTHS = (4, 6, 8, 8, 8)


@pytest.fixture(scope="module")
def task() -> EditorTask:
    """24 pictures; three of them have the first label, which is a red top; half the second."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(90, 130, (24, *SIZE, 3)).astype(np.uint8)
    labels = np.zeros((24, 2), np.bool_)
    labels[:3, 0], labels[::2, 1] = True, True
    pictures[:3, :60] = (200, 20, 20)
    held = np.arange(24) >= 20
    return EditorTask(
        pictures, labels, held, size=8, attributes=("Bangs", "Young"), widths=WIDTHS,
        critic=WIDTHS,
    )  # fmt: skip


def test_where_nothing_is_asked_nothing_changes():
    torch.manual_seed(0)
    net = Editor(2, WIDTHS).eval()
    picture = torch.rand(2, 3, *SIZE) * 2 - 1
    with torch.no_grad():
        assert torch.equal(net.edited(picture, torch.zeros(2, 2)), picture)
        change, mask = net(picture, torch.tensor([[1.0, 0.0], [0.5, -0.25]]))
        some = net.edited(picture, torch.ones(2, 2))
    assert change.shape == picture.shape
    assert mask.shape == (2, 1, *SIZE)
    assert float(mask.min()) >= 0
    assert float(mask[1].max()) <= 0.5
    assert not torch.equal(some, picture)


def test_a_window_is_as_wide_as_the_frame_and_lies_in_its_middle():
    for window in (SIZE, (128, 112)):
        x0, y0, x1, y1 = box(window)
        assert (x0, x1) == (0, 178)
        assert y0 + y1 == pytest.approx(218)
        assert (y1 - y0) / (x1 - x0) == pytest.approx(window[0] / window[1])


def test_rare_labels_are_asked_as_often_as_others(task):
    rare = turned = 0
    for seed in range(20):
        batch = task.batch(torch.Generator().manual_seed(seed))
        assert batch["picture"].shape == (8, 3, *SIZE)
        asked, known = batch["difference"], batch["labels"]
        # only what is not there comes, only what is there goes
        assert bool((asked * (2 * known - 1) <= 0).all())
        assert float(asked.abs().amax(1).min()) >= 0.4
        rare += int(known[:, 0].sum())
        turned += int((asked[:, 0] != 0).sum())
    assert 0.2 < rare / 160 < 0.5  # 3 of 24 have it
    assert turned > 60


def test_people_of_val_are_never_shown(task):
    shown = {int(i) for both in task.pools for pool in both for i in pool}
    assert shown == set(range(20))


def test_the_critic_has_its_penalty_now_and_then(task):
    torch.manual_seed(1)
    model, critic = task.build(), task.build_critic()
    batch = task.batch(torch.Generator().manual_seed(0))
    first = task.critic_losses(critic, model, batch, 0)
    assert {"adversarial", "class", "penalty", "class_penalty"} == set(first)
    assert {"adversarial", "class"} == set(task.critic_losses(critic, model, batch, 1))
    terms = task.losses_against(critic, model, model, batch, 0.0)
    sum(terms.values()).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_critic_learns_to_tell_the_label(task):
    torch.manual_seed(2)
    critic = Critic(2, (8, 8, 8, 8, 8))
    optimiser = torch.optim.Adam(critic.parameters(), 3e-3)
    batch = task.batch(torch.Generator().manual_seed(3))
    told = []
    for _ in range(25):
        loss = losses.classification(critic.logits(batch["picture"])[:, :1],
                                     batch["labels"][:, :1], True)  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        told.append(float(loss.detach()))
    assert told[-1] < 0.3 * told[0]


def test_a_run_and_its_export(task, tmp_path: Path):
    import onnxruntime

    recipe = Recipe(steps=2, precision="fp32", evaluate_every=0, sample_every=0, warmup=0)
    trained = train(task, tmp_path / "run", recipe, quiet=True)
    assert trained.whole
    model = trained.model.eval()
    gap = EditorTask.port(model).write(tmp_path / "editor.onnx")
    assert gap < 2e-2
    assert task.sheet(model).shape == (SIZE[0] * 4, SIZE[1] * 3, 3)
    net = onnxruntime.InferenceSession(str(tmp_path / "editor.onnx"))
    fed = {
        "picture": np.zeros((1, 3, *SIZE), np.float32),
        "difference": np.ones((1, 2), np.float32),
    }
    change, mask = net.run(None, fed)
    assert change.shape == (1, 3, *SIZE)
    assert mask.shape == (1, 1, *SIZE)


def test_the_judge_sees_the_same_place():
    picture = torch.zeros(1, 3, *SIZE)
    picture[..., 80:112, 60:100] = 1
    seen = to_judge(picture)
    assert seen.shape == (1, 144, 112, 3)
    from tonsure.lab.evaluate.judge import BOX, SCALE

    # the middle of that square, in the frame, and in the judge's view
    x, y = 80 * 178 / 160, 2.2 + 96 * 178 / 160
    column, row = (x - BOX[0]) * SCALE, (y - BOX[1]) * SCALE
    assert seen[0, int(row), int(column)].min() == 255
    assert seen[0, :10].max() < 140


@pytest.mark.parametrize("options", [{"weights": {"bak": 1}}, {"attributes": ("Bangs", "None")}])
def test_wrong_options_are_named(options):
    pictures = np.zeros((4, *SIZE, 3), np.uint8)
    labels = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], np.bool_)
    with pytest.raises(BadOption):
        EditorTask(pictures, labels, np.zeros(4, np.bool_), **options)
