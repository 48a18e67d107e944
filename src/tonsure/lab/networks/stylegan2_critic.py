"""StyleGAN2's discriminator: residual blocks, minibatch standard deviation, one number a picture.

Source and conventions: see `tonsure.lab.networks.stylegan2`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.networks.stylegan2 import Dense, Shape, activate, blur

GROUP = 4
"""Pictures of a group whose standard deviation each of them is told."""


class Conv(nn.Module):
    """A convolution with a runtime scale, and a bias unless it is a skip."""

    def __init__(self, inputs: int, outputs: int, side: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.inputs, self.pad = inputs, side // 2
        self.scale = 1 / math.sqrt(inputs * side * side)

    def forward(self, x: Tensor, half: bool = False) -> Tensor:
        """Of the same size, or of half of it after the filter."""
        weight = self.weight * self.scale
        if not half:
            return F.conv2d(x, weight, self.bias, padding=self.pad)
        x = blur(x, self.inputs, (1 + self.pad, 1 + self.pad))
        return F.conv2d(x, weight, self.bias, stride=2)


class Halving(nn.Module):
    """Two convolutions and a skip, to half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Conv(inputs, inputs, 3)
        self.second = Conv(inputs, outputs, 3)
        self.skip = Conv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = activate(self.second(activate(self.first(x)), half=True))
        past: Tensor = self.skip(x, half=True)
        return (y + past) * math.sqrt(0.5)


def spread_of(x: Tensor, group: int = GROUP) -> Tensor:
    """(N, 1, H, W): how much the features of a picture's group differ, one number a picture.

    A group is every (N / group)th picture; the last, smaller batch is one group, and one whose size
    is no multiple of `group` is cut into groups of the largest fitting size.
    """
    count, channels, height, width = x.shape
    size = next(k for k in range(min(group, count), 0, -1) if count % k == 0)
    y = x.float().reshape(size, count // size, channels, height, width)
    deviation = (y - y.mean(0)).square().mean(0).add(1e-8).sqrt().mean((1, 2, 3))
    return deviation.repeat(size)[:, None, None, None].expand(count, 1, height, width)


class Discriminator(nn.Module):
    """Pictures (N, 3, size, size) of -1..1 to (N,), high for real ones.

    `chance` is the augmentation's, `signs` the sum and the count of D's signs on real pictures
    since it was last adapted (`tonsure.lab.ada`): a checkpoint keeps them.
    """

    chance: Tensor
    signs: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.rgb = Conv(3, width(shape.size), 1)
        self.blocks = nn.ModuleList(
            [Halving(width(side), width(side // 2)) for side in reversed(shape.sides[1:])]
        )
        self.last = Conv(width(4) + 1, width(4), 3)
        self.dense = Dense(width(4) * 16, width(4))
        self.score = Dense(width(4), 1)
        self.register_buffer("chance", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(2))

    def forward(self, pictures: Tensor) -> Tensor:
        x = activate(self.rgb(pictures))
        for block in self.blocks:
            x = block(x)
        with torch.autocast(x.device.type, enabled=False):  # a score has to be finer than bfloat16
            x = x.float()
            x = activate(self.last(torch.cat([x, spread_of(x)], 1))).flatten(1)
            scores: Tensor = self.score(activate(self.dense(x)))[:, 0]
        return scores
