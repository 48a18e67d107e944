"""StyleGAN2: the published sizes, gradients that flow, augmentation, and a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tonsure.attributes import CELEBA  # noqa: E402
from tonsure.errors import BadOption  # noqa: E402
from tonsure.lab import ada, products, training  # noqa: E402
from tonsure.lab.networks.stylegan2 import Generator, Shape, blur, doubled  # noqa: E402
from tonsure.lab.networks.stylegan2_critic import Discriminator, spread_of  # noqa: E402
from tonsure.lab.tasks import stylegan  # noqa: E402

TINY = Shape(16, 8, 2, 128, 16)


def weights(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("shape", "generator", "discriminator"),
    [
        # what NVlabs/stylegan2-ada-pytorch prints at 1024 px with two mapping layers: 28,794,124
        # and 29,012,513; the paper's eight add six layers of 262,656, as it prints them
        (Shape(1024, mapping=2), 28_794_124, 29_012_513),
        (Shape(1024), 28_794_124 + 6 * 262_656, 29_012_513),
    ],
)
def test_networks_have_the_published_size(shape: Shape, generator: int, discriminator: int) -> None:
    with torch.device("meta"):
        assert weights(Generator(shape)) == generator
        assert weights(Discriminator(shape)) == discriminator


def test_each_layer_has_the_published_size() -> None:
    """As the same print has them, layer by layer."""
    with torch.device("meta"):
        g, d = Generator(Shape(1024)), Discriminator(Shape(1024))
    printed = {4: (0, 2622465, 264195), 64: (2622465, 2622465, 264195),
               128: (1442561, 721409, 132099), 256: (426369, 213249, 66051),
               512: (139457, 69761, 33027), 1024: (51297, 25665, 16515)}  # fmt: skip
    blocks = dict(zip(g.shape.sides, g.blocks, strict=True))
    for side, counts in printed.items():
        b = blocks[side]
        assert (weights(b.first) if b.first else 0, weights(b.second), weights(b.rgb)) == counts
    halving = [[weights(x) for x in (b.skip, b.first, b.second)] for b in d.blocks]
    assert halving[:3] == [[2048, 9248, 18496], [8192, 36928, 73856], [32768, 147584, 295168]]
    assert halving[4] == [262144, 2359808, 2359808]
    assert (weights(d.last), weights(d.dense), weights(d.score)) == (2364416, 4194816, 513)


def test_a_constant_stays_one_when_it_is_filtered() -> None:
    plain = torch.full((1, 2, 8, 8), 3.0)
    assert torch.allclose(doubled(plain, 2)[:, :, 3:-3, 3:-3], torch.tensor(3.0))
    assert torch.allclose(blur(plain, 2, (0, 0)), torch.tensor(3.0))
    assert doubled(plain, 2).shape == (1, 2, 16, 16)


def test_demodulated_features_have_unit_variance_whatever_the_style() -> None:
    torch.manual_seed(0)
    layer = Generator(TINY).blocks[1].second
    x, w = torch.randn(64, 16, 8, 8), torch.randn(64, 8)
    torch.nn.init.constant_(layer.style.bias, 30.0)  # loud styles
    y = layer(x, w, True).detach()[:, :, 2:-2, 2:-2]
    # leaky ReLU times sqrt(2) keeps about the second moment
    assert 0.8 < float(y.square().mean()) < 1.2


def test_w_plus_of_one_row_is_that_w_and_truncation_ends_at_the_mean() -> None:
    torch.manual_seed(0)
    g = Generator(TINY)
    g.mean.normal_()
    z = torch.randn(3, 8)
    assert torch.allclose(g(z), g.synthesise(g.spread(g.mapping(z))), atol=1e-3)
    same = g(z, 0.0)
    assert torch.allclose(same[0], same[2], atol=1e-3)
    # the last row of a w+ tells the colours of the finest block only
    ws = g.spread(g.mapping(z)).clone()
    ws[:, -1] += 1
    assert not torch.allclose(g.synthesise(ws), g(z))


def test_deviation_is_of_the_group() -> None:
    x = torch.zeros(8, 3, 4, 4)
    x[:4] += torch.arange(4.0)[:, None, None, None]
    found = spread_of(x, 2)[:, 0, 0, 0]  # groups are (0, 4), (1, 5) ...
    assert torch.allclose(found, torch.tensor([0, 0.5, 1, 1.5] * 2), atol=1e-3)
    assert spread_of(x[:5], 4).shape == (5, 1, 4, 4)  # five are one by one


def test_penalties_teach() -> None:
    torch.manual_seed(0)
    g, d = Generator(TINY), Discriminator(TINY)
    stylegan.r1(d, torch.randn(4, 3, 16, 16)).backward()
    assert d.rgb.weight.grad.abs().sum() > 0
    ws, _ = stylegan.mixed(g, torch.randn(4, 2, 8), torch.tensor([1, 2, 5, 6]))
    stylegan.path_penalty(g, ws).backward()
    assert g.mapping.layers[0].weight.grad.abs().sum() > 0
    assert float(g.path) > 0


def test_r1_is_the_squared_length_of_the_gradient() -> None:
    class Line(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 3 * x[:, 0, 0, 0] + 4 * x[:, 1, 2, 1]

    found = stylegan.r1(Line(), torch.randn(5, 3, 4, 4))
    assert float(found.detach()) == pytest.approx(25)


def test_mixing_starts_at_its_layer() -> None:
    g = Generator(TINY)
    ws, w = stylegan.mixed(g, torch.randn(2, 2, 8), torch.tensor([2, g.shape.styles]))
    assert torch.equal(ws[0, 1], w[0])
    assert not torch.equal(ws[0, 2], w[0])
    assert torch.equal(ws[1, -1], w[1])


def test_augmentation_changes_some_pictures_and_lets_gradients_through() -> None:
    torch.manual_seed(0)
    x = torch.rand(64, 3, 16, 16) * 2 - 1
    assert ada.augment(x, 0.0) is x
    x.requires_grad_(True)
    y = ada.augment(x, torch.tensor(0.05))
    same = (y - x).abs().amax((1, 2, 3)) < 1e-5
    assert 8 < int(same.sum()) < 60
    y.sum().backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().sum() > 0


def test_augmentation_keeps_what_it_should() -> None:
    """Turning hue and saturation leaves a grey picture, geometry a plain one."""
    torch.manual_seed(0)
    grey = torch.full((32, 3, 16, 16), 0.25)
    y = ada.augment(grey, 1.0)
    assert (y.amax((2, 3)) - y.amin((2, 3))).max() < 1e-4
    assert (y.amax(1) - y.amin(1)).max() < 1e-4


@pytest.mark.parametrize(("sign", "chance"), [(1.0, 0.25), (0.0, 0.15)])
def test_augmentation_follows_the_signs(sign: float, chance: float) -> None:
    now, signs = torch.tensor(0.2), torch.tensor([sign * 100, 100.0])
    ada.adapt(now, signs, 0.6, 2000)
    assert float(now) == pytest.approx(chance)
    assert signs.tolist() == [0, 0]


@pytest.mark.parametrize("size", [4, 48, 100])
def test_sizes_are_powers_of_two(size: int) -> None:
    with pytest.raises(BadOption, match="power of 2"):
        Shape(size)


def pack(folder: Path, side: int = 32, count: int = 24) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    np.save(folder / "pictures.npy", random.integers(0, 256, (count, side, side, 3), np.uint8))
    recipe = {"height": side, "width": side, "crop": "centre-178", "filter": "lanczos"}
    np.savez(
        folder / "labels.npz", attributes=np.array(CELEBA),
        labels=random.integers(0, 2, (count, 40)).astype(np.float32),
        files=np.array([f"{k:06}.jpg" for k in range(count)]), parts=np.zeros(count, np.int8),
        celeba=np.full(count, -1), partition=np.arange(count) // 20, recipe=json.dumps(recipe),
    )  # fmt: skip
    return folder


SMALL = ["options.size=32", "options.latent=8", "options.base=128", "options.widest=16",
         "options.batch=4", "train.save_every=2", "train.sample_every=0", "train.precision=fp32",
         "options.r1_every=2", "options.path_every=2", "train.log_every=1"]  # fmt: skip


def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    data = pack(tmp_path / "pack")
    for name, steps in (("whole", (6,)), ("halved", (2, 6))):
        for last in steps:
            changes = [*SMALL, f"train.steps={last}"]
            assert training.run("stylegan2-64", changes, data, tmp_path / name, quiet=True)
    one, other = (
        (tmp_path / name / "step-00000006.safetensors").read_bytes() for name in ("whole", "halved")
    )
    strip = 8 + int.from_bytes(one[:8], "little")  # the header tells the seconds
    assert one[strip:] == other[8 + int.from_bytes(other[:8], "little") :]
    lines = (tmp_path / "whole" / "log.jsonl").read_text().splitlines()
    logged = [json.loads(line) for line in lines]
    assert ["critic_r1" in line for line in logged] == [True, False] * 3
    assert ["model_path" in line for line in logged] == [True, False] * 3


def test_presets_are_of_their_size() -> None:
    for name, size in (("stylegan2-64", 64), ("stylegan2-256", 256)):
        product = products.load(name)
        g = products.kind(product.task).network(**product.options)
        assert g.shape.size == size


def test_losses_of_augmented_pictures_teach_both(tmp_path: Path) -> None:
    task = stylegan.StyleGANTask(pack(tmp_path / "pack"), 4, 32, 8, 2, 256, 16, r1_every=1)
    torch.manual_seed(0)
    g, d = task.build(), task.build_critic()
    d.chance.fill_(1.0)
    batch = task.batch(torch.Generator().manual_seed(0))
    for terms, network in (
        (task.critic_losses(d, g, batch, 0), d),
        (task.losses_against(d, g, g, batch, 0.0), g),
    ):
        torch.stack(list(terms.values())).sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in network.parameters())
        assert any(p.grad.abs().sum() > 0 for p in network.parameters())
    assert d.signs[1] == 4
    assert g.updates == 1
    assert g.mean.abs().sum() > 0
