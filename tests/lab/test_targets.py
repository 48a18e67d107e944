"""Labels as sets, and what the wide parser and the net `beneath` are taught with."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tonsure.hair.classes import BACKGROUND, CLOTHES, HAIR, NECK, SKIN  # noqa: E402
from tonsure.lab.data import wide  # noqa: E402
from tonsure.lab.networks.beneath import PLANES, Beneath, pull_push  # noqa: E402
from tonsure.lab.tasks import beneath as task  # noqa: E402
from tonsure.lab.tasks.sight import set_loss  # noqa: E402


def row(labels: str) -> wide.Row:
    return wide.Row("x", "1", "train", labels, "long", (0, 0, 1, 1))


def test_garments_and_the_teacher_agree_or_nobody_knows() -> None:
    numbers = np.zeros((40, 40), np.uint8)
    numbers[:, 20:] = 38  # a shirt
    numbers[20:, :20] = 19  # hair
    hair = np.zeros((40, 40), np.float32)
    hair[30:, :] = 0.95
    sets = wide.label_sets(row("ccp59"), numbers, hair, np.ones((40, 40), np.float32))
    assert sets[10, 30] == wide.some(CLOTHES)
    assert sets[10, 10] == wide.some(BACKGROUND)
    assert sets[35, 10] == wide.some(HAIR)
    assert sets[25, 10] == wide.ANY  # labelled hair, and the teacher sees none
    assert sets[35, 30] == wide.some(HAIR)  # hair over the shirt: the teacher sees strands


def test_a_person_is_not_background() -> None:
    numbers = np.zeros((40, 40), np.uint8)
    numbers[:, 20:] = 255
    hair, person = np.zeros((40, 40), np.float32), np.ones((40, 40), np.float32)
    sets = wide.label_sets(row("person"), numbers, hair, person)
    assert sets[5, 5] == wide.some(BACKGROUND)
    assert sets[5, 35] & wide.some(BACKGROUND) == 0
    assert sets[5, 35] & wide.some(SKIN, NECK, CLOTHES) == wide.some(SKIN, NECK, CLOTHES)


def test_loss_of_a_set_is_that_of_all_its_classes() -> None:
    logits = torch.zeros(1, 9, 2, 2)
    three = torch.full((1, 2, 2), wide.some(SKIN, NECK, CLOTHES))
    assert float(set_loss(logits, three)) == pytest.approx(np.log(3), abs=1e-5)
    assert float(set_loss(logits, torch.full((1, 2, 2), wide.ANY))) == 0
    sure = logits.clone()
    sure[:, NECK] = 20
    assert float(set_loss(sure, three)) < 1e-4
    sure[:, HAIR] = 40
    assert float(set_loss(sure, three)) > 10


def test_pull_push_keeps_what_is_known_and_fills_the_rest() -> None:
    colour = torch.zeros(1, 3, 64, 48)
    colour[:, :, :, 24:] = 1.0
    weight = torch.ones(1, 1, 64, 48)
    weight[:, :, 20:40, 10:40] = 0
    out = pull_push(colour, weight)
    assert torch.equal(out[weight.expand_as(out) == 1], colour[weight.expand_as(out) == 1])
    assert float(out[..., 30, 11].mean()) < 0.3
    assert float(out[..., 30, 38].mean()) > 0.7
    nothing = pull_push(colour, torch.zeros_like(weight))
    assert torch.isfinite(nothing).all()


def made(n: int = 2) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """People of one colour a layer, and hair at their right."""
    x, y = task.face_units()
    labels = torch.where(y > 2 + 0.2 * x.abs(), 2, torch.where((x.abs() < 0.9) & (y > -1), 1, 0))
    labels = labels.long().expand(n, -1, -1)
    palette = torch.tensor([[0.2, 0.3, 0.9], [0.9, 0.7, 0.6], [0.1, 0.6, 0.1]])
    rgb = palette[labels].permute(0, 3, 1, 2)
    plane = torch.ones(n, 1, task.HEIGHT, task.WIDTH)
    head = ((x**2 + y**2) < 1.2).float().expand(n, 1, -1, -1)
    donor = torch.zeros(n, 4, task.HEIGHT, task.WIDTH)
    donor[:, 3] = ((x > 0.9) & (x < 2) & (y < 4)).float()
    target = {"rgb": rgb, "inside": plane, "own": 0 * plane, "head": head, "labels": labels}
    return target, donor


def test_hair_is_cut_out_and_the_truth_is_kept() -> None:
    target, donor = made()
    g = torch.Generator().manual_seed(0)
    batch = task.BeneathTask.__new__(task.BeneathTask).compose(target, donor, g, jitter=False)
    assert batch["window"].shape == (2, PLANES, task.HEIGHT, task.WIDTH)
    hidden = donor[:, 3:4] > 0.5
    assert float(batch["known"][hidden].max()) == 0
    assert float(batch["window"][:, :3][hidden.expand(-1, 3, -1, -1)].abs().max()) == 0
    assert float(((batch["rgb"] + 1) / 2 - target["rgb"]).abs().max()) < 1e-5
    assert float(batch["window"][:, 6:10].sum(1, keepdim=True)[hidden].max()) == 0


def test_the_net_learns_one_case() -> None:
    torch.manual_seed(0)
    target, donor = made()
    lab = task.BeneathTask.__new__(task.BeneathTask)
    batch = lab.compose(target, donor, torch.Generator().manual_seed(0), jitter=False)
    net = Beneath((20, 24, 32, 32), attention=1)
    adam = torch.optim.Adam(net.parameters(), 3e-3)
    told = []
    for _ in range(12):
        terms = lab.losses(net, net, batch, 0.0)
        total = torch.stack(list(terms.values())).sum()
        adam.zero_grad()
        total.backward()
        adam.step()
        told.append(float(total.detach()))
    assert told[-1] < 0.7 * told[0]
