"""Attributes as directions of w: linear boundaries on what the judge sees in made faces.

Shen et al., "Interpreting the Latent Space of GANs for Semantic Face Editing" (InterFaceGAN), 2020,
with logistic regression in place of a support vector machine. A direction is as long as the way
from the mean face without the attribute to the mean face with it, along the boundary's normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tonsure.lab.evaluate.scores import auc

Rows = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]

FEWEST = 20
"""Faces with, and without, from which a boundary is drawn; where the judge sees fewer, the
outermost twentieth of all faces stands for them."""
_HELD = 5  # every fifth face is not learnt from
_RIDGE = 1e-2
_ROUNDS = 20


@dataclass(frozen=True)
class Direction:
    """`vector` (D,) for a degree of 1; `auc` of the boundary on faces that it was not learnt from;
    `seen`: how many of all faces the judge saw the attribute in; `doubtful`: they were too few, and
    the direction leads to "rather" only."""

    name: str
    vector: npt.NDArray[np.float32]
    auc: float
    seen: int
    doubtful: bool


def boundary(w: Rows, yes: Flags) -> npt.NDArray[np.float64]:
    """The unit normal (D,) of the boundary between rows of w (N, D) that are `yes` and those that
    are not: logistic regression, both sides of equal weight, columns scaled, a small ridge."""
    w = np.asarray(w, np.float64)
    scale = w.std(0) + 1e-9
    x = np.concatenate([(w - w.mean(0)) / scale, np.ones((len(w), 1))], 1)
    t = yes.astype(np.float64)
    share = np.where(yes, 0.5 / max(1, yes.sum()), 0.5 / max(1, (~yes).sum()))
    ridge = np.full(x.shape[1], _RIDGE)
    ridge[-1] = 0
    beta = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):  # Newton's
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        slope = x.T @ (share * (p - t)) + ridge * beta
        curve = (x * (share * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(beta)), slope)
        beta -= step
        if np.abs(step).max() < 1e-6:
            break
    normal = beta[:-1] / scale
    return np.asarray(normal / (np.linalg.norm(normal) + 1e-12))


def direction(name: str, w: Rows, likely: Rows) -> Direction:
    """The direction of an attribute from w (N, D) and how `likely` (N,) the judge finds it, as if
    yes and no were equally common."""
    yes = np.asarray(likely) > 0.5
    seen, doubtful = int(yes.sum()), min(yes.sum(), (~yes).sum()) < FEWEST
    if doubtful:
        order = np.argsort(likely, kind="stable")
        few = max(2, len(order) // 20)
        rows = np.concatenate([order[:few], order[-few:]])
        w, yes = w[rows], np.arange(len(rows)) >= few
    held = np.arange(len(w)) % _HELD == 0
    known = auc(w[held] @ boundary(w[~held], yes[~held]), yes[held])
    normal = boundary(w, yes)
    along = w @ normal
    gap = along[yes].mean() - along[~yes].mean()
    return Direction(name, (normal * gap).astype(np.float32), known, seen, bool(doubtful))


def apart(vector: Rows, others: Sequence[Rows]) -> npt.NDArray[np.float32]:
    """`vector` (D,) without its part along `others`: these attributes are left alone, as far as
    they are linear."""
    if not others:
        return np.asarray(vector, np.float32)
    basis, _ = np.linalg.qr(np.stack([np.asarray(o, np.float64) for o in others], 1))
    left = vector - basis @ (basis.T @ vector)
    return np.asarray(left, np.float32)
