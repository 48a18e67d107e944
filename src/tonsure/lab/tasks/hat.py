"""Hat or hair: one probability from one aligned face, for `tonsure.hair.hat`.

CelebA's Wearing_Hat on its train partition and the hats that CCP's labels know; half of every batch
wears one, an eighth is bald, an eighth has short dark hair, which is what a hat is most often seen
in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from tonsure.hair.classes import HAT
from tonsure.hair.hat import BOX, SIZE
from tonsure.lab.data import pack, wide
from tonsure.lab.evaluate.scores import auc, balanced_accuracy
from tonsure.lab.export import Port
from tonsure.lab.networks.classifier import Classifier
from tonsure.lab.tasks.judge import inputs, people, spoil, views, warp
from tonsure.lab.tasks.judge import logits as answers
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE

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

    NEEDS = ("celeba.npz", "celeba_img.npy", "identity_CelebA.txt", "wide-ccp-train.npz")

    @staticmethod
    def prepare(data: Path, out: Path, workers: int) -> None:
        """Pack `data`, which has `celeba`, `celebamask`, `wide` and `teacher`."""
        pack.masks(data, out, workers)
        teacher = data / "teacher" / "hair_segmenter.onnx"
        wide.pack(data / "wide", teacher, out, kinds=("ccp",), workers=workers)

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
        close = views(data, packed, rows)
        far, theirs = _of_wide(data / "wide-ccp-train.npz")
        afar = np.arange(len(close) + len(far)) >= len(close)
        self.pictures = torch.from_numpy(np.concatenate([close, far])).permute(0, 3, 1, 2)
        hat = np.concatenate([hat, theirs])
        self.hat = torch.from_numpy(hat)
        held = np.concatenate([held, np.arange(len(far)) % 10 == 0])
        self.held = torch.from_numpy(np.nonzero(held & ~afar)[0])
        self.held_afar = torch.from_numpy(np.nonzero(held & afar)[0])
        bald, dark = (np.concatenate([k, np.zeros(len(far), bool)]) for k in (bald, dark))
        near = ~afar
        kinds = (
            hat & near, hat & near, hat & near, hat & afar,
            bald & ~hat, dark, ~hat & near, ~hat & afar,
        )  # fmt: skip
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
        afar = self.hat[self.held_afar].numpy()
        there = 1 / (1 + np.exp(-answers(model, self.pictures[self.held_afar])[:, 0]))
        known = self.hat[self.held].numpy()
        seen = 1 / (1 + np.exp(-answers(model, self.pictures[self.held])[:, 0]))
        return {
            "auc_afar": round(auc(there, afar), 4),
            "hats_missed_afar": round(float((there[afar] < 0.25).mean()), 4),
            "none_taken_for_hats_afar": round(float((there[~afar] > 0.25).mean()), 4),
            "auc": round(auc(seen, known), 4),
            "balanced": round(balanced_accuracy(seen > 0.5, known), 4),
            "hats": int(known.sum()),
            "hats_missed": round(float((seen[known] < 0.25).mean()), 4),
            "none_taken_for_hats": round(float((seen[~known] > 0.25).mean()), 4),
        }


def _of_wide(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Views (N, 144, 112, 3) of the people of a packed set whose garments are labelled, and who of
    them (N,) wears a hat."""
    with np.load(path) as d:
        known = d["labels"] == "ccp59"
        rgb, sets = d["rgb"][known], d["sets"][known]
    corner = (np.array(BOX).reshape(2, 2) - EYES_MIDDLE) / EYE_DISTANCE - (wide.LEFT, wide.TOP)
    left, top, right, bottom = (corner * wide.DENSITY).ravel().tolist()
    size = (SIZE[1], SIZE[0])
    views = [
        np.asarray(Image.fromarray(x).resize(size, box=(left, top, right, bottom))) for x in rgb
    ]
    return np.stack(views), (sets == wide.some(HAT)).mean((1, 2)) > 0.005
