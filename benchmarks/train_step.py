"""Our STGAN step beside a plain fp32 loop in the style of the public ports: same machine, same run.

    python benchmarks/train_step.py [--preset stgan-128] [--batch 8] [--rounds 3] [--threads 1]

The plain loop is written from the ports' habits: pictures decoded from JPEG for every batch, G run
with its graph although D throws it away, D run apart for real and fake, the encoder run anew for
the reconstruction, gates apart, no channels-last. Both do the same updates of the same networks
(WGAN-GP, five of D to one of G); rounds alternate, and the best of each part counts. "own recipe"
is what the preset itself does for one update of G: for the laptop presets that is much less. On a
GPU it also measures pictures a second through D's update.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from tonsure.lab import config
from tonsure.lab.data.packed import Packed
from tonsure.lab.group import Group
from tonsure.lab.match import Match
from tonsure.lab.networks import stgan
from tonsure.lab.networks.build import discriminator, generator
from tonsure.lab.tasks.edits import Edits


class PlainSTU(nn.Module):
    """The unit as the ports write it: three convolutions."""

    def __init__(self, unit: stgan.STU) -> None:
        super().__init__()
        f = unit.candidate.out_channels
        self.up = nn.ConvTranspose2d(unit.up.in_channels, f, 4, 2, 1)
        self.reset = nn.Sequential(nn.Conv2d(2 * f, f, 3, 1, 1), nn.Sigmoid())
        self.update = nn.Sequential(nn.Conv2d(2 * f, f, 3, 1, 1), nn.Sigmoid())
        self.info = nn.Sequential(nn.Conv2d(2 * f, f, 3, 1, 1), nn.Tanh())

    def forward(self, f: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        u = self.up(s)
        r, z = self.reset(torch.cat([f, u], 1)), self.update(torch.cat([f, u], 1))
        s = r * u
        return (1 - z) * u + z * self.info(torch.cat([f, s], 1)), s


class Plain:
    """Networks and updates of the plain loop."""

    def __init__(self, made: config.Config, device: torch.device) -> None:
        g = generator(made.network)
        g.units = nn.ModuleList(PlainSTU(unit) for unit in g.units)
        self.g, self.d = g.to(device).train(), discriminator(made.network).to(device).train()
        self.g_adam = torch.optim.Adam(self.g.parameters(), 2e-4, (0.5, 0.999))
        self.d_adam = torch.optim.Adam(self.d.parameters(), 2e-4, (0.5, 0.999))

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        alpha = torch.rand(len(real), 1, 1, 1, device=real.device)
        x = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
        out = self.d(x)[0]
        (grad,) = torch.autograd.grad(
            out, x, torch.ones_like(out), create_graph=True, retain_graph=True
        )
        return ((grad.view(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()

    def critic(self, real: Tensor, a: Tensor, diff: Tensor, penalty: bool = True) -> None:
        for p in self.d.parameters():
            p.requires_grad = True
        fake = self.g(real, diff).detach()
        on_real, logits = self.d(real)
        on_fake, _ = self.d(fake)
        loss = on_fake.mean() - on_real.mean() + F.binary_cross_entropy_with_logits(logits, a)
        if penalty:
            loss = loss + 10 * self.penalty(real, fake)
        self.d_adam.zero_grad()
        loss.backward()
        self.d_adam.step()

    def generator(self, real: Tensor, b: Tensor, diff: Tensor) -> None:
        for p in self.d.parameters():
            p.requires_grad = False
        fake, again = self.g(real, diff), self.g(real, torch.zeros_like(diff))
        score, logits = self.d(fake)
        loss = -score.mean() + 10 * F.binary_cross_entropy_with_logits(logits, b)
        loss = loss + 100 * F.l1_loss(again, real)
        self.g_adam.zero_grad()
        loss.backward()
        self.g_adam.step()


def jpegs(count: int) -> list[bytes]:
    """Pictures as CelebA has them."""
    random, out = np.random.default_rng(0), []
    for _ in range(count):
        small = random.integers(0, 256, (14, 12, 3)).astype(np.uint8)
        image = Image.fromarray(small).resize((178, 218), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=95)
        out.append(buffer.getvalue())
    return out


def decoded(files: list[bytes], size: int) -> Tensor:
    """As a port's data loader makes a batch."""
    arrays = []
    for data in files:
        image = Image.open(io.BytesIO(data)).convert("RGB").crop((4, 24, 174, 194))
        arrays.append(np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)))
    x = torch.stack([torch.from_numpy(a.copy()).permute(2, 0, 1).float() / 255 for a in arrays])
    return (x - 0.5) / 0.5


def seconds(act: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    # processor time, where there is no other device: a busy machine then disturbs it less
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    began = clock()
    act()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="stgan-128")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    changes = [f"train.batch={options.batch}", *options.set]
    own = config.load(options.preset, changes)
    same = ["gan=wgan", "penalty=line", "penalty_every=1", "class_penalty=0.0", "critic_steps=5"]
    made = config.load(options.preset, [*changes, *(f"train.{change}" for change in same)])
    c, n = made.network, options.batch
    files = jpegs(n)
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (4 * n, c.height, c.width, 3)).astype(np.uint8)
    labels = random.integers(0, 2, (4 * n, c.count)).astype(np.float32)
    names = np.array([str(k) for k in range(4 * n)])
    pack = Packed(pictures, labels, c.attributes, np.zeros(4 * n, np.int8), names)
    group = Group(0, 1, device)
    edits, plain = Edits(made, pack, group), Plain(made, device)
    ours = Match(edits, edits.recipe, group)
    own_edits = Edits(own, pack, group)
    lazy = Match(own_edits, own_edits.recipe, group)
    batch = {k: v.to(device) for k, v in edits.batch_at(0).items()}
    a, b = batch["source"], batch["target"]
    real, diff = batch["real"].contiguous(), batch["edit"]
    if made.train.channels_last:
        batch["real"] = real.contiguous(memory_format=torch.channels_last)
    acts: dict[str, dict[str, Callable[[], object]]] = {
        "plain": {
            "data": lambda: decoded(files, c.height).to(device),
            "critic": lambda: plain.critic(real, a, diff),
            "critic without penalty": lambda: plain.critic(real, a, diff, penalty=False),
            "generator": lambda: plain.generator(real, b, diff),
        },
        "ours": {
            "data": lambda: edits.batch_at(int(random.integers(4))),
            "critic": lambda: ours.learn_critic(batch, 0),
            "critic without penalty": lambda: ours.learn_critic(batch, 1),
            "generator": lambda: ours.learn_model(batch, 0.0),
        },
        "own recipe": {
            "critic": lambda: lazy.learn_critic(batch, 0),
            "critic without penalty": lambda: lazy.learn_critic(batch, 1),
            "generator": lambda: lazy.learn_model(batch, 0.0),
        },
    }
    best: dict[str, dict[str, float]] = {who: {} for who in acts}
    for _ in range(options.rounds + 1):  # the first one warms up
        for who, parts in acts.items():
            for name, act in parts.items():
                # update 1 has a penalty unless penalties come on every second update at most
                object.__setattr__(edits.recipe, "penalty_every", 2 if "without" in name else 1)
                took = seconds(act, device)
                best[who][name] = min(took, best[who].get(name, 1e9))
    table: dict[str, dict[str, float]] = {}
    for who, parts in best.items():
        table[who] = {k: round(v, 4) for k, v in parts.items()}
        if "critic without penalty" in parts:
            off = parts["critic"] - parts["critic without penalty"]
            table[who]["penalty"] = round(off, 4)
        table[who]["pictures/s through D"] = round(n / parts["critic"], 1)
    data = best["ours"]["data"]
    steps = {
        "plain": 5 * (best["plain"]["critic"] + best["plain"]["data"]) + best["plain"]["generator"],
        "ours": 5 * best["ours"]["critic"] + best["ours"]["generator"] + 6 * data,
        "own recipe": _own(own.train, best["own recipe"], data),
    }
    for who, step in steps.items():
        table[who]["whole step"] = round(step, 4)
    told = {"preset": options.preset, "batch": n, "device": str(device)}
    told |= {"threads": options.threads, "seconds": table}
    told["times as fast"] = {
        "the same updates": round(steps["plain"] / steps["ours"], 2),
        "one update of G by the preset's own recipe": round(
            steps["plain"] / steps["own recipe"], 2
        ),
    }
    print(json.dumps(told, indent=1))


def _own(t: config.TrainConfig, parts: dict[str, float], data: float) -> float:
    """Seconds of the preset's own step: its updates of D, some with penalties, and one of G."""
    often = 1 / t.penalty_every if t.penalty_every > 1 else 1.0
    critic = often * parts["critic"] + (1 - often) * parts["critic without penalty"]
    return t.critic_steps * critic + parts["generator"] + data * (t.critic_steps + t.fresh)


if __name__ == "__main__":
    main()
