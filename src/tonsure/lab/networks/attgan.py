"""AttGAN's generator, and the encoder, decoder and discriminator that STGAN shares with it.

Source: He et al., AttGAN (TIP 2019), figure 2, and the authors' code, version 1 (`shortcuts` 1,
`injects` 1 is their released 128-px model). Kernels are 4, strides 2, paddings 1 throughout.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tonsure.lab.networks.config import LAYERS, NetworkConfig
from tonsure.lab.networks.norm import BatchNorm, InstanceNorm


def join(z: Tensor, *more: Tensor) -> Tensor:
    """Channels of maps, and of vectors (N, C) tiled over the map, one after the other."""
    tiled = [m if m.ndim == 4 else m[:, :, None, None].expand(-1, -1, *z.shape[2:]) for m in more]
    return torch.cat([z, *tiled], 1)


def _norm(width: int, c: NetworkConfig) -> BatchNorm:
    norm = BatchNorm(width, c.batch_epsilon, c.batch_momentum, population=c.batch_population)
    if c.batch_scale:
        nn.init.normal_(norm.weight, 1.0, c.batch_scale)
    return norm


class Down(nn.Sequential):
    """Halve a map: convolution, batch norm (also in the first layer), leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, c: NetworkConfig) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False),
            _norm(outputs, c),
            nn.LeakyReLU(c.slope, inplace=True),
        )


class Up(nn.Sequential):
    """Double a map: transposed convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, c: NetworkConfig) -> None:
        super().__init__(
            nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
            _norm(outputs, c),
            nn.ReLU(inplace=True),
        )


class Encoder(nn.ModuleList):
    """(N, 3, H, W) -> features z0 (half size) to z4 (1/32)."""

    def __init__(self, c: NetworkConfig) -> None:
        widths = c.widths(c.base, c.widest)
        super().__init__(Down(a, b, c) for a, b in zip([3, *widths[:-1]], widths, strict=True))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for layer in self:
            x = layer(x)
            features.append(x)
        return features


class Decoder(nn.ModuleList):
    """Features and the condition (N, C) -> (N, 3, H, W) in -1..1.

    After layer i but the last: z of that size is joined if `shortcuts` > i, then the condition if
    `injects` > i.
    """

    def __init__(self, c: NetworkConfig) -> None:
        widths = c.widths(c.base, c.widest)
        layers: list[nn.Module] = []
        inputs = widths[-1] + c.count
        for i in range(LAYERS - 1):
            outputs = widths[LAYERS - 1 - i]
            layers.append(Up(inputs, outputs, c))
            inputs = outputs + (c.count if c.injects > i else 0)
            inputs += widths[LAYERS - 2 - i] if c.shortcuts > i else 0
        layers.append(nn.Sequential(nn.ConvTranspose2d(inputs, 3, 4, 2, 1), nn.Tanh()))
        super().__init__(layers)
        self.shortcuts, self.injects = c.shortcuts, c.injects

    def forward(self, features: list[Tensor], condition: Tensor) -> Tensor:
        z = join(features[-1], condition)
        for i, layer in enumerate(self):
            z = layer(z)
            if i < LAYERS - 1:
                more = [features[LAYERS - 2 - i]] if self.shortcuts > i else []
                z = join(z, *more, *([condition] if self.injects > i else []))
        return z


class Generator(nn.Module):
    """(N, 3, H, W) in -1..1 and a condition (N, C) -> (N, 3, H, W) in -1..1.

    The condition is the scaled target (2b - 1) t, or in the variant `condition = "difference"` d.
    """

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(c), Decoder(c)

    def encode(self, x: Tensor) -> list[Tensor]:
        return self.encoder(x)  # type: ignore[no-any-return]

    def decode(self, features: list[Tensor], condition: Tensor) -> Tensor:
        return self.decoder(features, condition)  # type: ignore[no-any-return]

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.decode(self.encode(x), condition)


class Discriminator(nn.Module):
    """(N, 3, H, W) -> critic scores (N, 1), no sigmoid, and label logits (N, C)."""

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        widths = c.widths(c.critic_base, c.critic_widest)
        layers: list[nn.Module] = []
        pixels = c.height * c.width
        for a, b in zip([3, *widths[:-1]], widths, strict=True):
            pixels //= 4
            bare = c.critic_norm == "none"
            layers.append(nn.Conv2d(a, b, 4, 2, 1, bias=bare))
            # one pixel normalised by itself would say nothing
            if not bare and pixels > 1:
                layers.append(InstanceNorm(b, c.instance_epsilon))
            layers.append(nn.LeakyReLU(c.critic_slope, inplace=True))
        self.main = nn.Sequential(*layers)
        flat = widths[-1] * pixels

        def head(outputs: int) -> nn.Sequential:
            act = nn.ReLU() if c.critic_head == "relu" else nn.LeakyReLU(c.critic_slope)
            return nn.Sequential(nn.Linear(flat, c.hidden), act, nn.Linear(c.hidden, outputs))

        self.adversarial, self.classes = head(1), head(c.count)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.main(x).flatten(1)
        return self.adversarial(z), self.classes(z)

    def scores(self, x: Tensor) -> Tensor:
        """The critic's scores alone, for the gradient penalty."""
        return self.adversarial(self.main(x).flatten(1))  # type: ignore[no-any-return]

    def logits(self, x: Tensor) -> Tensor:
        """The label logits alone, (N, C)."""
        return self.classes(self.main(x).flatten(1))  # type: ignore[no-any-return]
