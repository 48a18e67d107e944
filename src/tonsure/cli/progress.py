"""The bar that a terminal shows: what is done, how much a second, time left."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        self._unit = unit
        super().__init__()

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2g} {self._unit}/s" if task.speed else f"- {self._unit}/s")


class Bar:
    """A bar on standard error; `print` writes above it."""

    def __init__(self, total: int | None, unit: str = "photos") -> None:
        self._console = Console(stderr=True, soft_wrap=True)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(unit),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._progress.start()

    def advance(self) -> None:
        self._progress.advance(self._task)

    def at(self, done: int, total: int | None) -> None:
        self._progress.update(self._task, completed=done, total=total)

    def print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def stop(self) -> None:
        self._progress.stop()
