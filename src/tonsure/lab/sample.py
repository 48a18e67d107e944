"""Pictures from a trained generator: the 14 tiles, and strips of growing strength.

Strength is always the difference d of unit 1: 1 is what training showed, 1.5 what the papers
measured at; the notebook's surviving relatives used 0.60, 0.68, 0.76.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tonsure.attributes import condition, difference, single, switched
from tonsure.lab import checkpoints
from tonsure.lab import config as configs
from tonsure.lab.config import Config
from tonsure.lab.networks.build import generator
from tonsure.lab.networks.config import NetworkConfig
from tonsure.lab.task import device_of

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def kind(c: NetworkConfig) -> str:
    """What G is told, as `attributes.condition` calls it."""
    return "labels" if c.system == "stargan" else c.condition


@torch.no_grad()
def edit(
    g: nn.Module, c: NetworkConfig, pictures: Bytes, source: Floats, d: Floats, batch: int = 32
) -> Bytes:
    """Pictures (N, H, W, 3) uint8 with labels (N, C) edited by d (N, C); rounded, not cut."""
    device = device_of(g)
    told = torch.from_numpy(condition(kind(c), c.scale, source, d)).to(device)
    out = []
    for k in range(0, len(pictures), batch):
        x = torch.from_numpy(np.ascontiguousarray(pictures[k : k + batch])).to(device)
        x = x.permute(0, 3, 1, 2).float() / 127.5 - 1
        y = (g(x, told[k : k + batch]).float() + 1) * 127.5
        out.append(y.permute(0, 2, 3, 1).round().clamp(0, 255).byte().cpu().numpy())
    return np.concatenate(out) if out else np.zeros_like(pictures)


def tiles(
    g: nn.Module, c: NetworkConfig, pictures: Bytes, source: Floats, strength: float = 1.0
) -> Bytes:
    """(N, 2 + C, H, W, 3): original, as it is (d = 0), each attribute flipped by `strength`; what a
    switched-on attribute excludes goes off with it, by 1 at most, as in the papers' codes. StarGAN
    knows its labels of 0 and 1 only: it is shown at 1."""
    n, count = len(pictures), c.count
    ds = [np.zeros((n, count), np.float32)]
    for k, name in enumerate(c.attributes):
        flips = difference(source, switched(source, name, c.attributes))
        d = flips * np.float32(min(strength, 1.0))
        d[:, k] = flips[:, k] * np.float32(1.0 if c.system == "stargan" else strength)
        ds.append(flips if c.system == "stargan" else d)
    made = edit(
        g, c, np.concatenate([pictures] * (count + 1)), np.tile(source, (count + 1, 1)),
        np.concatenate(ds),
    )  # fmt: skip
    made = made.reshape(count + 1, *pictures.shape).swapaxes(0, 1)
    return np.concatenate([pictures[:, None], made], 1)


def growing(
    g: nn.Module, c: NetworkConfig, pictures: Bytes, source: Floats, name: str,
    degrees: Sequence[float],
) -> Bytes:  # fmt: skip
    """(N, 1 + len(degrees), H, W, 3): original, then `name` by each d of `degrees`."""
    columns = [pictures]
    for degree in degrees:
        d = np.stack([single(name, degree, a, c.attributes) for a in source])
        columns.append(edit(g, c, pictures, source, d))
    return np.stack(columns, 1)


def strip(row: Bytes, gap: int = 0) -> Bytes:
    """(K, H, W, 3) side by side, white between."""
    k, h, w, _ = row.shape
    out = np.full((h, k * w + (k - 1) * gap, 3), 255, np.uint8)
    for i, tile in enumerate(row):
        out[:, i * (w + gap) : i * (w + gap) + w] = tile
    return out


def sheet(g: nn.Module, c: NetworkConfig, pictures: Bytes, labels: Floats) -> Bytes:
    """The tiles of several pictures, one below the other."""
    was = g.training
    rows = [strip(row) for row in tiles(g.eval(), c, pictures, labels)]
    g.train(was)
    return np.concatenate(rows)


def found(run: Path) -> tuple[checkpoints.Tensors, Config, dict[str, Any]]:
    """Tensors, configuration and the rest of the header of a run's newest checkpoint, or of the one
    that is named."""
    tensors, told = checkpoints.read(checkpoints.newest(run))
    return tensors, configs.of_dict(told["config"]), told


class Exported(nn.Module):
    """An exported generator in place of a trained one."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        from tonsure.models import session

        self.session = session.open_path(path)
        self.kind = next(p.name for p in self.session.get_inputs() if p.name != "picture")

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        fed = {"picture": x.numpy(), self.kind: told.numpy()}
        return torch.from_numpy(self.session.run(None, fed)[0])


def exported(path: Path) -> tuple[nn.Module, Config, int]:
    """The generator of an .onnx that `release` wrote, as `opened` gives one. `ModelDamaged` for
    another file."""
    from tonsure.generator import Generator

    facts = Generator.open(path).facts
    kept = ("system", "attributes", "height", "width", "scale")
    network = {name: facts[name] for name in kept}
    if facts["kind"] != "labels":
        network["condition"] = facts["kind"]
    # files of before do not say the split; measuring and sampling take it by --split
    data = {name: facts[name] for name in ("crop", "filter", "split") if name in facts}
    config = configs.of_dict({"name": facts["preset"], "network": network, "data": data})
    return Exported(path).eval(), config, int(facts["step"])


def opened(run: Path, *, raw: bool = False) -> tuple[nn.Module, Config, int]:
    """The generator of a run, a checkpoint or an .onnx, ready: its moving average, unless `raw` or
    none."""
    if run.suffix == ".onnx":
        return exported(run)
    tensors, config, told = found(run)
    g = generator(config.network)
    weights = {} if raw else checkpoints.part(tensors, "average")
    g.load_state_dict(weights or checkpoints.part(tensors, "generator"))
    return g.eval().requires_grad_(False), config, int(told["step"])
