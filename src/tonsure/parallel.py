"""Two things at the same time, where there are threads for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def both(one: Callable[[], A], other: Callable[[], B], threads: int | None) -> tuple[A, B]:
    """What two functions return, which must not depend on each other.

    With `threads` 1 they run one after the other; what either raises is raised when both are done.
    numpy, Pillow and onnxruntime let others run while they compute.
    """
    if threads == 1:
        return one(), other()
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(copy_context().run, other)
        return one(), later.result()
