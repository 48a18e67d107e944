"""Fit how wide necks are: the four numbers `_NECK` of `tonsure/head/bare.py`.

    python scripts/fit_neck.py PACKED [--women 3200] [--men 200]

PACKED is what `tonsure.lab.data.pack.masks` wrote. Of CelebA's train partition those people count
whose necks no hair covers (the parser says so); where the neck ends two eye distances below the
eyes is regressed, left and right together, on where the face ends and where the chin is.
Six minutes on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tonsure import faces
from tonsure.hair import parse
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, look

ROW = 2.0  # eye distances below the eyes
FREE = 0.06  # so much hair below the mouth is none, squared eye distances


def measure(pixels: np.ndarray) -> list[float] | None:
    """Face's left border, right border, chin, neck's left end and right end, in eye distances."""
    found = faces.find(pixels, threads=1)
    if not found:
        return None
    scene = look(pixels, found[0], 24, 1)
    first = parse.survey(scene)
    classes = first.on(scene, first.classes)
    x, y = scene.face_units()
    if float((classes[..., parse.HAIR] * (y > 1)).sum()) / scene.unit**2 > FREE:
        return None
    row = int(np.argmin(np.abs(y[:, 0] - ROW)))
    skin = classes[row, :, parse.NECK] + classes[row, :, parse.SKIN] > 0.5
    if abs(float(y[row, 0]) - ROW) > 0.06 or skin.sum() < 4:
        return None
    mesh = (scene.mesh[:, 0] - EYES_MIDDLE[0]) / EYE_DISTANCE
    ends = x[row][skin]
    return [mesh[132], mesh[361], mesh[152], float(ends.min()), float(ends.max())]


def fit(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """The four numbers and the median error, by iteratively reweighted least squares (L1)."""
    left, right, chin, low, high = rows.T
    one = np.ones(len(rows))
    x = np.vstack([
        np.column_stack([one, left, right, chin]), np.column_stack([one, -right, -left, -chin]),
    ])  # fmt: skip
    y, weight = np.concatenate([low, -high]), np.ones(2 * len(rows))
    numbers = np.zeros(4)
    for _ in range(20):
        numbers = np.linalg.lstsq(x * weight[:, None], y * weight, rcond=None)[0]
        weight = np.maximum(np.abs(y - x @ numbers), 0.05) ** -0.5
    return numbers, float(np.median(np.abs(y - x @ numbers)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("packed", type=Path)
    parser.add_argument("--women", type=int, default=3200)
    parser.add_argument("--men", type=int, default=200)
    arguments = parser.parse_args()
    pack = np.load(arguments.packed / "celeba.npz")
    images = np.load(arguments.packed / "celeba_img.npy", mmap_mode="r")
    names = list(pack["attr_names"])
    male, hat = (pack["attr"][:, names.index(k)] == 1 for k in ("Male", "Wearing_Hat"))
    rng = np.random.default_rng(5)
    rows = []
    for count, kind in ((arguments.women, ~male & ~hat), (arguments.men, male & ~hat)):
        for k in rng.permutation(np.nonzero((pack["part"] == 0) & kind)[0])[:count]:
            row = measure(np.asarray(images[k]))
            if row is not None:
                rows.append(row)
    numbers, error = fit(np.array(rows))
    print(f"{len(rows)} necks: {np.round(numbers, 2).tolist()}, median error {error:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
