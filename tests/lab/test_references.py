"""Networks, losses and statistics against numbers of the real implementations.

`data/reference_numbers.json` was taken from csmliu/STGAN and LynnHo/AttGAN-Tensorflow (version 1)
on TensorFlow 1.15.5, PaddleCV/gan (release 1.8) on PaddlePaddle 1.8.5, yunjey/stargan and
elvisyjlin/AttGAN-PyTorch on PyTorch, with weights and pictures made by the formulas below.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from torch import Tensor, nn  # noqa: E402

from tonsure.attributes import STANDARD  # noqa: E402
from tonsure.lab import config, targets  # noqa: E402
from tonsure.lab.tasks.edits import Edits  # noqa: E402

TOLD = json.loads((Path(__file__).parents[1] / "data" / "reference_numbers.json").read_text())
NAMES = list(TOLD["references"])

FIELDS = {
    "encoder_slope": "slope", "critic_slope": "critic_slope", "critic_head": "critic_head",
    "batch_norm_epsilon": "batch_epsilon", "batch_norm_share_of_new": "batch_momentum",
    "instance_norm_epsilon": "instance_epsilon", "critic_norm": "critic_norm",
    "critic_biases": "critic_bias",
}  # fmt: skip


def made(name: str) -> config.Config:
    """The configuration that is to agree with a reference."""
    preset, _, more = name.partition(", ")
    changes = {
        "13 labels": [f"network.attributes={json.dumps(STANDARD)}"],
        "critic without norms": ["network.critic_norm=none"],
        # the port's conventions, as `convert` has them
        "torch port": ["network.batch_population=false"],
    }.get(more, [])
    return config.load("attgan-128-paddle" if more == "torch port" else preset, changes)


def value(kind: str, shape: list[int], k: int) -> Tensor:
    """Tensor number k by the formula."""
    i = np.arange(np.prod(shape), dtype=np.int64)
    fan = 4 * shape[0] if kind == "up" else int(np.prod(shape[1:]))
    if kind in ("conv", "up", "linear"):
        out = 2 / np.sqrt(fan) * np.sin(i * i % 65521 + 1.3 * k)
    else:
        angle = i + 1.3 * k
        out = {
            "scale": 1 + 0.1 * np.sin(angle), "shift": 0.1 * np.sin(angle),
            "bias": 0.1 * np.sin(angle), "mean": 0.1 * np.cos(angle),
            "variance": 1 + 0.2 * np.sin(angle) ** 2,
        }[kind]  # fmt: skip
    return torch.from_numpy(out.reshape(shape).astype(np.float32))


def ours(told: str) -> str:
    """Our name of a tensor of AttGAN's and STGAN's; gates' two halves have names of their own."""
    words, last = told.split(), told.split()[-1]
    kind = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
    leaf = kind.get(last, last)
    if words[0] in ("score", "class"):
        head = "adversarial" if words[0] == "score" else "classes"
        return f"{head}.{0 if words[1] == 'hidden' else 2}.{leaf}"
    if words[0] == "unit":
        return f"units.{int(words[1]) - 1}.{words[2]}.{leaf}"
    if words[0] in ("encoder", "decoder"):
        number = next(int(w) for w in words if w.isdigit()) - 1 if words[1] != "last" else 4
        return f"{words[0]}.{number}.{1 if 'norm' in words else 0}.{leaf}"
    if words[0] == "last":
        return f"decoder.4.0.{leaf}"
    return f"main.{words[1]}.{'norm' if words[0] == 'norm' else 'conv'}.{leaf}"


def filled(network: nn.Module, tensors: list[Any], star: bool) -> list[list[str]]:
    """Fill a network by the formula; which reference tensors each of its parameters holds."""
    values = {name: value(kind, shape, k) for k, (name, shape, kind) in enumerate(tensors)}
    state = network.state_dict()
    keys = [k for k in state if not k.endswith("num_batches_tracked")]
    held: dict[str, list[str]] = {}
    if star:
        held = {key: [name] for key, name in zip(keys, values, strict=True)}
    else:
        order = [k for k in keys if k.startswith("main.")]
        mains = iter(order)
        for name in values:
            own = ours(name)
            if own.startswith("main."):
                own = next(mains)
            for gate in ("reset", "update"):
                own = own.replace(f".{gate}.", ".gates.")
            held.setdefault(own, []).append(name)
    with torch.no_grad():
        for key in keys:
            state[key].copy_(torch.cat([values[name] for name in held[key]]))
    return [held[key] for key, _ in network.named_parameters()]


def close(got: Any, wanted: Any, tolerance: float, relative: bool = False) -> None:
    a, b = (np.asarray(torch.as_tensor(x).detach(), np.float64) for x in (got, wanted))
    off = np.abs(a - b)
    if relative:
        off = off / np.maximum(np.abs(b), 1e-4)
    assert off.max() <= tolerance, (off.max(), tolerance)


def norms(network: nn.Module, held: list[list[str]], names: list[str], wanted: list[Any]) -> Any:
    """Gradient norms of ours and the reference's; tensors that are one here are joined."""
    known = dict(zip(names, wanted, strict=True))
    # sums of up to 33 million squares: in float32 they are off by 2e-3
    got = [float(p.grad.double().norm()) for p in network.parameters()]  # type: ignore[union-attr]
    return got, [float(np.sqrt(sum(known[n] ** 2 for n in group))) for group in held]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_agreement(name: str) -> None:
    told, made_config = TOLD["references"][name], made(name)
    c = made_config.network
    for field, wanted in told["settings"].items():
        if field in FIELDS:
            assert getattr(c, FIELDS[field]) == wanted
    if "running statistics after one critic step" in told:
        assert c.batch_population == (told["settings"].get("running_variance") == "biased")

    task = Edits.__new__(Edits)  # without a pack
    task.settings, task.recipe = made_config, made_config.train
    star = c.system == "stargan"
    g, d = task.build().train(), task.build_critic().train()
    tensors = (
        TOLD["tensors"][told["generator_tensors"]],
        TOLD["tensors"][told["discriminator_tensors"]],
    )
    held = [filled(net, list_, star) for net, list_ in zip((g, d), tensors, strict=True)]

    n, channel, y, x = np.ogrid[:2, :3, :128, :128]
    picture = 0.6 * np.sin(0.11 * x + 0.17 * y + 1.1 * channel + 2.3 * n)
    picture = picture + 0.4 * np.cos(0.0031 * x * y + 0.5 * channel + n)
    real = torch.from_numpy(picture.astype(np.float32))
    source, target = (
        torch.tensor(TOLD["labels"][str(c.count)][side], dtype=torch.float32)
        for side in ("source", "target")
    )
    edit, same = targets.conditions(c, source, target)
    alpha = torch.tensor(TOLD["alpha"])[:, None, None, None]
    batch = {
        "real": real, "source": source, "target": target, "edit": edit, "same": same,
        "alpha": alpha, "beta": torch.zeros(2),
    }  # fmt: skip

    paddle, bare = "paddle" in name, "without norms" in name
    rough = star and paddle
    places = tuple(np.array(TOLD["positions"]).T)
    with torch.no_grad():
        g.eval()
        for key, condition in (("inference", edit), ("inference, as it is", same)):
            if wanted := told.get(f"generator {key}"):
                out = g(real, condition)
                close(out[places], wanted["values"], 1e-4 if rough else 1e-5)
                close(out.mean((1, 2, 3)), wanted["mean"], 1e-6)
                close(out.std((1, 2, 3), unbiased=False), wanted["std"], 1e-6)
        g.train()
        scores, logits = d(real)
        close(scores.flatten(), np.ravel(told["discriminator"]["scores"]), 2e-5)
        close(logits, told["discriminator"]["logits"], 2e-5)

    terms, wanted = task.critic_losses(d, g, batch, 0), told["critic losses"]
    close(terms["adversarial"], wanted["adversarial"], 3e-5)
    close(terms["class"], wanted["class"], 3e-5)
    tolerance = 3e-4 if bare else 5e-4 if rough else 3e-5
    close(terms["penalty"] / 10, wanted["penalty"], tolerance, relative=True)
    # one pass of G in training mode: encoder and decoder have moved once
    statistics = dict(g.named_buffers())
    for key, first in told.get("running statistics after one critic step", {}).items():
        close(statistics[ours(key)][:3], first, 1e-6)
    if norms_told := told.get("critic gradient norms"):
        torch.stack(list(terms.values())).sum().backward()
        got, expected = norms(d, held[1], [t[0] for t in tensors[1]], norms_told)
        # TensorFlow's instance norm drops a term of the second derivative
        close(got, expected, 1e-2 if "TensorFlow" in told["framework"] else 1e-4, relative=True)

    d.requires_grad_(False)
    terms, wanted = task.losses_against(d, g, g, batch, 0.0), told["generator losses"]
    t = made_config.train
    close(terms["adversarial"], wanted["adversarial"], 3e-5)
    close(terms["class"] / t.generator_class, wanted["class"], 1e-4 if rough else 3e-5)
    close(terms["reconstruction"] / t.reconstruction, wanted["reconstruction"], 3e-5)
    total = torch.stack(list(terms.values())).sum()
    close(total, wanted["total"], 1e-4, relative=True)
    if norms_told := told.get("generator gradient norms"):
        total.backward()
        got, expected = norms(g, held[0], [t[0] for t in tensors[0]], norms_told)
        close(got, expected, 1e-3, relative=True)


def test_the_formula() -> None:
    check = TOLD["check"]
    first = value("conv", [64, 3, 4, 4], 0).flatten()[:4]
    close(first, check["tensor 0 of stgan generator, first 4"], 1e-7)
    last = value("linear", [1024, 16384], 15).flatten()[-4:]
    close(last, check["last 4 of score hidden weight (tensor 15)"], 1e-7)


@pytest.mark.parametrize("batches", [10, 20, 5707])
def test_paddles_rate_falls_when_its_counter_says(batches: int) -> None:
    """The counter of both networks' updates reaches 99 epochs' worth at epoch 82.5 of 120."""
    t = made("attgan-128-paddle").train
    steps = int(t.epochs * batches / (t.critic_steps + t.fresh))
    first = next(k for k in range(steps) if t.share(k, steps) == 0.1)
    told = TOLD["paddle_learning_rate"]
    known = {row["batches_per_epoch"]: row for row in told["measured"]}
    if batches in known:
        epoch, batch = known[batches]["first_update_at_a_tenth_as_epoch_and_batch_from_0"]["critic"]
    else:
        epoch, batch = told["by_the_rule"]["5707 batches per epoch"]["critic"]
    # a step is five batches, and its updates have one rate; Paddle's G begins its rhythm of five
    # anew in each epoch, which makes a two-hundredth of an epoch
    off = first * t.critic_steps - (epoch * batches + batch)
    assert abs(off) < t.critic_steps + 0.005 * batches
    assert t.share(first - 1, steps) == 1.0


def test_initial_scales_of_paddles_batch_norms() -> None:
    torch.manual_seed(0)
    task = Edits.__new__(Edits)
    for preset, deviation in (("stgan-128-paddle", 0.02), ("stgan-128", 0.0)):
        task.settings = config.load(preset, ["network.base=16", "network.widest=64"])
        scales = torch.cat([
            m.weight.detach() for m in task.build().modules() if isinstance(m, nn.BatchNorm2d)
        ])  # fmt: skip
        assert float(scales.mean()) == pytest.approx(1, abs=0.005)
        assert float(scales.std()) == pytest.approx(deviation, abs=0.003)


def test_units_are_counted_apart_from_shortcuts() -> None:
    task = Edits.__new__(Edits)
    small = ["network.base=4", "network.widest=16", "network.height=32", "network.width=32"]
    for layers, count in ((-1, 4), (2, 2), (0, 0)):
        task.settings = config.load("stgan-128", [*small, f"network.unit_layers={layers}"])
        g: Any = task.build().eval()
        assert len(g.units) == count
        assert g(torch.zeros(1, 3, 32, 32), torch.ones(1, 13)).shape == (1, 3, 32, 32)
