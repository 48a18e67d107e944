"""From the records of many photos to one table, all of it also by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tonsure.lab.evaluate import shape
from tonsure.lab.evaluate.measure import HAIR_DEFINES, SMEAR
from tonsure.lab.evaluate.scores import spread

Record = Mapping[str, Any]

GROUPS = ("sex", "hair", "skin")
BARS: tuple[tuple[str, str, str, float], ...] = (
    ("judged_bald", "men", ">=", 0.95),
    ("judged_bald", "women", ">=", 0.90),
    ("identity.mean", "all", "<", 0.35),
    ("outside_identical", "all", ">=", 1.0),
    ("labels_flipped", "all", "<=", 0.05),
    ("hair_left.mean", "all", "<", 0.03),
)
"""What an editor must reach: value, group, comparison, bar."""


def table(records: Iterable[Record], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Values of each group, "all" first; `names` are the judge's labels."""
    rows = list(records)
    labels = [name for name in names if name not in HAIR_DEFINES]
    out = {"all": values(rows, labels)}
    done = [row for row in rows if row["status"] == "done"]
    for key in GROUPS:
        for group in sorted({row[key] for row in done}):
            out[group] = values([row for row in done if row[key] == group], labels)
    return out


def values(rows: list[Record], labels: list[str]) -> dict[str, Any]:
    """All values of some records; shares are of the photos that were edited at all, but for
    `passed`, which a photo without a face fails, too."""
    done = [row for row in rows if row["status"] == "done"]
    out: dict[str, Any] = {"photos": len(rows), "failed": len(rows) - len(done)}
    if not done:
        return out | {"passed": 0.0}

    def column(key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([np.nan if row[key] is None else row[key] for row in done], np.float64)

    had, has = column("hair_before"), column("hair_after")
    measured = np.isfinite(column("hair_left"))
    flips = {name: sum(name in row["flipped"] for row in done) / len(done) for name in labels}
    seconds = column("seconds")
    out |= {
        "judged_bald": float((column("bald") >= 0.5).mean()),
        "judged_bald_before": float((column("bald_before") >= 0.5).mean()),
        "judged_bald_rare": float((column("bald_rare") >= 0.5).mean()),
        "identity": spread(column("identity")),
        "outside_identical": float(np.mean([row["outside_identical"] for row in done])),
        "outside_identical_count": sum(bool(row["outside_identical"]) for row in done),
        "touched": spread(column("touched")),
        "labels_flipped": float(np.mean(list(flips.values()))) if flips else 0.0,
        "labels_flipped_each": flips,
        "hair_left": spread(column("hair_left"))
        | {"pooled": float(has[measured].sum() / max(had[measured].sum(), 1e-9))},
        "scalp": spread(column("scalp")),
        "odd": spread(column("odd")),
        "odd_heads": _share(column("odd") > shape.heads().limit, column("odd")),
        "smeared": _share(column("smear") > SMEAR, column("smear")),
        "grain": spread(column("grain")),
        "passed": sum(bool(row["passed"]) for row in done) / len(rows),
        "photos_per_second": len(done) / max(float(seconds.sum()), 1e-9) if seconds.any() else None,
    }
    return out


def _share(
    said: np.ndarray[Any, np.dtype[np.bool_]], of: np.ndarray[Any, np.dtype[np.float64]]
) -> float:
    known = np.isfinite(of)
    return float(said[known].mean()) if known.any() else float("nan")


def pick(values: Mapping[str, Any], key: str) -> float:
    """A value by its name; a dot leads into a spread."""
    found: Any = values
    for part in key.split("."):
        found = found.get(part, float("nan")) if isinstance(found, Mapping) else float("nan")
    return float("nan") if found is None else float(found)


def bars(summary: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every bar with the value reached, and whether it is met; absent groups are left out."""
    out = []
    for key, group, sign, bar in BARS:
        if group not in summary:
            continue
        value = pick(summary[group], key)
        met = {">=": value >= bar, "<": value < bar, "<=": value <= bar}[sign]
        out.append(
            {"value": key, "group": group, "bar": f"{sign} {bar:g}", "reached": value, "met": met}
        )
    return out
