"""The product's own networks from the same command: parser, hat, judge and bald head.

They train in `lab.train`, one network each; these are the settings that the scripts use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonsure.errors import BadOption, nearest
from tonsure.lab.train import Task
from tonsure.lab.train import train as loop


@dataclass(frozen=True)
class Product:
    """`says` what it is; `make` builds its task from the folder of packed data."""

    says: str
    make: Callable[[Path], Task]
    steps: int
    peak: float = 2e-3
    decay: float = 0.01
    evaluate_every: int = 1000


def _parser(data: Path) -> Task:
    from tonsure.lab.tasks.parser import ParserTask

    return ParserTask(data)


def _bald(data: Path) -> Task:
    from tonsure.lab.tasks.bare import BareTask

    return BareTask(data)


def _judge(data: Path) -> Task:
    from tonsure.lab.tasks.judge import JudgeTask

    half = data / "bald-half-size.tar"
    return JudgeTask.from_folder(
        data, data / "identity_CelebA.txt", half if half.exists() else None
    )


def _hat(data: Path) -> Task:
    from tonsure.lab.tasks.hat import HatTask

    return HatTask(data, data / "identity_CelebA.txt")


PRESETS = {
    "parser": Product("The hair parser: nine classes in the aligned frame.", _parser, 9000),
    "hat": Product("Hat or hair, from one look at the face.", _hat, 900, 3e-3, 0.05, 300),
    "judge": Product("CelebA's 40 labels, to measure editors.", _judge, 1800, decay=0.05,
                     evaluate_every=400),
    "bald": Product("What lies beneath the hair, from real bald heads.", _bald, 6000),
}  # fmt: skip
_FIELDS = {"steps": int, "peak": float, "decay": float, "evaluate_every": int, "seed": int}


def prepare(name: str, data: Path, out: Path) -> None:
    """Pack `data`, a folder of `celeba` and `celebamask`, for all of them."""
    from shutil import copy

    from tonsure.lab.data import pack

    pack.masks(data / "celeba", data / "celebamask", out, os.cpu_count() or 1)
    for file in ("identity_CelebA.txt", "bald-half-size.tar"):
        if (data / "celeba" / file).exists():
            copy(data / "celeba" / file, out / file)


def train(name: str, data: Path, run: Path, changes: Sequence[str]) -> None:
    """Train one of `PRESETS` from packed `data` into `run`; goes on by itself."""
    product = PRESETS[name]
    options: dict[str, Any] = {
        "peak": product.peak, "decay": product.decay, "evaluate_every": product.evaluate_every,
        "steps": product.steps,
    }  # fmt: skip
    for change in changes:
        key, equals, value = change.removeprefix("train.").partition("=")
        if not equals or key not in _FIELDS:
            raise BadOption(f"{change!r} is not for this preset; {nearest(key, _FIELDS)}")
        options[key] = _FIELDS[key](value)
    loop(product.make(data), run, options.pop("steps"), **options)
