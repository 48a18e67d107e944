"""From a configuration to networks, and how large they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tonsure.lab.networks import attgan, stargan, stgan
from tonsure.lab.networks.config import NetworkConfig


def generator(c: NetworkConfig) -> stargan.Generator | attgan.Generator | stgan.Generator:
    """G of the system."""
    return {"stargan": stargan, "attgan": attgan, "stgan": stgan}[c.system].Generator(c)  # type: ignore[no-any-return]


def discriminator(c: NetworkConfig) -> stargan.Discriminator | attgan.Discriminator:
    """D of the system."""
    return stargan.Discriminator(c) if c.system == "stargan" else attgan.Discriminator(c)


def parameters(network: nn.Module) -> int:
    """Trained numbers; moving statistics are not among them."""
    return sum(p.numel() for p in network.parameters())


def multiplications(network: nn.Module, *inputs: Tensor) -> int:
    """Multiply-adds of one pass: convolutions, transposed ones (input positions) and linear."""
    total = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.ConvTranspose2d):
            total += layer.weight.numel() * given[0][0, 0].numel() * given[0].shape[0]
        elif isinstance(layer, nn.Conv2d):
            total += layer.weight.numel() * out[0, 0].numel() * out.shape[0]
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel() * out.shape[0]

    hooks = [m.register_forward_hook(count) for m in network.modules()]
    network.eval()(*inputs)
    for hook in hooks:
        hook.remove()
    return total


def summary(c: NetworkConfig) -> dict[str, Any]:
    """Of each network its parameters, shapes and GMAC; nothing is allocated."""
    with torch.device("meta"):
        x = torch.zeros(1, 3, c.height, c.width)
        labels = torch.zeros(1, c.count)
        g, d = generator(c), discriminator(c)
        picture = ["N", 3, c.height, c.width]
        patches = ["N", *d.scores(x).shape[1:]]
        condition = {"labels" if c.system == "stargan" else c.condition: ["N", c.count]}
        return {
            "generator": {
                "parameters": parameters(g),
                "inputs": {"picture": picture, **condition},
                "outputs": {"picture": picture},
                "gmac": round(multiplications(g, x, labels) / 1e9, 3),
            },
            "discriminator": {
                "parameters": parameters(d),
                "inputs": {"picture": picture},
                "outputs": {"scores": patches, "logits": ["N", c.count]},
                "gmac": round(multiplications(d, x) / 1e9, 3),
            },
        }
