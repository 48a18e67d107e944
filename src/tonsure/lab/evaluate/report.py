"""The summary as Markdown: the bars, the methods side by side, and every group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tonsure.lab.evaluate.summary import bars, pick

Summary = Mapping[str, Mapping[str, Any]]

# value, what the table calls it, how it is written
_ROWS = (
    ("photos", "photos", "count"),
    ("failed", "of them without a result", "count"),
    ("passed", "pass all at once", "share"),
    ("judged_bald", "judged bald", "share"),
    ("judged_bald_before", "judged bald before", "share"),
    ("judged_bald_rare", "judged bald, if that is as rare as in CelebA", "share"),
    ("identity.mean", "identity distance, mean", "number"),
    ("identity.median", "identity distance, median", "number"),
    ("identity.p95", "identity distance, 95th percentile", "number"),
    ("outside_identical", "outside the mask identical", "share"),
    ("touched.mean", "share of the photo in the mask", "share"),
    ("labels_flipped", "other labels flipped", "share"),
    ("hair_left.mean", "hair left, mean of photos", "share"),
    ("hair_left.median", "hair left, median", "share"),
    ("hair_left.pooled", "hair left, all hair together", "share"),
    ("scalp.mean", "scalp seen by the parser", "share"),
    ("odd.median", "oddness of the head's outline, median", "number"),
    ("odd_heads", "odder than 95 in 100 bald heads", "share"),
    ("smeared", "skin beside the neck", "share"),
    ("grain.median", "grain of the scalp over the face's, median", "number"),
    ("photos_per_second", "photos per second", "number"),
)


def written(value: float, kind: str) -> str:
    """A number as a table shows it."""
    if not math.isfinite(value):
        return "–"
    if kind == "count":
        return f"{value:.0f}"
    return f"{100 * value:.1f} %" if kind == "share" else f"{value:.3g}"


def markdown(summaries: Mapping[str, Summary], facts: Mapping[str, Any]) -> str:
    """The whole report; `summaries` by method, `facts` about the run."""
    parts = ["# Evaluation", "\n".join(f"- {key}: {value}" for key, value in facts.items())]
    for name, summary in summaries.items():
        rows = [
            [
                told["value"],
                told["group"],
                told["bar"],
                written(told["reached"], "number"),
                "yes" if told["met"] else "no",
            ]
            for told in bars(summary)
        ]
        parts += [f"## Bars: {name}", grid(["value", "group", "bar", "reached", "met"], rows)]
    names = list(summaries)
    rows = [
        [title, *(written(pick(summaries[name]["all"], key), kind) for name in names)]
        for key, title, kind in _ROWS
    ]
    parts += ["## Methods", grid(["all photos", *names], rows)]
    for name, summary in summaries.items():
        groups = list(summary)
        rows = [
            [title, *(written(pick(summary[group], key), kind) for group in groups)]
            for key, title, kind in _ROWS
        ]
        parts += [f"## Groups: {name}", grid(["", *groups], rows)]
        each = summary["all"].get("labels_flipped_each", {})
        most = sorted(each.items(), key=lambda pair: -pair[1])[:10]
        flips = [[label, written(share, "share")] for label, share in most]
        parts += [f"Labels that flipped most ({name}):", grid(["label", "flipped"], flips)]
    return "\n\n".join(parts) + "\n"


def grid(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
