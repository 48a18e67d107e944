"""StyleGAN2 weights of others into our names: rosinality's layout, and NVIDIA's for PyTorch.

    {"g_ema": ..., "d": ..., "latent_avg": ...}   rosinality/stylegan2-pytorch, a .pt of torch.save
    {"G_ema": ..., "D": ...}                      NVlabs/stylegan2-ada-pytorch, a .pkl of modules
    "synthesis.b4.const": ...                     the state_dict of its generator alone

Both compute what `networks.stylegan2` does, in the same orientation of every kernel; only the names
and some shapes differ. Noise that is stored comes along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tonsure.errors import ModelDamaged
from tonsure.lab import config as configs
from tonsure.lab import products
from tonsure.lab.networks.stylegan2 import Shape
from tonsure.lab.unpickle_modules import modules

Tensors = dict[str, Tensor]


@dataclass
class Faces:
    """A file's content in our names: generator, discriminator if there is one, and their shape."""

    shape: Shape
    generator: Tensors
    discriminator: Tensors = field(default_factory=dict)


def opened(source: Path, load: Callable[[Path], Mapping[str, Any]]) -> Faces | None:
    """The content of a file of one of these layouts, None for another file; `load` reads what
    torch wrote. `ModelDamaged` for a file that is refused."""
    if source.suffix == ".pkl" and source.is_file():
        return read(modules(source))
    if source.suffix not in (".pt", ".pth") or not source.is_file():
        return None
    found = load(source)
    names = ("g_ema", "G_ema", "synthesis.b4.const", "input.input")
    return read(found) if any(name in found for name in names) else None


def config(faces: Faces, changes: Sequence[str]) -> dict[str, Any]:
    """A checkpoint's configuration, with `changes` as of presets: which crop a file was trained on
    is nowhere in it, and FFHQ's is taken."""
    options = asdict(faces.shape) | {"crop": "ffhq"}
    values = {"name": "stylegan2-converted", "task": "stylegan", "options": options}
    return products.of_dict(configs.changed(values, changes)).as_dict()


def read(found: Mapping[str, Any]) -> Faces:
    """The content of a file's dictionary. `ModelDamaged` names what is missing, or what is of
    another architecture than configurations E and F."""
    if "g_ema" in found or "input.input" in found:
        g = _tensors(found.get("g_ema", found))
        mean = found.get("latent_avg")
        return _rosinality(g, _tensors(found.get("d", {})), mean)
    g = _tensors(found.get("G_ema", found.get("G", found)))
    return _nvidia(g, _tensors(found.get("D", {})))


def _tensors(values: Any) -> Tensors:
    if not isinstance(values, Mapping):
        raise ModelDamaged("The file does not fit: a network in it is no dictionary of tensors.")
    return {str(k): v.float() for k, v in values.items() if isinstance(v, Tensor)}


def _taken(tensors: Tensors, name: str) -> Tensor:
    if name not in tensors:
        raise ModelDamaged(f"The file does not fit StyleGAN2: it has no {name}.")
    return tensors.pop(name)


def _shape(size: int, latent: int, mapping: int, widths: dict[int, int]) -> Shape:
    """`widths`: channels by px. What base and widest make of them has to be the same."""
    widest = max(widths.values())
    # the finest block is below the limit unless all of them are at it
    shape = Shape(size, latent, mapping, widths[size] * size, widest)
    if any(shape.width(side) != count for side, count in widths.items()):
        raise ModelDamaged(
            f"The file does not fit: channels {sorted(widths.items())} are not"
            " min(base / px, most)."
        )
    return shape


def _dense(out: Tensors, ours: str, there: Tensors, theirs: str) -> None:
    for end in ("weight", "bias"):
        out[f"{ours}.{end}"] = _taken(there, f"{theirs}.{end}")


def _rosinality(g: Tensors, d: Tensors, mean: Any) -> Faces:
    count = sum(1 for k in g if re.fullmatch(r"to_rgbs\.\d+\.bias", k)) + 1
    mapping = sum(1 for k in g if re.fullmatch(r"style\.\d+\.weight", k))
    out: Tensors = {}
    for k in range(mapping):
        _dense(out, f"mapping.layers.{k}", g, f"style.{k + 1}")
    out["constant"] = _taken(g, "input.input")[0]
    latent = out["mapping.layers.0.weight"].shape[0] if mapping else 0
    widths: dict[int, int] = {4: len(out["constant"])}
    for k in range(count):
        layers = (
            [("second", "conv1", 0)]
            if k == 0
            else [
                ("first", f"convs.{2 * k - 2}", 2 * k - 1),
                ("second", f"convs.{2 * k - 1}", 2 * k),
            ]
        )
        for ours, theirs, number in layers:
            start = f"blocks.{k}.{ours}"
            _dense(out, f"{start}.style", g, f"{theirs}.conv.modulation")
            out[f"{start}.weight"] = _taken(g, f"{theirs}.conv.weight")[0]
            out[f"{start}.bias"] = _taken(g, f"{theirs}.activate.bias")
            out[f"{start}.strength"] = _taken(g, f"{theirs}.noise.weight").reshape(())
            # older files have none
            noise = g.pop(f"noises.noise_{number}", torch.zeros(1, 1, 4 << k, 4 << k))
            out[f"{start}.noise"] = noise[0, 0]
        rgb = "to_rgb1" if k == 0 else f"to_rgbs.{k - 1}"
        _dense(out, f"blocks.{k}.rgb.style", g, f"{rgb}.conv.modulation")
        out[f"blocks.{k}.rgb.weight"] = _taken(g, f"{rgb}.conv.weight")[0, :, :, 0, 0]
        out[f"blocks.{k}.rgb.bias"] = _taken(g, f"{rgb}.bias").reshape(3)
        widths[4 << k] = out[f"blocks.{k}.second.weight"].shape[0]
    out["mean"] = mean.float().reshape(-1) if isinstance(mean, Tensor) else torch.zeros(latent)
    out |= _never_trained()
    shape = _shape(4 << (count - 1), latent, mapping, widths)
    if not d:
        return Faces(shape, out)
    critic: Tensors = {
        "rgb.weight": _taken(d, "convs.0.0.weight"),
        "rgb.bias": _taken(d, "convs.0.1.bias"),
        "last.weight": _taken(d, "final_conv.0.weight"),
        "last.bias": _taken(d, "final_conv.1.bias"),
    }
    for k in range(count - 1):
        for ours, theirs, at in (("first", "conv1", 0), ("second", "conv2", 1)):
            start = f"convs.{k + 1}.{theirs}"
            critic[f"blocks.{k}.{ours}.weight"] = _taken(d, f"{start}.{at}.weight")
            critic[f"blocks.{k}.{ours}.bias"] = _taken(d, f"{start}.{at + 1}.bias")
        critic[f"blocks.{k}.skip.weight"] = _taken(d, f"convs.{k + 1}.skip.1.weight")
    _dense(critic, "dense", d, "final_linear.0")
    _dense(critic, "score", d, "final_linear.1")
    return Faces(shape, out, critic | _never_augmented())


def _nvidia(g: Tensors, d: Tensors) -> Faces:
    sides = sorted(
        int(m[1]) for k in g if (m := re.fullmatch(r"synthesis\.b(\d+)\.torgb\.bias", k))
    )
    mapping = sum(1 for k in g if re.fullmatch(r"mapping\.fc\d+\.weight", k))
    if "mapping.embed.weight" in g:
        raise ModelDamaged("The file does not fit: it is a generator of labelled pictures.")
    if not sides:
        raise ModelDamaged(
            "The file does not fit StyleGAN2: it has no synthesis.b4.torgb (is it StyleGAN3?)."
        )
    out: Tensors = {"constant": _taken(g, "synthesis.b4.const"), "mean": _taken(g, "mapping.w_avg")}
    for k in range(mapping):
        _dense(out, f"mapping.layers.{k}", g, f"mapping.fc{k}")
    for k, side in enumerate(sides):
        for ours, theirs in (("first", "conv0"), ("second", "conv1"))[k == 0 :]:
            start, there = f"blocks.{k}.{ours}", f"synthesis.b{side}.{theirs}"
            _dense(out, f"{start}.style", g, f"{there}.affine")
            for end, name in (
                ("weight", "weight"),
                ("bias", "bias"),
                ("strength", "noise_strength"),
                ("noise", "noise_const"),
            ):
                out[f"{start}.{end}"] = _taken(g, f"{there}.{name}")
        there = f"synthesis.b{side}.torgb"
        _dense(out, f"blocks.{k}.rgb.style", g, f"{there}.affine")
        out[f"blocks.{k}.rgb.weight"] = _taken(g, f"{there}.weight")[:, :, 0, 0]
        out[f"blocks.{k}.rgb.bias"] = _taken(g, f"{there}.bias")
    out |= _never_trained()
    widths = {side: len(out[f"blocks.{k}.second.weight"]) for k, side in enumerate(sides)}
    shape = _shape(sides[-1], len(out["mean"]), mapping, widths)
    if not d:
        return Faces(shape, out)
    critic: Tensors = {}
    _dense(critic, "rgb", d, f"b{sides[-1]}.fromrgb")
    for k, side in enumerate(reversed(sides[1:])):
        for ours, theirs in (("first", "conv0"), ("second", "conv1")):
            _dense(critic, f"blocks.{k}.{ours}", d, f"b{side}.{theirs}")
        critic[f"blocks.{k}.skip.weight"] = _taken(d, f"b{side}.skip.weight")
    for ours, theirs in (("last", "conv"), ("dense", "fc"), ("score", "out")):
        _dense(critic, ours, d, f"b4.{theirs}")
    return Faces(shape, out, critic | _never_augmented())


def _never_trained() -> Tensors:
    """What our generator keeps of its training besides."""
    return {"path": torch.zeros(()), "updates": torch.zeros((), dtype=torch.int64)}


def _never_augmented() -> Tensors:
    return {"chance": torch.zeros(()), "signs": torch.zeros(2)}
