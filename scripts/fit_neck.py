"""Fit how wide necks are: the table `_ENDS` of `tonsure/head/neck.py`.

    python scripts/fit_neck.py PACKED

PACKED is what `tonsure.lab.data.pack.masks` wrote. Of its labelled faces those count whose necks no
hair covers; where skin ends beside jaw and neck is regressed, row by row and left and right
together, on where the face's border lies. Ten seconds on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tonsure.faces import Face, Frame
from tonsure.hair.classes import HAIR, NECK, SKIN
from tonsure.head import neck
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE

FREE = 0.03  # so much hair below the mouth is none, squared eye distances
STEP, WIDE = 0.02, 2.0  # how finely and how far labels are read beside the eyes, eye distances
RIDGE = 3.0


def labels(pack: np.lib.npyio.NpzFile, k: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mesh of face `k` (468, 2) in eye distances, and its labels on `rows`; -1 beyond."""
    mesh = pack["lm"][k].astype(float)
    frame = Frame.of(Face((0, 0, 1, 1), mesh, 1.0, 1.0, 0.0))
    lab = pack["lab"][k]
    middle = np.array(EYES_MIDDLE)
    x, y = np.meshgrid(np.arange(-WIDE, WIDE + STEP / 2, STEP), rows)
    at = frame.to_photo(np.stack([x, y], -1).reshape(-1, 2) * EYE_DISTANCE + middle)
    at = np.floor(at).astype(int)
    inside = ((at >= 0) & (at < lab.shape[::-1])).all(1)
    out = np.full(len(at), -1)
    out[inside] = lab[at[inside, 1], at[inside, 0]]
    return (frame.to_frame(mesh[:, :2]) - middle) / EYE_DISTANCE, out.reshape(x.shape)


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Numbers that x (N, K) has to be multiplied by to give y (N,), least in absolute error."""
    weight, keep = np.ones(len(y)), RIDGE * np.diag([0.0] + [1.0] * (x.shape[1] - 1))
    numbers = np.zeros(x.shape[1])
    for _ in range(20):
        numbers = np.linalg.solve(x.T @ (x * weight[:, None]) + keep, x.T @ (weight * y))
        weight = 1 / np.maximum(np.abs(y - x @ numbers), 0.05)
    return numbers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("packed", type=Path)
    pack = dict(np.load(parser.parse_args().packed / "cm_train.npz"))
    rows, low = np.array(neck.ROWS), np.arange(0.65, 2.6, 0.05)
    told, ends, who = [], [], []
    for k in np.flatnonzero(pack["flag"] > 0.5):
        mesh, seen = labels(pack, k, low)
        if (seen == HAIR).sum() * STEP * 0.05 > FREE:
            continue
        for side in (-1, 1):
            row_ends = []
            for row in rows:
                line = seen[int(np.argmin(np.abs(low - row)))]
                skin = np.flatnonzero((line == SKIN) | (line == NECK))
                whole = (line >= 0).all() and len(skin) > 9
                row_ends.append((skin[0], skin[-1])[side > 0] * STEP - WIDE if whole else np.nan)
            told.append(neck.numbers(mesh[:, 0], side))
            ends.append(side * np.array(row_ends))
            who.append(k)
    x, y, fold = np.array(told), np.array(ends), np.array(who) % 5
    print(f"{len(set(who))} necks")
    for i, row in enumerate(rows):
        have = ~np.isnan(y[:, i])
        off = []
        for f in range(5):
            numbers = fit(x[have & (fold != f)], y[have & (fold != f), i])
            off += np.abs(y[have & (fold == f), i] - x[have & (fold == f)] @ numbers).tolist()
        table = ", ".join(f"{v:.2f}" for v in fit(x[have], y[have, i]))
        print(f"    ({table}),  # {row}: {have.sum()} ends, left-out median {np.median(off):.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
