"""A batch's plan: options and units, written down once, so that every run of it does the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..errors import BadOption
from .sources import Unit
from .store import Store
from .targets import NOTES

_SCHEMA = 1
_PLACE = f"{NOTES}/plan.jsonl"


def settled(store: Store, options: dict[str, Any], units: Iterable[Unit]) -> list[Unit]:
    """The units of the plan in `store`; where there is none, `units` become it.

    `options` are plain values that results depend on. Raises `BadOption` if the plan there is that
    of another batch, or if there is anything else.
    """
    if store.exists(_PLACE):
        lines = store.read(_PLACE).decode().splitlines()
        _check(store, json.loads(lines[0]), options)
        return [json.loads(line) for line in lines[1:]]
    if any(True for _ in store.names()):
        raise BadOption(f"{store.address} is not empty; give a new folder for the results.")
    found = list(units)
    head = {"tonsure": "plan", "schema": _SCHEMA, "options": options}
    text = "".join(json.dumps(line) + "\n" for line in (head, *found))
    store.write(_PLACE, text.encode())
    return found


def _check(store: Store, head: dict[str, Any], options: dict[str, Any]) -> None:
    for name, value in head.get("options", {}).items():
        if options.get(name) != value:
            raise BadOption(
                f"{store.address} holds a batch with another {name} ({value!r}, now "
                f"{options.get(name)!r}); give a new folder for the results."
            )
