"""Checkpoints of TensorFlow: files of its format written here, and what becomes of them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")

from small import small  # noqa: E402
from tonsure.errors import BadOption, ModelDamaged  # noqa: E402
from tonsure.lab import bundle, checkpoints, sample  # noqa: E402
from tonsure.lab.convert import convert  # noqa: E402
from tonsure.lab.evaluate import judge as judges  # noqa: E402
from tonsure.lab.networks.build import discriminator, generator  # noqa: E402
from tonsure.lab.networks.stacked import Stacked  # noqa: E402

Arrays = dict[str, np.ndarray]


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(pairs: list[tuple[bytes, bytes]], interval: int = 4) -> bytes:
    """A table's block: keys told by what they share with the one before; type and sum after it."""
    out, starts, before = b"", [], b""
    for k, (key, value) in enumerate(pairs):
        shared = 0
        if k % interval == 0:
            starts.append(len(out))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        before = key
    return out + b"".join(struct.pack("<I", s) for s in [*starts, len(starts)])


def write(start: Path, arrays: Arrays) -> Path:
    """`start`.index and `start`.data-00000-of-00001, as TensorFlow 1.15 lays them out."""
    start.parent.mkdir(parents=True, exist_ok=True)
    data, entries = b"", [(b"", field(1, 1))]
    for name, value in sorted(arrays.items()):
        kind = {"f": 1, "i": 9}[value.dtype.kind]
        shape = b"".join(field(2, field(1, n)) for n in value.shape)
        raw = value.astype({1: "<f4", 9: "<i8"}[kind]).tobytes()
        told = field(1, kind) + field(2, shape) + field(4, len(data)) + field(5, len(raw))
        entries.append((name.encode(), told + varint(6 << 3 | 5) + b"\1\2\3\4"))
        data += raw
    table, index = b"", []
    for k in range(0, len(entries), 9):
        part = block(entries[k : k + 9])
        last = entries[min(k + 9, len(entries)) - 1][0]
        index.append((last, varint(len(table)) + varint(len(part))))
        table += part + b"\0" + b"sum!"
    handles = b""
    for part in (block([]), block(index, 1)):
        handles += varint(len(table)) + varint(len(part))
        table += part + b"\0" + b"sum!"
    table += handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    start.with_name(f"{start.name}.index").write_bytes(table)
    start.with_name(f"{start.name}.data-00000-of-00001").write_bytes(data)
    return start


NORM = {
    "weight": "gamma", "bias": "beta", "running_mean": "moving_mean",
    "running_var": "moving_variance",
}  # fmt: skip
LEAF = {"weight": "weights", "bias": "biases"}


def numbered(name: str, k: int) -> str:
    return f"{name}_{k}" if k else name


def theirs(g: dict[str, Any], d: dict[str, Any], channels: int) -> Arrays:
    """Our tensors by slim's names, in TensorFlow's layouts."""
    out: Arrays = {}
    for key, tensor in (g | {f"D.{k}": v for k, v in d.items()}).items():
        words, value = key.split("."), tensor.numpy()
        leaf = words[-1]
        if leaf == "num_batches_tracked":
            continue
        turned = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
        if words[0] in ("encoder", "decoder"):
            scope, kind = {"encoder": ("Genc", "Conv"), "decoder": ("Gdec", "Conv2d_transpose")}[
                words[0]
            ]
            last = f"BatchNorm/{NORM[leaf]}" if words[2] == "1" else LEAF[leaf]
            out[f"{scope}/{numbered(kind, int(words[1]))}/{last}"] = turned
        elif words[0] == "units" and words[2] == "up":
            out[f"Gstu/{numbered('Conv2d_transpose', int(words[1]))}/{LEAF[leaf]}"] = turned
        elif words[0] == "units":
            first = 3 * int(words[1])
            if words[2] == "candidate":
                out[f"Gstu/{numbered('Conv', first + 2)}/{LEAF[leaf]}"] = turned
            else:
                for half, part in enumerate(np.split(value, 2)):
                    part = part.transpose(2, 3, 1, 0) if part.ndim == 4 else part
                    out[f"Gstu/{numbered('Conv', first + half)}/{LEAF[leaf]}"] = part
        elif words[1] == "main":
            stage, place = divmod(int(words[2]), 3)
            last = LEAF[leaf] if place == 0 else f"InstanceNorm/{NORM[leaf]}"
            out[f"D/{numbered('Conv', stage)}/{last}"] = turned
        else:
            number = 2 * (words[1] == "classes") + int(words[2]) // 2
            if leaf == "weight" and words[2] == "0":
                side = round((value.shape[1] / channels) ** 0.5)
                value = value.reshape(-1, channels, side, side).transpose(2, 3, 1, 0)
                value = value.reshape(-1, value.shape[-1])
            elif leaf == "weight":
                value = value.T
            full = numbered("flatten_fully_connected", number)
            out[f"D/{full}/fully_connected/{LEAF[leaf]}"] = value
    return out


def made(preset: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    torch.manual_seed(0)
    c = small(preset, "network.height=64", "network.width=64").network
    states = []
    for network in (generator(c), discriminator(c)):
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                value.copy_(
                    torch.rand_like(value) + 0.5 if "var" in name else torch.randn_like(value)
                )
        states.append({k: v.clone() for k, v in network.state_dict().items()})
    return c, states[0], states[1]


@pytest.mark.parametrize("preset", ["stgan-128", "attgan-128"])
def test_what_its_authors_save_is_read(tmp_path: Path, preset: str) -> None:
    c, g, d = made(preset)
    arrays = theirs(g, d, 16)
    more = {
        "Genc/Conv/weights/Adam": arrays["Genc/Conv/weights"] * 0,
        "beta1_power": np.float32(0.5), "counter/counter": np.int64(7),
    }  # fmt: skip
    start = write(tmp_path / "run" / "checkpoints" / "Epoch_(199).ckpt", arrays | more)
    out = tmp_path / "ours.safetensors"
    for named in (start, start.with_name(f"{start.name}.index")):
        assert f"{preset[:-4]}, generator and discriminator, 13" in convert(named, out)
    _, config, _ = sample.opened(out)
    assert config.network == c
    assert config.data.crop == "official"
    found, _ = checkpoints.load(out)
    for name, wanted in (("generator", g), ("discriminator", d)):
        got = checkpoints.part(found, name)
        for key, value in wanted.items():
            if "num_batches" not in key:
                assert torch.equal(got[key], value), key


def test_the_settings_beside_it_are_read(tmp_path: Path) -> None:
    _, g, d = made("stgan-128")
    start = write(tmp_path / "run" / "checkpoints" / "a.ckpt", theirs(g, d, 16))
    names = [f"Label_{k}" for k in range(13)]
    told = {"atts": names, "label": "target", "stu_state": "gru", "thres_int": 0.25}
    (tmp_path / "run" / "setting.txt").write_text(json.dumps(told))
    convert(start, tmp_path / "ours.safetensors")
    c = sample.opened(tmp_path / "ours.safetensors")[1].network
    assert c.attributes == tuple(names)
    assert (c.condition, c.units, c.scale) == ("target", "gru", 0.25)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    _, g, d = made("stgan-128")
    arrays = theirs(g, d, 16)
    out = tmp_path / "o.safetensors"

    def refused(said: str, change: Any) -> None:
        start = write(tmp_path / "x" / "a.ckpt", change(dict(arrays)))
        with pytest.raises(ModelDamaged, match=said):
            convert(start, out)
        assert not out.exists()

    refused("a gate of units.1.gates.weight is missing",
            lambda a: {k: v for k, v in a.items() if k != "Gstu/Conv_4/weights"})  # fmt: skip
    refused(
        "Genc/Conv_5/renorm has no place here",
        lambda a: a | {"Genc/Conv_5/renorm": g["decoder.4.0.bias"].numpy()},
    )
    refused(r"it has no discriminator\.main\.0\.weight|has no",
            lambda a: {k: v for k, v in a.items() if k != "Genc/Conv_2/weights"})  # fmt: skip
    start = write(tmp_path / "y" / "a.ckpt", arrays)
    index, data = (start.with_name(f"a.ckpt.{end}") for end in ("index", "data-00000-of-00001"))
    whole = index.read_bytes()
    for broken, said in (
        (whole[:-9], "does not end as one"), (whole[100:], "is no index"),
        (b"", "is no index"), (bytes([255]) * 200 + whole[200:], "is no index"),
    ):  # fmt: skip
        index.write_bytes(broken)
        with pytest.raises(ModelDamaged, match=said):
            bundle.names(start)
    index.write_bytes(whole)
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(ModelDamaged, match="cut off"):
        convert(start, out)
    data.unlink()
    with pytest.raises(ModelDamaged, match=r"\.index and \.data-\* together"):
        convert(start, out)


def test_no_byte_of_an_index_brings_it_down(tmp_path: Path) -> None:
    start = write(tmp_path / "a.ckpt", {f"v/{k}": np.zeros((2, k), np.float32) for k in range(30)})
    index = bundle.index_of(start)
    whole, random = index.read_bytes(), np.random.default_rng(0)
    assert bundle.names(start)["v/29"] == (2, 29)
    for _ in range(300):
        spoilt = bytearray(whole)
        for at in random.integers(0, len(whole), 3):
            spoilt[at] = random.integers(256)
        index.write_bytes(bytes(spoilt))
        try:
            bundle.read(start, ("v/",))
        except ModelDamaged:
            continue


def test_stgans_classifier_becomes_a_judge(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Stacked().eval()
    assert sum(p.numel() for p in network.parameters()) == 3_297_944
    arrays: Arrays = {}
    for key, tensor in network.state_dict().items():
        words, value = key.split("."), tensor.numpy()
        leaf = words[-1]
        if leaf == "num_batches_tracked":
            continue
        if words[0] == "body":
            last = LEAF[leaf] if words[2] == "conv" else f"BatchNorm/{NORM[leaf]}"
            turned = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
            arrays[f"classifier/{numbered('Conv', int(words[1]))}/{last}"] = turned
            continue
        full = numbered("flatten_fully_connected", int(words[0] == "head"))
        if leaf == "weight":
            value = value.reshape(len(value), -1, 4, 4) if words[0] == "hidden" else value
            value = (
                value.transpose(2, 3, 1, 0).reshape(-1, len(value)) if value.ndim == 4 else value.T
            )
        arrays[f"classifier/{full}/fully_connected/{LEAF[leaf]}"] = value
    start = write(tmp_path / "128.ckpt", arrays | {"beta1_power": np.float32(0.9)})
    with pytest.raises(BadOption, match=r"name an \.onnx"):
        convert(start, tmp_path / "j.safetensors")
    assert "as a judge" in convert(start, tmp_path / "j.onnx")
    judge = judges.open(tmp_path / "j.onnx")
    assert (judge.crop, judge.size, len(judge.names)) == ("official", (128, 128), 40)
    assert judge.priors[judge.names.index("Bald")] == pytest.approx(0.0224)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3)).astype(np.uint8)
    with torch.no_grad():
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
        wanted = torch.sigmoid(network(x)).numpy()
    assert np.abs(judge.probabilities(pixels) - wanted).max() < 2e-3
