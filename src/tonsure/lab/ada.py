"""Adaptive discriminator augmentation: D sees real and made pictures changed alike, as much as it
overfits.

Karras et al., "Training Generative Adversarial Networks with Limited Data", 2020: pixel blitting,
geometry and colour (their pipeline "bgc"), each change drawn for each picture with the same chance.
Geometry is one affine warp, bilinear, mirrored at the border, without their wavelet filter.
"""

from __future__ import annotations

import math

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

EVERY = 4
"""Updates of D between two adaptations."""


def adapt(chance: Tensor, signs: Tensor, target: float, pictures: float) -> None:
    """Move `chance` (in place) towards D's sign on real pictures being `target` on the mean, from 0
    to 1 within `pictures`; `signs` (sum, count) begins anew."""
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(signs)
    total, count = signs.tolist()
    if count:
        step = math.copysign(count / pictures, total / count - target)
        chance.add_(step).clamp_(0, 1)
    signs.zero_()


def augment(pictures: Tensor, chance: float | Tensor) -> Tensor:
    """Pictures (N, 3, H, W) of -1..1, float32, changed with a `chance` of 0..1 each."""
    p = float(chance)
    if p <= 0:
        return pictures
    with torch.autocast(pictures.device.type, enabled=False):
        return _coloured(_moved(pictures.float(), p), p)


def _moved(x: Tensor, p: float) -> Tensor:
    n, device = len(x), x.device
    moves = torch.eye(3, device=device).expand(n, 3, 3)

    def drawn(share: float) -> Tensor:
        return torch.rand(n, device=device) < share

    def then(kind: Tensor, yes: Tensor) -> None:
        nonlocal moves
        same = torch.eye(3, device=device)
        moves = torch.where(yes[:, None, None], kind, same) @ moves

    def scale(sigma: float) -> Tensor:
        return torch.exp2(sigma * torch.randn(n, device=device))

    one = torch.ones(n, device=device)
    mirror = torch.where(drawn(0.5), -one, one)
    then(_affine(mirror, one), drawn(p))
    then(_turn(torch.randint(4, (n,), device=device) * (math.pi / 2)), drawn(p))
    # in units of half a picture; whole pixels
    side = x.shape[-1]
    shift = torch.round((torch.rand(n, 2, device=device) * 2 - 1) * 0.125 * side) * 2 / side
    then(_affine(one, one, shift), drawn(p))
    size = scale(0.2)
    then(_affine(size, size), drawn(p))
    share = 1 - math.sqrt(1 - p)
    angle = (torch.rand(n, device=device) * 2 - 1) * math.pi
    then(_turn(angle), drawn(share))
    size = scale(0.2)
    then(_affine(size, 1 / size), drawn(p))
    then(_turn((torch.rand(n, device=device) * 2 - 1) * math.pi), drawn(share))
    then(_affine(one, one, torch.randn(n, 2, device=device) * 0.125 * 2), drawn(p))
    back = torch.linalg.inv(moves)[:, :2]
    grid = F.affine_grid(back, list(x.shape), align_corners=False)
    # beyond one mirrored copy nothing is drawn, since shifts and scales are small
    warped = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    still = (moves == torch.eye(3, device=device)).all(2).all(1)
    return torch.where(still[:, None, None, None], x, warped)


def _affine(across: Tensor, down: Tensor, shift: Tensor | None = None) -> Tensor:
    out = torch.diag_embed(torch.stack([across, down, torch.ones_like(down)], 1))
    if shift is not None:
        out[:, :2, 2] = shift
    return out


def _turn(angle: Tensor) -> Tensor:
    c, s = torch.cos(angle), torch.sin(angle)
    out = torch.diag_embed(torch.stack([c, c, torch.ones_like(c)], 1))
    out[:, 0, 1], out[:, 1, 0] = -s, s
    return out


def _coloured(x: Tensor, p: float) -> Tensor:
    n, device = len(x), x.device

    def pick(value: Tensor, neutral: float) -> Tensor:
        return torch.where(torch.rand(n, device=device) < p, value, neutral)

    brightness = pick(torch.randn(n, device=device) * 0.2, 0.0)
    contrast = pick(torch.exp2(torch.randn(n, device=device) * 0.5), 1.0)
    flipped = pick(torch.randint(2, (n,), device=device).float(), 0.0)
    hue = pick((torch.rand(n, device=device) * 2 - 1) * math.pi, 0.0)
    saturation = pick(torch.exp2(torch.randn(n, device=device)), 1.0)

    grey = torch.full((3, 3), 1 / 3, device=device)  # onto the axis of greys
    rest = torch.eye(3, device=device) - grey
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=device) / math.sqrt(3)
    c, s = (f(hue)[:, None, None] for f in (torch.cos, torch.sin))
    turned = c * rest + s * cross
    luma = grey * (1 - 2 * flipped)[:, None, None]
    matrix = (luma + turned * saturation[:, None, None]) * contrast[:, None, None]
    lift = (brightness * contrast * (1 - 2 * flipped))[:, None]
    return (matrix @ x.flatten(2) + lift[..., None]).reshape(x.shape)
