"""StyleGAN2 as a task for the loop: faces out of nothing, from packed pictures.

Karras et al. 2020: non-saturating loss, R1 on every 16th update of D and path lengths on every 4th
of G, each with its weight as many times; style mixing; and adaptive augmentation (`lab.ada`). What
differs from the official code: a penalty joins the loss of its update in place of a step of its
own (so the rates need no correction), and R1 looks at the pictures as D sees them, augmented.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.errors import BadOption
from tonsure.lab import ada
from tonsure.lab.config import Config, DataConfig
from tonsure.lab.data import packed
from tonsure.lab.export import Port
from tonsure.lab.networks.config import NetworkConfig
from tonsure.lab.networks.stylegan2 import Generator, Shape
from tonsure.lab.networks.stylegan2_critic import Discriminator
from tonsure.lab.task import device_of

Bytes = npt.NDArray[np.uint8]

CROP, FILTER = "centre-178", "lanczos"
"""As pictures are cut and made small unless a run's options say otherwise."""
_ROWS, _COLUMNS = 6, 8  # of a sheet
_MEAN = 0.995  # what the mean of w keeps of itself in an update
_PATH = 0.99  # and the mean of the path lengths


class StyleGANTask:
    """See the module.

    Parameters
    ----------
    data : a pack of `tonsure.lab.data.packed`.
    batch : pictures of an update, of each process.
    size, latent, mapping, base, widest : see `networks.stylegan2.Shape`.
    crop, resampling (`filter` there), split, flip : see `lab.config.DataConfig`.
    mixing : chance that a picture's later layers have another w.
    r1, path : weights of the two penalties, 0 for none; `r1_every`, `path_every` updates.
    ada : the mean sign of D on real pictures that augmentation aims at, 0 for no augmentation;
        `ada_pictures` until it could reach its most.
    """

    NEEDS = ("pictures.npy", "labels.npz")

    def __init__(
        self, data: Path, batch: int = 16, size: int = 64, latent: int = 512, mapping: int = 8,
        base: int = 32768, widest: int = 512, crop: str = CROP, resampling: str = FILTER,
        split: str = "celeba", flip: bool = True, mixing: float = 0.9, r1: float = 10.0,
        r1_every: int = 16, path: float = 2.0, path_every: int = 4, ada: float = 0.6,
        ada_pictures: int = 500_000,
    ) -> None:  # fmt: skip
        if batch < 2 or min(r1_every, path_every, ada_pictures) < 1:
            raise BadOption(
                "options.batch is 2 or more, r1_every, path_every, ada_pictures 1 or more."
            )
        self.config: dict[str, Any] = {
            "task": "stylegan",
            **{k: v for k, v in locals().items() if k not in ("self", "data", "__class__")},
        }
        self.shape = Shape(size, latent, mapping, base, widest)
        self.batch_size, self.flip, self.mixing = batch, flip, mixing
        self.r1, self.r1_every, self.path, self.path_every = r1, r1_every, path, path_every
        self.ada, self.ada_pictures = ada, ada_pictures
        self.pack = packed.open(data, packing(size, crop, resampling, split))
        self.rows = self.pack.rows(0)
        if len(self.rows) < batch:
            raise BadOption(f"{data} has {len(self.rows)} training pictures, fewer than a batch.")

    @staticmethod
    def prepare(
        data: Path, out: Path, workers: int = 2, size: int = 64, crop: str = CROP,
        resampling: str = FILTER, split: str = "celeba",
    ) -> None:  # fmt: skip
        """A pack of the set in `data`, as for the systems of edits."""
        packed.pack(packing(size, crop, resampling, split), data, out)

    @staticmethod
    def network(
        size: int = 64, latent: int = 512, mapping: int = 8, base: int = 32768, widest: int = 512,
        **_: Any,
    ) -> Generator:  # fmt: skip
        """The generator itself."""
        return Generator(Shape(size, latent, mapping, base, widest))

    @staticmethod
    def port(network: nn.Module) -> Port:
        """z to a picture, truncated by `keeping` (1 for not at all), noise fixed."""
        g = _generator(network)
        example = {"z": torch.randn(2, g.shape.latent), "keeping": torch.tensor(0.7)}
        return Port(_Drawing(g), example, ["picture"], {"z": {0: "N"}, "picture": {0: "N"}})

    def build(self) -> nn.Module:
        return Generator(self.shape)

    def build_critic(self) -> nn.Module:
        return Discriminator(self.shape)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        """`real` (N, 3, H, W) of -1..1; `z` (N, 2, D), of a picture's earlier and later layers;
        `cut` (N,), the first of the later ones, beyond the last where nothing is mixed."""
        g, n = generator, self.batch_size
        rows = self.rows[torch.randint(len(self.rows), (n,), generator=g).numpy()]
        real = torch.from_numpy(self.pack.pictures[rows]).permute(0, 3, 1, 2).float() / 127.5 - 1
        if self.flip:
            mirror = torch.rand(n, generator=g) < 0.5
            real = torch.where(mirror[:, None, None, None], real.flip(3), real)
        z = torch.randn(n, 2, self.shape.latent, generator=g)
        cut = torch.randint(1, self.shape.styles, (n,), generator=g)
        whole = torch.rand(n, generator=g) >= self.mixing
        return {"real": real, "z": z, "cut": torch.where(whole, self.shape.styles, cut)}

    def critic_losses(
        self, critic: nn.Module, model: nn.Module, batch: dict[str, Tensor], update: int
    ) -> dict[str, Tensor]:
        g, d = _generator(model), _discriminator(critic)
        with torch.no_grad():
            fake = g.synthesise(mixed(g, batch["z"], batch["cut"])[0], fixed=False)
        real, fake = self._seen(d, batch["real"]), self._seen(d, fake)
        # one after the other: a group of the minibatch deviation is all real or all made
        scores = d(real).float()
        terms = {"adversarial": F.softplus(-scores).mean() + F.softplus(d(fake).float()).mean()}
        if self.ada:
            with torch.no_grad():
                d.signs += torch.stack([scores.sign().sum(), scores.new_tensor(len(scores))])
                if update % ada.EVERY == ada.EVERY - 1:
                    ada.adapt(d.chance, d.signs, self.ada, self.ada_pictures)
        if self.r1 and update % self.r1_every == 0:
            with torch.autocast(real.device.type, enabled=False):
                terms["r1"] = r1(d, real) * (self.r1 / 2 * self.r1_every)
        return terms

    def losses_against(
        self, critic: nn.Module, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor],
        progress: float,
    ) -> dict[str, Tensor]:  # fmt: skip
        g, d = _generator(model), _discriminator(critic)
        ws, w = mixed(g, batch["z"], batch["cut"])
        with torch.no_grad():
            g.mean.lerp_(w.float().mean(0), 1 - _MEAN)
        fake = g.synthesise(ws, fixed=False)
        terms = {"adversarial": F.softplus(-d(self._seen(d, fake)).float()).mean()}
        if self.path and int(g.updates) % self.path_every == 0:
            half = max(1, len(batch["z"]) // 2)
            with torch.autocast(ws.device.type, enabled=False):
                ws, _ = mixed(g, batch["z"][:half], batch["cut"][:half])
                terms["path"] = path_penalty(g, ws) * (self.path * self.path_every)
        g.updates += 1
        return terms

    def _seen(self, d: Discriminator, pictures: Tensor) -> Tensor:
        return ada.augment(pictures, d.chance) if self.ada else pictures

    def sheet(self, model: nn.Module) -> Bytes:
        """48 faces of fixed z, not truncated."""
        g = _generator(model)
        return drawn(g, _ROWS * _COLUMNS, _COLUMNS)


def packing(size: int, crop: str, resampling: str, split: str) -> Config:
    """The pack of a run: pictures of `size`, cut and made small."""
    network = NetworkConfig(height=size, width=size)
    return Config("stylegan2", network, DataConfig(crop, resampling, split))


def mixed(g: Generator, z: Tensor, cut: Tensor) -> tuple[Tensor, Tensor]:
    """w+ (N, L, D) whose layers from `cut` (N,) on are of the second z of `z` (N, 2, D), and the w
    (N, D) of the first."""
    w = g.mapping(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    later = torch.arange(g.shape.styles, device=z.device)[None] >= cut[:, None]
    return torch.where(later[..., None], w[:, 1:], w[:, :1]), w[:, 0]


def r1(d: nn.Module, real: Tensor) -> Tensor:
    """The mean squared length of D's gradient at real pictures (N, 3, H, W)."""
    points = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(d(points).sum(), points, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def path_penalty(g: Generator, ws: Tensor) -> Tensor:
    """How far the lengths of the gradient of a random projection of the picture at w+ (N, L, D)
    are from their moving average, which follows (appendix B; the mean over layers, as in the
    official code)."""
    pictures = g.synthesise(ws, fixed=False)
    noise = torch.randn_like(pictures) / math.sqrt(pictures.shape[2] * pictures.shape[3])
    (gradient,) = torch.autograd.grad((pictures * noise).sum(), ws, create_graph=True)
    lengths = gradient.square().sum(2).mean(1).sqrt()
    with torch.no_grad():
        g.path.lerp_(lengths.mean(), 1 - _PATH)
        mean = g.path.clone()
    return (lengths - mean).square().mean()


@torch.no_grad()
def drawn(g: Generator, count: int, columns: int, *, seed: int = 0, keeping: float = 1.0) -> Bytes:
    """A sheet of `count` faces, `columns` side by side; noise is the fixed one."""
    z = torch.randn(count, g.shape.latent, generator=torch.Generator().manual_seed(seed))
    device = device_of(g)
    made = [to_bytes(g(part.to(device), keeping)) for part in torch.split(z, 16)]
    faces = np.concatenate(made)
    side = g.shape.size
    blank = np.full((-count % columns, side, side, 3), 255, np.uint8)
    tiles = np.concatenate([faces, blank]).reshape(-1, columns, side, side, 3)
    return np.ascontiguousarray(tiles.transpose(0, 2, 1, 3, 4).reshape(-1, columns * side, 3))


def to_bytes(pictures: Tensor) -> Bytes:
    """(N, 3, H, W) of -1..1 as (N, H, W, 3)."""
    scaled = ((pictures.float() + 1) * 127.5).round().clamp(0, 255).byte()
    out: Bytes = scaled.permute(0, 2, 3, 1).cpu().numpy()
    return out


class _Drawing(nn.Module):
    """A generator without its choice of noise: an exporter takes every argument for an input."""

    def __init__(self, g: Generator) -> None:
        super().__init__()
        self.g = g

    def forward(self, z: Tensor, keeping: Tensor) -> Tensor:
        made: Tensor = self.g(z, keeping)
        return made


def _generator(model: nn.Module) -> Generator:
    assert isinstance(model, Generator)
    return model


def _discriminator(critic: nn.Module) -> Discriminator:
    assert isinstance(critic, Discriminator)
    return critic
