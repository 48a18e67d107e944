"""Two sorts of cloth told apart by the colours seen: `make.beneath` for batches."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_APART = 0.22  # between two sorts, of colours 0..1
_LIT, _HUE = 0.62, 0.06  # half shade and more leaves so much light, and moves hues so far
_LEAST = 64  # pixels that are a sort: a quarter of a squared eye distance
_SIDE = 5  # of the median, at half the window's density: 0.6 eye distances


def two_sorts(rgb: Tensor, cloth: Tensor, known: Tensor) -> Tensor:
    """Cloth (N, 1, H, W) told apart by its visible colours: the second sort's share (N, 1, H, W).

    Two means of the visible tones of rgb (N, 3, H, W) 0..1 (Lloyd), begun from the darkest and the
    brightest; the first sort is that of most visible pixels; where the means are near to each other
    all is of the first.
    """
    n = rgb.shape[0]
    w = ((cloth * known) > 0.5).float().flatten(2)
    flat = _tones(rgb, (cloth > 0.5).float()).flatten(2)
    luma = flat.mean(1, keepdim=True)
    low = luma.masked_fill(w < 0.5, 9.0).min(2, keepdim=True).values
    high = luma.masked_fill(w < 0.5, -9.0).max(2, keepdim=True).values
    middle = (low + high) / 2
    second = (luma > middle).float()
    for _ in range(6):
        m2, m1 = w * second, w * (1 - second)
        c1 = (flat * m1).sum(2, keepdim=True) / m1.sum(2, keepdim=True).clamp(min=1)
        c2 = (flat * m2).sum(2, keepdim=True) / m2.sum(2, keepdim=True).clamp(min=1)
        d1 = ((flat - c1) ** 2).sum(1, keepdim=True)
        d2 = ((flat - c2) ** 2).sum(1, keepdim=True)
        second = (d2 < d1).float()
    m2, m1 = (w * second).sum(2), (w * (1 - second)).sum(2)
    apart = ((c1 - c2) ** 2).sum(1).sqrt() > _APART
    one, other = c1[:, :, 0], c2[:, :, 0]
    swap = (one.mean(1) > other.mean(1))[:, None]
    dark, bright = torch.where(swap, other, one), torch.where(swap, one, other)
    light = (dark.mean(1) / bright.mean(1).clamp(min=1 / 255))[:, None]
    near = (dark - light * bright).pow(2).sum(1, keepdim=True).sqrt() < _HUE
    apart &= ~((light > _LIT) & near)  # one is the other in half shade
    few = torch.minimum(m1, m2) < (0.04 * (m1 + m2)).clamp(min=_LEAST)
    second = torch.where((m2 > m1)[:, :, None], 1 - second, second)
    second = second * (apart & ~few).float()[:, :, None]
    return second.reshape(n, 1, *rgb.shape[2:]) * cloth


def _tones(rgb: Tensor, cloth: Tensor) -> Tensor:
    """The median of the `cloth` (N, 1, H, W) of rgb (N, 3, H, W) around each pixel, so that a
    pattern's two colours do not make two sorts; grey where there is none."""
    share = F.avg_pool2d(cloth, 2)
    evened = F.avg_pool2d(F.avg_pool2d(rgb * cloth, 2), 3, 1, 1)
    small = evened / F.avg_pool2d(share, 3, 1, 1).clamp(min=1e-3)
    n, c, h, w = small.shape
    nothing = float("nan")
    small = small.masked_fill(share <= 0.5, nothing)
    reach = _SIDE // 2
    padded = F.pad(small, (reach,) * 4, value=nothing)
    around = F.unfold(padded, _SIDE).view(n, c, _SIDE * _SIDE, h, w)
    tones = torch.nan_to_num(around.nanmedian(2).values, nan=0.5)
    return F.interpolate(tones, scale_factor=2.0, mode="bilinear", align_corners=False)
