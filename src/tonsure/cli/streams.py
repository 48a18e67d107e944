"""The process's own streams and signals, set right before anything is said."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ..errors import INTERRUPTED

_NAMES = ("stdin", "stdout", "stderr")
missing: set[str] = set()
"""Streams that the caller had closed."""


class Ended(KeyboardInterrupt):
    """A signal asked for the end, as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


_asked: list[int] = []  # signals that came: a library may have turned one into an interrupt


def exit_code(error: KeyboardInterrupt) -> int:
    """Of a process that was interrupted."""
    if isinstance(error, Ended):
        return error.exit_code
    return 128 + _asked[-1] if _asked else INTERRUPTED


def prepare(quiet: bool) -> None:
    """Open closed streams on the null device, and let any text be written.

    Else the next file that is opened would take a stream's number, and be written into.  If
    `quiet`, C libraries that write to standard error on their own account (libtiff) are not heard.
    """
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            missing.add(name)
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="replace"))  # noqa: SIM115
    if quiet:
        _keep_stderr_to_ourselves()
    for stream in (sys.stdout, sys.stderr):
        # names of files need not be valid text; a table must not fail for one of them
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _keep_stderr_to_ourselves() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ours = os.dup(2)
        encoding = sys.stderr.encoding
        sys.stderr = open(ours, "w", encoding=encoding, buffering=1)  # noqa: SIM115
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP end the work as Ctrl-C does: nothing half written stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        _asked.append(number)
        raise Ended(number)

    before: dict[int, Any] = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores one
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
