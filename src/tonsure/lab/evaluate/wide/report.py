"""The figures of all ways side by side, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tonsure.lab.evaluate.report import grid, written
from tonsure.lab.evaluate.wide.look import NAMES

_ROWS = (
    ("error_all", "mean absolute error, levels of 255", 1),
    *((f"error_{name}", f"– {name}", 1) for name in NAMES),
    ("error_below", "– below the chin", 1),
    *((f"error_{name}_below", f"– {name} below the chin", 1) for name in NAMES),
    ("low_all", "low-frequency error", 1),
    *((f"low_{name}", f"– {name}", 1) for name in NAMES),
    ("low_below", "– below the chin", 1),
    ("gradient_all", "gradient", 4),
    ("gradient_truth_all", "– the truth's", 4),
    ("ratio_all", "– over the truth's", 3),
    ("ratio_below", "– below the chin", 3),
    *((f"ratio_{name}", f"– {name}", 3) for name in NAMES),
    ("layout_all", "layout right", 3),
    *((f"layout_{name}", f"– {name}", 3) for name in NAMES),
    ("distance", "distance in features", 4),
)
_HAIR = (
    ("photos", "photos", "count"),
    ("pooled", "all hair together", "share"),
    ("mean", "mean of photos", "share"),
    ("median", "median", "share"),
    ("p95", "95th percentile", "share"),
    ("clean", "photos with less than 3 % left", "share"),
)
_ZONES = {"all": "all hair of the head", "hanging": "below the eyes"}


def with_ratios(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """`values` and the gradients over the truth's."""
    out = dict(values)
    for name in ("all", "below", *NAMES):
        has, truth = values.get(f"gradient_{name}"), values.get(f"gradient_truth_{name}")
        out[f"ratio_{name}"] = has / truth if has is not None and truth else None
    return out


def markdown(result: Mapping[str, Any]) -> str:
    """The whole report of `command.run`."""
    parts = ["# Head to waist"]
    parts.append("\n".join(f"- {key}: {value}" for key, value in result["facts"].items()))
    made, real = result["made"], result["real"]
    if made:
        ways = list(made)
        rows = [
            [title, *(_number(made[way].get(key), digits) for way in ways)]
            for key, title, digits in _ROWS
        ]
        parts += ["## Made cases, beside the truth", grid(["in the hole", *ways], rows)]
        rows = [
            [
                way,
                f"{told['better']:.0f} of {told['cases']:.0f}",
                f"{told['difference']:+.1f} ± {told['deviation']:.1f}",
            ]
            for way, told in result["pairs"].items()
        ]
        head = ["tonsure beside", "smaller error in", "difference, ± standard error"]
        parts.append(grid(head, rows))
    for group, told in real.items():
        ways = list(told)
        parts.append(f"## Hair left, by the teacher: {group}")
        for zone, says in _ZONES.items():
            rows = [
                [title, *(_written(told[way].get(zone, {}).get(key), kind) for way in ways)]
                for key, title, kind in _HAIR
            ]
            parts.append(grid([says, *ways], rows))
    if result["failed"]:
        lines = [f"- {name}: {', '.join(notes)}" for name, notes in result["failed"].items()]
        parts += ["## Without a result", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _written(value: float | None, kind: str) -> str:
    return "–" if value is None else written(value, kind)
