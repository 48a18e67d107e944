"""Checkpoints: one safetensors file for each, with the configuration in its metadata.

RUN/step-00001000.safetensors holds the networks by name, `average.*` (the model's moving average)
and `NAME_adam.*` (each network's optimiser). Batches, targets and noise are functions of the step,
so that nothing else needs to be kept. A file appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from tonsure.errors import BadOption, UnwritableOutput

Tensors = dict[str, Tensor]
Tell = Callable[[str], None]

_SPARE = 1 << 16  # bytes for the header, and for the log beside it
# the form of the runs of one network before there was one loop for all
_OLD, _RENAMED = "last.safetensors", {"ema": "average", "optimiser": "model_adam"}


def save(path: Path, tensors: Tensors, told: dict[str, Any]) -> None:
    """Write one file, whole or not at all; `told` goes into its metadata as JSON.

    Raises `UnwritableOutput` where it does not fit.
    """
    half = path.with_suffix(".tmp")
    needed = sum(v.numel() * v.element_size() for v in tensors.values()) + _SPARE
    try:
        half.unlink(missing_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < needed:
            raise OSError(f"{needed / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free")
        whole = {k: v.contiguous() for k, v in tensors.items()}
        save_file(whole, str(half), {"format": "pt", "tonsure": json.dumps(told)})
        with half.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(half, path)
    except Exception as error:  # safetensors has its own kind for a full disk
        half.unlink(missing_ok=True)
        raise UnwritableOutput(f"The checkpoint {path} cannot be written: {error}.") from None


def load(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """What `save` wrote: tensors, and what was told."""
    with safe_open(str(path), framework="pt") as f:
        told = json.loads(f.metadata()["tonsure"])
        return {k: f.get_tensor(k) for k in f.keys()}, told  # noqa: SIM118


def read(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """As `load`; `BadOption` with the reason for what is no checkpoint, or a damaged one."""
    try:
        tensors, told = load(path)
        step = int(told["step"])
    except Exception as error:
        raise BadOption(f"{path} is not a checkpoint of the laboratory ({error}).") from None
    if "config" in told:
        return tensors, told
    config = {k: v for k, v in told.items() if k != "step"}
    renamed = {}
    for key, value in tensors.items():
        first, _, rest = key.partition(".")
        renamed[f"{_RENAMED.get(first, first)}.{rest}"] = value
    return renamed, {"step": step, "config": config}


def every(run: Path) -> list[Path]:
    """The checkpoints of a run, the oldest first."""
    old = run / _OLD
    return ([old] if old.exists() else []) + sorted(run.glob("step-*.safetensors"))


def newest(run: Path) -> Path:
    """The newest checkpoint of a run, or the file itself if one is named."""
    if run.is_file():
        return run
    found = every(run)
    if not found:
        raise BadOption(f"There is no checkpoint in {run}; train one, or name a file.")
    return found[-1]


def latest(run: Path, tell: Tell) -> tuple[Tensors, dict[str, Any], Path] | None:
    """The newest checkpoint of a folder that can be read, or None if there is none at all.

    `tell` gets a sentence for each that is damaged. `BadOption` if all are.
    """
    found = every(run)
    for path in reversed(found):
        try:
            tensors, told = read(path)
        except BadOption as error:
            tell(f"{error} The one before it is taken.")
            continue
        return tensors, told, path
    if found:
        raise BadOption(f"No checkpoint in {run} can be read; use another folder.")
    return None


def keep(run: Path, step: int, tensors: Tensors, told: dict[str, Any], many: int) -> Path:
    """Write the checkpoint of a step; then let go of all but the newest `many`."""
    path = run / f"step-{step:08d}.safetensors"
    save(path, tensors, {"step": step} | told)
    for old in sorted(run.glob("step-*.safetensors"))[:-many]:
        old.unlink()
    return path


def part(tensors: Tensors, name: str) -> Tensors:
    """The tensors below `name`, without it."""
    start = f"{name}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
