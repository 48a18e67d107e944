"""Identity: the conversion against the network written down in torch, the chip, the distance."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tonsure.errors import ModelMissing
from tonsure.faces import Face
from tonsure.lab import identity

torch = pytest.importorskip("torch")
F = torch.nn.functional

SCRIPT = Path(__file__).parents[2] / "scripts" / "convert_identity.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("convert_identity", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def number(value: int) -> bytes:
    """As dlib writes it."""
    raw = abs(value).to_bytes(max(1, (abs(value).bit_length() + 7) // 8), "little")
    return bytes([len(raw) | (0x80 if value < 0 else 0)]) + raw


class Drawn:
    """A network file with drawn weights, and the network itself in torch."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.file = bytearray(b"\x01\x02\x01\x02\x01\x02\x01\x02\x01\x02 text that looks like one")
        self.layers: list[tuple[object, ...]] = []

    def tensor(self, values: np.ndarray, *shape: int) -> None:
        self.file += b"".join(number(v) for v in (2, *shape))
        self.file += values.astype("<f4").tobytes() + b"\x01\x01"

    def convolution(self, inputs: int, outputs: int, kernel: int) -> None:
        fan = inputs * kernel * kernel
        weight = self.random.normal(0, (2 / fan) ** 0.5, (outputs, inputs, kernel, kernel))
        bias = self.random.normal(0, 0.1, outputs)
        scale, shift = self.random.uniform(0.5, 1, outputs), self.random.normal(0, 0.1, outputs)
        both, affine = np.concatenate([weight.ravel(), bias]), np.concatenate([scale, shift])
        self.tensor(both, both.size, 1, 1, 1)
        self.tensor(affine, affine.size, 1, 1, 1)
        self.layers.append(tuple(torch.tensor(v).float() for v in (weight, bias, scale, shift)))


def layer(x: torch.Tensor, weights: tuple[torch.Tensor, ...], stride: int) -> torch.Tensor:
    weight, bias, scale, shift = weights
    pad = weight.shape[2] // 2 if stride == 1 else 0
    x = F.conv2d(x, weight, bias, stride=stride, padding=pad)
    return x * scale[:, None, None] + shift[:, None, None]


def network(drawn: Drawn, matrix: np.ndarray, chips: np.ndarray) -> np.ndarray:
    """dlib's network, as its documentation draws it."""
    mean = torch.tensor([122.782, 117.001, 104.298])
    weights = iter(drawn.layers)
    x = ((torch.from_numpy(chips).float() - mean) / 256).permute(0, 3, 1, 2)
    x = F.max_pool2d(F.relu(layer(x, next(weights), 2)), 3, 2)
    for width, halves, count in ((32, 0, 3), (64, 1, 4), (128, 1, 3), (256, 1, 3), (256, 1, 1)):
        for k in range(count):
            stride = 2 if halves and k == 0 else 1
            branch = F.relu(layer(x, next(weights), stride))
            branch = layer(branch, next(weights), 1)
            if stride == 2:
                x = F.avg_pool2d(x, 2)
                x = F.pad(x, (0, 0, 0, 0, 0, width - x.shape[1]))
                gap = x.shape[2] - branch.shape[2]
                branch = F.pad(branch, (0, gap, 0, gap))
            x = F.relu(x + branch)
    return (x.mean((2, 3)) @ torch.from_numpy(matrix).float()).numpy()


def test_conversion_gives_the_same_network(script: ModuleType, tmp_path: Path) -> None:
    drawn = Drawn()
    drawn.convolution(3, 32, 7)
    inputs = 32
    for width, _, count in script.STAGES:
        for _ in range(count):
            drawn.convolution(inputs, width, 3)
            drawn.convolution(width, width, 3)
            inputs = width
    matrix = drawn.random.normal(0, 0.1, (256, 128))
    drawn.tensor(matrix, 256, 128, 1, 1)
    file = tmp_path / "identity.onnx"
    file.write_bytes(script.convert(bytes(drawn.file)))
    chips = drawn.random.integers(0, 256, (2, 150, 150, 3)).astype(np.uint8)
    got = identity.descriptors(chips, file=file)
    wanted = network(drawn, matrix, chips)
    assert np.abs(got - wanted).max() < 2e-4 * np.abs(wanted).max()


def test_numbers_of_dlib(script: ModuleType) -> None:
    for value in (0, 1, 255, 256, -3, 70000):
        written = number(value)
        assert script.integer(written + b"\0" * 9, 0) == (value, len(written))
    assert script.integer(b"\x70" + b"\0" * 9, 0) is None


def test_a_short_file_is_refused(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="tensor 1"):
        script.convert(b"\x01\x02" * 50)


def mesh(turn: complex, shift: complex) -> Face:
    """A face whose five points lie exactly as in the chip, turned and scaled into a photo."""
    points = np.zeros((468, 3), np.float32)
    here = (identity._TARGET - 75 - 75j) * turn + shift
    points[list(identity._POINTS), 0] = here.real
    points[list(identity._POINTS), 1] = here.imag
    return Face((0.0, 0.0, 1.0, 1.0), points, 1.0, 1.0, 0.0)


def test_the_chip_follows_the_face() -> None:
    y, x = np.mgrid[0:400, 0:400]
    pixels = np.stack([x // 2, y // 2, (x + y) // 4], -1).astype(np.uint8)
    chip = identity.chip(pixels, mesh(1.0, 200 + 180j))
    assert chip.shape == (150, 150, 3)
    assert np.abs(chip.astype(int) - pixels[105:255, 125:275]).max() <= 1
    turned = identity.chip(np.rot90(pixels, -1).copy(), mesh(1j, 400 - 180 + 200j))
    assert np.abs(turned.astype(int) - chip).max() <= 2


def test_distance_without_the_network_says_what_to_do(tmp_path: Path) -> None:
    pixels = np.zeros((50, 50, 3), np.uint8)
    with pytest.raises(ModelMissing, match=r"convert_identity\.py"):
        identity.distance(
            pixels, mesh(0.2, 25 + 25j), pixels, mesh(0.2, 25 + 25j), file=tmp_path / "none.onnx"
        )


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert identity.path() == tmp_path / "tonsure" / "identity.onnx"
