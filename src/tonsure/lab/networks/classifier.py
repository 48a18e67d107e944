"""A small residual classifier: pictures to logits, the judge's body.

Source: He et al., Deep Residual Learning (2015), narrowed until one look costs a few milliseconds.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from tonsure.lab.networks.unet import Down, Residual


class Classifier(nn.Module):
    """(N, 3, H, W) in -1..1 -> (N, outputs) logits; height and width at least 2 ** len(widths).

    `widths` are the channels after each halving, `blocks` the residual blocks that follow it.
    """

    def __init__(
        self,
        outputs: int,
        widths: tuple[int, ...] = (32, 48, 96, 160, 224),
        blocks: tuple[int, ...] = (0, 1, 2, 2, 1),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for (before, width), count in zip(pairwise((3, *widths)), blocks, strict=True):
            stages += [Down(before, width), *(Residual(width) for _ in range(count))]
        self.body = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(self.body(x).mean((2, 3))))  # type: ignore[no-any-return]
