"""Fits how the tones of a bare face hang together: `src/tonsure/edit/tones.npz`.

    python scripts/fit_face_tones.py CELEBA_IMAGES list_attr_celeba.txt [--count 2600]

CelebA's aligned pictures (training part) without beard, glasses, fringe, hat: log colours at the
468 points of the mesh, their mean and principal components. Takes some minutes on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from fit_hair_colours import labelled
from PIL import Image

from tonsure import faces
from tonsure.planes import blur

OUT = Path(__file__).parents[1] / "src/tonsure/edit/tones.npz"
FLOOR, BLUR = 8.0, 1.2  # levels; pixels of pictures of 178 x 218
KEPT = 48  # components
LEAST = 0.75  # of a picture's brightness: how far a face may be turned, see `ahead`


def tones(path: Path) -> np.ndarray | None:
    """(468, 3) log colours at the mesh's points; None for no face and for one turned aside."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    found = faces.find(pixels, min_face=60, threads=1)
    if not found:
        return None
    mesh = found[0].landmarks.astype(np.float64)
    ahead = (mesh[4, 0] - mesh[234, 0]) / (mesh[454, 0] - mesh[234, 0] + 1e-6)
    if abs(ahead - 0.5) > 0.17:
        return None
    soft = blur(pixels.astype(np.float32), BLUR)
    x = np.clip(mesh[:, 0], 0, pixels.shape[1] - 1).astype(int)
    y = np.clip(mesh[:, 1], 0, pixels.shape[0] - 1).astype(int)
    return np.log(soft[y, x] + FLOOR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--count", type=int, default=2600)
    asked = parser.parse_args()
    without = ("Eyeglasses", "Bangs", "Wearing_Hat", "Blurry")
    rows = labelled(asked.labels)
    fits = [
        (row["Male"], (asked.images / name).with_suffix(".webp"))
        for name, row in rows.items()
        if row["No_Beard"] == 1 and row["5_o_Clock_Shadow"] == -1
        and all(row[k] == -1 for k in without)
    ]  # fmt: skip
    chosen = []
    for sex in (1, -1):
        paths = [path for male, path in fits if male == sex and path.exists()]
        chosen += paths[:: max(1, 2 * len(paths) // asked.count)][: asked.count // 2]
    seen = np.array([one for one in map(tones, chosen) if one is not None])
    flat = seen.reshape(len(seen), -1)
    mean = flat.mean(0)
    _, size, parts = np.linalg.svd(flat - mean, full_matrices=False)
    spread = size / np.sqrt(len(flat))
    rest = float(np.sqrt((spread[KEPT:] ** 2).sum() / flat.shape[1]))
    np.savez_compressed(
        OUT, mean=mean.astype(np.float16), parts=parts[:KEPT].astype(np.float16),
        spread=spread[:KEPT].astype(np.float32), rest=np.float32(rest),
    )  # fmt: skip
    told = (spread[:KEPT] ** 2).sum() / (spread**2).sum()
    print(f"{len(flat)} people, {KEPT} components hold {told:.3f}, rest {rest:.3f}")


if __name__ == "__main__":
    main()
