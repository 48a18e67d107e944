"""The house as a drawing, from the imports that are really there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from html import escape
from pathlib import Path

import grimp

WIDE, HIGH, ROW, TOP, ALL = 118, 34, 74, 24, 860  # pixels
_SHIFTS = (-250, 250, -120, 190)  # of rows of one room: lines pass beside boxes


def layers(root: Path) -> list[list[str]]:
    """Rooms from the doors down to the foundations, as the import contracts have them."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip() for name in row.split("|")] for row in rows]


def imports(rooms: Iterable[str]) -> dict[str, set[str]]:
    """Which of the rooms each one imports, leaving out what follows from the rest."""
    graph = grimp.build_graph("tonsure", exclude_type_checking_imports=True, cache_dir=None)
    for room in rooms:
        if graph.find_children(room):
            graph.squash_module(room)
    named = set(rooms)
    direct = {
        room: set(graph.find_modules_directly_imported_by(room)) & named - {room} for room in named
    }
    reach: dict[str, set[str]] = {}

    def below(room: str) -> set[str]:
        if room not in reach:
            reach[room] = set()  # the contracts forbid circles
            for other in direct[room]:
                reach[room] |= {other} | below(other)
        return reach[room]

    return {
        room: {one for one in found if not any(one in below(other) for other in found - {one})}
        for room, found in direct.items()
    }


def svg(root: Path) -> str:
    """The drawing."""
    rows = layers(root)
    places: dict[str, tuple[float, float]] = {}
    single = 0
    for k, row in enumerate(rows):
        shift = _SHIFTS[single % len(_SHIFTS)] if len(row) == 1 else 0
        single += len(row) == 1
        for i, room in enumerate(row):
            places[room] = (ALL / 2 + shift + (i - (len(row) - 1) / 2) * (WIDE + 46), TOP + k * ROW)
    height = TOP + len(rows) * ROW
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ALL} {height}" role="img" '
        'aria-label="The rooms of tonsure and which of them import which" class="house">',
        "<style>.house rect{fill:var(--md-default-bg-color,#fff);stroke:#4f63d2;rx:5}"
        ".house text{font:14px sans-serif;fill:currentColor;text-anchor:middle}"
        ".house path{fill:none;stroke:#8a93b8;stroke-width:1.4}</style>",
    ]
    for room, found in sorted(imports(places).items()):
        x, y = places[room]
        for other in sorted(found):
            to_x, to_y = places[other]
            start, end = y + HIGH, to_y
            bend = (end - start) / 2
            out.append(
                f'<path d="M{x:.0f} {start:.0f}C{x:.0f} {start + bend:.0f} {to_x:.0f} '
                f'{end - bend:.0f} {to_x:.0f} {end:.0f}"/>'
            )
    for room, (x, y) in places.items():
        name = escape(room.removeprefix("tonsure."))
        out.append(f'<rect x="{x - WIDE / 2:.0f}" y="{y:.0f}" width="{WIDE}" height="{HIGH}"/>')
        out.append(f'<text x="{x:.0f}" y="{y + 22:.0f}">{name}</text>')
    return "".join([*out, "</svg>"])
