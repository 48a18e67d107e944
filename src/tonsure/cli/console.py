"""What people and programs are told: lines and progress on stderr, JSON on stdout, exit codes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import typer

from ..errors import INTERRUPTED, BadOption, InternalFault, SomeFailed, TonsureError
from ..report import of_error


def say(line: str) -> None:
    """A line for people."""
    print(line, file=sys.stderr, flush=True)


def emit(record: dict[str, Any]) -> None:
    """An object for programs: one line of JSON."""
    print(json.dumps(record), flush=True)


def sentence(name: str, error: BaseException) -> str:
    """What went wrong with the photo `name`, which is named once."""
    said = str(error)
    return said if said.startswith(name) else f"{name}: {said}"


@contextmanager
def ending(debug: bool) -> Iterator[None]:
    """Around all that a verb does: errors become a sentence and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except TonsureError as error:
        if debug:
            raise
        say(f"tonsure: {error}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        say("tonsure: interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # who read our output has had enough; the interpreter would complain when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if debug:
            raise
        say(f"tonsure: {_fault(error)}")
        raise typer.Exit(InternalFault.exit_code) from None


def _fault(error: Exception) -> InternalFault:
    kind = type(error).__name__
    return InternalFault(
        f"internal fault ({kind}: {error}); --debug shows where, please report it."
    )


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

    def __init__(self, total: int, *, as_json: bool, quiet: bool) -> None:
        self.total, self._json, self._quiet = total, as_json, quiet
        self._codes: list[int] = []
        self._began = time.perf_counter()
        self._bar: Any = None

    def __enter__(self) -> Batch:
        if self.total > 1 and not self._quiet and sys.stderr.isatty():
            from .progress import Bar

            self._bar = Bar(self.total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

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
            known = error if isinstance(error, TonsureError) else _fault(error)
            self._count(known.exit_code)
            self._tell(sentence(name, known), always=True)
            self._emit(record | {"error": of_error(known)})
        else:
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
            count = len(self._codes) - self.failures
            self._tell(
                f"{count} of {self.total} photos done in {seconds:.1f} s"
                + (f", {self.failures} failed." if self.failures else ".")
            )
        codes = set(self._codes)
        if codes - {0}:
            raise typer.Exit(codes.pop() if len(codes) == 1 else SomeFailed.exit_code)

    def _count(self, code: int) -> None:
        self._codes.append(code)
        if self._bar is not None:
            self._bar.advance()

    def _emit(self, record: dict[str, Any]) -> None:
        if self._json:
            emit(record)

    def _tell(self, line: str, always: bool = False) -> None:
        if not line or (self._quiet and not always):
            return
        if self._bar is not None:
            self._bar.print(line)
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
