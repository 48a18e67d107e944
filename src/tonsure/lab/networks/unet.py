"""A small U-Net for maps: the parser's, the layout's and the bald residual's common body.

Source: Ronneberger et al., U-Net (2015), with residual blocks, strided convolutions on the way down
and bilinear resizing on the way up (no transposed convolutions: no checkerboard).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm around a skip, (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.second_norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(x + self.second_norm(self.second(y)))


class Down(nn.Sequential):
    """Halve the map: strided 3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Up(nn.Module):
    """Double the map and join the skip of that size."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.lateral = nn.Conv2d(skip, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.body = Residual(outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(self.narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.body(F.relu(self.norm(x + self.lateral(skip))))  # type: ignore[no-any-return]


class UNet(nn.Module):
    """Maps to maps at the same size; height and width divisible by `2 ** len(widths)`.

    `inputs` channels in, `outputs` channels out (raw, no activation). The last map is made at half
    size and enlarged: edges finer than that are the matte's business. `widths` are the channels
    from half size down, `blocks` the residual blocks of each size but the first, which has one.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        widths: tuple[int, ...] = (24, 40, 80, 128, 160),
        blocks: int = 2,
    ) -> None:
        super().__init__()
        self.config = {
            "inputs": inputs,
            "outputs": outputs,
            "widths": list(widths),
            "blocks": blocks,
        }
        stages: list[nn.Module] = []
        previous = inputs
        for level, width in enumerate(widths):
            count = 1 if level == 0 else blocks
            dilated = level == len(widths) - 1
            stages.append(
                nn.Sequential(
                    Down(previous, width),
                    *(Residual(width, dilation=2 if dilated and i else 1) for i in range(count)),
                )
            )
            previous = width
        self.encoder = nn.ModuleList(stages)
        ups: list[nn.Module] = []
        for width in reversed(widths[:-1]):
            ups.append(Up(previous, width, width))
            previous = width
        self.decoder = nn.ModuleList(ups)
        self.head = nn.Conv2d(previous, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        skips.pop()
        for up in self.decoder:
            x = up(x, skips.pop())
        return F.interpolate(self.head(x), scale_factor=2.0, mode="bilinear", align_corners=False)
