"""A trained StyleGAN2 at hand: made faces, a photo's w+, attributes as directions.

A photo is found in w+ by a linear encoder (a ridge regression from small pictures to w on made
faces) and then by gradient descent from there, on the picture at several sizes, held near the
distribution of w. What comes out is the nearest face that the network can make, and that is not the
person: `Inverted.psnr` and `tonsure.lab.identity` say how far.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from tonsure.attributes import index
from tonsure.errors import BadOption
from tonsure.lab import accuracy, checkpoints, products
from tonsure.lab.data import disk
from tonsure.lab.directions import Direction, apart, direction
from tonsure.lab.evaluate import judge as judges
from tonsure.lab.networks.stylegan2 import Generator
from tonsure.lab.recipe import cosine
from tonsure.lab.tasks.stylegan import CROP, FILTER, to_bytes

Bytes = npt.NDArray[np.uint8]

_SMALL = 16  # px of what the encoder sees
_RIDGE = 1e-2
_PART = 16  # faces at once


@dataclass(frozen=True)
class Faces:
    """A generator with what its pictures are cut by, and where it came from."""

    net: Generator
    crop: str
    filter: str
    step: int
    file: Path


@dataclass(frozen=True)
class Made:
    """Faces of random z: `w` (N, D), `small` (N, 768) of -1..1, and the judge's `likely` (N, 40),
    as if yes and no were equally common, of its `names`."""

    w: npt.NDArray[np.float32]
    small: npt.NDArray[np.float32]
    likely: npt.NDArray[np.float32]
    names: tuple[str, ...]

    def direction(self, name: str, keeping: Sequence[str] = ()) -> Direction:
        """Of an attribute; those of `keeping` are left alone. `BadOption` for an unknown name."""
        own = self._along(name)
        vector = apart(own.vector, [self._along(other).vector for other in keeping])
        return replace(own, vector=vector)

    def _along(self, name: str) -> Direction:
        return direction(name, self.w, self.likely[:, index(name, self.names)])


@dataclass(frozen=True)
class Inverted:
    """`ws` (1, L, D), its `picture` (H, W, 3), and how near that is to the photo's, in dB."""

    ws: Tensor
    picture: Bytes
    psnr: float


def opened(run: Path, *, raw: bool = False) -> Faces:
    """The generator of a run or a checkpoint, its moving average unless `raw`. `BadOption` for
    what is none of StyleGAN2."""
    file = checkpoints.newest(run)
    tensors, told = checkpoints.read(file)
    if told["config"].get("task") != "stylegan":
        raise BadOption(
            f"{run} is no StyleGAN2; 'tonsure lab train stylegan2-64' and 'tonsure lab convert' "
            "make one."
        )
    options = products.of_dict(told["config"]).options
    net = products.kind("stylegan").network(**options)
    weights = checkpoints.part(tensors, "model") if raw else {}
    net.load_state_dict(weights or checkpoints.part(tensors, "average"))
    place = "cuda" if torch.cuda.is_available() else "cpu"
    net = net.to(place).eval().requires_grad_(False)
    crop, how = options.get("crop", CROP), options.get("resampling", FILTER)
    return Faces(net, crop, how, int(told["step"]), file)


@torch.no_grad()
def made(faces: Faces, count: int = 2000, seed: int = 0) -> Made:
    """`count` random faces and what the judge says of them; kept in a file beside the checkpoint,
    and taken from there the next time."""
    if count < 100:
        raise BadOption("Directions need 100 made faces or more; 2,000 are usual.")
    g, kept = faces.net, faces.file.with_name(f"latent-{count}.npz")
    mark = hashlib.sha256(g.constant.detach().cpu().numpy().tobytes()).hexdigest()
    if kept.exists():
        found = np.load(kept)
        if str(found["mark"]) == mark and int(found["seed"]) == seed:
            names = tuple(str(name) for name in found["names"])
            return Made(found["w"], found["small"], found["likely"], names)
    sees = judges.open()
    z = torch.randn(count, g.shape.latent, generator=torch.Generator().manual_seed(seed))
    ws, small, likely = [], [], []
    for part in torch.split(z, _PART):
        w = g.mapping(part.to(g.mean.device))
        pictures = g.synthesise(g.spread(w))
        ws.append(w.cpu().numpy())
        small.append(_small(pictures).cpu().numpy())
        frames = accuracy.framed(to_bytes(pictures), faces.crop)
        seen = sees.probabilities(accuracy.views(frames, sees))
        likely.append(sees.balanced(seen).astype(np.float32))
    out = Made(np.concatenate(ws), np.concatenate(small), np.concatenate(likely), sees.names)
    disk.arrays(
        kept, w=out.w, small=out.small, likely=out.likely, names=np.array(out.names), mark=mark,
        seed=seed,
    )  # fmt: skip
    return out


def encoded(known: Made, pictures: Tensor) -> Tensor:
    """A first guess of w (N, D) for pictures (N, 3, H, W): ridge regression on made faces."""
    x = torch.from_numpy(known.small).double()
    y = torch.from_numpy(known.w).double()
    centre, mean = x.mean(0), y.mean(0)
    x = x - centre
    square = x.T @ x
    square.diagonal().add_(_RIDGE * square.diagonal().mean() * x.shape[1] ** 0.5)
    weight = torch.linalg.solve(square, x.T @ (y - mean))
    seen = _small(pictures).cpu().double() - centre
    guess: Tensor = (mean + seen @ weight).float().to(pictures.device)
    return guess


def inverted(
    faces: Faces, known: Made, picture: Bytes, *, steps: int = 400, rate: float = 0.03,
    near: float = 0.02,
) -> Inverted:  # fmt: skip
    """The w+ whose picture is nearest to `picture` (H, W, 3): Adam from the encoder's guess.

    `near` weighs how far w+ is from the mean, in standard deviations: without it the picture comes
    nearer, and directions do less.
    """
    if steps < 0:
        raise BadOption("--steps is 0 or more.")
    g = faces.net
    device = g.mean.device
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    target = pixels.float().to(device) / 127.5 - 1
    mean = torch.from_numpy(known.w.mean(0)).to(device)
    spread = torch.from_numpy(known.w.std(0)).to(device) + 1e-6
    with torch.no_grad():
        start = (g.spread(encoded(known, target)) - mean) / spread
    place = start.clone().requires_grad_(True)
    adam = torch.optim.Adam([place], rate)
    for step in range(steps):
        adam.param_groups[0]["lr"] = rate * cosine(step, steps, 10)
        adam.zero_grad()
        loss = _distance(g.synthesise(mean + place * spread), target)
        loss = loss + near * place.square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
    with torch.no_grad():
        ws = (mean + place * spread).detach()
        shown = g.synthesise(ws)
    found = to_bytes(shown)[0]
    error = float(np.square(found.astype(np.float64) - picture).mean())
    return Inverted(ws, found, 10 * float(np.log10(255**2 / max(error, 1e-9))))


@torch.no_grad()
def moved(faces: Faces, ws: Tensor, vector: npt.NDArray[np.float32], degree: float) -> Tensor:
    """The picture (1, 3, H, W) of w+ moved along a direction, in all layers."""
    along = torch.from_numpy(vector).to(ws.device)
    return faces.net.synthesise(ws + degree * along)


def _small(pictures: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(pictures.float(), min(_SMALL, pictures.shape[-1])).flatten(1)


def _distance(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute differences at full size, a half, a quarter and an eighth."""
    total = made.new_zeros(())
    for _ in range(4):
        total = total + (made - target).abs().mean()
        made, target = F.avg_pool2d(made, 2), F.avg_pool2d(target, 2)
    return total
