"""Several processes that train together, by torch's own `torchrun`: one GPU each, or CPUs.

    torchrun --nproc-per-node 2 -m tonsure lab train stgan-128 --data PACK --out RUN

Gradients are averaged. In the three systems every process draws the whole batch's rows, targets
and noise and keeps its slice, and batch statistics are shared (`networks.norm`): n processes do
what one does with the same batch, to rounding. Of other tasks each process draws batches of its
own, so that n processes see n times as much in a step.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from tonsure.errors import BadOption


@dataclass(frozen=True)
class Group:
    """`rank` of `size` processes, on `device`."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes and talks."""
        return self.rank == 0

    def mine(self, count: int) -> slice:
        """This process's part of `count` rows."""
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            dist.barrier()

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """One all-reduce of all gradients."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self.mean(torch.cat([g.flatten() for g in gradients]))
        at = 0
        for g in gradients:
            g.copy_(flat[at : at + g.numel()].view_as(g))
            at += g.numel()

    @torch.no_grad()
    def average_statistics(self, network: nn.Module) -> None:
        """Running statistics of norms that every process moved by its own part of a batch."""
        if self.size > 1:
            for value in network.buffers():
                if value.dtype.is_floating_point:
                    self.mean(value)


ALONE = Group(0, 1, torch.device("cpu"))


@contextmanager
def join(device: str = "auto") -> Iterator[Group]:
    """The group that `torchrun` started, or one process alone. `BadOption` for a device that is not
    there."""
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if device not in ("auto", "cpu", "cuda"):
        try:
            place = torch.device(device)
        except RuntimeError:
            raise BadOption(f"train.device is auto, cpu or cuda, not {device!r}.") from None
    else:
        local = int(os.environ.get("LOCAL_RANK", "0"))
        place = torch.device("cuda", local) if cuda else torch.device("cpu")
    if place.type == "cuda":
        if not torch.cuda.is_available():
            raise BadOption(
                "There is no CUDA device that torch can use here; --set train.device=cpu trains on "
                "the processor."
            )
        torch.cuda.set_device(place)
    if size > 1:
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Group(rank, size, place)
    finally:
        if size > 1:
            dist.destroy_process_group()
