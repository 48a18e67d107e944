"""What people and programs are told: lines and progress on stderr, JSON on stdout, exit codes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import typer

from ..errors import BadOption, SomeFailed, TonsureError, fault
from ..report import of_error
from . import streams

_CONTROLS = {n: f"\\x{n:02x}" for n in (*range(32), *range(127, 160))}
"""What a terminal would obey; names of files may hold it."""


def shown(text: str) -> str:
    """`text` as one line that a terminal shows and does not obey."""
    return text.translate(_CONTROLS)


def say(line: str) -> None:
    """A line for people."""
    with suppress(OSError, ValueError):  # nobody listens
        print(shown(line), file=sys.stderr, flush=True)


def tell(line: str) -> None:
    """A line of a verb's answer, on standard output."""
    print(shown(line))


def emit(record: dict[str, Any]) -> None:
    """An object for programs: one line of JSON."""
    print(json.dumps(record), flush=True)


def sentence(name: str, error: BaseException) -> str:
    """What went wrong with the photo `name`, which is named once."""
    said = error.said("cli") if isinstance(error, TonsureError) else str(error)
    return said if said.startswith(name) else f"{name}: {said}"


def bounded(threads: int | None) -> int | None:
    """`threads`, at most one for each core; says so where they are fewer than was asked for."""
    from ..models.session import bounded as most

    if threads is None or most(threads) == threads:
        return threads
    say(f"tonsure: {threads} threads were asked for; {most(threads)} are used, one a core.")
    return most(threads)


@contextmanager
def ending(debug: bool) -> Iterator[None]:
    """Around all that a verb does: errors become a sentence and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except TonsureError as error:
        _let_go_of_stdout()
        if debug:
            raise
        say(f"tonsure: {error.said('cli')}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt as error:
        say("tonsure: interrupted.")
        raise typer.Exit(streams.exit_code(error)) from None
    except BrokenPipeError:
        _let_go_of_stdout()
        raise typer.Exit(1) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        _let_go_of_stdout()
        if debug:
            raise
        known = fault(error)
        say(f"tonsure: {known.said('cli')}")
        raise typer.Exit(known.exit_code) from None


def _let_go_of_stdout() -> None:
    """Where it cannot be written to any more, the interpreter would complain when it flushes."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass
class Outcome:
    """What there is to tell of a photo that is done."""

    line: str = ""
    notes: tuple[str, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0

    def tell(self, line: str, notes: tuple[str, ...], record: dict[str, Any]) -> None:
        """A line for people, remarks below it, and the record for programs."""
        self.line, self.notes, self.record = line, notes, record


class Batch:
    """One photo after the other: counts, progress, and the exit code in the end."""

    def __init__(
        self, total: int, *, as_json: bool, quiet: bool, rows: Callable[[Any], None] | None = None
    ) -> None:
        self.total, self._json, self._quiet, self._rows = total, as_json, quiet, rows
        self._codes: list[int] = []
        self._skipped = 0
        self._signals: Any = None
        self._began = time.perf_counter()
        self._bar: Any = None

    def __enter__(self) -> Batch:
        self._signals = streams.interruptible()
        self._signals.__enter__()
        if self.total > 1 and not self._quiet and sys.stderr.isatty():
            from .progress import Bar

            self._bar = Bar(self.total)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._signals.__exit__(*error)

    @contextmanager
    def photo(self, name: str, debug: bool = False) -> Iterator[Outcome]:
        """Around one photo: its errors are told and counted, and the others go on.

        Values of options that are not allowed end it all: they are wrong for every photo.
        """
        outcome = Outcome()
        record: dict[str, Any] = {"status": "failed", "input": name}
        try:
            yield outcome
        except (BadOption, KeyboardInterrupt, BrokenPipeError):
            raise
        except Exception as error:
            if debug:
                raise
            known = fault(error)
            self._count(known.exit_code)
            self._tell(sentence(name, known), always=True)
            self._emit(record | {"error": of_error(known, "cli")})
        else:
            self._skipped += outcome.record.get("status") == "skipped"
            self._count(outcome.exit_code)
            for text in (outcome.line, *outcome.notes):
                self._tell(text)
            self._emit(record | {"status": "done"} | outcome.record)

    @property
    def failures(self) -> int:
        return sum(code != 0 for code in self._codes)

    def finish(self) -> None:
        """Raise `typer.Exit` unless all is well: the photos' own code if they agree, else 7."""
        if self.total > 1 and not self._quiet:
            seconds = time.perf_counter() - self._began
            count = len(self._codes) - self.failures - self._skipped
            left = f", {self._skipped} left out, as their output exists" if self._skipped else ""
            failed = f", {self.failures} failed" if self.failures else ""
            self._tell(f"{count} of {self.total} photos done in {seconds:.1f} s{left}{failed}.")
        codes = set(self._codes)
        if codes - {0}:
            raise typer.Exit(codes.pop() if len(codes) == 1 else SomeFailed.exit_code)

    def _count(self, code: int) -> None:
        self._codes.append(code)
        if self._bar is not None:
            self._bar.advance()

    def _emit(self, record: dict[str, Any]) -> None:
        if self._rows is not None:
            self._rows(record)
        if self._json:
            emit(record)

    def _tell(self, line: str, always: bool = False) -> None:
        if not line or (self._quiet and not always):
            return
        if self._bar is not None:
            self._bar.print(shown(line))
        else:
            say(self._place() + line)

    def _place(self) -> str:
        """In a log, what the bar shows on a terminal."""
        done = len(self._codes)
        if self.total == 1 or not 0 < done < self.total:
            return ""
        rate = done / max(time.perf_counter() - self._began, 1e-6)
        left = (self.total - done) / rate
        return f"[{done}/{self.total}, {rate:.2g} photos/s, {left:.0f} s left] "
