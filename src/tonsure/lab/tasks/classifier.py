"""STGAN's classifier, trained here: the second judge, in that code's architecture and input.

CelebA's 40 labels from the official crop at 128 px; mean cross-entropy and L2 of the weights, 1e-4,
by Adam at 2e-4, batches of 64, as published. There: 25 epochs of train and val, no mirrors. Here
mirrored, and a third of each batch is made half as sharp, since edits of 64 px are judged, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab import config
from tonsure.lab.data import packed, split
from tonsure.lab.data.packed import Packed
from tonsure.lab.evaluate import judge as judges
from tonsure.lab.evaluate.scores import auc
from tonsure.lab.export import Port
from tonsure.lab.networks.stacked import Stacked
from tonsure.lab.task import device_of

SIDE = 128
_L2 = 1e-4


class Classified(nn.Module):
    """Logits as probabilities."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return torch.sigmoid(self.network(picture))

    @staticmethod
    def port(network: nn.Module) -> Port:
        """As a judge's file."""
        example = {"picture": torch.rand(2, 3, SIDE, SIDE) * 2 - 1}
        free = {"picture": {0: "N"}, "probability": {0: "N"}}
        return Port(Classified(network.eval()), example, ["probability"], free)


class ClassifierTask:
    """See the module. `pack` is one of `data.packed` with all labels, at the official crop."""

    NEEDS = ("pictures.npy", "labels.npz")

    @staticmethod
    def prepare(data: Path, out: Path, workers: int) -> None:
        """Pack CelebA as it was downloaded."""
        del workers
        packed.pack(_config(()), data, out)

    @classmethod
    def open(cls, data: Path, batch: int = 64) -> ClassifierTask:
        """From a pack."""
        names = [str(name) for name in np.load(data / "labels.npz")["attributes"]]
        return cls(packed.open(data, _config(names)), batch)

    @staticmethod
    def network(outputs: int = 40, **_: Any) -> nn.Module:
        return Stacked(outputs, SIDE)

    def __init__(self, pack: Packed, batch: int = 64) -> None:
        self.pack, self.size, self.names = pack, batch, list(pack.attributes)
        self.rows = torch.from_numpy(pack.rows(split.TRAIN))
        self.held = pack.held_out()[:1000]
        self.labels = torch.from_numpy(pack.labels)
        self.config: dict[str, Any] = {"task": "classifier", "batch": batch}

    def build(self) -> nn.Module:
        return self.network(len(self.names))

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        g, n = generator, self.size
        rows = self.rows[torch.randint(len(self.rows), (n,), generator=g)]
        x = torch.from_numpy(self.pack.pictures[rows.numpy()]).permute(0, 3, 1, 2).float()
        mirror = torch.rand(n, 1, 1, 1, generator=g) < 0.5
        x = torch.where(mirror, x.flip(3), x)
        small = F.interpolate(x[: n // 3], scale_factor=0.5, mode="bilinear", antialias=True)
        x[: n // 3] = F.interpolate(small, size=x.shape[2:], mode="bicubic")
        return {"picture": x.clamp(0, 255) / 127.5 - 1, "known": self.labels[rows]}

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        logits = model(batch["picture"].contiguous(memory_format=torch.channels_last)).float()
        weights = [p for p in model.parameters() if p.ndim > 1]
        return {
            "entropy": F.binary_cross_entropy_with_logits(logits, batch["known"]),
            "l2": _L2 / 2 * torch.stack([p.float().square().sum() for p in weights]).sum(),
        }

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On up to a thousand held-out pictures: mean accuracy, area under the curve."""
        seen, device = [], device_of(model)
        with torch.no_grad():
            for rows in np.array_split(self.held, max(1, len(self.held) // 64)):
                x = torch.from_numpy(self.pack.pictures[rows]).to(device)
                seen.append(model(x.permute(0, 3, 1, 2).float() / 127.5 - 1).cpu().numpy())
        logits, known = np.concatenate(seen), self.pack.labels[self.held] > 0.5
        areas = [auc(logits[:, k], known[:, k]) for k in range(len(self.names))]
        return {
            "accuracy": round(float(((logits > 0) == known).mean()), 4),
            "auc": round(float(np.nanmean(areas)), 4),
        }

    def release(self, network: nn.Module, data: Path, out: Path) -> dict[str, Any]:
        """As a judge: `out` (.onnx) and the description beside it; the file, its bytes, the gap
        from torch, and figures of the held-out pictures."""
        del data
        figures = self.evaluate(network.eval())
        gap = Classified.port(network).write(out)
        shares = self.labels[self.rows].double().mean(0).numpy()
        judges.describe(out, self.names, shares, "official", (SIDE, SIDE))
        return {"file": str(out), "bytes": out.stat().st_size, "gap": gap, **figures}


def _config(names: Any) -> config.Config:
    listed = ", ".join(f'"{name}"' for name in names)
    more = [f"network.attributes=[{listed}]"] if listed else []
    return config.load("stgan-128", ["data.split=celeba", *more])
