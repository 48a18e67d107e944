"""Measure the outlines of bald heads, for `tonsure.lab.evaluate.shape`.

    python scripts/measure_heads.py PACKED   # a folder with celeba.npz and celeba_img.npy

From the train pictures that are marked as cleanly bald; says how odd these heads are then, and
those labelled Bald in val.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tonsure.faces import Face
from tonsure.lab.evaluate import shape
from tonsure.lab.evaluate.scores import spread
from tonsure.lab.evaluate.seen import see


def main() -> int:
    folder = Path(sys.argv[1])
    packed = np.load(folder / "celeba.npz")
    images = np.load(folder / "celeba_img.npy", mmap_mode="r")
    bald = packed["attr"][:, list(packed["attr_names"]).index("Bald")] > 0
    usable, landmarks = packed["flag"] > 0.5, packed["lm"]

    def outlines(rows: np.ndarray) -> np.ndarray:
        out = []
        for row in rows:
            points = landmarks[row]
            face = Face((0.0, 0.0, 178.0, 218.0), points, 1.0, 1.0, 0.0)
            out.append(shape.outline(see(np.asarray(images[row]), face)))
        return np.array(out)

    clean = outlines(np.nonzero(packed["clean"] & (packed["part"] == 0) & usable)[0])
    heads = shape.Heads.of(clean)
    heads.save(shape.FILE)
    val = outlines(np.nonzero(bald & (packed["part"] == 1) & usable)[0])
    for name, found in (("clean train", clean), ("val Bald", val)):
        odd = np.array([heads.odd(row) for row in found])
        over = float((odd > heads.limit).mean())
        print(f"{name}: {len(found)} heads, {spread(odd)}, {100 * over:.0f} % over the limit")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
