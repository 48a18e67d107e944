"""What the networks run on: the processor, or an accelerator for which onnxruntime is built.

Nothing is installed and nothing guessed: `DEVICES` names onnxruntime's execution providers, and
what the installed onnxruntime has of them can be chosen. The choice holds for a piece of work
(`on`), whatever threads it uses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

from ..errors import BadOption, ModelMissing, nearest

DEVICES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Names of devices, and of the execution providers that run networks there."""
CHOICES = ("auto", *DEVICES)
# those that somebody installed on purpose; CoreML comes with every onnxruntime for macOS, and
# compiles anew for every size of picture
_AUTOMATIC = ("cuda", "directml", "openvino")
_PACKAGES = {
    "cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml",
    "openvino": "onnxruntime-openvino", "coreml": "onnxruntime for macOS",
}  # fmt: skip
# the same numbers as on a processor, as far as they go
_PLAIN: dict[str, dict[str, str]] = {"cuda": {"use_tf32": "0"}}
# networks that give other numbers there, measured; the processor runs them beside the others
_NOT_ON: dict[str, tuple[str, ...]] = {"openvino": ("person_mask",)}

_chosen: ContextVar[str] = ContextVar("device", default="auto")


@contextmanager
def on(device: str) -> Iterator[None]:
    """Networks that are opened within run on `device`, a name of `CHOICES`."""
    before = _chosen.set(device)
    try:
        yield
    finally:
        _chosen.reset(before)


def chosen() -> str:
    """The name in force, of `CHOICES`."""
    return _chosen.get()


def check(device: str) -> str:
    """`device` as it is written in `CHOICES`; raises `BadOption` if there is none of this name, or
    if the installed onnxruntime has no such provider."""
    name = device.strip().lower() if isinstance(device, str) else ""
    if name not in CHOICES:
        raise BadOption(f"There is no device {device!r}; {nearest(str(device), CHOICES)}")
    if name not in ("auto", "cpu") and name not in here():
        refuse(name)
    return name


def here() -> tuple[str, ...]:
    """Devices for which the installed onnxruntime has a provider; the processor is the last one."""
    there = runtime().get_available_providers()
    return (*(name for name in DEVICES if name != "cpu" and DEVICES[name] in there), "cpu")


def providers(device: str, network: str = "") -> list[Any]:
    """What onnxruntime is to be given for a network on `device`: providers, the preferred first."""
    names = [name for name in _AUTOMATIC if name in here()] if device == "auto" else [device]
    wanted = [
        (DEVICES[name], _PLAIN.get(name, {}))
        for name in names
        if name != "cpu" and runs(name, network)
    ]
    return [*wanted, DEVICES["cpu"]]


def runs(device: str, network: str) -> bool:
    """Whether a network is meant to run on `device`, rather than on the processor beside it."""
    return network not in _NOT_ON.get(device, ())


def refuse(device: str) -> NoReturn:
    """Say that nothing runs on `device` here."""
    said = f"Nothing runs on the device {device} here (there is {', '.join(here())})"
    way = f"{_PACKAGES[device]} in place of onnxruntime brings it where the machine has one"
    raise BadOption(
        f"{said}; {way}, Editor(device='cpu') does without.",
        cli=f"{said}; {way}, --device cpu does without.",
    )


def runtime() -> Any:
    """onnxruntime, which says nothing to anyone; `ModelMissing` where it is not there or broken."""
    # Since 1.32 it keeps a device's number and a log for its makers in the home folder, from the
    # moment it is imported: `disable_telemetry_events` would come too late.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelMissing(
            f"onnxruntime, which runs the networks, is missing or broken ({error}); "
            "'pip install --force-reinstall onnxruntime' mends it."
        ) from error
    return onnxruntime
