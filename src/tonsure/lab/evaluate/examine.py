"""The judge examined on people it has not seen: what stands on its card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tonsure.lab.evaluate.report import grid
from tonsure.lab.evaluate.scores import auc, balanced_accuracy, equal_odds

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]


def figures(
    names: Sequence[str], probabilities: Floats, known: Flags, priors: Floats
) -> dict[str, dict[str, float]]:
    """Per label, "mean" last; `probabilities` calibrated (N, K), `known` (N, K), `priors` (K,).

    `accuracy` at 0.5; `balanced` accuracy, `recall` and `false_alarms` where yes and no are taken
    for equally common; `auc`; `gap`, by how much the mean probability misses the share of yes.
    """
    even = equal_odds(probabilities, priors) >= 0.5
    out = {}
    for k, name in enumerate(names):
        truth = known[:, k]
        out[name] = {
            "share": float(truth.mean()),
            "accuracy": float(((probabilities[:, k] >= 0.5) == truth).mean()),
            "balanced": balanced_accuracy(even[:, k], truth),
            "recall": float(even[truth, k].mean()) if truth.any() else float("nan"),
            "false_alarms": float(even[~truth, k].mean()) if not truth.all() else float("nan"),
            "auc": auc(probabilities[:, k], truth),
            "gap": float(probabilities[:, k].mean() - truth.mean()),
        }
    out["mean"] = {
        key: float(np.nanmean([row[key] for row in out.values()])) for key in out[names[0]]
    }
    return out


def baldness(even: Floats, bald: Flags, male: Flags, swapped: Floats) -> dict[str, float]:
    """How Bald does by sex.

    `even` (N,) Bald's probability at equal odds, `bald`, `male` (N,) the labels; `swapped` (M,)
    the same for bald men with women's inner faces.
    """
    said = even >= 0.5

    def share(where: Flags) -> float:
        return float(said[where].mean()) if where.any() else float("nan")

    return {
        "bald men judged bald": share(bald & male),
        "men with hair judged bald": share(~bald & male),
        "women with hair judged bald": share(~bald & ~male),
        "bald heads with women's faces judged bald": float((swapped >= 0.5).mean()),
    }


def markdown(table: dict[str, dict[str, float]], bald: dict[str, float]) -> str:
    """Both as Markdown."""
    head = ["label", "share of yes", "accuracy", "balanced", "AUC"]
    keys = ("share", "accuracy", "balanced", "auc")
    rows = [[name, *(_number(row[key]) for key in keys)] for name, row in table.items()]
    more = [[name, _number(value)] for name, value in bald.items()]
    return grid(head, rows) + "\n\n" + grid(["Bald, at equal odds", "share"], more)


def fill(card: str, text: str) -> str:
    """The card with what is between its two marks replaced."""
    start, end = "<!-- figures -->", "<!-- end -->"
    before, rest = card.split(start)
    return f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}"


def told(card: dict[str, Any]) -> dict[str, Any]:
    """For JSON: numbers rounded, NaN as None."""
    return {
        key: told(value)
        if isinstance(value, dict)
        else (None if not np.isfinite(value) else round(float(value), 4))
        for key, value in card.items()
    }


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "–"
