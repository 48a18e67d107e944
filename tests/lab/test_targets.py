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
    assert sets[35, 30] == wide.some(HAIR, CLOTHES)  # the teacher sees strands over the shirt


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


def test_training_and_use_tell_the_same_cloths_apart() -> None:
    from tonsure.lab import cloth
    from tonsure.make import beneath as use

    noise = np.random.default_rng(3).normal(0, 8, (160, 128, 3)).astype(np.float32)
    rgb = np.full((160, 128, 3), [150, 60, 50], np.float32) + noise
    rgb[:, 64:] = [40, 50, 90]
    rgb[::6] += 60  # a pattern
    worn = np.zeros((160, 128), np.float32)
    worn[40:, 10:118] = 1
    known = np.ones((160, 128), bool)
    known[60:100, 50:90] = False
    one = use.two_sorts(rgb, worn, known, task.DENSITY)
    tensors = (torch.from_numpy(v.astype(np.float32)) for v in (worn, known))
    rest = [t[None, None] for t in tensors]
    other = cloth.two_sorts(torch.from_numpy(rgb / 255).permute(2, 0, 1)[None], *rest)[0, 0].numpy()
    seen = (worn > 0) & known
    assert 0.4 < one[seen].mean() < 0.6
    assert (np.abs(one - other)[seen] > 0.5).mean() < 0.02


def test_a_beard_is_no_hair() -> None:
    mesh = np.zeros((468, 3), np.float32)  # eye distances from between the eyes, at first
    mesh[61], mesh[291], mesh[152], mesh[2] = (
        (-0.4, 0.8, 0),
        (0.4, 0.8, 0),
        (0, 1.7, 0),
        (0, 0.5, 0),
    )
    mesh[172], mesh[397] = (-0.8, 1.2, 0), (0.8, 1.2, 0)
    mesh[:, :2] = mesh[:, :2] * wide.EYE_DISTANCE + wide.EYES_MIDDLE
    row_of, column_of = (
        lambda y: int((y - wide.TOP) * wide.DENSITY), lambda x: int((x - wide.LEFT) * wide.DENSITY)
    )  # fmt: skip
    hair = np.zeros((wide.HEIGHT, wide.WIDTH), np.uint8)
    hair[: row_of(0.0)] = 255
    sets = np.where(hair > 127, wide.some(HAIR), wide.ANY).astype(np.uint16)
    assert not wide.shave(sets.copy(), hair, mesh)  # a chin without hair
    hair[row_of(0.7) : row_of(3.0), column_of(-2.0) : column_of(2.0)] = 255
    sets[hair > 127] = wide.some(HAIR)
    assert wide.shave(sets, hair, mesh)
    assert sets[row_of(2.5), column_of(0.0)] == wide.ANY ^ wide.some(HAIR)
    assert sets[row_of(2.5), column_of(1.7)] == wide.some(HAIR)  # what hangs beside stays hair
    assert sets[row_of(-1.0), column_of(0.0)] == wide.some(HAIR)
