"""What the loop needs of a task: the networks, a batch, the losses; and what it may offer besides.

A batch is a dict of tensors on the processor, whose first axes are examples; the loop moves it to
the device, so that losses find it beside the network.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Bytes = npt.NDArray[np.uint8]


@runtime_checkable
class Task(Protocol):
    """One network. `teacher` is its moving average, `progress` the share of the length done."""

    config: dict[str, Any]

    def build(self) -> nn.Module: ...

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]: ...

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]: ...

    def evaluate(self, model: nn.Module) -> dict[str, float]: ...


@runtime_checkable
class Duel(Protocol):
    """A model and its critic. `update` counts the critic's updates, for lazy penalties; the loop
    freezes the critic while the model learns."""

    config: dict[str, Any]

    def build(self) -> nn.Module: ...

    def build_critic(self) -> nn.Module: ...

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]: ...

    def critic_losses(
        self, critic: nn.Module, model: nn.Module, batch: dict[str, Tensor], update: int
    ) -> dict[str, Tensor]: ...

    def losses_against(
        self, critic: nn.Module, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor],
        progress: float,
    ) -> dict[str, Tensor]: ...  # fmt: skip


@runtime_checkable
class Numbered(Protocol):
    """Batches by their number, this process's part of each: for epochs, and to hold the data on the
    device. Then `batch` is not asked."""

    def batch_at(self, number: int) -> dict[str, Tensor]: ...


@runtime_checkable
class Examined(Protocol):
    """Figures by name, logged now and then."""

    def evaluate(self, model: nn.Module) -> dict[str, float]: ...


@runtime_checkable
class Shown(Protocol):
    """A sheet of pictures (H, W, 3), saved now and then."""

    def sheet(self, model: nn.Module) -> Bytes: ...


def device_of(model: nn.Module) -> torch.device:
    """Where a network lies; what an examination makes has to go there."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def names(task: Task | Duel) -> tuple[str, str]:
    """What model and critic are called in checkpoint and log."""
    found: tuple[str, str] = getattr(task, "names", ("model", "critic"))
    return found
