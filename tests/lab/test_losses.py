"""Losses, targets and conditions, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tonsure import attributes  # noqa: E402
from tonsure.errors import BadOption  # noqa: E402
from tonsure.lab import losses, targets  # noqa: E402
from tonsure.lab.config import TrainConfig  # noqa: E402
from tonsure.lab.networks.config import NetworkConfig  # noqa: E402

REAL, FAKE = torch.tensor([[2.0], [0.0]]), torch.tensor([[1.0], [-1.0]])


def soft(x):
    return np.log1p(np.exp(x))


@pytest.mark.parametrize(
    ("gan", "critic", "generator"),
    [
        ("wgan", 0 - 1, 0.0),
        ("lsgan", (1 + 1) / 2 + 1, (0 + 4) / 2),
        ("ns", (soft(-2) + soft(0) + soft(1) + soft(-1)) / 2, (soft(-1) + soft(1)) / 2),
        ("hinge", (0 + 1) / 2 + (2 + 0) / 2, 0.0),
    ],
)
def test_adversarial(gan, critic, generator):
    assert float(losses.critic_adversarial(gan, REAL, FAKE)) == pytest.approx(critic)
    assert float(losses.generator_adversarial(gan, FAKE)) == pytest.approx(generator)


def test_penalties_of_a_linear_critic():
    """The gradient of 2 x0 + ... is known everywhere: its length is 2 sqrt(12)."""

    def scores(x):
        return 2 * x.flatten(1).sum(1, keepdim=True)

    x = torch.randn(3, 3, 2, 2)
    length = 2 * np.sqrt(12)
    assert float(losses.penalty("line", scores, x)) == pytest.approx((length - 1) ** 2, rel=1e-5)
    assert float(losses.penalty("r1", scores, x)) == pytest.approx(length**2 / 2, rel=1e-5)


def test_the_penalty_of_a_map_is_of_the_sum():
    def scores(x):
        return x.mean((1, 2, 3), keepdim=True).expand(-1, 1, 2, 2)

    got = losses.gradient(scores, torch.randn(2, 3, 2, 2))
    assert torch.allclose(got, torch.full((2, 12), 4 / 12))


def test_the_penalty_can_be_trained_through():
    weight = torch.tensor(3.0, requires_grad=True)
    value = losses.penalty("line", lambda x: weight * x.flatten(1).sum(1), torch.randn(2, 1, 1, 1))
    value.backward()
    assert float(weight.grad) == pytest.approx(2 * (3 - 1))


def test_penalty_points():
    real, fake = torch.zeros(2, 3, 2, 2), torch.ones(2, 3, 2, 2)
    alpha, beta = torch.full((2, 1, 1, 1), 0.25), torch.ones(2, 3, 2, 2)
    assert float(losses.penalty_points("line", real, fake, alpha, beta).mean()) == 0.25
    wide = torch.randn(2, 3, 2, 2)
    got = losses.penalty_points("dragan", wide, fake, alpha, beta)
    assert torch.allclose(got - wide, 0.125 * wide.std() * beta)
    assert losses.penalty_points("r1", wide, fake, alpha, beta) is wide


def test_terms_and_their_weights():
    t = TrainConfig(class_sum=True, generator_class=2.0, reconstruction=100.0)
    logits, target = torch.zeros(2, 4), torch.ones(2, 4)
    x, again = torch.zeros(2, 3, 2, 2), torch.full((2, 3, 2, 2), 0.5)
    terms = losses.generator(t, (FAKE, logits), target, x, again)
    assert float(terms["class"]) == pytest.approx(2 * 4 * np.log(2))
    assert float(terms["reconstruction"]) == pytest.approx(50)
    mean = losses.classification(logits, target, total=False)
    assert float(mean) == pytest.approx(np.log(2))


def test_lazy_penalties_come_seldom_and_strong():
    t = TrainConfig(penalty="r1", penalty_every=4, penalty_weight=10.0, class_penalty=0.5)

    def terms(update):
        found = (REAL, FAKE, torch.zeros(2, 1))
        noise = (torch.zeros(2, 1, 1, 1), torch.zeros(2))
        x = torch.zeros(2, 1, 1, 1)
        return losses.critic(
            t, lambda y: y.flatten(1), lambda y: 3 * y.flatten(1), x, x, found,
            torch.zeros(2, 1), noise, update,
        )  # fmt: skip

    assert float(terms(8)["penalty"]) == pytest.approx(40 / 2)
    assert float(terms(8)["class_penalty"]) == pytest.approx(4 * 0.5 * 9 / 2)
    assert not {"penalty", "class_penalty"} & set(terms(9))


def test_the_class_penalty_draws_a_label_for_each_picture():
    """Labels' logits are x, 10 x and 100 x: their gradients tell which one was drawn."""

    def logits(x):
        return x.flatten(1) * torch.tensor([[1.0, 10.0, 100.0]])

    x = torch.zeros(1, 1, 1, 1)
    found = [float(losses.class_penalty(logits, x, torch.tensor([u]))) for u in (0.1, 0.5, 0.99, 1)]
    assert found == pytest.approx([0.5, 50, 5000, 5000])


NAMES = attributes.STANDARD


def labels(*on: str) -> torch.Tensor:
    return torch.from_numpy(attributes.row(on, NAMES))[None]


def test_conditions():
    c = NetworkConfig()
    a, b = labels("Bangs", "Male"), labels("Bald", "Male")
    edit, same = targets.conditions(c, a, b)
    assert edit[0, :2].tolist() == [1.0, -1.0]
    assert edit.abs().sum() == 2
    assert same.abs().sum() == 0
    target = NetworkConfig(system="attgan", condition="target")
    edit, same = targets.conditions(target, a, b)
    assert edit[0, :3].tolist() == [0.5, -0.5, -0.5]
    assert same[0, :3].tolist() == [-0.5, 0.5, -0.5]
    star = NetworkConfig(system="stargan")
    assert torch.equal(targets.conditions(star, a, b)[0], b)
    for config, kind in ((c, "difference"), (target, "target"), (star, "labels")):
        d = attributes.difference(a.numpy(), b.numpy())
        told = attributes.condition(kind, config.scale, a.numpy(), d)
        assert np.allclose(told, targets.conditions(config, a, b)[0])


def test_targets_are_drawn_as_named():
    g = torch.Generator().manual_seed(0)
    source = torch.randint(0, 2, (64, len(NAMES)), generator=g).float()
    permuted = targets.draw("permutation", source, NAMES, g)
    assert sorted(map(tuple, permuted.tolist())) == sorted(map(tuple, source.tolist()))
    clean = targets.draw("uniform", source, NAMES, g)
    assert int((clean[:, 0] * clean[:, 1]).sum()) == 0  # no fringe on a bald head
    assert int(clean[:, 2:5].sum(1).max()) <= 1  # one colour of hair
    single = targets.draw("single", clean, NAMES, g)
    flipped = (single != clean).sum(1)
    assert int(flipped.min()) == 1
    assert int(flipped.max()) <= 2


def test_magnitudes():
    g = torch.Generator().manual_seed(0)
    for how in ("uniform", "normal"):
        drawn = targets.magnitudes(how, 4000, 1, g)
        assert float(drawn.min()) >= 0
        assert float(drawn.max()) <= 2
        assert float(drawn.mean()) == pytest.approx(1, abs=0.05)
    assert bool((targets.magnitudes("fixed", 2, 3, g) == 1).all())


def test_conflicts_only_when_switched_on():
    row = attributes.row(["Bangs", "Black_Hair"], NAMES)
    bald = attributes.switched(row, "Bald", NAMES)
    assert bald[:2].tolist() == [1, 0]
    again = attributes.switched(attributes.row(["Bald"], NAMES), "Bald", NAMES)
    assert again.sum() == 0
    blond = attributes.switched(row, "Blond_Hair", NAMES)
    assert blond[2:5].tolist() == [0, 1, 0]
    none = attributes.switched(row, "Black_Hair", NAMES)
    assert none[1] == 1
    assert none[2:5].sum() == 0
    d = attributes.single("Bald", 0.6, row, NAMES)
    assert d[:3].tolist() == [np.float32(0.6), np.float32(-0.6), 0]
    assert attributes.single("Bald", -0.6, row, NAMES)[1] == 0
    with pytest.raises(BadOption, match="Eyeglasses"):
        attributes.index("Eyeglases", NAMES)
