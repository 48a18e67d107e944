"""Scores of yes-no answers, in numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]


def auc(scores: npt.NDArray[np.floating], truth: Flags) -> float:
    """Area under the ROC curve: how often a positive outscores a negative, ties half; NaN if one
    of the two is missing. `scores`, `truth` (N,)."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def balanced_accuracy(said: Flags, truth: Flags) -> float:
    """Mean of the shares of positives and of negatives told right; NaN if one is missing."""
    if truth.all() or not truth.any():
        return float("nan")
    return float((said[truth].mean() + (~said[~truth]).mean()) / 2)


def equal_odds(probability: npt.ArrayLike, prior: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A probability calibrated where yes has the share `prior`, were yes and no equally common."""
    p = np.clip(np.asarray(probability, dtype=np.float64), 1e-9, 1 - 1e-9)
    share = np.asarray(prior, dtype=np.float64)
    odds = p / (1 - p) * (1 - share) / share
    return np.asarray(odds / (1 + odds))


def spread(values: npt.ArrayLike) -> dict[str, float]:
    """Mean, median and 95th percentile; NaNs where there is nothing."""
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    if array.size == 0:
        return {"mean": float("nan"), "median": float("nan"), "p95": float("nan")}
    return {
        "mean": float(array.mean()),
        "median": float(np.median(array)),
        "p95": float(np.quantile(array, 0.95)),
    }
