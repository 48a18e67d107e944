"""Reading a pickle of PyTorch modules as NVIDIA's StyleGAN code writes it, and nothing else.

`network-snapshot.pkl` is a dictionary of modules, of which each brings its own source text along
and wants it to be executed. Here nothing is: a module is taken for what it holds, its parameters,
buffers and submodules, and every other name that the file asks for is refused before it is
imported.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, _utils

from tonsure.errors import ModelDamaged
from tonsure.lab.unpickle import ENCODING, NUMPY

Tensors = dict[str, Tensor]

_DEEPEST = 32


class _Module:
    """What stands in place of a module: its attributes, not its code."""

    def __init__(self, told: Any) -> None:
        state = told.get("state") if isinstance(told, dict) else None
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a module in it has no state")
        self.state: dict[str, Any] = state


class _Options(dict[str, Any]):
    """dnnlib's dictionary with attributes; only a dictionary here."""

    def __setstate__(self, state: Any) -> None:
        pass


def _storage(data: Any) -> Any:
    if not isinstance(data, bytes):
        raise pickle.UnpicklingError("a tensor in it has no bytes")
    # torch's own name for this reads any pickle; the weights-only reader refuses what is no storage
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> Tensor:
    if not isinstance(storage, torch.storage.TypedStorage | torch.UntypedStorage):
        raise pickle.UnpicklingError("a tensor in it has no storage")
    rebuild: Any = _utils._rebuild_tensor
    found: Tensor = rebuild(storage, offset, size, stride)
    return found


def _parameter(data: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise pickle.UnpicklingError("a parameter in it is no tensor")
    return data


_SAFE: dict[tuple[str, str], Any] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _Module,
    ("dnnlib.util", "EasyDict"): _Options,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    **NUMPY,
    **ENCODING,
}


class _Modules(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _SAFE[(module, name)]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which no weights need"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to other files")


def modules(path: Path) -> dict[str, Tensors]:
    """The tensors of each module by its name in the file (`G`, `D`, `G_ema`), with dotted names.
    `ModelDamaged` for a file that is none, or that asks for anything else."""
    try:
        with path.open("rb") as file:
            found = _Modules(file).load()
    except OSError as error:
        raise ModelDamaged(f"{path} cannot be read: {error.strerror}.") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ModelDamaged(f"{path} is refused: {str(error).splitlines()[0][:200]}.") from None
    if not isinstance(found, dict):
        raise ModelDamaged(f"{path} is refused: it is not a dictionary of modules.")
    out: dict[str, Tensors] = {}
    for name, value in found.items():
        if isinstance(value, _Module):
            out[str(name)] = {}
            _collect(value, "", out[str(name)], _DEEPEST, path)
    if not out:
        raise ModelDamaged(f"{path} is refused: there is no module in it.")
    return out


def _collect(module: _Module, start: str, into: Tensors, deeper: int, path: Path) -> None:
    if not deeper:
        raise ModelDamaged(f"{path} is refused: its modules hold each other.")
    for kind in ("_parameters", "_buffers"):
        held = module.state.get(kind)
        for name, value in held.items() if isinstance(held, dict) else ():
            if isinstance(value, Tensor):
                into[f"{start}{name}"] = value.detach()
    held = module.state.get("_modules")
    for name, value in held.items() if isinstance(held, dict) else ():
        if isinstance(value, _Module):
            _collect(value, f"{start}{name}.", into, deeper - 1, path)
