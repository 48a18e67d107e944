"""Other people's weights: files of their exact layouts, against forward passes written apart."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch.nn.functional as F  # noqa: E402

from tonsure.errors import BadOption, ModelDamaged  # noqa: E402
from tonsure.lab import sample, unpickle  # noqa: E402
from tonsure.lab.checkpoints import part  # noqa: E402
from tonsure.lab.convert import convert  # noqa: E402
from tonsure.lab.networks.build import discriminator  # noqa: E402

C, W = 13, (4, 8, 16, 32, 64)


class Draw:
    """Random arrays of the layouts' shapes, by name."""

    def __init__(self) -> None:
        self.random, self.arrays = np.random.default_rng(0), {}

    def __call__(self, name: str, *shape: int, scale: float = 0.1) -> None:
        self.arrays[name] = (scale * self.random.standard_normal(shape)).astype(np.float32)

    def norm(self, name: str, n: int) -> None:
        for end in ("w", "b", "mean"):
            self(f"{name}_{end}", n, scale=1.0)
        self.arrays[f"{name}_var"] = self.random.uniform(0.5, 2, n).astype(np.float32)


def paddle(units: bool, norm: bool = True) -> dict[str, np.ndarray]:
    """`net_G.pdparams` of STGAN (or AttGAN), narrow; discriminator included, as Paddle saves it."""
    draw = Draw()
    for i, (a, b) in enumerate(zip((3, *W), W, strict=False)):
        draw(f"generator_Genc{i}_w", b, a, 4, 4)
        draw.norm(f"generator_Genc{i}_norm", b)
        draw(f"discriminator{i}_w", b, a, 4, 4)
        if norm:
            draw(f"discriminator{i}_norm_scale", b, scale=1)
            draw(f"discriminator{i}_norm_offset", b)
        else:
            draw(f"discriminator{i}_b", b)
    state = W[-1] + C
    for i, f in enumerate(reversed(W[:-1])) if units else ():
        draw(f"generator_GRU{i}_deconv2d_w", state, f, 4, 4)
        draw(f"generator_GRU{i}_deconv2d_b", f)
        for gate in ("reset_gate", "update_gate", "info"):
            draw(f"generator_GRU{i}_{gate}_w", f, 2 * f, 3, 3)
            draw(f"generator_GRU{i}_{gate}_b", f)
        state = f + C
    inputs = W[-1] + C
    for i in range(4):
        outputs = W[4 - i]
        draw(f"generator_Gdec{i}_w", inputs, outputs, 4, 4)
        draw.norm(f"generator_Gdec{i}_norm", outputs)
        joined = units or i == 0
        inputs = outputs + (W[3 - i] + C if joined else 0)
    draw("generator_Gdec4_w", inputs, 3, 4, 4)
    draw("generator_Gdec4_b", 3)
    flat = W[-1] * 4
    for head, n in (("adv", 1), ("cls", C)):
        draw(f"discriminatorfc_{head}_1_w", flat, 10)
        draw(f"discriminatorfc_{head}_1_b", 10)
        draw(f"discriminatorfc_{head}_2_w", 10, n)
        draw(f"discriminatorfc_{head}_2_b", n)
    return draw.arrays


def run_paddle(p, x, told, units, slope):
    """Paddle's program in words of torch: batch norm in test mode, epsilon 1e-5."""
    p = {k: torch.from_numpy(v) for k, v in p.items()}

    def norm(y, name):
        return F.batch_norm(
            y, p[f"{name}_mean"], p[f"{name}_var"], p[f"{name}_w"], p[f"{name}_b"], False, 0, 1e-5
        )

    def tile(y):
        return told[:, :, None, None].expand(-1, -1, *y.shape[2:])

    z = []
    for i in range(5):
        y = F.conv2d(x, p[f"generator_Genc{i}_w"], None, 2, 1)
        x = F.leaky_relu(norm(y, f"generator_Genc{i}_norm"), slope)
        z.append(x)
    skips, state = z[:], torch.cat([z[4], tile(z[4])], 1)
    for i in range(4) if units else ():
        g, f = f"generator_GRU{i}", z[3 - i]
        u = F.conv_transpose2d(state, p[f"{g}_deconv2d_w"], p[f"{g}_deconv2d_b"], 2, 1)

        def conv(a, b, name, g=g):
            return F.conv2d(torch.cat([a, b], 1), p[f"{g}_{name}_w"], p[f"{g}_{name}_b"], 1, 1)

        r, k = torch.sigmoid(conv(f, u, "reset_gate")), torch.sigmoid(conv(f, u, "update_gate"))
        s = r * u
        skips[3 - i] = (1 - k) * u + k * torch.tanh(conv(f, s, "info"))
        state = torch.cat([s, tile(s)], 1)
    y = torch.cat([z[4], tile(z[4])], 1)
    for i in range(4):
        y = F.conv_transpose2d(y, p[f"generator_Gdec{i}_w"], None, 2, 1)
        y = F.relu(norm(y, f"generator_Gdec{i}_norm"))
        if units or i == 0:
            y = torch.cat([y, skips[3 - i], tile(y)], 1)
    y = F.conv_transpose2d(y, p["generator_Gdec4_w"], p["generator_Gdec4_b"], 2, 1)
    return torch.tanh(y)


def write(path: Path, arrays) -> Path:
    path.write_bytes(pickle.dumps(arrays, protocol=2))
    return path


@pytest.mark.parametrize(("units", "slope"), [(True, 0.2), (False, 0.01)])
def test_paddle_stgan_and_attgan(tmp_path, units, slope):
    arrays = paddle(units)
    out = tmp_path / "ours.safetensors"
    said = convert(write(tmp_path / "net_G.pdparams", arrays), out)
    assert ("stgan" if units else "attgan") in said
    g, config, _ = sample.opened(out)
    assert config.data.crop == "centre-170"
    assert (config.network.height, config.network.slope) == (64, slope)
    x, told = torch.randn(2, 3, 64, 64), torch.randn(2, C)
    with torch.no_grad():
        assert torch.allclose(g(x, told), run_paddle(arrays, x, told, units, slope), atol=1e-5)


@pytest.mark.parametrize("norm", [True, False])
def test_paddles_discriminator_comes_along(tmp_path, norm):
    arrays = paddle(True, norm)
    out = tmp_path / "ours.safetensors"
    convert(write(tmp_path / "net_G.pdparams", arrays), out)
    tensors, config, _ = sample.found(out)
    d = discriminator(config.network).eval()
    d.load_state_dict(part(tensors, "discriminator"))
    p = {k: torch.from_numpy(v) for k, v in arrays.items()}
    x = z = torch.randn(2, 3, 64, 64)
    for i in range(5):
        name = f"discriminator{i}"
        z = F.conv2d(z, p[f"{name}_w"], p.get(f"{name}_b"), 2, 1)
        if norm:
            gain, shift = p[f"{name}_norm_scale"], p[f"{name}_norm_offset"]
            z = F.instance_norm(z, weight=gain, bias=shift, eps=1e-5)
        z = F.leaky_relu(z, 0.2)
    for got, head in zip(d(x), ("adv", "cls"), strict=True):
        y = z.flatten(1) @ p[f"discriminatorfc_{head}_1_w"] + p[f"discriminatorfc_{head}_1_b"]
        y = F.leaky_relu(y, 0.2)
        y = y @ p[f"discriminatorfc_{head}_2_w"] + p[f"discriminatorfc_{head}_2_b"]
        assert torch.allclose(got, y, atol=1e-5)


def test_stargan_as_its_authors_save_it(tmp_path):
    """Running statistics are in the file, and must not be used."""
    draw, w = Draw(), 4
    shapes = {"main.0": (w, 8, 7, 7), "main.3": (2 * w, w, 4, 4), "main.6": (4 * w, 2 * w, 4, 4)}
    for k in range(9, 15):
        shapes |= {f"main.{k}.main.0": (16, 16, 3, 3), f"main.{k}.main.3": (16, 16, 3, 3)}
    shapes |= {"main.15": (16, 8, 4, 4), "main.18": (8, 4, 4, 4), "main.21": (3, 4, 7, 7)}
    for name, shape in shapes.items():
        draw(f"{name}.weight", *shape)
        if name == "main.21":
            continue
        head, _, index = name.rpartition(".")
        n = shape[1] if name in ("main.15", "main.18") else shape[0]
        for end in ("weight", "bias", "running_mean", "running_var"):
            draw(f"{head}.{int(index) + 1}.{end}", n, scale=1)
    g = {k: torch.from_numpy(v) for k, v in draw.arrays.items()}
    g["main.1.num_batches_tracked"] = torch.tensor(7)
    torch.save(g, tmp_path / "200000-G.ckpt")
    d = {"conv1.weight": torch.randn(1, 128, 3, 3), "conv2.weight": torch.randn(5, 128, 1, 1)}
    a = 3
    for i in range(6):
        d[f"main.{2 * i}.weight"] = torch.randn(4 << i, a, 4, 4)
        d[f"main.{2 * i}.bias"] = torch.randn(4 << i)
        a = 4 << i
    torch.save(d, tmp_path / "200000-D.ckpt")
    out = tmp_path / "ours.safetensors"
    convert(tmp_path / "200000-G.ckpt", out)
    net, config, _ = sample.opened(out)
    assert config.network.height == 64
    assert config.data.crop == "centre-178"
    x, label = torch.randn(2, 3, 64, 64), torch.ones(2, 5)

    def norm(y, name):
        return F.instance_norm(y, weight=g[f"{name}.weight"], bias=g[f"{name}.bias"], eps=1e-5)

    y = torch.cat([x, label[:, :, None, None].expand(-1, -1, 64, 64)], 1)
    y = F.relu(norm(F.conv2d(y, g["main.0.weight"], None, 1, 3), "main.1"))
    for k in (3, 6):
        y = F.relu(norm(F.conv2d(y, g[f"main.{k}.weight"], None, 2, 1), f"main.{k + 1}"))
    for k in range(9, 15):
        z = F.relu(norm(F.conv2d(y, g[f"main.{k}.main.0.weight"], None, 1, 1), f"main.{k}.main.1"))
        y = y + norm(F.conv2d(z, g[f"main.{k}.main.3.weight"], None, 1, 1), f"main.{k}.main.4")
    for k in (15, 18):
        y = F.relu(norm(F.conv_transpose2d(y, g[f"main.{k}.weight"], None, 2, 1), f"main.{k + 1}"))
    y = torch.tanh(F.conv2d(y, g["main.21.weight"], None, 1, 3))
    with torch.no_grad():
        assert torch.allclose(net(x, label), y, atol=1e-4)


def test_the_ports_attgan(tmp_path):
    arrays = paddle(False)
    ends = {"w": "weight", "b": "bias", "mean": "running_mean", "var": "running_var"}
    state = {}
    for name, value in arrays.items():
        for half in ("enc", "dec"):
            start = f"generator_G{half}"
            if name.startswith(start):
                index, _, rest = name.removeprefix(start).partition("_")
                layer = 1 if rest.startswith("norm_") else 0
                end = ends[rest.removeprefix("norm_")]
                key = f"module.{half}_layers.{index}.layers.{layer}.{end}"
                state[key] = torch.from_numpy(value)
    torch.save({"G": state}, tmp_path / "weights.49.pth")
    out = tmp_path / "ours.safetensors"
    convert(tmp_path / "weights.49.pth", out)
    g, config, _ = sample.opened(out)
    assert config.network.slope == 0.01
    assert (config.network.shortcuts, config.network.injects) == (1, 1)
    x, told = torch.randn(1, 3, 64, 64), torch.randn(1, C)
    with torch.no_grad():
        assert torch.allclose(g(x, told), run_paddle(arrays, x, told, False, 0.01), atol=1e-5)


def test_what_does_not_fit_is_named(tmp_path):
    arrays, out = paddle(True), tmp_path / "ours.safetensors"
    short = {k: v for k, v in arrays.items() if k != "generator_GRU2_info_b"}
    with pytest.raises(ModelDamaged, match=r"no generator.units.2.candidate.bias 8"):
        convert(write(tmp_path / "a.pdparams", short), out)
    arrays["generator_GRU1_info_w"] = arrays["generator_GRU1_info_w"][:, :-1]
    with pytest.raises(ModelDamaged, match=r"units.1.candidate.weight is 16x31x3x3 there, 16x32"):
        convert(write(tmp_path / "b.pdparams", arrays), out)
    with pytest.raises(ModelDamaged, match="generator_Genc0_w"):
        convert(write(tmp_path / "c.pdparams", {"x": np.zeros(1)}), out)
    torch.save({"x": torch.zeros(1)}, tmp_path / "d.ckpt")
    with pytest.raises(ModelDamaged, match="neither StarGAN"):
        convert(tmp_path / "d.ckpt", out)
    with pytest.raises(BadOption, match="no file"):
        convert(tmp_path / "none.pth", out)
    assert not out.exists()


class Hostile:
    """Runs a command when it is unpickled in good faith."""

    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self):
        return os.system, (f"touch {self.trap}",)


def test_a_hostile_file_is_refused(tmp_path):
    trap, out = tmp_path / "trap", tmp_path / "ours.safetensors"
    data = {"generator_Genc0_w": np.zeros(1), "x": Hostile(trap)}
    with pytest.raises(ModelDamaged, match=r"names (posix|nt)\.system"):
        convert(write(tmp_path / "net_G.pdparams", data), out)
    torch.save({"main.0.weight": torch.zeros(1), "x": Hostile(trap)}, tmp_path / "G.ckpt")
    with pytest.raises(ModelDamaged, match="is refused"):
        convert(tmp_path / "G.ckpt", out)
    for bad in (b"", b"cbuiltins\neval\n(S'1'\ntR.", pickle.dumps([1]), pickle.dumps({"a": 1})):
        (tmp_path / "bad.pdparams").write_bytes(bad)
        with pytest.raises(ModelDamaged, match="is refused"):
            unpickle.arrays(tmp_path / "bad.pdparams")
    objects = write(tmp_path / "o.pdparams", {"a": np.array([None], dtype=object)})
    with pytest.raises(ModelDamaged, match="not numbers"):
        unpickle.arrays(objects)
    assert not trap.exists()
    assert not out.exists()


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_of_every_protocol_come_through(tmp_path, protocol):
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32([1])}
    path = tmp_path / "p"
    path.write_bytes(pickle.dumps(arrays, protocol=protocol))
    got = unpickle.arrays(path)
    assert all(np.array_equal(got[k], arrays[k]) for k in arrays)


def test_a_discriminator_and_garbage_are_told(tmp_path):
    d = {"main.0.weight": torch.randn(4, 3, 4, 4), "conv2.weight": torch.randn(5, 4, 2, 2)}
    torch.save(d, tmp_path / "200000-D.ckpt")
    with pytest.raises(ModelDamaged, match=r"StarGAN's discriminator; name the generator"):
        convert(tmp_path / "200000-D.ckpt", tmp_path / "o.safetensors")
    (tmp_path / "a.ckpt").write_bytes(b"garbage")
    with pytest.raises(ModelDamaged, match="no file that torch wrote"):
        convert(tmp_path / "a.ckpt", tmp_path / "o.safetensors")
