"""What the field `edits` asks for: baldness, and the other attributes of the catalogue."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..edit.catalogue import CATALOGUE, check
from ..errors import BadOption, nearest

_EXAMPLE = '{"bald": 0.8} or {"Blond_Hair": 1, "Eyeglasses": -0.5}'
_BALD = "bald"


@dataclass(frozen=True)
class Edits:
    """`degree` of baldness of the chosen faces, `each` of single ones by number; or, where other
    attributes are asked for, all of them: `changes` of the chosen faces, `apart` of single ones."""

    degree: float = 0.0
    each: dict[int, float] = field(default_factory=dict)
    changes: dict[str, float] = field(default_factory=dict)
    apart: dict[int, dict[str, float]] = field(default_factory=dict)

    @property
    def baldness(self) -> bool:
        """Whether baldness is among other attributes."""
        return any("Bald" in own for own in (self.changes, *self.apart.values()))

    @property
    def by_face(self) -> bool:
        """Whether single faces are named."""
        return bool(self.each or self.apart)


def parsed(text: str) -> Edits:
    """`{"bald": 0.8}`, `{"Blond_Hair": 1}`; of single faces by their number:
    `{"Blond_Hair": {"1": 0.8, "2": -1}}`. `BadOption` for anything else."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise BadOption(f"The edits are not JSON such as {_EXAMPLE}.") from None
    wanted: dict[str, Any] = {}
    for given, value in found.items():
        name = _named(given)
        if name in wanted:
            raise BadOption(f"The edit {given[:40]} was given more than once.")
        wanted[name] = value
    if not set(wanted) - {"Bald"}:
        value = wanted.get("Bald", 1.0)
        if isinstance(value, dict):
            return Edits(each={number: _degree(d) for number, d in _faces(_BALD, value)})
        return Edits(_degree(value))
    usual: dict[str, float] = {}
    apart: dict[int, dict[str, float]] = {}
    for name, value in wanted.items():
        if isinstance(value, dict):
            for number, d in _faces(name, value):
                apart.setdefault(number, {})[name] = d
        else:
            usual[name] = value
    if apart and usual:
        raise BadOption("Some edits name faces and some do not; name faces in all, or in none.")
    return Edits(changes=check(usual), apart={number: check(own) for number, own in apart.items()})


def degree_of(text: str) -> float:
    """What the field `degree` asks for: a number from 0 to 1; raises `BadOption`."""
    try:
        return _degree(float(text))
    except ValueError:
        raise BadOption("The degree must be a number from 0 to 1.") from None


def _named(name: str) -> str:
    if name.lower() == _BALD:
        return "Bald"
    if name in CATALOGUE:
        return name
    raise BadOption(
        f"There is no edit {name[:40]!r}; {nearest(name[:40], [*CATALOGUE, _BALD], 0.5)}"
    )


def _faces(name: str, found: dict[str, Any]) -> list[tuple[int, Any]]:
    if not found or not all(n.isascii() and n.isdigit() and int(n) for n in found):
        raise BadOption(f'Name faces by their number: {{"{name}": {{"1": 0.8, "2": 0.3}}}}.')
    return [(int(number), value) for number, value in found.items()]


def _degree(degree: Any) -> float:
    if isinstance(degree, bool) or not isinstance(degree, int | float):
        raise BadOption("The degree of bald must be a number from 0 to 1.")
    if not 0 <= degree <= 1:
        raise BadOption("The degree of bald goes from 0 (untouched) to 1 (fully bald).")
    return float(degree)
