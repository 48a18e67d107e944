"""Several photos at once, told in order."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from ..errors import UnwritableOutput

A = TypeVar("A")
B = TypeVar("B")

_AHEAD = 4  # times as many are begun as are worked on at once, so that a slow one holds up none


def share(threads: int | None, jobs: int) -> int | None:
    """Threads of one photo where `jobs` are worked on at once: by default all cores together."""
    if threads is not None or jobs == 1:
        return threads
    from ..models.session import cores

    return max(1, min(2, cores() // jobs))


def in_order(
    function: Callable[[A], B], items: Sequence[A], jobs: int
) -> Iterator[tuple[A, Callable[[], B]]]:
    """Each item with a call that gives what `function` made of it, or raises what it raised.

    With `jobs` 1 that is when the work is done; else it is done ahead, on that many threads.
    """
    if jobs == 1:
        for item in items:
            yield item, lambda one=item: function(one)  # type: ignore[misc]
        return
    pool = ThreadPoolExecutor(jobs)
    begun: deque[tuple[A, Future[B]]] = deque()
    rest = iter(items)
    try:
        while True:
            for item in islice(rest, _AHEAD * jobs - len(begun)):
                begun.append((item, pool.submit(function, item)))
            if not begun:
                return
            first, made = begun.popleft()
            yield first, made.result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Report:
    """One JSON object a line into the file `path`, as they come; with None nowhere."""

    def __init__(self, path: Path | None, overwrite: bool) -> None:
        self._file: IO[str] | None = None
        if path is None:
            return
        from ..photo import check_free

        check_free(path, overwrite)
        try:
            self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            raise UnwritableOutput(
                f"The report {path} cannot be written ({error.strerror}); choose another place."
            ) from error

    def __call__(self, record: Any) -> None:
        if self._file is not None:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()
