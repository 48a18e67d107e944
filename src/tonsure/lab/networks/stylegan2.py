"""StyleGAN2's generator: mapping from z to w, synthesis from w+ to a picture.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, configuration E/F:
skip connections to RGB, styles on weights with demodulation, bilinear filters of [1, 3, 3, 1].
A style scales a convolution's inputs, and demodulation its outputs; for the weights that is the
same (equations 1 and 3), and no weight has to be copied for every picture.

Runtime scales ("equalised learning rate"): weights are drawn from N(0, 1) and multiplied by
`1 / sqrt(inputs)` where they are used. Styles are computed in float32 whatever the rest is.
Activations are leaky ReLUs of slope 0.2 times sqrt(2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.errors import BadOption

__all__ = ["Generator", "Shape", "activate", "blur", "doubled"]

_TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
MAPPING_RATE = 0.01
"""Learning rate of the mapping network, as a share of the others'."""


@dataclass(frozen=True)
class Shape:
    """What decides the tensors of both networks.

    Attributes
    ----------
    size : px of a picture's side, a power of 2 from 8 on.
    latent : numbers of z and of w.
    mapping : layers from z to w.
    base, widest : a block at r px has min(base / r, widest) channels; 32768 and 512 are
        configuration F, 16384 and 512 configuration E (and NVIDIA's at 256 px).
    """

    size: int = 1024
    latent: int = 512
    mapping: int = 8
    base: int = 32768
    widest: int = 512

    def __post_init__(self) -> None:
        if self.size < 8 or self.size & (self.size - 1):
            raise BadOption("size is a power of 2, 8 or more.")
        if min(self.latent, self.mapping, self.widest) < 1 or self.base < self.size:
            raise BadOption("latent, mapping and widest are 1 or more, base at least size.")

    @property
    def sides(self) -> tuple[int, ...]:
        """Px of the blocks: 4, 8, ... size."""
        return tuple(4 << k for k in range(int(math.log2(self.size)) - 1))

    @property
    def styles(self) -> int:
        """Rows of a w+: two for each block, of which the first block's first is its only layer's
        and each last one serves the layer to RGB and the next block's first layer, too."""
        return 2 * len(self.sides)

    def width(self, side: int) -> int:
        """Channels of a block at `side` px."""
        return min(self.base // side, self.widest)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the second moment."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2.0)


def blur(x: Tensor, channels: int, pad: tuple[int, int], gain: float = 1.0) -> Tensor:
    """(N, channels, H, W) filtered by [1, 3, 3, 1] / 8 both ways, zeros around, `pad` (before,
    after, which is no more); H + before + after - 3 rows are left.

    `channels` is told, because an exporter has to know it beforehand.
    """
    taps = (_TAPS * math.sqrt(gain)).to(x)
    kernel = (taps[:, None] * taps[None, :]).expand(channels, 1, 4, 4)
    out = F.conv2d(x, kernel, padding=pad[0], groups=channels)
    less = pad[1] - pad[0]  # 0 or fewer
    return out[:, :, :less, :less] if less else out


def doubled(x: Tensor, channels: int = 3) -> Tensor:
    """(N, channels, H, W) at twice the size, bilinear by the filter."""
    count, _, height, width = x.shape
    holes = x.new_zeros(count, channels, height, 2, width, 2)
    spread = torch.cat([x[:, :, :, None, :, None], holes[:, :, :, :1, :, 1:]], 5)
    spread = torch.cat([spread, holes[:, :, :, 1:]], 3)
    return blur(spread.reshape(count, channels, 2 * height, 2 * width), channels, (2, 1), 4.0)


class Dense(nn.Module):
    """A linear layer with a runtime scale; `rate` multiplies what it learns."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class Mapping(nn.Module):
    """z (N, D), normalised first, to w (N, D)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.latent
        self.layers = nn.ModuleList([Dense(d, d, rate=MAPPING_RATE) for _ in range(shape.mapping)])

    def forward(self, z: Tensor) -> Tensor:
        with torch.autocast(z.device.type, enabled=False):
            w = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
            for layer in self.layers:
                w = activate(layer(w))
        return w


class Styled(nn.Module):
    """A 3 x 3 convolution by a style, at twice the size if `up`; then noise, bias, activation."""

    noise: Tensor

    def __init__(self, inputs: int, outputs: int, latent: int, side: int, up: bool) -> None:
        super().__init__()
        self.style = Dense(latent, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise", torch.randn(side, side))
        self.up, self.width, self.scale = up, outputs, 1 / math.sqrt(9 * inputs)

    def forward(self, x: Tensor, w: Tensor, fixed: bool) -> Tensor:
        weight = self.weight * self.scale
        with torch.autocast(x.device.type, enabled=False):
            style = self.style(w.float())
            length = style.square() @ weight.square().sum((2, 3)).T
        x = x * style[:, :, None, None].to(x.dtype)
        if self.up:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = blur(x, self.width, (1, 1), 4.0)
        else:
            x = F.conv2d(x, weight, padding=1)
        x = x * (length + 1e-8).rsqrt()[:, :, None, None].to(x.dtype)
        side = self.noise.shape[0]
        noise = self.noise if fixed else torch.randn(len(x), 1, side, side, device=x.device)
        bias = self.bias[None, :, None, None]
        return activate(x + (noise * self.strength).to(x.dtype) + bias.to(x.dtype))


class ToRGB(nn.Module):
    """A 1 x 1 convolution by a style to three channels, without demodulation."""

    def __init__(self, inputs: int, latent: int) -> None:
        super().__init__()
        self.style = Dense(latent, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs))
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            style = self.style(w.float()) * self.scale
        x = x * style[:, :, None, None].to(x.dtype)
        rgb = F.conv2d(x, self.weight[:, :, None, None])
        return rgb.float() + self.bias[None, :, None, None]


class Block(nn.Module):
    """The layers at one size: one for the first, else two, and the one to RGB."""

    def __init__(self, shape: Shape, side: int) -> None:
        super().__init__()
        here, d = shape.width(side), shape.latent
        self.first = Styled(shape.width(side // 2), here, d, side, True) if side > 4 else None
        self.second = Styled(here, here, d, side, False)
        self.rgb = ToRGB(here, d)

    def forward(
        self, x: Tensor, rgb: Tensor | None, ws: Tensor, fixed: bool
    ) -> tuple[Tensor, Tensor]:
        """`ws` (N, 3, D): of the first layer, of the second, and of the one to RGB."""
        if self.first is not None:
            x = self.first(x, ws[:, 0], fixed)
        x = self.second(x, ws[:, 1], fixed)
        added = self.rgb(x, ws[:, 2])
        return x, added if rgb is None else doubled(rgb) + added


class Generator(nn.Module):
    """z (N, D) or w+ (N, `shape.styles`, D) to a picture (N, 3, size, size), about -1..1.

    `mean` is the moving average of w in training, towards which truncation goes; `path` that of
    the path lengths, and `updates` how often it was trained: they belong to the run, and a
    checkpoint keeps them.
    """

    mean: Tensor
    path: Tensor
    updates: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.mapping = Mapping(shape)
        self.constant = nn.Parameter(torch.randn(shape.width(4), 4, 4))
        self.blocks = nn.ModuleList([Block(shape, side) for side in shape.sides])
        self.register_buffer("mean", torch.zeros(shape.latent))
        self.register_buffer("path", torch.zeros(()))
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def spread(self, w: Tensor) -> Tensor:
        """w (N, D) as w+: the same for every layer."""
        return w[:, None].expand(-1, self.shape.styles, -1)

    def truncated(self, w: Tensor, keeping: float | Tensor) -> Tensor:
        """w or w+ nearer to the mean face: `keeping` 1 leaves it, 0 is the mean."""
        return self.mean + (w - self.mean) * keeping

    def synthesise(self, ws: Tensor, fixed: bool = True) -> Tensor:
        """The picture of a w+; noise is drawn anew unless `fixed`."""
        x = self.constant.expand(ws.shape[0], -1, -1, -1)
        rgb: Tensor
        x, rgb = self.blocks[0](x, None, ws[:, [0, 0, 1]], fixed)
        for k, block in enumerate(list(self.blocks)[1:]):
            x, rgb = block(x, rgb, ws[:, 2 * k + 1 : 2 * k + 4], fixed)
        return rgb

    def forward(self, z: Tensor, keeping: float | Tensor = 1.0, fixed: bool = True) -> Tensor:
        """The picture of a z."""
        return self.synthesise(self.spread(self.truncated(self.mapping(z), keeping)), fixed)
