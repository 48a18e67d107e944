"""STGAN's and AttGAN's own checkpoints, and STGAN's classifier, by the names that slim gave.

    Genc/Conv{_i}                weights, BatchNorm      encoder
    Gstu/Conv2d_transpose{_i}    weights, biases         a unit's upsampling
    Gstu/Conv{_3i, 3i+1, 3i+2}   weights, biases         its reset and update gate, its candidate
    Gdec/Conv2d_transpose{_i}    weights, BatchNorm      decoder; the last one with biases
    D/Conv{_i}                   weights, InstanceNorm   critic
    D/flatten_fully_connected{_i}/fully_connected        score (0, 1) and labels (2, 3)

The first of each kind has no number. Convolutions are kh x kw x in x out there, transposed ones
kh x kw x out x in; the first linear layers see a picture as rows, columns, channels.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tonsure.attributes import CELEBA
from tonsure.errors import BadOption, ModelDamaged
from tonsure.lab import bundle
from tonsure.lab.evaluate import judge as judges
from tonsure.lab.foreign import Found, Tensors, square, wiring

Arrays = dict[str, npt.NDArray[np.float32]]

_NORM = {
    "gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var",
}  # fmt: skip
_LEAF = {"weights": "weight", "biases": "bias"}
SHARES = (
    0.1111, 0.2670, 0.5125, 0.2046, 0.0224, 0.1516, 0.2408, 0.2345, 0.2393, 0.1480, 0.0509, 0.2052,
    0.1422, 0.0576, 0.0467, 0.0651, 0.0628, 0.0419, 0.3869, 0.4550, 0.4168, 0.4834, 0.0415, 0.1151,
    0.8349, 0.2841, 0.0429, 0.2774, 0.0798, 0.0657, 0.0565, 0.4821, 0.2084, 0.3196, 0.1889, 0.0485,
    0.4724, 0.1230, 0.0727, 0.7736,
)  # fmt: skip
"""Of each label of CelebA, in its list: what the classifier learnt to expect."""


def is_classifier(source: Path) -> bool:
    """Whether a checkpoint is that of STGAN's classifier."""
    return any(name.startswith("classifier/") for name in bundle.names(source))


def networks(source: Path) -> Found:
    """Generator, and discriminator if it is there, of a checkpoint of STGAN or AttGAN."""
    told = bundle.read(source, ("Genc/", "Gstu/", "Gdec/", "D/"))
    kept = {k: v for k, v in told.items() if not re.search(r"/Adam(_1)?$", k)}
    g: Tensors = {}
    d: Tensors = {}
    gates: dict[str, dict[int, Tensor]] = {}
    for name, value in kept.items():
        match = re.fullmatch(
            r"(Genc|Gstu|Gdec|D)/(Conv|Conv2d_transpose|flatten_fully_connected)(?:_(\d+))?/"
            r"(?:(?:BatchNorm|InstanceNorm|fully_connected)/)?(\w+)", name,
        )  # fmt: skip
        if match is None:
            raise ModelDamaged(f"{source} does not fit: {name} has no place here.")
        scope, kind, number, leaf = match[1], match[2], int(match[3] or 0), match[4]
        tensor = torch.from_numpy(np.ascontiguousarray(value))
        if kind != "flatten_fully_connected" and leaf == "weights":
            tensor = tensor.permute(3, 2, 0, 1)  # also of a transposed one: in, out is last, third
        if scope in ("Genc", "Gdec"):
            half = "encoder" if scope == "Genc" else "decoder"
            layer = 0 if leaf in _LEAF else 1
            g[f"{half}.{number}.{layer}.{_LEAF.get(leaf) or _norm(leaf, name, source)}"] = tensor
        elif scope == "Gstu" and kind == "Conv2d_transpose":
            g[f"units.{number}.up.{_leaf(leaf, name, source)}"] = tensor
        elif scope == "Gstu":
            unit, which = divmod(number, 3)
            own = f"units.{unit}.{{}}.{_leaf(leaf, name, source)}"
            if which == 2:
                g[own.format("candidate")] = tensor
            else:
                gates.setdefault(own.format("gates"), {})[which] = tensor
        elif kind == "flatten_fully_connected":
            head = "adversarial" if number < 2 else "classes"
            d[f"{head}.{2 * (number % 2)}.{_leaf(leaf, name, source)}"] = tensor
        else:
            layer = 0 if leaf in _LEAF else 1
            named = _LEAF.get(leaf) or _norm(leaf, name, source)
            d[f"main.{3 * number + layer}.{named}"] = tensor
    for key, halves in gates.items():
        if set(halves) != {0, 1}:
            raise ModelDamaged(f"{source} does not fit: a gate of {key} is missing.")
        g[key] = torch.cat([halves[0], halves[1]])
    d = _linear(d)
    units = any(key.startswith("units.") for key in g)
    network = wiring(g) | square(d) | _settings(source)
    star = "stgan" if units or network["shortcuts"] == 4 else "attgan"
    if star == "stgan" and not units:
        network["units"] = "none"
    return Found(f"{star}-128", network, g, d)


def _leaf(leaf: str, name: str, source: Path) -> str:
    if leaf not in _LEAF:
        raise ModelDamaged(f"{source} does not fit: {name} has no place here.")
    return _LEAF[leaf]


def _norm(leaf: str, name: str, source: Path) -> str:
    if leaf not in _NORM:
        raise ModelDamaged(f"{source} does not fit: {name} has no place here.")
    return _NORM[leaf]


def _linear(d: Tensors) -> Tensors:
    """Linear layers turned to out x in, and their rows, columns, channels to channels first."""
    if "main.0.weight" not in d:
        return {}
    last = max(int(k.split(".")[1]) for k in d if k.startswith("main.") and d[k].ndim == 4)
    channels = d[f"main.{last}.weight"].shape[0]
    out = {}
    for key, value in d.items():
        turned = value
        if re.fullmatch(r"(adversarial|classes)\.\d\.weight", key):
            turned = channels_first(value, channels) if ".0." in key else value.T
        out[key] = turned
    return out


def channels_first(weight: Tensor, channels: int) -> Tensor:
    """(side * side * channels, out) -> (out, channels * side * side)."""
    side = round((weight.shape[0] / channels) ** 0.5)
    if side * side * channels != weight.shape[0]:
        raise ModelDamaged(
            f"A linear layer of {weight.shape[0]} inputs sees no square of {channels} channels."
        )
    square_ = weight.reshape(side, side, channels, -1).permute(3, 2, 0, 1)
    return square_.reshape(weight.shape[1], -1)


def _settings(source: Path) -> dict[str, Any]:
    """What no shape tells, from the `setting.txt` that both codes write beside their checkpoints'
    folder."""
    file = bundle.prefix(source).parent.parent / "setting.txt"
    if not file.is_file():
        return {}
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise ModelDamaged(f"{file} is not the JSON of a run's settings.") from None
    out: dict[str, Any] = {}
    if told.get("atts"):
        out["attributes"] = list(told["atts"])
    if "thres_int" in told:
        out["scale"] = float(told["thres_int"])
    if "label" in told:
        out["condition"] = "difference" if told["label"] == "diff" else "target"
    if told.get("stu_state") in ("stu", "gru", "direct"):
        out["units"] = told["stu_state"] if told.get("use_stu", True) else "none"
    return out


def judge(source: Path, out: Path) -> str:
    """STGAN's classifier as a judge: `out` (.onnx) and its description; says what it was."""
    from tonsure.lab.tasks.classifier import SIDE, Classified, ClassifierTask

    if out.suffix != ".onnx":
        raise BadOption(f"The classifier becomes a judge: name an .onnx, not {out.name}.")
    told = bundle.read(source, ("classifier/",))
    network = ClassifierTask.network()
    state, found = network.state_dict(), set()
    for name, value in told.items():
        match = re.fullmatch(
            r"classifier/(Conv|flatten_fully_connected)(?:_(\d+))?/"
            r"(?:(?:BatchNorm|fully_connected)/)?(\w+)", name,
        )  # fmt: skip
        if match is None or match[3] in ("Adam", "Adam_1"):
            continue
        number, leaf, tensor = int(match[2] or 0), match[3], torch.from_numpy(value)
        if match[1] == "Conv" and leaf == "weights":
            key, tensor = f"body.{number}.conv.weight", tensor.permute(3, 2, 0, 1)
        elif match[1] == "Conv":
            key = f"body.{number}.norm.{_norm(leaf, name, source)}"
        else:
            layer = "hidden" if number == 0 else "head"
            key = f"{layer}.{_leaf(leaf, name, source)}"
            if leaf == "weights":
                tensor = channels_first(tensor, 256) if number == 0 else tensor.T
        if key not in state or state[key].shape != tensor.shape:
            raise ModelDamaged(f"{source} does not fit: {name} has no place here.")
        state[key] = tensor
        found.add(key)
    missing = [k for k in state if k not in found and not k.endswith("num_batches_tracked")]
    if missing:
        raise ModelDamaged(f"{source} does not fit: it has no {missing[0]}.")
    network.load_state_dict(state)
    gap = Classified.port(network).write(out)
    judges.describe(out, CELEBA, np.array(SHARES), "official", (SIDE, SIDE))
    return f"{source} → {out}: STGAN's classifier as a judge, {gap:.1e} from torch at most"
