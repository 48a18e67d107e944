"""The books of a run: means of the losses, how fast it is, and whether all is finite."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tonsure.errors import TonsureError
from tonsure.lab import checkpoints
from tonsure.lab.group import Group
from tonsure.lab.player import Batch, Terms
from tonsure.lab.recipe import Recipe


class NotANumber(TonsureError):
    """A loss is not finite; names the step and the last good checkpoint."""

    code = "not_a_number"


class Books:
    """Means of the losses since the last line, how fast it is, and whether all is finite."""

    def __init__(
        self, recipe: Recipe, group: Group, run: Path, first: int, told: dict[str, Any]
    ) -> None:
        self.recipe, self.group, self.run = recipe, group, run
        self.before, self.pictures = float(told.get("seconds", 0)), int(told.get("images", 0))
        self.began, self.first, self.checked = time.perf_counter(), first, first
        self.now: dict[str, list[Tensor]] = {}
        self.bad: Tensor | None = None
        self.clear()

    def clear(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.marked, self.seen = time.perf_counter(), 0

    def saw(self, batch: Batch) -> Batch:
        """Count the pictures of a batch."""
        count = len(next(iter(batch.values()))) * self.group.size
        self.seen, self.pictures = self.seen + count, self.pictures + count
        return batch

    def add(self, terms: Terms, start: str) -> None:
        """The terms of one update."""
        for name, value in terms.items():
            self.now.setdefault(start + name, []).append(value)

    def step(self, done: int, asked: bool) -> bool:
        """All updates of a step have been added; whether any process was asked to stop."""
        flat = torch.stack([value for values in self.now.values() for value in values])
        if self.group.size > 1:
            both = torch.cat([flat, flat.new_tensor([float(asked)])])
            *_, wish = self.group.mean(both)
            flat, asked = both[:-1], bool(wish > 0)
        at = 0
        for name, values in self.now.items():
            found = flat[at : at + len(values)].sum()
            self.sums[name] = self.sums[name] + found if name in self.sums else found
            self.counts[name] = self.counts.get(name, 0) + len(values)
            at += len(values)
        self.now = {}
        bad = ~torch.isfinite(flat).all()
        self.bad = bad if self.bad is None else self.bad | bad
        # asking a GPU makes it wait: there only when a line is due
        if flat.device.type == "cpu" or done % self.recipe.log_every == 0:
            self.check(done)
        return asked

    def check(self, done: int) -> None:
        """`NotANumber` unless every loss so far is finite."""
        if self.bad is not None and bool(self.bad):
            last = checkpoints.every(self.run)
            when = f"step {done - 1}" if done - self.checked == 1 else (
                f"a step from {self.checked} to {done - 1}")  # fmt: skip
            raise NotANumber(
                f"A loss is not finite at {when}; the last good checkpoint is "
                f"{last[-1] if last else 'none'}. A smaller rate or train.precision=fp32 helps."
            )
        self.checked = done

    def told(self) -> dict[str, float]:
        """Means by name, pictures a second, seconds in all."""
        out = {k: round(float(v) / self.counts[k], 6) for k, v in self.sums.items()}
        now = time.perf_counter()
        out["images_s"] = round(self.seen / max(now - self.marked, 1e-9), 1)
        out["seconds"] = round(self.before + now - self.began, 1)
        return out

    def spent(self) -> dict[str, float]:
        """For the checkpoint's header."""
        seconds = self.before + time.perf_counter() - self.began
        return {"seconds": round(seconds, 1), "images": self.pictures}
