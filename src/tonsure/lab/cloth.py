"""Two sorts of cloth told apart by the colours seen: `make.beneath` for batches."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_APART = 0.22  # between two sorts, of colours 0..1


def two_sorts(rgb: Tensor, cloth: Tensor, known: Tensor) -> Tensor:
    """Cloth (N, 1, H, W) told apart by its visible colours: the second sort's share (N, 1, H, W).

    Two means of the visible pixels of rgb (N, 3, H, W) 0..1 (Lloyd), begun from the darkest and the
    brightest; the first sort is that of most visible pixels; where the means are near to each other
    all is of the first.
    """
    n = rgb.shape[0]
    smooth = F.avg_pool2d(rgb, 5, 1, 2, count_include_pad=False)
    w = ((cloth * known) > 0.5).float().flatten(2)
    flat = smooth.flatten(2)
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
    few = torch.minimum(m1, m2) < 0.04 * (m1 + m2)
    second = torch.where((m2 > m1)[:, :, None], 1 - second, second)
    second = second * (apart & ~few).float()[:, :, None]
    return second.reshape(n, 1, *rgb.shape[2:]) * cloth
