"""What `tonsure lab evaluate` does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import tonsure
from tonsure.editor import Editor
from tonsure.lab import identity as persons
from tonsure.lab.evaluate import judge, methods, photos
from tonsure.lab.evaluate.measure import Tools
from tonsure.lab.evaluate.run import evaluate
from tonsure.lab.evaluate.seen import see


@dataclass(frozen=True)
class Choice:
    """Which photos: see `photos.choose`; `attributes` and `partition` are files."""

    folder: Path
    attributes: Path | None = None
    partition: Path | None = None
    part: int = 1
    having: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    count: int | None = None
    even: str | None = None
    seed: int = 0

    def items(self) -> list[photos.Item]:
        """The photos."""
        return photos.choose(
            photos.folder(self.folder),
            photos.attributes(self.attributes) if self.attributes else None,
            part=photos.partition(self.partition, self.part) if self.partition else None,
            having=self.having,
            lacking=self.lacking,
            count=self.count,
            even=self.even,
            seed=self.seed,
        )

    def told(self) -> str:
        """The choice in words."""
        parts = [f"with {name}" for name in self.having]
        parts += [f"without {name}" for name in self.lacking]
        if self.partition:
            parts.insert(0, f"part {self.part}")
        if self.count is not None:
            parts.append(f"{self.count} drawn, seed {self.seed}")
        return ", ".join(parts) or "all"


def run(
    choice: Choice,
    chosen: list[str],
    out: Path,
    *,
    identity: Path | None = None,
    with_identity: bool = True,
    threads: int | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Evaluate and say where the report lies. Raises `BadOption` and `ModelMissing` before the
    first photo."""
    picked = {name: methods.method(name) for name in chosen}
    items = choice.items()
    describe = partial(persons.descriptors, file=identity, threads=threads)
    if with_identity:
        persons.check(identity)
    tools = Tools(
        judge.open(threads=threads),
        describe if with_identity else None,
        partial(see, threads=threads),
    )
    began, last = time.perf_counter(), 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.perf_counter()
        if done == total or now - last > 10:
            last, left = now, (now - began) / done * (total - done)
            tell(f"[{done}/{total}, {left:.0f} s left]")

    out.mkdir(parents=True, exist_ok=True)
    facts = {"choice": choice.told(), "tonsure": tonsure.__version__}
    result = evaluate(
        items, picked, tools, out, editor=Editor(threads=threads), facts=facts, tell=progress
    )
    for name, told in result["methods"].items():
        missed = [f"{bar['value']} ({bar['group']})" for bar in told["bars"] if not bar["met"]]
        tell(f"{name}: {'all bars met' if not missed else 'missed: ' + ', '.join(missed)}")
    tell(f"The report is {out / 'report.md'}.")
    return result
