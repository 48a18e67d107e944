"""Opening weights: hash first, then parse; one session per file, shared between threads."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelDamaged, ModelMissing, TonsureError
from . import device
from .protobuf import names_other_files
from .registry import info

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_REINSTALL = "Reinstall tonsure to restore it."
_Key = tuple[str, int, str]  # network, threads, device
_sessions: dict[_Key, InferenceSession] = {}
_locks: dict[_Key, threading.Lock] = {}
_guard = threading.Lock()
_orphans: list[dict[_Key, InferenceSession]] = []


def cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads() -> int:
    """Threads of one session when nothing is asked for: two, or one on a single core."""
    return min(2, cores())


def bounded(threads: int | None) -> int:
    """Threads of one session: what is asked for, at least one, at most one for each core."""
    return default_threads() if threads is None else min(max(1, threads), cores())


def open(name: str, threads: int | None = None) -> InferenceSession:
    """The shipped network `name`, ready to run on the device in force (`device.on`).

    The file's hash is compared with the registry before a byte of it is parsed.  Sessions are
    kept: the same name, number of threads and device give the same object, and an
    `InferenceSession` may be run by several threads at once.  `threads` is the number of threads
    within one run (default `default_threads()`).

    Raises `ModelMissing` (no such name, or the file is gone), `ModelDamaged` (other bytes than
    were shipped) and `BadOption` (the device does not run).
    """
    entry = info(name)
    count = bounded(threads)
    key = (name, count, device.chosen())
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:
        if key not in _sessions:
            try:
                data = entry.there().read_bytes()
            except OSError as error:
                raise ModelMissing(f"The model file {entry.path} is missing. {_REINSTALL}") from (
                    error
                )
            if hashlib.sha256(data).hexdigest() != entry.sha256:
                raise ModelDamaged(
                    f"The model file {entry.path} is damaged: its hash differs from the "
                    f"registry's. {_REINSTALL}"
                )
            _sessions[key] = _session(data, count, str(entry.path), name)
        return _sessions[key]


def prepare(names: Iterable[str], threads: int | None = None) -> None:
    """Open networks that will be needed soon, beside other work; with one thread nothing happens.

    What goes wrong is told by `open` when they are needed.
    """
    if threads == 1 or cores() == 1:
        return

    def opened() -> None:
        for name in names:
            with suppress(TonsureError):
                open(name, threads)

    context = copy_context()  # the device in force
    threading.Thread(target=lambda: context.run(opened), name="prepare").start()


def open_path(
    path: str | Path, *, sha256: str | None = None, threads: int | None = None
) -> InferenceSession:
    """A session for a user's own ONNX file; not kept.

    The file must be complete in itself: models that name other files for their tensors are
    refused.  `sha256`, when given, is checked first.  Raises `ModelMissing` and `ModelDamaged`.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelMissing(f"The model file {path} cannot be read: {error.strerror}.") from error
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256.lower():
        raise ModelDamaged(f"The model file {path} does not have the expected hash.")
    try:
        external = names_other_files(data)
    except ValueError as error:
        raise ModelDamaged(f"The file {path} is not an ONNX model ({error}).") from error
    if external:
        raise ModelDamaged(
            f"The model file {path} keeps tensors in other files, which is not allowed; "
            "save it as one file."
        )
    return _session(data, bounded(threads), str(path))


def opened_on(opened: InferenceSession) -> str:
    """The device that a session runs on, a name of `device.DEVICES`."""
    first = opened.get_providers()[0]
    return next((name for name, one in device.DEVICES.items() if one == first), first)


def close() -> None:
    """Forget all kept sessions; those still in use live on until their users let go."""
    with _guard:
        _sessions.clear()
        _locks.clear()


def _after_fork() -> None:
    # The threads of a session do not live on in a child process: running it there hangs, and so
    # does taking it apart.  The child opens its own and keeps the old ones untouched.
    global _guard, _locks, _sessions
    _orphans.append(_sessions)
    _guard, _locks, _sessions = threading.Lock(), {}, {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _session(data: bytes, threads: int, label: str, name: str = "") -> InferenceSession:
    ort = device.runtime()
    ort.disable_telemetry_events()  # nothing leaves the machine
    options: Any = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # An arena keeps the most that any run ever needed, for each network: 130 MB in all, for no time
    # that could be measured.
    options.enable_cpu_mem_arena = False
    # Threads that spin while they wait take the cores from everything else, from our own other
    # sessions too: on two busy cores all networks took twice as long with it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Never guess the format from the content: only ONNX was checked above.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    wanted = device.chosen()
    try:
        options.log_severity_level = 4  # a device that does not run is told below, in words
        providers = device.providers(wanted, name)
        opened = ort.InferenceSession(data, options, providers=providers)
        if wanted not in ("auto", opened_on(opened)) and device.runs(wanted, name):
            device.refuse(wanted)
        return opened
    except TonsureError:
        raise
    except Exception as error:  # onnxruntime raises its own classes, one for every status code
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise ModelDamaged(f"The model file {label} cannot be opened: {reason}.") from error
