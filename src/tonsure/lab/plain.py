"""Checkpoints with torch alone, and in halves: files of a few MiB that a run can go on from.

The form is that of safetensors (8 bytes of length, a JSON header, the tensors' bytes), so that
`lab.checkpoints` reads them. Optimiser moments in half precision are scaled to their largest value;
of the second the root is kept, which has the first's range.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_NAMES = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.uint8: "U8",
}
_SCALE = ".scale"


def write(path: Path, tensors: dict[str, Tensor], config: dict[str, Any]) -> int:
    """Write one file atomically, `config` in its metadata as JSON; its size in bytes."""
    header: dict[str, Any] = {"__metadata__": {"tonsure": json.dumps(config)}}
    at, parts = 0, []
    for name, tensor in tensors.items():
        flat = tensor.detach().cpu().contiguous()
        data = flat.numpy().tobytes()
        shape, kind = list(tensor.shape), _NAMES[flat.dtype]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    half = path.with_suffix(".tmp")
    half.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *parts]))
    os.replace(half, path)
    return path.stat().st_size


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and config of what `write` or `lab.checkpoints.save` wrote."""
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    config = json.loads(header.pop("__metadata__", {}).get("tonsure", "{}"))
    kinds = {name: kind for kind, name in _NAMES.items()}
    out: dict[str, Tensor] = {}
    for name, told in header.items():
        first, last = told["data_offsets"]
        if first == last:
            out[name] = torch.zeros(told["shape"], dtype=kinds[told["dtype"]])
            continue
        # a copy, because the offset need not suit the type
        flat = torch.frombuffer(data[start + first : start + last], dtype=kinds[told["dtype"]])
        out[name] = flat.reshape(told["shape"]).clone()
    return out, config


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Float32 as float16: weights as they are, an optimiser's moments scaled."""
    out: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        value = tensor.detach()
        if value.dtype != torch.float32 or value.numel() <= 1:
            out[name] = value
            continue
        if "exp_avg" in name:
            value = value.sqrt() if name.endswith("exp_avg_sq") else value
            scale = value.abs().max().clamp(min=1e-30)
            out[name + _SCALE] = scale
            value = value / scale
        out[name] = value.clamp(-65504, 65504).half()
    return out


def whole(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `halved` made, in float32 again. A second moment lost to rounding is taken to be the
    smallest that is not: else a step there would be endless."""
    out: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith(_SCALE):
            continue
        value = tensor.float() if tensor.dtype == torch.float16 else tensor
        scale = tensors.get(name + _SCALE)
        if scale is not None and name.endswith("exp_avg_sq"):
            value = (value.clamp(min=6e-5) * scale).square()
        elif scale is not None:
            value = value * scale
        out[name] = value
    return out


def parts(tensors: dict[str, Tensor], most: int) -> list[dict[str, Tensor]]:
    """Divided so that no part has more than `most` bytes (first fit). Raises `ValueError` for a
    tensor that alone has more."""
    out: list[tuple[int, dict[str, Tensor]]] = []
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size() + 200  # and its line in the header
        if size > most:
            raise ValueError(f"{name} has {size} bytes; a part may have {most}")
        for k, (used, part) in enumerate(out):
            if used + size <= most:
                part[name] = tensor
                out[k] = used + size, part
                break
        else:
            out.append((size, {name: tensor}))
    return [part for _, part in out]
