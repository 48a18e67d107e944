"""A network that is trained: its optimiser, its updates, and its part of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from tonsure.lab.checkpoints import Tensors, part
from tonsure.lab.group import Group
from tonsure.lab.recipe import Recipe

Batch = dict[str, Tensor]
Terms = dict[str, Tensor]

COMPILED = ("forward", "encode", "decode")


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 by itself; without, it is several times slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def cast(recipe: Recipe, device: torch.device) -> AbstractContextManager[Any]:
    """Autocast to bfloat16, if the recipe says so; float32 otherwise."""
    on = recipe.precision == "bf16" or (recipe.precision == "auto" and has_bf16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=on)


def placed(network: nn.Module, recipe: Recipe, device: torch.device) -> nn.Module:
    """The network on the device, in the recipe's memory format."""
    layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
    moved: nn.Module = network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    return moved


class Player:
    """A network called `name`, on the group's device, with AdamW."""

    def __init__(
        self, name: str, network: nn.Module, recipe: Recipe, rate: float, group: Group
    ) -> None:
        self.name, self.recipe, self.rate, self.group = name, recipe, rate, group
        self.network = placed(network, recipe, group.device).train()
        self.adam = torch.optim.AdamW(
            self.network.parameters(), rate, (recipe.beta1, recipe.beta2),
            weight_decay=recipe.weight_decay, fused=group.device.type == "cuda",
        )  # fmt: skip

    def update(self, batch: Batch, losses: Callable[[Batch], Terms], clip: float = 0.0) -> Terms:
        """One update by the sum of what `losses` says of the batch, in `recipe.accumulate` parts;
        the terms, detached."""
        count = self.recipe.accumulate
        total: Terms = {}
        self.adam.zero_grad(set_to_none=True)
        for piece in pieces(batch, count):
            with cast(self.recipe, self.group.device):
                terms = losses(piece)
            loss = torch.stack([value.float() for value in terms.values()]).sum() / count
            loss.backward()  # type: ignore[no-untyped-call]
            for name, value in terms.items():
                told = value.detach().float() / count
                total[name] = total[name] + told if name in total else told
        self.group.average_gradients(self.network.parameters())
        if clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        self.adam.step()
        return total

    def set_rate(self, share: float) -> None:
        for group in self.adam.param_groups:
            group["lr"] = self.rate * share

    def compile(self) -> None:
        """Compile what the network can do; a critic's gradient of a gradient cannot be."""
        for name in COMPILED:
            if hasattr(self.network, name):
                setattr(self.network, name, torch.compile(getattr(self.network, name)))

    def pack(self) -> Tensors:
        """Weights and the optimiser's state by name."""
        out = {f"{self.name}.{k}": v for k, v in self.network.state_dict().items()}
        for index, state in self.adam.state_dict()["state"].items():
            out |= {f"{self.name}_adam.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        return out

    def unpack(self, tensors: Tensors) -> None:
        """What `pack` gave."""
        self.network.load_state_dict(part(tensors, self.name))
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in part(tensors, f"{self.name}_adam").items():
            index, field = key.split(".", 1)
            state.setdefault(int(index), {})[field] = value
        groups = self.adam.state_dict()["param_groups"]
        self.adam.load_state_dict({"state": state, "param_groups": groups})


def pieces(batch: Batch, count: int) -> list[Batch]:
    """The batch in `count` parts along the first axis of each of its tensors."""
    if count == 1:
        return [batch]
    split = {name: torch.tensor_split(value, count) for name, value in batch.items()}
    return [{name: parts[k] for name, parts in split.items()} for k in range(count)]


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keeping: float) -> None:
    """The average keeps a share of itself and takes the rest of the network, statistics too."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - keeping)
        else:
            mean.copy_(value)
