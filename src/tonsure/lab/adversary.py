"""Training of the three systems, in four acts: data, critic, generator, book-keeping.

`train(config, pack, run)` goes on where the run stopped: call it again with the same arguments.
On a CPU the result is the same to the bit as without the stop.
"""

from __future__ import annotations

import copy
import signal
import time
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from tonsure.errors import BadOption
from tonsure.lab import losses, runs, sample
from tonsure.lab.config import Config
from tonsure.lab.data.feed import Batch, Feed
from tonsure.lab.data.packed import Packed
from tonsure.lab.group import Group
from tonsure.lab.networks import stargan
from tonsure.lab.networks.build import discriminator, generator
from tonsure.lab.train import NotANumber


class Players:
    """Both networks, G's moving average, the optimisers, and the two updates."""

    def __init__(self, config: Config, group: Group) -> None:
        t = config.train
        self.config, self.group = config, group
        torch.manual_seed(t.seed)
        layout = torch.channels_last if t.channels_last else torch.contiguous_format
        place: dict[str, Any] = {"device": group.device, "memory_format": layout}
        self.g = generator(config.network).to(**place).train()
        self.d = discriminator(config.network).to(**place).train()
        self.average = copy.deepcopy(self.g).requires_grad_(False).eval()
        betas = (t.beta1, t.beta2)
        self.g_adam = torch.optim.Adam(self.g.parameters(), t.generator_rate, betas)
        self.d_adam = torch.optim.Adam(self.d.parameters(), t.critic_rate, betas)
        if t.compile:
            self.g.forward = torch.compile(self.g.forward)  # type: ignore[assignment, method-assign]

    def critic(self, batch: Batch, update: int) -> dict[str, Tensor]:
        """One update of D; its terms."""
        t = self.config.train
        total: dict[str, Tensor] = {}
        self.d.requires_grad_(True)
        self.d_adam.zero_grad(set_to_none=True)
        for part in batch.parts(t.accumulate):
            with torch.no_grad(), self._cast():
                fake = self.g(part.real, part.edit)
            fake = fake.float()
            with self._cast():  # one pass for both: D knows no batch statistics
                scores, logits = self.d(torch.cat([part.real, fake]))
            n = len(part.real)
            found = (scores[:n], scores[n:], logits[:n])
            noise = (part.alpha, part.beta)
            d = self.d
            terms = losses.critic(
                t, d.scores, d.logits, part.real, fake, found, part.source, noise, update
            )
            _backward(terms, t.accumulate, total)
        self.group.average_gradients(self.d.parameters())
        self.d_adam.step()
        return total

    def generator(self, batch: Batch) -> dict[str, Tensor]:
        """One update of G; its terms."""
        t = self.config.train
        total: dict[str, Tensor] = {}
        self.d.requires_grad_(False)
        self.g_adam.zero_grad(set_to_none=True)
        for part in batch.parts(t.accumulate):
            with self._cast():
                if isinstance(self.g, stargan.Generator):
                    fake = self.g(part.real, part.edit)
                    again = self.g(fake if t.cycle else part.real, part.same)
                elif t.cycle:
                    raise BadOption("train.cycle is for StarGAN; set it to false.")
                else:  # the encoder runs once for both
                    features = self.g.encode(part.real)
                    fake = self.g.decode(features, part.edit)
                    again = self.g.decode(features, part.same)
                found = self.d(fake)
            terms = losses.generator(t, found, part.target, part.real, again)
            _backward(terms, t.accumulate, total)
        self.group.average_gradients(self.g.parameters())
        self.g_adam.step()
        return total

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """The moving average takes a little of G, statistics included."""
        share = 1 - min(self.config.train.average, (1 + step) / (10 + step))
        pairs = zip(self.average.state_dict().values(), self.g.state_dict().values(), strict=True)
        for mean, value in pairs:
            if mean.dtype.is_floating_point:
                mean.lerp_(value, share)
            else:
                mean.copy_(value)

    def set_rate(self, share: float) -> None:
        t = self.config.train
        for adam, rate in ((self.g_adam, t.generator_rate), (self.d_adam, t.critic_rate)):
            for group in adam.param_groups:
                group["lr"] = rate * share

    def pack(self) -> dict[str, Tensor]:
        """All of it as named tensors on the CPU."""
        out: dict[str, Tensor] = {}
        for name, net in self._networks().items():
            out |= {f"{name}.{k}": v for k, v in net.state_dict().items()}
        for name, adam in (("generator_adam", self.g_adam), ("discriminator_adam", self.d_adam)):
            for index, state in adam.state_dict()["state"].items():
                out |= {f"{name}.{index}.{k}": v for k, v in state.items()}
        return {k: v.detach().to("cpu", copy=True).contiguous() for k, v in out.items()}

    def unpack(self, tensors: dict[str, Tensor]) -> None:
        for name, net in self._networks().items():
            net.load_state_dict(runs.part(tensors, name))
        for name, adam in (("generator_adam", self.g_adam), ("discriminator_adam", self.d_adam)):
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in runs.part(tensors, name).items():
                index, field = key.split(".", 1)
                state.setdefault(int(index), {})[field] = value
            groups = adam.state_dict()["param_groups"]
            adam.load_state_dict({"state": state, "param_groups": groups})

    def _networks(self) -> dict[str, nn.Module]:
        return {"generator": self.g, "average": self.average, "discriminator": self.d}

    def _cast(self) -> AbstractContextManager[Any]:
        on = self.config.train.precision == "bf16"
        return torch.autocast(self.group.device.type, torch.bfloat16, enabled=on)


def _backward(terms: dict[str, Tensor], parts: int, total: dict[str, Tensor]) -> None:
    """Add up gradients of the terms' sum, and the terms themselves in `total`."""
    loss = torch.stack(list(terms.values())).sum() / parts
    loss.backward()  # type: ignore[no-untyped-call]
    for name, value in terms.items():
        total[name] = total.get(name, torch.zeros_like(value)) + value.detach() / parts


def rate(schedule: str, decay_from: float, progress: float) -> float:
    """Share of the learning rate at a share of the length."""
    if schedule == "constant" or progress < decay_from:
        return 1.0
    return 0.1 if schedule == "drop" else max(0.0, (1 - progress) / (1 - decay_from))


def length(config: Config, feed: Feed) -> int:
    """Steps in all: as said, or from epochs; a step takes `critic_steps` batches, or one more."""
    t = config.train
    if t.steps:
        return t.steps
    return max(1, int(t.epochs * feed.per_epoch / (t.critic_steps + t.fresh)))


def train(
    config: Config, packed: Packed, run: Path, group: Group, *,
    board: bool = False, quiet: bool = False,
) -> bool:  # fmt: skip
    """Train into folder `run`. False if it was interrupted (the state is saved then).

    Raises `NotANumber` when a loss is not finite: the last good checkpoint stays the last.
    """
    t = config.train
    run.mkdir(parents=True, exist_ok=True)
    players, feed = Players(config, group), Feed(packed, config, group)
    steps, first, spent = length(config, feed), 0, 0.0
    sums: dict[str, float] = {}
    if found := runs.checkpoints(run):
        tensors, earlier, told = runs.opened(found[-1])
        _agree(config, earlier, run)
        players.unpack(tensors)
        first, spent = int(told["step"]), float(told["seconds"])
    log = runs.Log(run, first, board=board, quiet=quiet) if group.leads else None
    fixed = packed.held_out()[: t.samples]
    pictures, labels = np.asarray(packed.pictures[fixed]), packed.labels[fixed]
    began, stop, marked, counted = time.perf_counter(), _Stop(), time.perf_counter(), 0

    def keep(step: int) -> None:
        if group.leads:
            seconds = spent + time.perf_counter() - began
            told = {"seconds": round(seconds, 1), "images": step * per_step * t.batch}
            runs.keep(run, step, players.pack(), config, told, t.keep)

    per_step = t.critic_steps + t.fresh
    try:
        for step in range(first, steps):
            players.set_rate(rate(t.schedule, t.decay_from, step / steps))
            terms: dict[str, Tensor] = {}
            for k in range(t.critic_steps):
                batch = feed.batch(step * per_step + k)
                update = step * t.critic_steps + k
                found_terms = players.critic(batch, update)
                terms |= {f"critic_{name}": value for name, value in found_terms.items()}
            if t.fresh:
                batch = feed.batch(step * per_step + t.critic_steps)
            found_terms = players.generator(batch)
            terms |= {f"generator_{name}": value for name, value in found_terms.items()}
            players.follow(step)
            # book-keeping
            values = torch.stack([*terms.values(), terms["critic_class"].new_tensor(stop.asked)])
            *means, asked = group.mean(values).tolist()
            if not np.isfinite(means).all():
                last = runs.checkpoints(run)
                raise NotANumber(
                    f"A loss is not finite at step {step}; the last good checkpoint is "
                    f"{last[-1] if last else 'none'}. A smaller rate or train.precision=fp32 helps."
                )
            for name, value in zip(terms, means, strict=True):
                sums[name] = sums.get(name, 0.0) + value
            done, counted = step + 1, counted + 1
            if log is not None and (done % t.log_every == 0 or done == steps or done == first + 1):
                now = time.perf_counter()
                told = {name: round(value / counted, 6) for name, value in sums.items()}
                told["images_s"] = round(counted * per_step * t.batch / (now - marked), 1)
                told["seconds"] = round(spent + now - began, 1)
                log.write(done, told)
                log.say(done, steps, told)
                sums, marked, counted = {}, now, 0
            if log is not None and (done % t.sample_every == 0 or done == steps):
                sheet = sample.sheet(players.average, config.network, pictures, labels)
                log.picture(done, "edits", sheet)
                (run / "samples").mkdir(exist_ok=True)
                Image.fromarray(sheet).save(run / "samples" / f"step-{done:08d}.png")
            if done % t.save_every == 0 or done == steps or asked > 0:
                keep(done)
            if asked > 0:
                return False
        return True
    finally:
        stop.close()
        if log is not None:
            log.close()


class _Stop:
    """Ctrl-C asks once; a second one ends at once."""

    def __init__(self) -> None:
        self.asked = 0.0
        try:
            self._before: Any = signal.signal(signal.SIGINT, self._ask)
        except ValueError:  # not the main thread
            self._before = None

    def _ask(self, *_: object) -> None:
        self.asked = 1.0
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def close(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def _agree(now: Config, earlier: Config, run: Path) -> None:
    """`BadOption` unless the run can go on: the same networks, data, batch and seed."""
    for section in ("network", "data"):
        here, there = asdict(getattr(now, section)), asdict(getattr(earlier, section))
        for name, value in here.items():
            if there[name] != value:
                raise BadOption(
                    f"{run} was begun with {section}.{name} = {there[name]}, not {value}; "
                    "use another folder."
                )
