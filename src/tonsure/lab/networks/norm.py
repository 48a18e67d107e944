"""Batch norm whose statistics are those of all processes together, and plain instance norm.

torch's own batch norm for several processes runs on GPUs only; this one needs nothing but an
all-reduce.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _Sum(torch.autograd.Function):
    """Sum over processes; the gradient of a sum is the sum of the gradients."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        out = x.clone()
        dist.all_reduce(out)
        return out

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        out = gradients[0].clone()
        dist.all_reduce(out)
        return out


class BatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d`; `momentum` is the share of the new statistics, as torch has it.

    The running variance follows n/(n-1) of a batch's variance, or with `population` the variance.
    """

    def __init__(
        self, width: int, epsilon: float, momentum: float, *, population: bool = False
    ) -> None:
        super().__init__(width, eps=epsilon, momentum=momentum)
        self.population = population

    def forward(self, x: Tensor) -> Tensor:
        together = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        if not self.training or not (together or self.population):
            return super().forward(x)
        count = x.numel() / x.shape[1] * (dist.get_world_size() if together else 1)
        if not together:
            return self._alone(x, count)
        sums = torch.stack([x.sum((0, 2, 3)), (x * x).sum((0, 2, 3))])
        mean, square = (_Sum.apply(sums) / count).unbind()  # type: ignore[no-untyped-call]
        variance = (square - mean * mean).clamp_min(0)
        with torch.no_grad():
            share = self.momentum or 0.0
            assert self.running_mean is not None
            assert self.running_var is not None
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
            told = variance if self.population else variance * (count / max(1.0, count - 1))
            self.running_var.lerp_(told.to(self.running_var.dtype), share)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        out: Tensor = x * scale[:, None, None] + shift[:, None, None]
        return out

    def _alone(self, x: Tensor, count: float) -> Tensor:
        """torch's own, whose step of the running variance is put right afterwards."""
        assert self.running_var is not None
        kept = self.running_var * (1 - (self.momentum or 0.0))
        out = super().forward(x)
        with torch.no_grad():
            step = (self.running_var - kept) * ((count - 1) / count)
            self.running_var.copy_(kept + step)
        return out


class InstanceNorm(nn.Module):
    """`nn.InstanceNorm2d`, affine, always by the picture's own statistics, and fit to be traced."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.eps = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return torch.instance_norm(
            x, self.weight, self.bias, None, None, True, 0.0, self.eps, torch.backends.cudnn.enabled
        )
