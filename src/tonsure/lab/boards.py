"""Curves and sheets of a run on other people's boards, by their own packages, if installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tonsure.errors import BadOption

Bytes = npt.NDArray[np.uint8]


class Board(Protocol):
    """What a log needs of one."""

    def write(self, step: int, values: dict[str, float]) -> None: ...

    def picture(self, step: int, pixels: Bytes) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Into `RUN/tensorboard`."""

    def __init__(self, run: Path, config: Any) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise BadOption("--tensorboard needs 'pip install tensorboard'.") from None
        del config
        self._to: Any = SummaryWriter(str(run / "tensorboard"))

    def write(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._to.add_scalar(name, value, step)

    def picture(self, step: int, pixels: Bytes) -> None:
        self._to.add_image("samples", pixels, step, dataformats="HWC")

    def close(self) -> None:
        self._to.close()


class WeightsAndBiases:
    """To the project "tonsure", a run named as its folder; its own environment variables
    (`WANDB_PROJECT`, `WANDB_MODE=offline`) decide the rest. A run that goes on goes on there: its
    name there is kept in `RUN/wandb.id`."""

    def __init__(self, run: Path, config: Any) -> None:
        try:
            import wandb
        except ImportError:
            raise BadOption("--wandb needs 'pip install wandb'.") from None
        file = run / "wandb.id"
        known = file.read_text(encoding="utf-8").strip() if file.exists() else None
        self._package: Any = wandb
        self._to: Any = wandb.init(
            project=None if _project() else "tonsure", name=run.resolve().name, dir=str(run),
            config=config, id=known, resume="allow",
        )  # fmt: skip
        file.write_text(f"{self._to.id}\n", encoding="utf-8")

    def write(self, step: int, values: dict[str, float]) -> None:
        self._to.log(values, step=step)

    def picture(self, step: int, pixels: Bytes) -> None:
        self._to.log({"samples": self._package.Image(pixels)}, step=step)

    def close(self) -> None:
        self._to.finish()


def _project() -> bool:
    import os

    return bool(os.environ.get("WANDB_PROJECT"))


BOARDS: dict[str, type[TensorBoard] | type[WeightsAndBiases]] = {
    "tensorboard": TensorBoard, "wandb": WeightsAndBiases,
}  # fmt: skip
"""By the option of `tonsure lab train` that asks for it."""
