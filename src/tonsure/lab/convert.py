"""Other people's weights into our checkpoints, with their slopes, epsilons and crops.

    net_G.pdparams        Paddle 1.8 (PaddleCV/gan, static save): STGAN, AttGAN, StarGAN
    200000-G.ckpt         yunjey/stargan, G (a D beside it, 200000-D.ckpt, comes along)
    weights.49.pth        elvisyjlin/AttGAN-PyTorch
    Epoch_(199)_(947of947).ckpt.index and its .data-00000-of-00001
                          csmliu/STGAN, LynnHo/AttGAN-Tensorflow version 1; STGAN's classifier
    *.pt, *.pkl           StyleGAN2 in two layouts, see `stylegan2_weights`

A `.pdparams` is read by `unpickle`, NVIDIA's `.pkl` by `unpickle_modules`, TensorFlow's by
`bundle`, the others with torch's weights-only reader. Shapes say what is in the file; a tensor that
is missing or does not fit is named, with both shapes.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tonsure.errors import BadOption, ModelDamaged
from tonsure.lab import bundle, slim, stylegan2_weights
from tonsure.lab import config as configs
from tonsure.lab.checkpoints import save
from tonsure.lab.config import Config
from tonsure.lab.foreign import Found, Tensors, names, square, wiring
from tonsure.lab.networks.build import discriminator, generator
from tonsure.lab.networks.stylegan2 import Generator
from tonsure.lab.networks.stylegan2_critic import Discriminator
from tonsure.lab.unpickle import arrays


def convert(source: Path, out: Path, changes: Sequence[str] = ()) -> str:
    """Write our checkpoint `out`; says what it was. `changes` as of presets, for what no shape
    tells: network.attributes, and the size of a file without its discriminator.

    STGAN's classifier becomes a judge, an .onnx for `lab measure --judge`.
    """
    if bundle.is_bundle(source) and slim.is_classifier(source):
        return slim.judge(source, out)
    if (faces := stylegan2_weights.opened(source, _torch)) is not None:
        return _faces(faces, source, out, changes)
    found = _read(source)
    values = configs.table(found.preset)
    values["name"] = f"{found.preset.split('-')[0]}-converted"
    values["network"] = values.get("network", {}) | found.network
    config = configs.of_dict(configs.changed(values, changes))
    if "attributes" not in values["network"] and not any("attributes" in c for c in changes):
        raise BadOption(
            "The file does not say which labels its numbers are; name them with "
            "--set 'network.attributes=[\"Bald\", ...]'."
        )
    tensors = _fit(generator(config.network), found.generator, "generator", source)
    if found.discriminator:
        d = discriminator(config.network)
        tensors |= _fit(d, found.discriminator, "discriminator", source)
    told = {"step": 0, "config": config.as_dict(), "seconds": 0, "images": 0, "from": source.name}
    out.parent.mkdir(parents=True, exist_ok=True)
    save(out, tensors, told)
    return _said(source, out, config, bool(found.discriminator))


def _said(source: Path, out: Path, config: Config, both: bool) -> str:
    c = config.network
    what = "generator and discriminator" if both else "generator"
    return (
        f"{source} → {out}: {c.system}, {what}, {c.count} attributes, {c.height} x {c.width}, "
        f"crop {config.data.crop}"
    )


def _faces(faces: stylegan2_weights.Faces, source: Path, out: Path, changes: Sequence[str]) -> str:
    """StyleGAN2's networks as a checkpoint of the task `stylegan`."""
    told = stylegan2_weights.config(faces, changes)
    with torch.device("meta"):
        g, d = Generator(faces.shape), Discriminator(faces.shape)
    tensors = _fit(g, faces.generator, "average", source)
    if faces.discriminator:
        tensors |= _fit(d, faces.discriminator, "critic", source)
    out.parent.mkdir(parents=True, exist_ok=True)
    save(out, tensors, {"step": 0, "config": told, "seconds": 0, "images": 0, "from": source.name})
    s, both = faces.shape, "generator and discriminator" if faces.discriminator else "generator"
    return f"{source} → {out}: stylegan2, {both}, {s.size} px, latent {s.latent}"


def _fit(network: nn.Module, tensors: Tensors, part: str, source: Path) -> Tensors:
    wanted = network.state_dict()
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):
            tensors.setdefault(name, torch.zeros((), dtype=torch.int64))
            continue
        if name not in tensors:
            raise ModelDamaged(f"{source} does not fit: it has no {part}.{name} {_shape(value)}.")
        if tensors[name].shape != value.shape:
            raise ModelDamaged(
                f"{source} does not fit: {part}.{name} is {_shape(tensors[name])} there, "
                f"{_shape(value)} here."
            )
    more = sorted(set(tensors) - set(wanted))
    if more:
        raise ModelDamaged(f"{source} does not fit: {part}.{more[0]} has no place here.")
    return {f"{part}.{name}": tensors[name].contiguous() for name in wanted}


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "a number"


def _read(source: Path) -> Found:
    if bundle.is_bundle(source):
        return slim.networks(source)
    if not source.is_file():
        raise BadOption(f"There is no file {source}.")
    if source.suffix == ".pdparams" or source.name.startswith("net_"):
        return _paddle({k: torch.from_numpy(v) for k, v in arrays(source).items()}, source)
    found = _torch(source)
    if "main.0.weight" in found and "conv2.weight" not in found:
        beside = source.with_name(source.name.replace("-G.", "-D."))
        critic = _torch(beside) if beside != source and beside.exists() else {}
        return _stargan(found, critic)
    if "conv2.weight" in _flat(found):
        raise ModelDamaged(
            f"{source} is StarGAN's discriminator; name the generator, which ends in -G.ckpt, and "
            "it comes along."
        )
    if any(
        k.removeprefix("module.").startswith("enc_layers") for k in _flat(found.get("G", found))
    ):
        return _port(found)
    raise ModelDamaged(
        f"{source} is neither StarGAN's state_dict (main.0.weight ...) nor the AttGAN port's "
        "(enc_layers.0 ...)."
    )


def _torch(source: Path) -> dict[str, Any]:
    with source.open("rb") as file:
        start = file.read(2)
    if start != b"PK" and start[:1] != b"\x80":  # a zip of torch's, or its older pickle
        raise ModelDamaged(f"{source} is refused: it is no file that torch wrote.")
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # settings beside weights
            found = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # what is refused, and what is damaged
        reason = str(error).split("\n")[0][:200]
        raise ModelDamaged(f"{source} is refused: {reason}") from None
    if not isinstance(found, dict):
        raise ModelDamaged(f"{source} is refused: it is not a state_dict.")
    return found


def _flat(tensors: Any) -> Tensors:
    if not isinstance(tensors, dict):
        return {}
    return {k.removeprefix("module."): v for k, v in tensors.items() if isinstance(v, Tensor)}


def _stargan(g: Tensors, d: Tensors) -> Found:
    """Names are ours already; running statistics are dropped, they were never used."""
    g, d = _flat(g), _flat(d)
    kept = {k: v for k, v in g.items() if not re.search(r"running_|num_batches", k)}
    count = g["main.0.weight"].shape[1] - 3
    network: dict[str, Any] = {"base": int(g["main.0.weight"].shape[0])}
    network["blocks"] = sum(1 for k in g if re.fullmatch(r"main\.\d+\.main\.0\.weight", k))
    if d:
        network |= _patch_size(d)
    return Found("stargan-128", network | names(count), kept, d)


def _patch_size(d: Tensors) -> dict[str, Any]:
    layers = sum(1 for k in d if re.fullmatch(r"main\.\d+\.weight", k))
    h, w = d["conv2.weight"].shape[2:]
    return {
        "critic_base": int(d["main.0.weight"].shape[0]),
        "height": int(h) << layers,
        "width": int(w) << layers,
    }


def _port(found: dict[str, Any]) -> Found:
    g, d = _flat(found.get("G", found)), _flat(found.get("D", {}))
    ours = {}
    for key, value in g.items():
        if match := re.fullmatch(r"(enc|dec)_layers\.(\d)\.layers\.([01])\.(\w+)", key):
            half = "encoder" if match[1] == "enc" else "decoder"
            ours[f"{half}.{match[2]}.{match[3]}.{match[4]}"] = value
    critic = {}
    for key, value in d.items():
        if match := re.fullmatch(r"conv\.(\d)\.layers\.([01])\.(weight|bias)", key):
            critic[f"main.{3 * int(match[1]) + int(match[2])}.{match[3]}"] = value
        elif match := re.fullmatch(r"fc_(adv|cls)\.([01])\.layers\.0\.(weight|bias)", key):
            head = "adversarial" if match[1] == "adv" else "classes"
            critic[f"{head}.{2 * int(match[2])}.{match[3]}"] = value
    network = {"critic_head": "relu", "batch_population": False, "batch_scale": 0.0}
    network |= wiring(ours) | square(critic)
    # slope, epsilons and momentum of the port are those that Paddle copied
    return Found("attgan-128-paddle", network, ours, critic)


def _paddle(tensors: Tensors, source: Path) -> Found:
    if "g_main0_w" in tensors:
        return _paddle_star(tensors)
    if "generator_Genc0_w" not in tensors:
        raise ModelDamaged(
            f"{source} has no generator_Genc0_w and no g_main0_w: it is not a generator of "
            "PaddleCV/gan."
        )
    norm = {"w": "weight", "b": "bias", "mean": "running_mean", "var": "running_var"}
    g: Tensors = {}
    for key, value in tensors.items():
        if match := re.fullmatch(r"generator_G(enc|dec)(\d)_(norm_)?(w|b|mean|var)", key):
            half = "encoder" if match[1] == "enc" else "decoder"
            g[f"{half}.{match[2]}.{1 if match[3] else 0}.{norm[match[4]]}"] = value
        elif match := re.fullmatch(r"generator_GRU(\d)_(deconv2d|info)_(w|b)", key):
            layer = "up" if match[2] == "deconv2d" else "candidate"
            g[f"units.{match[1]}.{layer}.{norm[match[3]]}"] = value
        elif match := re.fullmatch(r"generator_GRU(\d)_reset_gate_(w|b)", key):
            other = f"generator_GRU{match[1]}_update_gate_{match[2]}"
            if other not in tensors:
                raise ModelDamaged(f"{source} does not fit: it has no {other}.")
            g[f"units.{match[1]}.gates.{norm[match[2]]}"] = torch.cat([value, tensors[other]])
    d: Tensors = {}
    bare = "discriminator0_b" in tensors
    for key, value in tensors.items():
        if match := re.fullmatch(r"discriminator(\d)_(w|b)", key):
            d[f"main.{(2 if bare else 3) * int(match[1])}.{norm[match[2]]}"] = value
        elif match := re.fullmatch(r"discriminator(\d)_norm_(scale|offset)", key):
            name = "weight" if match[2] == "scale" else "bias"
            d[f"main.{3 * int(match[1]) + 1}.{name}"] = value
        elif match := re.fullmatch(r"discriminatorfc_(adv|cls)_([12])_(w|b)", key):
            head = "adversarial" if match[1] == "adv" else "classes"
            turned = value.T if match[3] == "w" else value
            d[f"{head}.{2 * int(match[2]) - 2}.{norm[match[3]]}"] = turned
    units = any(key.startswith("units.") for key in g)
    wired = wiring(g)
    network = wired | square(d) | ({"critic_norm": "none"} if bare else {})
    if not units and wired["shortcuts"] == 4:
        network["units"] = "none"
    star = "stgan" if units or wired["shortcuts"] == 4 else "attgan"
    return Found(f"{star}-128-paddle", network, g, d)


def _paddle_star(tensors: Tensors) -> Found:
    g: Tensors = {}
    d: Tensors = {}
    for key, value in tensors.items():
        if match := re.fullmatch(r"g_main(\d+)_w", key):
            g[f"main.{match[1]}.weight"] = value
        elif match := re.fullmatch(r"g_main(\d+)_norm_(scale|offset)", key):
            name = "weight" if match[2] == "scale" else "bias"
            g[f"main.{int(match[1]) + 1}.{name}"] = value
        elif match := re.fullmatch(r"g_main\.(\d+)\.main(\d)_w", key):
            g[f"main.{match[1]}.main.{match[2]}.weight"] = value
        elif match := re.fullmatch(r"g_main\.(\d+)\.main(\d)_norm_(scale|offset)", key):
            name = "weight" if match[3] == "scale" else "bias"
            g[f"main.{match[1]}.main.{int(match[2]) + 1}.{name}"] = value
        elif match := re.fullmatch(r"d_main(\d+)_w", key):
            d[f"main.{match[1]}.weight"] = value
        elif match := re.fullmatch(r"d_(conv[12])_w", key):
            d[f"{match[1]}.weight"] = value
    network: dict[str, Any] = {"base": int(g["main.0.weight"].shape[0])}
    network["blocks"] = sum(1 for k in g if re.fullmatch(r"main\.\d+\.main\.0\.weight", k))
    if "conv2.weight" in d:
        network |= _patch_size(d)
    return Found("stargan-128-paddle", network | names(g["main.0.weight"].shape[1] - 3), g, d)
