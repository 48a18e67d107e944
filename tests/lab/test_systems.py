"""The published networks: exact sizes, and the transfer unit against its formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tonsure.errors import BadOption  # noqa: E402
from tonsure.lab import config  # noqa: E402
from tonsure.lab.networks.build import (  # noqa: E402
    discriminator,
    generator,
    multiplications,
    parameters,
    summary,
)
from tonsure.lab.networks.config import NetworkConfig  # noqa: E402
from tonsure.lab.networks.stgan import STU  # noqa: E402

STAR5 = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
SMALL = {"base": 4, "widest": 16, "critic_base": 4, "critic_widest": 16, "hidden": 8}


@pytest.mark.parametrize(
    ("preset", "g", "d", "gmac"),
    [
        ("stgan-128", 74_998_771, 44_718_990, 7.512),
        ("attgan-128", 43_459_203, 44_718_990, 2.732),
        ("stargan-128", 8_430_528, 44_762_048, 9.960),
        ("stgan-128-paddle", 74_998_771, 44_718_990, 7.512),
        ("attgan-128-paddle", 43_459_203, 44_718_990, 2.732),
        ("stargan-128-paddle", 8_430_528, 44_758_016, 9.960),
    ],
)
def test_parameters_are_the_published_ones(preset, g, d, gmac):
    told = summary(config.load(preset).network)
    assert told["generator"]["parameters"] == g
    assert told["discriminator"]["parameters"] == d
    assert told["generator"]["gmac"] == gmac


def counted(which, **fields):
    with torch.device("meta"):
        return parameters(which(NetworkConfig(**fields)))


def test_variants_have_the_published_sizes():
    att = {"system": "attgan", "shortcuts": 1, "condition": "target"}
    assert counted(generator, injects=0, **att) == 43_352_707
    assert counted(discriminator, critic_norm="none") == 44_717_006
    assert counted(discriminator, height=256, width=256) == 145_382_286
    large = {"height": 384, "width": 384, "base": 48}
    assert counted(generator, **large) == 42_303_891
    assert counted(generator, injects=1, **att, **large) == 24_508_899
    # FC 512 and width 48 at 384 px
    critic = {"critic_base": 48, "hidden": 512, "height": 384, "width": 384}
    assert counted(discriminator, **critic) == 119_526_574
    assert counted(generator, system="stargan", attributes=tuple(map(str, range(13)))) == 8_455_616
    units = counted(generator) - counted(generator, units="none")
    assert units == 22_652_928 + 5_690_368 + 1_436_160 + 365_824


def test_multiplications_of_a_known_layer():
    layer = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 4, 2, 1), torch.nn.ConvTranspose2d(8, 2, 4, 2, 1)
    )
    assert multiplications(layer, torch.zeros(1, 3, 8, 8)) == 8 * 3 * 16 * 16 + 8 * 2 * 16 * 16


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def conv(x, weight, bias):
    """3x3, padding 1, one pixel at a time."""
    out = np.zeros((weight.shape[0], *x.shape[1:]))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    for o, i, j in np.ndindex(*out.shape):
        out[o, i, j] = (padded[:, i : i + 3, j : j + 3] * weight[o]).sum() + bias[o]
    return out


def double(x, weight, bias):
    """Transposed convolution, k4 s2 p1: every input pixel paints 4x4."""
    _, h, w = x.shape
    out = np.zeros((weight.shape[1], 2 * h + 2, 2 * w + 2))
    for c, i, j in np.ndindex(*x.shape):
        out[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += x[c, i, j] * weight[c]
    return out[:, 1:-1, 1:-1] + bias[:, None, None]


@pytest.mark.parametrize("hands_on", ["stu", "gru", "direct"])
def test_the_transfer_unit_is_its_formulas(hands_on):
    torch.manual_seed(0)
    unit = STU(feature=3, state=5 + 2, hands_on=hands_on).double()
    f, s, d = torch.randn(1, 3, 4, 6), torch.randn(1, 5, 2, 3), torch.randn(1, 2)
    joined = torch.cat([s, d[:, :, None, None].expand(-1, -1, 2, 3)], 1)
    with torch.no_grad():
        got, state = unit(f.double(), joined.double())
    w = {k: v.detach().numpy() for k, v in unit.state_dict().items()}
    f, joined = f[0].numpy().astype(float), joined[0].numpy().astype(float)
    u = double(joined, w["up.weight"], w["up.bias"])
    both = np.concatenate([f, u])
    each = np.vectorize(sigmoid)
    r = each(conv(both, w["gates.weight"][:3], w["gates.bias"][:3]))
    g = each(conv(both, w["gates.weight"][3:], w["gates.bias"][3:]))
    s_new = r * u
    h = np.tanh(conv(np.concatenate([f, s_new]), w["candidate.weight"], w["candidate.bias"]))
    out = (1 - g) * u + g * h
    assert np.abs(got[0].numpy() - out).max() < 1e-9
    wanted = {"stu": s_new, "gru": out, "direct": u}[hands_on]
    assert np.abs(state[0].numpy() - wanted).max() < 1e-9


@pytest.mark.parametrize("system", ["stargan", "attgan", "stgan"])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (160, 128)])
def test_any_size_and_any_list(system, height, width):
    c = NetworkConfig(system=system, attributes=("A", "B"), height=height, width=width, **SMALL)
    x, a = torch.randn(2, 3, height, width), torch.randn(2, 2)
    g, d = generator(c), discriminator(c)
    made = g(x, a)
    assert made.shape == x.shape
    assert made.abs().max() <= 1
    scores, logits = d(made)
    assert logits.shape == (2, 2)
    assert torch.equal(scores, d.scores(made))
    assert torch.equal(logits, d.logits(made))


def test_where_the_condition_goes():
    """Without injects d enters at the innermost layer alone; the units get it even so."""
    c = NetworkConfig(attributes=("A", "B"), height=32, width=32, injects=0, **SMALL)
    g = generator(c)
    assert g.decoder[1][0].weight.shape[0] == g.decoder[0][0].weight.shape[1] + 16
    assert g.units[0].up.weight.shape[0] == 16 + 2
    assert g.units[1].up.weight.shape[0] == 16


def test_stargan_always_takes_the_pictures_own_statistics():
    c = NetworkConfig(system="stargan", attributes=("A",), height=32, width=32, **SMALL)
    g = generator(c)
    x, a = torch.randn(2, 3, 32, 32), torch.ones(2, 1)
    with torch.no_grad():
        assert torch.equal(g.train()(x, a), g.eval()(x, a))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("network.height=100", "multiples of 32"),
        ("network.units=sut", "'stu'"),
        ("network.hieght=64", "did you mean 'height'"),
        ("train.gan=wgann", "did you mean 'wgan'"),
        ("train.batch=1", "its own labels"),
        ("train.batch=many", "not 'many'"),
        ("data.crop=official170", "did you mean 'official'"),
        ("nonsense", "section.field=value"),
        ('network.attributes=["Bald", "Bald"]', "different names"),
    ],
)
def test_wrong_fields_are_named(change, said):
    with pytest.raises(BadOption, match=said):
        config.load("stgan-128", [change])


def test_presets_load_and_come_back():
    for name in config.names():
        made = config.load(name)
        assert config.of_dict(made.as_dict()) == made
    with pytest.raises(BadOption, match="stgan-128"):
        config.load("stgan-18")
