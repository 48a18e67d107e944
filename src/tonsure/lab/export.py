"""From a trained network to one ONNX file: batch norm folded, weights as float16, parity checked.

The file computes in float32 (a Cast behind every stored weight, which ONNX Runtime folds when it
loads): half the size on disk, and no loss of speed on processors without half arithmetic.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from tonsure.lab.data import disk
from tonsure.models import device


@dataclass(frozen=True)
class Port:
    """A network as it is used: `module`, an input of each name in the order in which the module
    takes them, names of the outputs, and axes that may vary by name."""

    module: nn.Module
    examples: dict[str, torch.Tensor]
    outputs: list[str]
    free: dict[str, dict[int, str]]

    def write(self, path: Path) -> float:
        """As ONNX; the largest difference from torch on the examples."""
        return export(self.module, self.examples, self.outputs, path, self.free)


def halve_weights(model: onnx.ModelProto, smallest: int = 64) -> onnx.ModelProto:
    """Store every float32 weight of at least `smallest` numbers as float16 plus a Cast."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        array = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or array.size < smallest:
            continue
        name = weight.name
        half = numpy_helper.from_array(array.astype(np.float16), f"{name}.half")
        weight.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model)
    return model


def export(
    network: nn.Module,
    examples: dict[str, torch.Tensor],
    outputs: list[str],
    path: Path,
    free: dict[str, dict[int, str]],
) -> float:
    """Write a network to `path`, and compare it with torch.

    Parameters
    ----------
    network : is brought to evaluation and float32.
    examples : an input for each name, in the order in which the network takes them.
    outputs : names of what it gives.
    free : axes that may vary, by input or output, as `torch.onnx.export` takes them.

    Returns the largest difference of ONNX Runtime's outputs from torch's on `examples`. The file
    appears whole or not at all; `UnwritableOutput` where it does not fit.
    """
    onnxruntime = device.runtime()
    network = network.eval().float()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # torch's words about its older exporter, which needs no further package, and about instance
        # norm, which takes the picture's own statistics in both modes
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "ONNX export mode is set", UserWarning)
        torch.onnx.export(
            network, tuple(examples.values()), buffer,  # type: ignore[arg-type]  # or a file
            input_names=list(examples), output_names=outputs,
            dynamic_axes=free, opset_version=17, dynamo=False,
        )  # fmt: skip
    model = halve_weights(onnx.load_from_string(buffer.getvalue()))
    with disk.whole(path) as half:
        onnx.save(model, str(half))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(None, {k: v.numpy() for k, v in examples.items()})
    with torch.no_grad():
        wanted = network(*examples.values())
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    return max(float(np.abs(g - w.numpy()).max()) for g, w in zip(got, wanted, strict=True))
