"""StarGAN's two networks.

Source: Choi et al., StarGAN (CVPR 2018), tables 4 and 5, and the authors' PyTorch code, whose
names inside `main` are kept, so that its checkpoints fit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tonsure.lab.networks.config import NetworkConfig
from tonsure.lab.networks.norm import InstanceNorm


def _norm(width: int, c: NetworkConfig) -> nn.Module:
    # statistics always come from the picture itself: the official code never leaves training mode
    return InstanceNorm(width, c.instance_epsilon)


class Residual(nn.Module):
    """Two 3x3 convolutions beside a skip; no activation after the sum."""

    def __init__(self, width: int, c: NetworkConfig) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), _norm(width, c),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False), _norm(width, c),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.main(x)  # type: ignore[no-any-return]


class Generator(nn.Module):
    """(N, 3, H, W) in -1..1 and target labels (N, C) of 0..1 -> (N, 3, H, W) in -1..1.

    Zero padding matters: with mirrored borders the instance norm takes the constant label planes
    out again.
    """

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        w = c.base
        layers: list[nn.Module] = [
            nn.Conv2d(3 + c.count, w, 7, padding=3, bias=False), _norm(w, c), nn.ReLU(inplace=True)
        ]  # fmt: skip
        for _ in range(2):
            layers += [nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False), _norm(2 * w, c)]
            layers.append(nn.ReLU(inplace=True))
            w *= 2
        layers += [Residual(w, c) for _ in range(c.blocks)]
        for _ in range(2):
            layers += [nn.ConvTranspose2d(w, w // 2, 4, 2, 1, bias=False), _norm(w // 2, c)]
            layers.append(nn.ReLU(inplace=True))
            w //= 2
        layers += [nn.Conv2d(w, 3, 7, padding=3, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        planes = labels[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.main(torch.cat([x, planes], 1))  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """(N, 3, H, W) -> critic scores (N, 1, h, w), a map of patches, and label logits (N, C).

    Six halvings (as many as the picture allows); a picture of 128 px has 2 x 2 patches.
    """

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        count = min(6, min(c.height, c.width).bit_length() - 1)
        layers: list[nn.Module] = []
        before, width, side = 3, c.critic_base, (c.height, c.width)
        for _ in range(count):
            layers.append(nn.Conv2d(before, width, 4, 2, 1, bias=c.critic_bias))
            layers.append(nn.LeakyReLU(c.critic_slope, inplace=True))
            before, width, side = width, 2 * width, (side[0] // 2, side[1] // 2)
        self.main = nn.Sequential(*layers)
        self.conv1 = nn.Conv2d(before, 1, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(before, c.count, side, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.main(x)
        return self.conv1(z), self.conv2(z).flatten(1)

    def scores(self, x: Tensor) -> Tensor:
        """The critic's scores alone, for the gradient penalty."""
        return self.conv1(self.main(x))  # type: ignore[no-any-return]

    def logits(self, x: Tensor) -> Tensor:
        """The label logits alone, (N, C)."""
        return self.conv2(self.main(x)).flatten(1)  # type: ignore[no-any-return]
