"""The classifier that judges edits in STGAN's code: ten plain convolutions, two linear layers.

Widths, kernels and places of the pooling are that code's (att_classification); 3,297,944 weights.
"""

from __future__ import annotations

from torch import Tensor, nn

WIDTHS = (16, 16, 32, 32, 64, 64, 128, 128, 256, 256)
HIDDEN = 512


class Stage(nn.Module):
    """A 3x3 convolution without bias, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)).relu()  # type: ignore[no-any-return]


class Stacked(nn.Module):
    """(N, 3, S, S) in -1..1, S = `side` -> (N, outputs) logits; halved after each pair of
    convolutions."""

    def __init__(self, outputs: int = 40, side: int = 128) -> None:
        super().__init__()
        pairs = zip((3, *WIDTHS), WIDTHS, strict=False)
        self.body = nn.ModuleList(Stage(a, b) for a, b in pairs)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear(WIDTHS[-1] * (side // 2 ** (len(WIDTHS) // 2)) ** 2, HIDDEN)
        self.head = nn.Linear(HIDDEN, outputs)

    def forward(self, x: Tensor) -> Tensor:
        for k, stage in enumerate(self.body):
            x = stage(x)
            x = self.pool(x) if k % 2 else x
        return self.head(self.hidden(x.flatten(1)).relu())  # type: ignore[no-any-return]
