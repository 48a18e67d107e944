"""A whole batch: plan, work, report. In this process, or on a cluster of Ray."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..errors import BadOption
from . import plan, sources, work
from .order import Order
from .sources import KINDS, Unit
from .store import Store
from .targets import NOTES

REPORT = f"{NOTES}/report.jsonl"
_ONE_REPORT = 1_000_000  # photos; the report of more stays in parts

Summary = dict[str, Any]
Begun = list[tuple[int, Unit]]


@dataclass(frozen=True)
class Batch:
    """A batch that is over: `photos` in all, `failed` among them, `seconds` of work on those that
    were done, and the address of the `report` (a folder of parts where they are many)."""

    photos: int
    failed: int
    seconds: float
    report: str


def run(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    order: Order | None = None,
    *,
    kind: str | None = None,
    column: str | None = None,
    size: int | None = None,
    ray: str | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Batch:
    """Make the people of all photos of `source` bald, each exactly once.

    A run that was killed goes on where it was when it is called again with the same target.

    Parameters
    ----------
    source : photos in folders, Parquet or WebDataset: a path or an address that fsspec knows.
    target : an empty or new folder, or the one of a run that was killed.
    order : what is done to each photo.
    kind : what is written, one of `KINDS`; default: as the source.
    column : of Parquet, the column that holds photos; default: looked for.
    size : photos that are written together; default: 8 to 64 files, by how many there
        are; 256 of Parquet and WebDataset.
    ray : None works in this process; "auto" on the cluster of this machine, which is started if
        there is none; else the address of a cluster.
    workers : with Ray, how many photos are worked on at once; default: all the cluster can.
    progress : is called with the photos that are done and those there are, 0 if nobody knows.

    Raises `BadOption`, `UnreadableInput`, `UnwritableOutput` and `ModelError`; photos that fail
    raise nothing, the report has them.
    """
    order = order or Order()
    order.check()
    if size is not None and size < 1:
        raise BadOption(f"There cannot be {size} photos together; give a number from 1 on.")
    if workers is not None and workers < 1:
        raise BadOption(f"There cannot be {workers} workers; give a number from 1 on.")
    if kind is not None and kind not in KINDS:
        raise BadOption(f"{kind!r} cannot be written; give one of {', '.join(KINDS)}.")
    origin, goal = Store(source), Store(target)
    given = sources.kind_of(origin)
    written = next((one for one in KINDS if one == kind), given)
    if "parquet" in (given, written):
        sources.pyarrow()
    options = {
        "version": __version__, "source": origin.whole(), "writes": written, "column": column,
        "size": size, **order.shaping,
    }  # fmt: skip
    units = plan.settled(goal, options, sources.units(origin, given, size, column))
    maker = work.Worker, (origin.whole(), goal.whole(), written, order, size or _size(units))
    if ray is not None:
        from . import cluster

        return _all(goal, units, lambda left: cluster.done(maker, left, ray, workers), progress)
    return _all(goal, units, lambda left: _here(maker, left), progress)


def _size(units: list[Unit]) -> int:
    """Photos written together where nobody says: as many as the plan keeps together."""
    first = units[0]
    return len(first["names"]) if first["kind"] == "photos" else 256


def _here(maker: Any, left: Begun) -> Iterator[Summary]:
    kind, arguments = maker
    worker = kind(*arguments)
    for number, unit in left:
        yield worker.do(number, unit)


def _all(
    goal: Store, units: list[Unit], do: Callable[[Begun], Iterator[Summary]],
    progress: Callable[[int, int], None] | None,
) -> Batch:  # fmt: skip
    counts = [_count(unit) for unit in units]
    total = sum(counts) if all(counts) else 0
    marks = goal.listed(f"{NOTES}/done")
    known: dict[int, Summary] = {}
    left: Begun = []
    for number, unit in enumerate(units):
        name = work.mark(number)
        note = goal.noted(name) if name.rsplit("/", 1)[-1] in marks else None
        if note is None:
            left.append((number, unit))
        else:
            known[number] = note
    done = sum(note["photos"] for note in known.values())
    for summary in do(left) if left else ():
        known[summary["unit"]] = summary
        done += summary["photos"]
        if progress is not None:
            progress(done, total)
    return Batch(
        done,
        sum(note["failed"] for note in known.values()),
        sum(note["seconds"] for note in known.values()),
        _report(goal, known, done),
    )


def _count(unit: Unit) -> int:
    """Photos of a unit; 0 if nobody knows."""
    return len(unit["names"]) if "names" in unit else int(unit.get("photos", 0))


def _report(goal: Store, known: dict[int, Summary], photos: int) -> str:
    """Put the parts of the report together, in the order of the source."""
    if photos > _ONE_REPORT:
        return goal.shown(f"{NOTES}/report")
    parts = [
        goal.read(work.rows(number, part))
        for number in sorted(known) for part in range(known[number]["parts"])
    ]  # fmt: skip
    goal.write(REPORT, b"".join(parts))
    return goal.shown(REPORT)
