"""How far a film is: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from typing import Any

from .console import say

_EVERY = 10.0  # seconds between lines of a log


class Meter:
    """Frames done, frames a second, time left. A context manager; `at` tells it how far it is."""

    def __init__(self, unit: str, quiet: bool = False) -> None:
        self._unit, self._quiet = unit, quiet
        self._bar: Any = None
        self._began = self._said = time.perf_counter()

    def at(self, done: int, total: int) -> None:
        """`done` of `total` (0 if nobody knows)."""
        if self._quiet:
            return
        if sys.stderr.isatty():
            if self._bar is None:
                from .progress import Bar

                self._bar = Bar(total or None, self._unit)
            self._bar.at(done, max(done, total) if total else None)
            return
        now = time.perf_counter()
        if now - self._said >= _EVERY:
            self._said = now
            rate = done / max(now - self._began, 1e-6)
            left = f", {max(total - done, 0) / rate:.0f} s left" if total else ""
            say(f"[{done}{f'/{total}' if total else ''}, {rate:.2g} {self._unit}/s{left}]")

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
