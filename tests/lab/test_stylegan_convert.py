"""StyleGAN2 in other people's layouts: files with random weights, against a forward pass in NumPy
that was written from the paper's equations alone, in double precision."""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tonsure.errors import ModelDamaged  # noqa: E402
from tonsure.lab import checkpoints, latent  # noqa: E402
from tonsure.lab.convert import convert  # noqa: E402
from tonsure.lab.networks.stylegan2 import Shape  # noqa: E402
from tonsure.lab.networks.stylegan2_critic import Discriminator  # noqa: E402

D, LAYERS, WIDTH = 6, 3, {4: 8, 8: 8, 16: 4}
Array = np.ndarray


# --- the equations -------------------------------------------------------------------------------


def lrelu(x: Array) -> Array:
    return np.where(x > 0, x, 0.2 * x) * np.sqrt(2)


def correlate(x: Array, kernel: Array, pad: int) -> Array:
    """(C, H, W) by (O, C, k, k), zeros around."""
    k = kernel.shape[-1]
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    h, w = x.shape[1] - k + 1, x.shape[2] - k + 1
    windows = np.stack([x[:, i : i + h, j : j + w] for i in range(k) for j in range(k)], 1)
    return np.einsum("ckhw,ock->ohw", windows, kernel.reshape(*kernel.shape[:2], -1))


FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def smooth(x: Array, before: int, after: int) -> Array:
    x = np.pad(x, ((0, 0), (before, after), (before, after)))
    return np.stack([correlate(c[None], FILTER[None, None], 0)[0] for c in x])


def holes(x: Array) -> Array:
    out = np.zeros((len(x), 2 * x.shape[1], 2 * x.shape[2]))
    out[:, ::2, ::2] = x
    return out


def modulated(x: Array, w: Array, layer: dict[str, Array], up: bool, demodulate: bool) -> Array:
    """Equations 1 and 3: styles on the weights, which then have unit length; convolved, at twice
    the size after zeros between the pixels and before the filter."""
    style = layer["affine_w"] @ w / np.sqrt(D) + layer["affine_b"]
    kernel = layer["weight"] / np.sqrt(layer["weight"][0].size) * style[None, :, None, None]
    if demodulate:
        kernel /= np.sqrt((kernel**2).sum((1, 2, 3), keepdims=True) + 1e-8)
    if not up:
        return correlate(x, kernel, kernel.shape[-1] // 2)
    # a true convolution of the spread picture, to its full length
    spread = holes(x)[:, :-1, :-1]
    return 4 * smooth(correlate(spread, kernel[:, :, ::-1, ::-1], 2), 1, 1)


def picture(weights: dict[str, Any], z: Array) -> Array:
    w = z / np.sqrt((z**2).mean() + 1e-8)
    for weight, bias in weights["mapping"]:
        w = lrelu(0.01 * weight @ w / np.sqrt(D) + 0.01 * bias)
    x, rgb = weights["constant"], None
    for side in WIDTH:
        for name in ("first", "second")[side == 4 :]:
            layer = weights[side][name]
            x = modulated(x, w, layer, name == "first", True)
            x = lrelu(x + layer["strength"] * layer["noise"] + layer["bias"][:, None, None])
        layer = weights[side]["rgb"]
        added = modulated(x, w, layer, False, False) + layer["bias"][:, None, None]
        rgb = added if rgb is None else 4 * smooth(holes(rgb), 2, 1) + added
    return rgb


def score(d: dict[str, Any], pictures: Array) -> Array:
    """Of one group of pictures (N, 3, 16, 16)."""

    def conv(x: Array, weight: Array, half: bool = False) -> Array:
        k = weight.shape[-1]
        kernel = weight / np.sqrt(weight[0].size)
        if not half:
            return correlate(x, kernel, k // 2)
        pad = 1 + k // 2
        return correlate(smooth(x, pad, pad), kernel, 0)[:, ::2, ::2]

    features = []
    for x in pictures:
        x = lrelu(conv(x, d["rgb"][0]) + d["rgb"][1][:, None, None])
        for first, second, skip in d["blocks"]:
            y = lrelu(conv(x, first[0]) + first[1][:, None, None])
            y = lrelu(conv(y, second[0], True) + second[1][:, None, None])
            x = (y + conv(x, skip, True)) / np.sqrt(2)
        features.append(x)
    y = np.stack(features)
    deviation = np.sqrt(y.var(0) + 1e-8).mean()
    out = []
    for x in y:
        x = np.concatenate([x, np.full((1, 4, 4), deviation)])
        x = lrelu(conv(x, d["last"][0]) + d["last"][1][:, None, None]).ravel()
        x = lrelu(d["dense"][0] @ x / np.sqrt(len(x)) + d["dense"][1])
        out.append((d["score"][0] @ x / np.sqrt(len(x)) + d["score"][1])[0])
    return np.array(out)


# --- random weights, and the two layouts ---------------------------------------------------------


def draw() -> tuple[dict[str, Any], dict[str, Any]]:
    random = np.random.default_rng(3)

    def n(*shape: int) -> Array:
        return random.standard_normal(shape).astype(np.float32)

    def layer(inputs: int, outputs: int, k: int, side: int) -> dict[str, Array]:
        return {
            "affine_w": n(inputs, D),
            "affine_b": 1 + n(inputs),
            "weight": n(outputs, inputs, k, k),
            "bias": n(outputs),
            "strength": n(1)[0],
            "noise": n(side, side),
        }

    g: dict[Any, Any] = {
        "mapping": [(100 * n(D, D), n(D)) for _ in range(LAYERS)],
        "constant": n(8, 4, 4),
        "mean": n(D),
    }
    below = 8
    for side, width in WIDTH.items():
        g[side] = {"second": layer(width, width, 3, side), "rgb": layer(width, 3, 1, side)}
        if side > 4:
            g[side]["first"] = layer(below, width, 3, side)
        below = width
    d: dict[str, Any] = {
        "rgb": (n(4, 3, 1, 1), n(4)),
        "last": (n(8, 9, 3, 3), n(8)),
        "dense": (n(8, 128), n(8)),
        "score": (n(1, 8), n(1)),
        "blocks": [((n(a, a, 3, 3), n(a)), (n(8, a, 3, 3), n(8)), n(8, a, 1, 1)) for a in (4, 8)],
    }
    return g, d


def rosinality(g: dict[Any, Any], d: dict[str, Any]) -> dict[str, Any]:
    out = {"input.input": g["constant"][None]}
    for k, (weight, bias) in enumerate(g["mapping"]):
        out |= {f"style.{k + 1}.weight": weight, f"style.{k + 1}.bias": bias}
    number = 0
    for k, side in enumerate(WIDTH):
        for name in ("first", "second")[side == 4 :]:
            x, start = g[side][name], "conv1" if side == 4 else f"convs.{number - 1}"
            out |= {
                f"{start}.conv.weight": x["weight"][None],
                f"{start}.conv.modulation.weight": x["affine_w"],
                f"{start}.conv.modulation.bias": x["affine_b"],
                f"{start}.noise.weight": x["strength"][None],
                f"{start}.activate.bias": x["bias"],
                f"noises.noise_{number}": x["noise"][None, None],
            }
            number += 1
        x, start = g[side]["rgb"], "to_rgb1" if k == 0 else f"to_rgbs.{k - 1}"
        out |= {
            f"{start}.conv.weight": x["weight"][None],
            f"{start}.bias": x["bias"].reshape(1, 3, 1, 1),
            f"{start}.conv.modulation.weight": x["affine_w"],
            f"{start}.conv.modulation.bias": x["affine_b"],
        }
    out["convs.0.conv.blur.kernel"] = (
        FILTER.astype(np.float32) * 4
    )  # a buffer that says nothing new
    critic = {
        "convs.0.0.weight": d["rgb"][0],
        "convs.0.1.bias": d["rgb"][1],
        "final_conv.0.weight": d["last"][0],
        "final_conv.1.bias": d["last"][1],
    }
    for k, name in enumerate(("dense", "score")):
        critic |= {f"final_linear.{k}.weight": d[name][0], f"final_linear.{k}.bias": d[name][1]}
    for k, (first, second, skip) in enumerate(d["blocks"]):
        start = f"convs.{k + 1}"
        critic |= {
            f"{start}.conv1.0.weight": first[0],
            f"{start}.conv1.1.bias": first[1],
            f"{start}.conv2.1.weight": second[0],
            f"{start}.conv2.2.bias": second[1],
            f"{start}.skip.1.weight": skip,
        }
    return {"g_ema": tensors(out), "d": tensors(critic), "latent_avg": torch.from_numpy(g["mean"])}


def nvidia(g: dict[Any, Any], d: dict[str, Any]) -> dict[str, dict[str, Any]]:
    out = {"synthesis.b4.const": g["constant"], "mapping.w_avg": g["mean"]}
    for k, (weight, bias) in enumerate(g["mapping"]):
        out |= {f"mapping.fc{k}.weight": weight, f"mapping.fc{k}.bias": bias}
    for side in WIDTH:
        for ours, theirs in (("first", "conv0"), ("second", "conv1"), ("rgb", "torgb"))[
            side == 4 :
        ]:
            x, start = g[side][ours], f"synthesis.b{side}.{theirs}"
            out |= {
                f"{start}.weight": x["weight"],
                f"{start}.bias": x["bias"],
                f"{start}.affine.weight": x["affine_w"],
                f"{start}.affine.bias": x["affine_b"],
            }
            if ours != "rgb":
                out |= {
                    f"{start}.noise_const": x["noise"],
                    f"{start}.noise_strength": x["strength"],
                }
    critic = {}
    for name, theirs in (
        ("rgb", "b16.fromrgb"),
        ("last", "b4.conv"),
        ("dense", "b4.fc"),
        ("score", "b4.out"),
    ):
        critic |= {f"{theirs}.weight": d[name][0], f"{theirs}.bias": d[name][1]}
    for side, (first, second, skip) in zip((16, 8), d["blocks"], strict=True):
        critic |= {
            f"b{side}.conv0.weight": first[0],
            f"b{side}.conv0.bias": first[1],
            f"b{side}.conv1.weight": second[0],
            f"b{side}.conv1.bias": second[1],
            f"b{side}.skip.weight": skip,
        }
    return {"G_ema": tensors(out), "D": tensors(critic)}


def tensors(arrays: dict[str, Array]) -> dict[str, Any]:
    return {k: torch.from_numpy(np.array(v)) for k, v in arrays.items()}


# --- NVIDIA's pickle: modules that bring their source along -------------------------------------


class Persistent:
    """Pickles as their decorated modules do."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __reduce__(self) -> tuple[Any, ...]:
        source = "raise SystemExit('a source was executed')"
        meta = {
            "type": "class",
            "version": 6,
            "module_src": source,
            "class_name": "Generator",
            "state": self.state,
        }
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (meta,)


def tree(flat: dict[str, Any], kind: str = "_parameters") -> Persistent:
    """Modules of dotted names; noise and means are buffers."""
    inner: dict[str, dict[str, Any]] = {}
    state: dict[str, Any] = {
        "training": False,
        "_parameters": OrderedDict(),
        "_buffers": OrderedDict(),
        "_modules": OrderedDict(),
        "_non_persistent_buffers_set": set(),
    }
    for name, value in flat.items():
        first, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(first, {})[rest] = value
        elif first in ("w_avg", "noise_const"):
            state["_buffers"][first] = value
        else:
            state["_parameters"][first] = torch.nn.Parameter(value)
    for name, content in inner.items():
        state["_modules"][name] = tree(content)
    return Persistent(state)


@pytest.fixture
def their_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a file can name what is not installed here."""
    persistence = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(meta: Any) -> None:
        raise AssertionError("their own code was called")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_utils", types.ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, "torch_utils.persistence", persistence)


def written(layout: str, folder: Path) -> Path:
    g, d = draw()
    if layout == "rosinality":
        torch.save(rosinality(g, d), folder / "550000.pt")
        return folder / "550000.pt"
    if layout == "rosinality with settings":
        torch.save(rosinality(g, d) | {"args": argparse.Namespace(size=16)}, folder / "1.pt")
        return folder / "1.pt"
    if layout == "nvidia state":
        torch.save(nvidia(g, d)["G_ema"], folder / "g.pt")
        return folder / "g.pt"
    modules = {name: tree(flat) for name, flat in nvidia(g, d).items()}
    path = folder / "network-snapshot.pkl"
    path.write_bytes(pickle.dumps(modules | {"training_set_kwargs": None}))
    return path


LAYOUTS = ["rosinality", "rosinality with settings", "nvidia state", "nvidia pickle"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_converted_networks_compute_the_equations(
    layout: str, tmp_path: Path, their_modules: None
) -> None:
    g, d = draw()
    out = tmp_path / "ours.safetensors"
    said = convert(written(layout, tmp_path), out)
    assert "16 px, latent 6" in said
    faces = latent.opened(out)
    assert faces.net.shape == Shape(16, D, LAYERS, 64, 8)
    assert np.allclose(faces.net.mean.numpy(), g["mean"])
    z = np.random.default_rng(5).standard_normal((2, D))
    with torch.no_grad():
        made = faces.net(torch.from_numpy(z).float()).numpy()
    wanted = np.stack([picture(g, row) for row in z])
    assert np.abs(wanted).max() > 1
    assert np.abs(made - wanted).max() < 1e-3 * np.abs(wanted).max()
    weights = checkpoints.part(checkpoints.load(out)[0], "critic")
    assert bool(weights) == (layout != "nvidia state")
    if weights:
        critic = Discriminator(faces.net.shape)
        critic.load_state_dict(weights)
        x = np.random.default_rng(6).uniform(-1, 1, (4, 3, 16, 16))
        with torch.no_grad():
            found = critic(torch.from_numpy(x).float()).numpy()
        assert np.allclose(found, score(d, x), rtol=1e-3, atol=1e-3)


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("place", ["file", "state", "storage"])
def test_hostile_pickles_are_refused(place: str, tmp_path: Path, their_modules: None) -> None:
    mark, path = tmp_path / "executed", tmp_path / "evil.pkl"
    bomb: Any = Bomb(mark)
    if place == "state":
        bomb = Persistent({"_parameters": {"a": bomb}})
    if place == "storage":  # torch's own reader of a storage would run what it holds

        class Storage:
            def __reduce__(self) -> tuple[Any, ...]:
                return torch.storage._load_from_bytes, (pickle.dumps(Bomb(mark)),)

        bomb = Persistent({"_parameters": {"a": Storage()}})
    path.write_bytes(pickle.dumps({"G_ema": bomb}))
    with pytest.raises(ModelDamaged, match="refused"):
        convert(path, tmp_path / "out.safetensors")
    assert not mark.exists()
    assert not (tmp_path / "out.safetensors").exists()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    g, d = draw()
    whole = rosinality(g, d)
    del whole["g_ema"]["convs.1.conv.weight"]
    torch.save(whole, tmp_path / "a.pt")
    with pytest.raises(ModelDamaged, match=r"convs\.1\.conv\.weight"):
        convert(tmp_path / "a.pt", tmp_path / "out.safetensors")
