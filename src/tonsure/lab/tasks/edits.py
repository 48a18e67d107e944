"""Attribute edits: what StarGAN, AttGAN and STGAN have in common as a task for the loop.

The model is G, the critic D. A batch is `Feed`'s: pictures, labels, targets, what G is told.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tonsure.errors import BadOption
from tonsure.lab import losses, sample
from tonsure.lab.config import Config
from tonsure.lab.data.feed import Feed
from tonsure.lab.data.packed import Packed
from tonsure.lab.group import Group
from tonsure.lab.networks import stargan
from tonsure.lab.networks.build import discriminator, generator


class Edits:
    """See the module. `config.train.steps` 0 is replaced by what the epochs come to."""

    names = ("generator", "discriminator")

    def __init__(self, config: Config, packed: Packed, group: Group) -> None:
        if config.train.cycle and config.network.system != "stargan":
            raise BadOption("train.cycle is for StarGAN; set it to false.")
        self.feed = Feed(packed, config, group)
        steps = length(config, self.feed)
        config = dataclasses.replace(config, train=dataclasses.replace(config.train, steps=steps))
        self.recipe, self.settings = config.train, config
        self.config: dict[str, Any] = config.as_dict()
        fixed = packed.held_out()[: config.train.samples]
        self.shown = np.asarray(packed.pictures[fixed]), packed.labels[fixed]

    def build(self) -> nn.Module:
        return generator(self.settings.network)

    def build_critic(self) -> nn.Module:
        return discriminator(self.settings.network)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        """A batch drawn at random; the loop takes them by number."""
        return self.feed.batch(int(torch.randint(1 << 40, (), generator=generator)))

    def batch_at(self, number: int) -> dict[str, Tensor]:
        return self.feed.batch(number)

    def critic_losses(
        self, critic: nn.Module, model: nn.Module, batch: dict[str, Tensor], update: int
    ) -> dict[str, Tensor]:
        """D's terms. G stays in training mode, so that its batch statistics move here, too."""
        d: Any = critic
        real = batch["real"]
        with torch.no_grad():
            fake = model(real, batch["edit"])
        fake = fake.float()
        # one pass for both: D knows no batch statistics
        scores, logits = d(torch.cat([real, fake]))
        n = len(real)
        found = (scores[:n], scores[n:], logits[:n])
        with torch.autocast(real.device.type, enabled=False):  # gradients of gradients in float32
            return losses.critic(
                self.recipe, d.scores, d.logits, real, fake, found, batch["source"],
                (batch["alpha"], batch["beta"]), update,
            )  # fmt: skip

    def losses_against(
        self, critic: nn.Module, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor],
        progress: float,
    ) -> dict[str, Tensor]:  # fmt: skip
        """G's terms."""
        real, g = batch["real"], model
        if isinstance(g, stargan.Generator):
            fake = g(real, batch["edit"])
            again = g(fake if self.recipe.cycle else real, batch["same"])
        else:  # the encoder runs once for both
            coder: Any = g
            features = coder.encode(real)
            fake = coder.decode(features, batch["edit"])
            again = coder.decode(features, batch["same"])
        return losses.generator(self.recipe, critic(fake), batch["target"], real, again)

    def sheet(self, model: nn.Module) -> npt.NDArray[np.uint8]:
        """The tiles of a few fixed pictures."""
        return sample.sheet(model, self.settings.network, *self.shown)


def length(config: Config, feed: Feed) -> int:
    """Steps in all: as said, or from epochs; a step takes `critic_steps` batches, or one more."""
    t = config.train
    return t.steps or max(1, int(t.epochs * feed.per_epoch / (t.critic_steps + t.fresh)))
