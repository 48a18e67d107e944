"""The compact editor: what shall change goes in, a change of colour and where it lies come out.

A U-Net (`unet`) that sees the picture and the difference vector as planes. The edited picture is
never drawn anew: it is the picture plus a change by a soft mask (GANimation, Pumarola et al. 2018;
SaGAN, Zhang et al. 2018), so that the change may be enlarged and laid on a photo of any size. Where
nothing shall change nothing does, by construction.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.networks.unet import UNet

_REACH = 2.0  # of -1..1: the largest change
_SHY = -2.0  # the mask's logit at the start: little of the picture changes


class Editor(nn.Module):
    """(N, 3, H, W) of -1..1 and `difference` (N, C), -1 away to 1 there -> `change` (N, 3, H, W)
    and `mask` (N, 1, H, W), 0..1. Height and width are multiples of 2 ** len(widths)."""

    def __init__(self, count: int, widths: tuple[int, ...], blocks: int = 2) -> None:
        super().__init__()
        self.body = UNet(3 + count, 4, widths, blocks)
        with torch.no_grad():
            self.body.head.bias[3] = _SHY  # type: ignore[index]

    def forward(self, picture: Tensor, difference: Tensor) -> tuple[Tensor, Tensor]:
        planes = difference[:, :, None, None].expand(-1, -1, *picture.shape[2:])
        out = self.body(torch.cat([picture, planes.to(picture.dtype)], 1))
        wanted = difference.abs().amax(1).clamp(max=1)[:, None, None, None]
        return _REACH * torch.tanh(out[:, :3]), torch.sigmoid(out[:, 3:]) * wanted

    def edited(self, picture: Tensor, difference: Tensor) -> Tensor:
        """The picture with its change, -1..1."""
        change, mask = self(picture, difference)
        made: Tensor = (picture + mask * change).clamp(-1, 1)
        return made


class Critic(nn.Module):
    """(N, 3, H, W) -> scores (N, 1, H / 32, W / 32) of how real a picture is, and logits (N, C) of
    its labels. No batch statistics, so that a penalty of gradients is one picture's own."""

    def __init__(self, count: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (3, *widths)
        self.stages = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(sizes)
        )
        self.real = nn.Conv2d(sizes[-1], 1, 3, padding=1)
        self.labels = nn.Sequential(
            nn.Conv2d(sizes[-1], sizes[-1], 3, padding=1), nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * sizes[-1], count),
        )  # fmt: skip

    def features(self, picture: Tensor) -> Tensor:
        """What both heads see."""
        for stage in self.stages:
            picture = F.leaky_relu(stage(picture), 0.2)
        return picture

    def scores(self, picture: Tensor) -> Tensor:
        """How real alone."""
        return self.real(self.features(picture))  # type: ignore[no-any-return]

    def logits(self, picture: Tensor) -> Tensor:
        """The labels alone."""
        return self.labels(self.features(picture))  # type: ignore[no-any-return]

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.features(picture)
        return self.real(seen), self.labels(seen)
