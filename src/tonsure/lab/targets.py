"""Which labels an edit aims at, and what G is told about them.

Labels are (N, C) floats of 0/1. All draws come from the generator given, so that each process of
several can draw for all and keep its part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tonsure.attributes import excluded
from tonsure.lab.networks.config import NetworkConfig


def permuted(labels: Tensor, g: torch.Generator) -> Tensor:
    """The batch's own rows in another order: always real combinations (all three papers)."""
    return labels[torch.randperm(len(labels), generator=g)]


def one_flipped(labels: Tensor, names: Sequence[str], g: torch.Generator) -> Tensor:
    """Each row with one attribute flipped, drawn evenly; what it excludes goes off."""
    out = labels.clone()
    chosen = torch.randint(len(names), (len(labels),), generator=g)
    rows = torch.arange(len(labels))
    out[rows, chosen] = 1 - out[rows, chosen]
    return _exclude(out, chosen, names)


def uniform(labels: Tensor, names: Sequence[str], g: torch.Generator) -> Tensor:
    """Every attribute on or off at random; of what excludes each other one, drawn, stays."""
    out = torch.randint(0, 2, labels.shape, generator=g).float()
    for _ in names:
        chosen = torch.randint(len(names), (len(labels),), generator=g)
        out = _exclude(out, chosen, names)
    for k in range(len(names)):  # what chance has left over
        out = _exclude(out, torch.full((len(labels),), k), names)
    return out


def draw(how: str, labels: Tensor, names: Sequence[str], g: torch.Generator) -> Tensor:
    """By the name of `TrainConfig.targets`."""
    if how == "permutation":
        return permuted(labels, g)
    return (one_flipped if how == "single" else uniform)(labels, names, g)


def magnitudes(how: str, n: int, count: int, g: torch.Generator) -> Tensor:
    """(n, count) factors for what G is told, 0..2 with mean 1 (AttGAN version 1).

    fixed: 1; uniform: 2 u, u in 0..1; normal: (x + 2) / 2, x normal and within +-2.
    """
    if how == "uniform":
        return 2 * torch.rand(n, count, generator=g)
    if how == "normal":
        low, high = torch.special.ndtr(torch.tensor([-2.0, 2.0]))
        u = low + (high - low) * torch.rand(n, count, generator=g)
        factors: Tensor = torch.special.ndtri(u) / 2 + 1
        return factors
    return torch.ones(n, count)


def conditions(
    c: NetworkConfig, source: Tensor, target: Tensor, strength: Tensor | float = 1.0
) -> tuple[Tensor, Tensor]:
    """What G is told for the edit and for "as it is", both (N, C).

    StarGAN: the labels. AttGAN: (2 b - 1) t, of the target times `strength`. STGAN: the difference
    of the two, times `strength`; and 0.
    """
    if c.system == "stargan":
        return target, source
    here, there = (2 * source - 1) * c.scale, (2 * target - 1) * c.scale
    if c.differs:
        return (there - here) * strength, torch.zeros_like(here)
    return there * strength, here


def _exclude(labels: Tensor, chosen: Tensor, names: Sequence[str]) -> Tensor:
    """Where a row's chosen attribute is on, those that it excludes go off."""
    table = torch.tensor([[b in excluded(a) for b in names] for a in names])
    on = labels[torch.arange(len(labels)), chosen] > 0.5
    return labels.masked_fill(table[chosen] & on[:, None], 0)
