"""What lies beneath hair: layers and the colour of each, for a window from the crown to the waist.

An encoder and decoder of residual blocks with attention in the middle, so that a jacket seen on one
side tells the other. Every layer has a colour plane of its own, begun from that layer's visible
pixels spread by pull and push (Gortler et al., The Lumigraph, 1996), so that no two layers mix.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.networks.unet import Down, Residual, Up

LAYERS = ("background", "skin", "cloth", "cloth2")
PLANES = 3 + 1 + 1 + 1 + len(LAYERS) + 2
"""Of the input: RGB -1..1 (0 where hidden), known, inside the photo, the bare head's outline, the
visible share of each layer, x and y in 4 eye distances."""


def pull_push(colour: Tensor, weight: Tensor, levels: int = 5) -> Tensor:
    """Colours (N, 3, H, W) spread from where `weight` (N, 1, H, W) is positive over all the rest.

    H and W are divisible by 2 ** `levels`, or nearly (rows left over are averaged in).
    """
    pyramid = [(colour * weight, weight)]
    for _ in range(levels):
        v, w = (F.avg_pool2d(p, 2, ceil_mode=True, count_include_pad=False) for p in pyramid[-1])
        full = (4 * w).clamp(max=1)
        scale = full / w.clamp(min=1e-4)
        pyramid.append((v * scale, full))
    v, w = pyramid[-1]
    total = w.sum((2, 3), keepdim=True)
    out = (v.sum((2, 3), keepdim=True) / total.clamp(min=1e-3)).expand_as(v)
    for k, (v, w) in enumerate(reversed(pyramid)):
        if k > 0:
            out = F.interpolate(out, size=v.shape[2:], mode="bilinear", align_corners=False)
        out = v + out * (1 - w)
    return out


class Attention(nn.Module):
    """Self-attention over all places of a map and a perceptron, both around skips."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        last = nn.Linear(2 * width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), last)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        t = x.flatten(2).transpose(1, 2)
        q, k, v = (
            p.reshape(n, h * w, self.heads, c // self.heads).transpose(1, 2)
            for p in self.qkv(self.norm(t)).chunk(3, -1)
        )
        scores = (q @ k.transpose(-1, -2)) * (c // self.heads) ** -0.5
        t = t + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, h * w, c))
        out: Tensor = (t + self.mlp(self.norm2(t))).transpose(1, 2).reshape(n, c, h, w)
        return out


class Beneath(nn.Module):
    """Window (N, `PLANES`, H, W) -> logits of `LAYERS` (N, 4, H, W) and colours (N, 12, H, W),
    -1..1, RGB of each layer in turn. The window is 160 x 128."""

    def __init__(self, widths: tuple[int, ...] = (40, 80, 128, 192), attention: int = 4) -> None:
        super().__init__()
        self.config = {"widths": list(widths), "attention": attention}
        a, b, c, d = widths
        bases = 4 * (len(LAYERS) + 1)
        self.stem = Down(PLANES, a - 16)
        self.base = nn.Conv2d(bases, 16, 1)
        self.first = Residual(a)
        self.down2, self.body2 = Down(a, b), nn.Sequential(Residual(b), Residual(b))
        self.down3 = Down(b, c)
        self.body3 = nn.Sequential(Residual(c), Residual(c, dilation=2))
        self.down4, self.body4 = Down(c, d), nn.Sequential(Residual(d), Residual(d, dilation=2))
        self.place = nn.Parameter(torch.zeros(1, d, 10, 8))
        self.middle = nn.Sequential(*(Attention(d) for _ in range(attention)))
        self.up3, self.up2, self.up1 = Up(d, c, c), Up(c, b, b), Up(b, a, a)
        self.head = nn.Conv2d(a, 16 * 4, 3, padding=1)
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(window.device.type, enabled=False):
            half = F.avg_pool2d(window.float(), 2)
            seen, known = half[:, 6:10], half[:, 3:4]
            rgb = half[:, :3] / known.clamp(min=0.25)
            spread = [pull_push(rgb, seen[:, k : k + 1]) for k in range(len(LAYERS))]
            total = pull_push(rgb, known)
            near = F.avg_pool2d(half[:, [3, 6, 7, 8, 9]], 8)
            near = F.interpolate(near, size=half.shape[2:], mode="bilinear", align_corners=False)
            bases = torch.cat(spread, 1)
            more = torch.cat([bases, total, near], 1)
        x1 = self.first(torch.cat([self.stem(window), F.relu(self.base(more))], 1))
        x2 = self.body2(self.down2(x1))
        x3 = self.body3(self.down3(x2))
        x4 = self.body4(self.down4(x3))
        x4 = self.middle(x4 + self.place)
        out = self.head(self.up1(self.up2(self.up3(x4, x3), x2), x1)).float()
        out = F.pixel_shuffle(out, 2)
        colours = F.interpolate(bases, scale_factor=2.0, mode="bilinear", align_corners=False)
        return out[:, :4], colours + out[:, 4:]
