"""Hat or hair: one probability from one aligned face, for `tonsure.hair.hat`.

CelebA's Wearing_Hat on its train partition; half of every batch wears one, a sixth is bald, a
sixth has short dark hair, which is what a hat is most often seen in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.data import pack
from tonsure.lab.evaluate.scores import auc, balanced_accuracy
from tonsure.lab.export import Port
from tonsure.lab.networks.classifier import Classifier
from tonsure.lab.tasks.judge import inputs, people, spoil, views, warp
from tonsure.lab.tasks.judge import logits as answers

WIDTHS = (12, 24, 40, 64, 96)


class Hat(nn.Module):
    """A trained net for use: (N, 3, 144, 112) in -1..1 -> (N,) in 0..1, with the mirror's view."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, picture: Tensor) -> Tensor:
        return torch.sigmoid((self.body(picture) + self.body(picture.flip(3))) / 2)[:, 0]


class HatTask:
    """See the module; `data` and `identities` as for the judge, whose views are these."""

    NEEDS = ("celeba.npz", "celeba_img.npy", "identity_CelebA.txt")
    prepare = staticmethod(pack.masks)

    @classmethod
    def open(cls, data: Path, batch: int = 48) -> HatTask:
        """From a folder that holds all of it."""
        return cls(data, data / "identity_CelebA.txt", batch)

    @staticmethod
    def network(**_: Any) -> nn.Module:
        """The net itself, (N, 3, 144, 112) -> logit (N, 1)."""
        return Classifier(1, WIDTHS)

    @staticmethod
    def port(network: nn.Module) -> Port:
        """For `tonsure.hair.hat`."""
        example = {"picture": torch.rand(2, 3, 144, 112) * 2 - 1}
        return Port(Hat(network), example, ["hat"], {"picture": {0: "N"}, "hat": {0: "N"}})

    def __init__(self, data: Path, identities: Path, batch: int = 48) -> None:
        self.config: dict[str, Any] = {"task": "hat", "batch": batch, "widths": list(WIDTHS)}
        self.size = batch
        packed = np.load(data / "celeba.npz")
        names = [str(name) for name in packed["attr_names"]]
        rows = np.nonzero((packed["part"] == 0) & (packed["flag"] > 0.5))[0]
        sign = {k: packed["attr"][rows, names.index(k)] > 0 for k in names}
        hat, bald = sign["Wearing_Hat"], sign["Bald"]
        dark = sign["Black_Hair"] & sign["Male"] & ~hat
        held = people(identities, packed["names"][rows]) % 10 == 0
        self.pictures = torch.from_numpy(views(data, packed, rows)).permute(0, 3, 1, 2)
        self.hat = torch.from_numpy(hat)
        self.held = torch.from_numpy(np.nonzero(held)[0])
        kinds = (hat, hat, hat, bald & ~hat, dark, ~hat)
        self.pools = [torch.from_numpy(np.nonzero(kind & ~held)[0]) for kind in kinds]

    def build(self) -> nn.Module:
        return self.network()

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        g, each = generator, self.size // len(self.pools)
        rows = torch.cat([p[torch.randint(len(p), (each,), generator=g)] for p in self.pools])
        pictures = self.pictures[rows].float().contiguous()
        return {"picture": inputs(spoil(warp(pictures, g), g)), "hat": self.hat[rows].float()}

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        logits = model(batch["picture"].contiguous(memory_format=torch.channels_last)).float()
        wanted = 0.02 + 0.96 * batch["hat"]  # some of CelebA's labels are wrong
        return {"entropy": F.binary_cross_entropy_with_logits(logits[:, 0], wanted)}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On the people held back."""
        known = self.hat[self.held].numpy()
        seen = 1 / (1 + np.exp(-answers(model, self.pictures[self.held])[:, 0]))
        return {
            "auc": round(auc(seen, known), 4),
            "balanced": round(balanced_accuracy(seen > 0.5, known), 4),
            "hats": int(known.sum()),
            "hats_missed": round(float((seen[known] < 0.25).mean()), 4),
            "none_taken_for_hats": round(float((seen[~known] > 0.25).mean()), 4),
        }
