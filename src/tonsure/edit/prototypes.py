"""How faces differ by sex and age, laid on one face: shape, tones, roughness.

Rowland and Perrett's prototypes (1995): the difference between the mean face of one kind and that
of another is added to a person, who stays that person. The means here are a regression on the
labels of CelebA (`scripts/fit_face_prototypes.py`), in space, so that they may be turned as the
face is. The photo's own pixels are moved and multiplied; nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """From one kind of face to another: `shape` (468, 3) in eye distances of the mean mesh,
    `tone` (468, 3) and `rough` (468,) of logarithms."""

    shape: Points
    tone: Points
    rough: Points


@dataclass(frozen=True)
class Model:
    """`mean` (468, 3), eye distances around 0; the steps to men, and to the young."""

    mean: Points
    male: Step
    young: Step


@lru_cache(maxsize=1)
def model() -> Model:
    """The fitted one."""
    with np.load(Path(__file__).with_name("prototypes.npz")) as data:
        steps = {name: data[name].astype(np.float64) for name in ("male", "young")}
        mean = data["mean"].astype(np.float64)
    male, young = (Step(s[:, :3], s[:, 3:6], s[:, 6]) for s in (steps["male"], steps["young"]))
    return Model(mean, male, young)


def turned(mesh: Points, mean: Points) -> tuple[Points, Points]:
    """A mesh (468, 3) on the `mean` (468, 3), and what brings a vector of the mean's space back:
    (3, 3), scale included. Least squares over turns, one scale and shifts (Umeyama 1991)."""
    own = mesh - mesh.mean(0)
    left, size, right = np.linalg.svd(own.T @ mean)
    keep = np.ones(3)
    keep[2] = np.sign(np.linalg.det(left @ right))
    turn = (left * keep) @ right
    scale = float((size * keep).sum() / (own * own).sum())
    return scale * own @ turn, turn.T / scale
