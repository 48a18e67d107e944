"""A run's folder: checkpoints, the log, what is said meanwhile.

RUN/step-00001000.safetensors   weights, average, optimisers; the configuration is inside
RUN/log.jsonl                   one object a line
RUN/samples/step-00001000.png   a fixed batch: original, as it is, each edit
RUN/data/                       the pack, if raw data was given
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from torch import Tensor

from tonsure.errors import BadOption
from tonsure.lab import config as configs
from tonsure.lab.config import Config
from tonsure.lab.train import load, save


def checkpoints(run: Path) -> list[Path]:
    """The checkpoints of a run, the oldest first."""
    return sorted(run.glob("step-*.safetensors"))


def newest(run: Path) -> Path:
    """The checkpoint of a run, or the file itself if one is named."""
    if run.is_file():
        return run
    found = checkpoints(run)
    if not found:
        raise BadOption(f"There is no checkpoint in {run}; train one, or name a file.")
    return found[-1]


def keep(
    run: Path,
    step: int,
    tensors: dict[str, Tensor],
    config: Config,
    told: dict[str, Any],
    many: int,
) -> Path:
    """Write the checkpoint of a step, whole or not at all; then let go of all but `many`."""
    path = run / f"step-{step:08d}.safetensors"
    save(path, tensors, {"step": step, "config": config.as_dict()} | told)
    for old in checkpoints(run)[:-many]:
        old.unlink()
    return path


def opened(path: Path) -> tuple[dict[str, Tensor], Config, dict[str, Any]]:
    """Tensors, configuration and the rest of a checkpoint's header."""
    try:
        tensors, told = load(path)
        return tensors, configs.of_dict(told["config"]), told
    except BadOption:
        raise
    except Exception as error:
        raise BadOption(f"{path} is not a checkpoint of the laboratory ({error}).") from None


def part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors below `name`, without it."""
    start = f"{name}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


class Log:
    """`log.jsonl`, TensorBoard if asked for and there, and a line for people.

    Lines of steps after `first` are forgotten: they come again.
    """

    def __init__(self, run: Path, first: int, *, board: bool = False, quiet: bool = False) -> None:
        path = run / "log.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _step(line) <= first]
            path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", buffering=1, encoding="utf-8")
        self._quiet, self._began, self._first = quiet, time.perf_counter(), first
        self._terminal = sys.stderr.isatty()
        self._board: Any = None
        if board:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                raise BadOption("--tensorboard needs 'pip install tensorboard'.") from None
            self._board = SummaryWriter(str(run / "tensorboard"))

    def write(self, step: int, values: dict[str, float]) -> None:
        """Numbers of a step."""
        self._file.write(json.dumps({"step": step} | values) + "\n")
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def picture(self, step: int, name: str, pixels: Any) -> None:
        """A picture (H, W, 3) uint8, for TensorBoard."""
        if self._board is not None:
            self._board.add_image(name, pixels, step, dataformats="HWC")

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

    def close(self) -> None:
        self._file.close()
        if self._terminal and not self._quiet:
            print(file=sys.stderr)
        if self._board is not None:
            self._board.close()


def _step(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError):
        return 1 << 62  # half a line: the run was killed while writing it
