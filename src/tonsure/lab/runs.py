"""A run's folder, besides its checkpoints: who trains in it, the log, what is said meanwhile.

RUN/log.jsonl                   one object a line
RUN/samples/step-00001000.png   a sheet of a task that has one
RUN/data/                       the pack, if raw data was given
RUN/lock                        held by the process that trains
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.errors import BadOption, UnwritableOutput
from tonsure.lab.boards import BOARDS

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """The folder for one process alone; `BadOption` while another one trains in it."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = (run / "lock").open("a")
    except OSError as error:
        raise UnwritableOutput(f"The run's folder {run} cannot be written: {error}.") from None
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BadOption(
                    f"Another process trains in {run}; wait for it, or use another folder."
                ) from None
        yield


class Log:
    """`log.jsonl`, other people's boards if asked for, and a line for people.

    `boards` are "tensorboard" and "wandb", by their own packages; `config` is what they are told
    of the run. Lines of steps after `first` are forgotten: they come again.
    """

    def __init__(
        self, run: Path, first: int, *, boards: Sequence[str] = (), config: Any = None,
        quiet: bool = False,
    ) -> None:  # fmt: skip
        self.run, path = run, run / "log.jsonl"
        self._boards = [BOARDS[name](run, config) for name in boards]
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _step(line) <= first]
            path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", buffering=1, encoding="utf-8")
        self._quiet, self._began, self._first = quiet, time.perf_counter(), first
        self._terminal = sys.stderr.isatty()

    def write(self, step: int, values: dict[str, Any]) -> None:
        """Numbers of a step; a dict among them is a group of such."""
        try:
            self._file.write(json.dumps({"step": step} | values) + "\n")
        except OSError as error:
            raise UnwritableOutput(
                f"{self.run / 'log.jsonl'} cannot be written: {error}."
            ) from None
        flat: dict[str, float] = {}
        for name, value in values.items():
            told = value if isinstance(value, dict) else {"": value}
            flat |= {f"{name}/{key}" if key else name: number for key, number in told.items()}
        for board in self._boards:
            board.write(step, flat)

    def picture(self, step: int, pixels: npt.NDArray[np.uint8]) -> None:
        """A sheet (H, W, 3), to `samples` and to the boards."""
        folder = self.run / "samples"
        try:
            folder.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(folder / f"step-{step:08d}.png")
        except OSError as error:
            raise UnwritableOutput(
                f"The sheet of step {step} cannot be written: {error}."
            ) from None
        for board in self._boards:
            board.picture(step, pixels)

    def say(self, step: int, steps: int, values: dict[str, float]) -> None:
        """How far it is, how fast, how long yet."""
        if self._quiet:
            return
        each = (time.perf_counter() - self._began) / max(1, step - self._first)
        left = each * (steps - step)
        clock = f"{left / 3600:.1f} h" if left > 5400 else f"{left / 60:.0f} min"
        told = " ".join(f"{k} {v:.3g}" for k, v in values.items() if k != "seconds")
        line = f"step {step}/{steps}, {clock} left; {told}"
        print(f"\r{line:100}" if self._terminal else line, end="" if self._terminal else "\n",
              file=sys.stderr, flush=True)  # fmt: skip

    def tell(self, sentence: str) -> None:
        """A sentence for people, on a line of its own."""
        if not self._quiet:
            print(f"\n{sentence}" if self._terminal else sentence, file=sys.stderr, flush=True)

    def close(self) -> None:
        with suppress(OSError):  # the disk is full; that was said
            self._file.close()
        if self._terminal and not self._quiet:
            print(file=sys.stderr)
        for board in self._boards:
            board.close()


def _step(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError):
        return 1 << 62  # half a line: the run was killed while writing it
