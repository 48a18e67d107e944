"""STGAN's generator: AttGAN's, with selective transfer units between encoder and decoder.

Source: Liu et al., STGAN (CVPR 2019), equations 2 to 7 and figure 3, and the authors' code.
The condition is the difference d everywhere; "as it is" is d = 0. Discriminator: `attgan`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tonsure.lab.networks.attgan import Decoder, Encoder, join
from tonsure.lab.networks.config import LAYERS, NetworkConfig


class STU(nn.Module):
    """Selective transfer unit: which of the encoder's features pass, given d.

    With feature f (N, c, h, w), state s from the next inner level (N, k, h/2, w/2), d joined:

        u  = ConvT([s ; d])                    the state, doubled
        r  = sigmoid(Conv([f ; u]))            reset
        g  = sigmoid(Conv([f ; u]))            update
        s' = r * u                             what the next outer unit gets
        f' = (1 - g) * u + g * tanh(Conv([f ; s']))

    A plain GRU would hand on f' (`hands_on` "gru"); "direct" hands on u. The two gates are one
    convolution: `gates` holds reset, then update.
    """

    def __init__(self, feature: int, state: int, hands_on: str) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(state, feature, 4, 2, 1)
        self.gates = nn.Conv2d(2 * feature, 2 * feature, 3, padding=1)
        self.candidate = nn.Conv2d(2 * feature, feature, 3, padding=1)
        self.hands_on = hands_on

    def forward(self, f: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """-> f' and the next state; both (N, c, h, w)."""
        u = self.up(s)
        reset, update = torch.sigmoid(self.gates(torch.cat([f, u], 1))).chunk(2, 1)
        state = reset * u
        candidate = torch.tanh(self.candidate(torch.cat([f, state], 1)))
        out = torch.lerp(u, candidate, update)
        return out, {"stu": state, "gru": out, "direct": u}[self.hands_on]


class Generator(nn.Module):
    """(N, 3, H, W) in -1..1 and d (N, C) -> (N, 3, H, W) in -1..1."""

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(c), Decoder(c)
        widths, state = c.widths(c.base, c.widest), c.widths(c.base, c.widest)[-1] + c.count
        units = []
        for i in range(c.unit_count):
            feature = widths[LAYERS - 2 - i]
            units.append(STU(feature, state, c.units))
            state = feature + (c.count if c.injects > i else 0)
        self.units, self.injects = nn.ModuleList(units), c.injects

    def encode(self, x: Tensor) -> list[Tensor]:
        return self.encoder(x)  # type: ignore[no-any-return]

    def decode(self, features: list[Tensor], d: Tensor) -> Tensor:
        chosen, state = list(features), join(features[-1], d)
        for i, unit in enumerate(self.units):
            level = LAYERS - 2 - i
            chosen[level], state = unit(features[level], state)
            if self.injects > i and i + 1 < len(self.units):
                state = join(state, d)
        return self.decoder(chosen, d)  # type: ignore[no-any-return]

    def forward(self, x: Tensor, d: Tensor) -> Tensor:
        return self.decode(self.encode(x), d)
