"""One unit done: its photos in parts, each part on its place before the next begins.

Units are done at least once: a worker that dies leaves its unit to another. What is seen is done
exactly once, as everything written has a name of its own, appears whole, and is the same whoever
writes it; and as what is there is left out.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ..errors import BadOption, InternalFault, TonsureError
from . import sources, targets
from .order import Made, Order, failure
from .sources import Item, Kind, Unit
from .store import Store

_CAREFUL = 2  # workers that died of a unit before each of its photos is noted
_GIVEN_UP = 2  # workers that died of one photo before it is given up


def mark(number: int) -> str:
    """The file that says that a unit is done."""
    return f"{targets.NOTES}/done/{number:07}.json"


def rows(number: int, part: int) -> str:
    """The file with the report of a part, a line a photo."""
    return f"{targets.NOTES}/report/{number:07}-{part:04}.jsonl"


def _begun(number: int) -> str:
    return f"{targets.NOTES}/begun/{number:07}.json"


class Worker:
    """Does units, one after the other, with networks that stay open.

    Parameters
    ----------
    source, target : addresses.
    kind : what is written.
    size : photos of one part.
    """

    def __init__(self, source: str, target: str, kind: Kind, order: Order, size: int) -> None:
        self.source, self.target = Store(source), Store(target)
        self.kind, self.order, self.size = kind, order, size

    def do(
        self, number: int, unit: Unit, tell: Callable[[int], None] | None = None
    ) -> dict[str, Any]:
        """Do a unit and say what came of it: `photos`, `failed`, `parts`, `seconds` of work.

        `tell` is called with the photos of each part that is done. What was done before is left
        out. Raises `UnreadableInput` where the unit itself is damaged, `UnwritableOutput` and
        `BadOption`.
        """
        known = self.target.noted(mark(number))
        if known is not None:
            return dict(known)
        deaths = _Deaths(self.target, number)
        summary = {"unit": number, "photos": 0, "failed": 0, "parts": 0, "seconds": 0.0}
        index = 0
        for part, batch in enumerate(_parts(self._items(unit), self.size)):
            place = rows(number, part)
            if self.target.exists(place):
                lines = self.target.read(place).decode().splitlines()
                told = [json.loads(line) for line in lines]
            else:
                told = self._part(unit, f"{number:07}-{part:04}", batch, index, deaths)
                text = "".join(json.dumps(row) + "\n" for row in told)
                self.target.write(place, text.encode())
            index += len(batch)
            summary["parts"] = part + 1
            summary["photos"] = index
            summary["failed"] += sum(row["status"] == "failed" for row in told)
            summary["seconds"] += sum(sum(row.get("seconds", {}).values()) for row in told)
            if tell is not None:
                tell(len(batch))
        self.target.note(mark(number), summary)
        deaths.forget()
        return summary

    def _items(self, unit: Unit) -> Iterator[Item]:
        """The photos of a unit; if it breaks off, its end is one that cannot be read."""
        found = sources.items(self.source, unit)
        while True:
            try:
                item = next(found)
            except StopIteration:
                return
            except TonsureError as error:
                yield Item(unit.get("file", ""), lambda error=error: _raise(error))  # type: ignore[misc]
                return
            yield item

    def _part(
        self, unit: Unit, part: str, batch: list[Item], first: int, deaths: _Deaths
    ) -> list[dict[str, Any]]:
        done = []
        for number, item in enumerate(batch, first):
            if deaths.has(number):
                error = InternalFault("The process died of this photo, twice; it was left out.")
                done.append((item, Made(None, "", failure(item.name, error))))
                continue
            deaths.watch(number)
            format = None
            if self.kind == unit["kind"] == "photos":
                format = targets.format_of(item.name or self.source.root)
            done.append((item, self.order.made(item.load, item.name or self.source.root, format)))
        deaths.watch(None)  # what comes now is no photo's fault
        schema = self._schema(unit) if self.kind == "parquet" else None
        return targets.write(self.target, self.kind, unit, part, done, schema)

    def _schema(self, unit: Unit) -> Any:
        return sources.schema(self.source, unit)


class _Deaths:
    """Which photos processes died of: after a few deaths in one unit, each photo is noted before it
    is begun, and one that was the last thing of two workers is given up."""

    def __init__(self, store: Store, number: int) -> None:
        self._store, self._name = store, _begun(number)
        note = store.noted(self._name) or {}
        self._attempts = int(note.get("attempts", 0)) + 1
        self._of = {int(photo): int(count) for photo, count in note.get("deaths", {}).items()}
        if note.get("at") is not None:
            at = int(note["at"])
            self._of[at] = self._of.get(at, 0) + 1
        self._note(None)

    def has(self, photo: int) -> bool:
        """Whether to give up a photo, by its number within the unit."""
        return self._of.get(photo, 0) >= _GIVEN_UP

    def watch(self, photo: int | None) -> None:
        """Note that a photo is begun (None: that all are done), where workers have died before."""
        if self._attempts > _CAREFUL:
            self._note(photo)

    def forget(self) -> None:
        """The unit is done."""
        self._store.remove(self._name)

    def _note(self, at: int | None) -> None:
        self._store.note(self._name, {
            "process": os.getpid(), "host": socket.gethostname(), "attempts": self._attempts,
            "at": at, "deaths": self._of,
        })  # fmt: skip


def _parts(found: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while batch := list(islice(found, size)):
        yield batch


def _raise(error: TonsureError) -> None:
    if isinstance(error, BadOption):
        raise InternalFault(str(error))
    raise error
