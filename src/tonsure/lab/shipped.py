"""Going on from a shipped network: its file's weights back in the module that made it.

A file has its batch norms folded into the convolutions before them (`export`); so each is put back
as a norm that changes nothing, and then given the statistics of an example, which leaves the
function as it is and lets training normalise by the batch again.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from tonsure.lab.networks.unet import Down, Residual

Net = TypeVar("Net", bound=nn.Module)


def warm(net: Net, name: str) -> Net:
    """`net` with the weights of the shipped network `name`, or of an `.onnx` file.

    Raises `ValueError` where the file is of another network.
    """
    import onnx
    from onnx import numpy_helper

    from tonsure.models.registry import info

    graph = onnx.load(name if name.endswith(".onnx") else str(info(name).path)).graph
    arrays = {
        i.name.removesuffix(".half").removeprefix("body."): numpy_helper.to_array(i)
        for i in graph.initializer
    }
    own = net.state_dict()
    found = {k: torch.from_numpy(v.astype(np.float32)) for k, v in arrays.items() if k in own}
    folded = [k for k in arrays if k.startswith("onnx::Conv")]
    products = [k for k in arrays if k.startswith("onnx::MatMul")]
    norms = _folded(net)
    linear = [m for m in net.modules() if isinstance(m, nn.Linear)]
    if len(folded) != 2 * len(norms) or len(products) != len(linear):
        raise ValueError(f"{name} holds another network's weights.")
    net.load_state_dict(found, strict=False)
    pairs = zip(folded[::2], folded[1::2], strict=True)
    with torch.no_grad():
        for (conv, norm), (weight, bias) in zip(norms, pairs, strict=True):
            conv.weight.copy_(_tensor(arrays[weight]))
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1)
            norm.bias.copy_(_tensor(arrays[bias]))
        for layer, key in zip(linear, products, strict=True):
            layer.weight.copy_(_tensor(arrays[key]).T)
    return net


@torch.no_grad()
def spread(net: Net, example: Tensor) -> Net:
    """The same function with norms that have the statistics of `example`, so that training may
    normalise by the batch again."""
    net.eval()
    pairs = _folded(net)
    seen: dict[int, tuple[Tensor, Tensor]] = {}

    def watch(index: int) -> Any:
        def hook(_: nn.Module, __: Any, out: Tensor) -> None:
            seen[index] = out.mean((0, 2, 3)), out.var((0, 2, 3))

        return hook

    hooks = [conv.register_forward_hook(watch(k)) for k, (conv, _) in enumerate(pairs)]
    net(example)
    for hook in hooks:
        hook.remove()
    for k, (_, norm) in enumerate(pairs):
        mean, var = seen[k]
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
        norm.weight.copy_((var + norm.eps).sqrt())
        norm.bias.add_(mean)
    return net


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


def _folded(net: nn.Module) -> list[tuple[Any, Any]]:
    """Convolutions with the norm that export folds into them, in the graph's order."""
    out: list[tuple[Any, Any]] = []
    for module in net.modules():
        if isinstance(module, Down):
            out.append((module[0], module[1]))
        elif isinstance(module, Residual):
            out.append((module.first, module.first_norm))
            out.append((module.second, module.second_norm))
    return out
