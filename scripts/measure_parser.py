"""Measure the hair parser as the tool uses it: settled by the person mask and the hat net.

    python scripts/measure_parser.py PACKED

PACKED is what `tonsure.lab.data.pack.masks` wrote. Prints the IoU of each class on CelebAMask-HQ's
100 test pictures of the set, at 48 pixels an eye distance, over all pixels that a scene shows; and
the median of the single pictures' hair. Then, since those labels have hardly any hat right, of how
many heads of CelebA's val partition the crown is mostly hat: of all labelled Wearing_Hat, and of
600 others. Five minutes on one core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from tonsure.faces import Face
from tonsure.hair import hat
from tonsure.hair.classes import CLASSES, HAIR, HAT
from tonsure.hair.parse import parse
from tonsure.scene import Scene, look

_DENSITY = 48.0
_OTHERS = 600


def labels(scene: Scene, drawn: np.ndarray) -> np.ndarray:
    """The label map `drawn` (H, W) on the scene's grid; -1 beyond the picture."""
    height, width = scene.shape
    x = scene.box[0] + (np.arange(width) + 0.5) / scene.scale
    y = scene.box[1] + (np.arange(height) + 0.5) / scene.scale
    at = (x[None] + 1j * y[:, None] - scene.frame.t) / scene.frame.z
    rows, columns = (np.clip(k, 0, n - 1).astype(int) for k, n in
                     ((at.imag, drawn.shape[0]), (at.real, drawn.shape[1])))  # fmt: skip
    return np.where(scene.inside > 0.5, drawn[rows, columns].astype(int), -1)


def crown(scene: Scene, told: np.ndarray) -> float:
    """The hat's share, 0..1, of what covers the head an eye distance above the eyes."""
    high = (scene.face_units()[1] < -0.95) & (scene.inside > 0.5)
    covered = (told[..., HAT] + told[..., HAIR] > 0.5) & high
    return float(((told[..., HAT] > 0.5) & high).sum() / max(covered.sum(), 0.3 * scene.unit**2))


def crowns(packed: Path) -> dict[str, tuple[int, int]]:
    """Of people with and without a hat: how many crowns are mostly hat, and how many people."""
    with np.load(packed / "celeba.npz") as data:
        meshes, names, attributes = data["lm"], list(data["attr_names"]), data["attr"] == 1
        val = (data["part"] == 1) & (data["flag"] > 0.5) & ~attributes[:, names.index("Bald")]
    pictures = np.load(packed / "celeba_img.npy", mmap_mode="r")
    hatted = attributes[:, names.index("Wearing_Hat")]
    others = np.random.default_rng(0).permutation(np.flatnonzero(val & ~hatted))[:_OTHERS]
    out = {}
    for name, rows in (("with a hat", np.flatnonzero(val & hatted)), ("without", others)):
        found = 0
        for row in rows:
            picture = np.asarray(pictures[row])
            scene = look(picture, Face((0.0, 0.0, 1.0, 1.0), meshes[row], 1.0, 1.0, 0.0), 46.0, 1)
            classes = parse(scene)
            worn = hat.likely(scene, classes, hat.worn(picture, scene.frame, 1))
            told = hat.believed(classes, worn)
            found += crown(scene, told) > 0.5
        out[name] = found, len(rows)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("packed", type=Path)
    arguments = parser.parse_args()
    hits, union, hair = np.zeros(len(CLASSES)), np.zeros(len(CLASSES)), []
    with np.load(arguments.packed / "cm_test.npz") as data:
        pictures, meshes, drawn, sure = (data[name] for name in ("img", "lm", "lab", "flag"))
    for picture, mesh, lab in zip(*(a[sure > 0.5] for a in (pictures, meshes, drawn)), strict=True):
        scene = look(picture, Face((0.0, 0.0, 1.0, 1.0), mesh, 1.0, 1.0, 0.0), _DENSITY, 1)
        classes = parse(scene)
        worn = hat.likely(scene, classes, hat.worn(picture, scene.frame, 1))
        told = hat.believed(classes, worn).argmax(-1)
        truth = labels(scene, lab)
        known = (truth >= 0) & (truth < len(CLASSES))
        for k in range(len(CLASSES)):
            hits[k] += ((told == k) & (truth == k)).sum()
            union[k] += (((told == k) | (truth == k)) & known).sum()
        either = ((told == HAIR) | (truth == HAIR)) & known
        hair.append(((told == HAIR) & (truth == HAIR)).sum() / max(either.sum(), 1))
    print(
        json.dumps(dict(zip(CLASSES, (hits / np.maximum(union, 1)).round(3).tolist(), strict=True)))
    )
    print(f"{len(hair)} pictures, hair's median IoU {np.median(hair):.3f}")
    for name, (told_so, heads) in crowns(arguments.packed).items():
        print(f"{name}: {told_so} of {heads} crowns are hat")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
