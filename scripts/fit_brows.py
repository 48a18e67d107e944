"""Fit where brows lie and how dark they are: the tables of `tonsure.brow` and `tonsure.head.brows`.

    python scripts/fit_brows.py PACKED [--count 1500]

PACKED is what `tonsure.lab.data.pack` wrote. Faces that look ahead, with neither fringe, glasses,
hat nor grey hair, are sampled between and around the mesh's two lines of each brow; the median of
all tells how dark, compared with the skin above, a brow is at every place. Prints the tables, in
half a minute on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tonsure import brow
from tonsure.planes import LUMA

_ALONG, _DOWN = np.linspace(0, 1, 11), np.linspace(-0.8, 1.8, 27)
_WITHOUT = ("Bangs", "Eyeglasses", "Bald", "Wearing_Hat", "Gray_Hair")
_SKIN = 6  # rows of `_DOWN` that lie above the brow
_SHADE = 1.25  # further down lies the shade of the eye's corner
_FIRM = 0.7  # of a brow's darkness
_LEAST = 60.0  # levels of skin that tell anything

Points = npt.NDArray[np.float64]


def profile(luma: Points, mesh: Points, side: int) -> Points | None:
    """(11, 27): luma (H, W) along and across one brow, divided by that of the skin above it."""
    upper, lower = (mesh[list(numbers), :2] for numbers in brow.LINES[side])
    at = np.array([[brow.between(upper, lower, t, s) for s in _DOWN] for t in _ALONG])
    x = np.clip(at[..., 0] - 0.5, 0, luma.shape[1] - 1.001)
    y = np.clip(at[..., 1] - 0.5, 0, luma.shape[0] - 1.001)
    left, top = x.astype(int), y.astype(int)
    across, down = x - left, y - top
    rows = [luma[top + k, left] * (1 - across) + luma[top + k, left + 1] * across for k in (0, 1)]
    seen = rows[0] * (1 - down) + rows[1] * down
    if np.median(seen[:, :_SKIN]) < _LEAST:
        return None
    return np.asarray(seen / np.maximum(np.median(seen[:, :_SKIN], 1, keepdims=True), 20))


def _eased(values: list[float]) -> Points:
    """Each value averaged with its neighbours."""
    padded = np.pad(values, 1, mode="edge")
    return np.asarray((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("packed", type=Path)
    parser.add_argument("--count", type=int, default=1500)
    arguments = parser.parse_args()
    pictures = np.load(arguments.packed / "celeba_img.npy", mmap_mode="r")
    with np.load(arguments.packed / "celeba.npz") as data:
        names, labels, meshes = list(data["attr_names"]), data["attr"], data["lm"]
        usable = (data["part"] == 0) & (data["flag"] > 0.5)
    for name in _WITHOUT:
        usable &= labels[:, names.index(name)] != 1
    found: list[Points] = []
    people = 0
    for row in np.random.default_rng(0).permutation(np.flatnonzero(usable))[: arguments.count]:
        mesh = meshes[row].astype(np.float64)
        ahead = (mesh[4, 0] - mesh[234, 0]) / (mesh[454, 0] - mesh[234, 0] + 1e-6)
        if abs(ahead - 0.5) < 0.1:
            luma = np.asarray(pictures[row], np.float64) @ LUMA
            both = [profile(luma, mesh, side) for side in (0, 1)]
            found += [one for one in both if one is not None]
            people += any(one is not None for one in both)
    dark = np.clip(1 - np.median(found, 0), 0, 1)[:, _DOWN < _SHADE]
    middle = _eased([float(_DOWN[row.argmax()]) for row in dark])
    # the upper half alone tells how broad it is, and not its faintest part: people differ
    upper = [(row[: row.argmax() + 1], _DOWN[: row.argmax() + 1]) for row in dark]
    edge = _eased([float(np.interp(_FIRM * row[-1], row, down)) for row, down in upper])
    half = middle - edge
    print(f"# medians of {people} people")
    tables = {"MIDDLE": middle, "HALF": half, "_DARK": dark.max(1)}
    for name, values in tables.items():
        print(f"{name} = ({', '.join(f'{value:.2f}' for value in values)})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
