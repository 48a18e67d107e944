"""Where the bare head ends: a statistical shape on the face mesh, pulled to what the photo shows.

The skull above the ears is a radius r(theta) around a point between the eyes, theta from -99 to 99
degrees (0 is up), in eye distances. Its mean, four principal components and their regression on
twenty numbers of the face mesh come from real bald heads (`shape.npz`, `scripts/fit_outline.py`).
Below the ears the mesh's own face oval takes over. All coordinates are those of the frame (178 x
218, eyes 38.4 apart).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..scene import EYE_DISTANCE, OVAL

Points = npt.NDArray[np.float64]

CENTRE = np.array([88.9, 112.6])
ANGLES = np.arange(-99.0, 100.0, 3.0)
"""Of the 67 radii, degrees clockwise from up."""
ROUND = np.arange(-180.0, 180.0, 3.0)
"""Of the closed outline's 120 points."""
_FARTHEST, _CARRIED = 0.25, 6.0  # eye distances; degrees


@cache
def shape() -> dict[str, Points]:
    """The statistical shape, float64, in eye distances.

    `mean` (67,), `components` (4, 67), `regression` (21, 4) from the numbers and 1 to weights of
    components, `covariance` (4, 4) of what the regression leaves, and `feature_mean`, `feature_sd`
    (20,) of the numbers.
    """
    with np.load(Path(__file__).with_name("shape.npz")) as f:
        return {k: f[k].astype(np.float64) for k in f.files}


def numbers(mesh: Points) -> Points:
    """The twenty numbers of the mesh that foretell the skull.

    From (468, 3) in frame units; returns (20,) in eye distances.
    """
    q = (mesh - [*CENTRE, 0.0]) / EYE_DISTANCE
    x, y, z = q[:, 0], q[:, 1], q[:, 2]
    return np.array([
        x[234], x[454], x[127], x[356], x[10], y[10], x[152], y[152], x[4], y[4], x[172], x[397],
        x[54], x[284], y[54], y[284], z[234] - z[454], z[10] - z[152],
        z[4] - (z[234] + z[454]) / 2, y[168],
    ])  # fmt: skip


def radii(mesh: Points, ceiling: Points, border: Points, reach: Points, ear: Points) -> Points:
    """How far the skull reaches at `ANGLES`: (67,) in eye distances.

    Parameters
    ----------
    mesh : (468, 3) in frame units.
    ceiling, border, reach, ear : evidence (67,) in eye distances, NaN where there is none: the
        hair's silhouette (the skull lies inside it), where skin meets background, how far skin is
        seen at least, where an ear begins (see `evidence.along`).
    """
    m = shape()
    features = np.clip((numbers(mesh) - m["feature_mean"]) / m["feature_sd"], -2.5, 2.5)
    prior = np.append(features, 1.0) @ m["regression"]
    base, parts = m["mean"], m["components"]
    guess = base + prior @ parts
    inverse = np.linalg.inv(m["covariance"] * 1.3)
    ceiling = np.where(ceiling < guess - 0.4, np.nan, ceiling - 0.05)
    border = np.where((np.abs(border - guess) > 0.25) | (np.abs(ANGLES) < 40), np.nan, border)
    reach = np.where(reach > guess + 0.3, np.nan, reach)
    a = prior
    for _ in range(8):
        r = base + a @ parts
        pull, target = np.zeros(len(r)), np.zeros(len(r))
        for wanted, sd, active in (
            (ceiling, 0.05, r > ceiling),
            (border, 0.08, np.isfinite(border)),
            (reach, 0.08, r < reach),
        ):
            # neighbours tell the same: a third counts
            w = np.where(active & np.isfinite(wanted), sd**-2.0 / 3.0, 0.0)
            pull += w
            target += w * np.nan_to_num(wanted)
        normal = inverse + (parts * pull) @ parts.T
        right = inverse @ prior + parts @ (target - pull * base)
        a = np.asarray(np.linalg.solve(normal, right), dtype=np.float64)
    return _meet_ears(base + a @ parts, ear)


def _meet_ears(r: Points, ear: Points) -> Points:
    """Widen a side smoothly until the head reaches the ear that is seen there: ears never float."""
    out = r.copy()
    for side in (ANGLES < 0, ANGLES > 0):
        gap = np.where(side & np.isfinite(ear) & (np.abs(ANGLES) > 60), np.nan_to_num(ear) - r, 0.0)
        if gap.max() > 0:
            out += side * min(float(gap.max()), 0.4) * _smooth(35, 78, np.abs(ANGLES))
    return out


def contour(mesh: Points, r: Points, cheeks: Points | None = None) -> Points:
    """The closed outline: the skull, led into the face below the ears.

    Parameters
    ----------
    mesh : (468, 3) in frame units; its oval is the face, more or less.
    r : (67,) the skull's radii at `ANGLES`, in eye distances.
    cheeks : (120,) where face or beard are seen to end at `ROUND`, NaN where they are not.

    Returns (120, 2) in frame units, clockwise from below; the last point joins the first.
    """
    side = np.abs(ROUND)
    oval = mesh[list(OVAL), :2] - CENTRE
    turn = np.degrees(np.arctan2(oval[:, 0], -oval[:, 1]))
    order = np.argsort(turn)
    turns = np.concatenate([turn[order] - 360, turn[order], turn[order] + 360])
    face = np.interp(ROUND, turns, np.tile(np.hypot(*oval[order].T) / EYE_DISTANCE, 3))
    if cheeks is not None:
        face = face + _carried(cheeks - face)
    skull = np.interp(np.clip(ROUND, -99, 99), ANGLES, r)
    into = _smooth(78, 116, side)
    out = np.maximum(skull, face) * (1 - into) + face * into
    kernel = np.exp(-0.5 * (np.arange(-4, 5) * 3.0 / 5.0) ** 2)
    wrapped = np.concatenate([out[-4:], out, out[:4]])
    out = np.where(side < 120, np.convolve(wrapped, kernel / kernel.sum(), "valid"), out)
    t = np.radians(ROUND)
    return np.asarray(CENTRE + EYE_DISTANCE * out[:, None] * np.stack([np.sin(t), -np.cos(t)], 1))


def _carried(off: Points) -> Points:
    """How far the face ends from the mesh's oval, (120,): as `off` tells, and beside it, where it
    is NaN, the less the further away."""
    known = np.abs(off) < _FARTHEST  # false where it is NaN
    apart = np.abs((ROUND[:, None] - ROUND[None] + 180) % 360 - 180)
    weight = np.exp(-0.5 * (apart / _CARRIED) ** 2) * known
    told = weight @ np.where(known, off, 0.0)
    return np.asarray(told / (weight.sum(1) + 0.3))


def _smooth(low: float, high: float, x: Points) -> Points:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
