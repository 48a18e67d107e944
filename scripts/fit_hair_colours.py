"""Fits what `tonsure.edit.hair` knows of black, blond and brown hair, to be pasted into `hues.py`.

    python scripts/fit_hair_colours.py CELEBA_IMAGES list_attr_celeba.txt [--count 120]

Of each colour so many of CelebA's aligned pictures (training part) that have this colour's label
alone, no hat, no grey hair: the parser says where hair is; of its sure pixels are taken the mean
and the spread of log luma, how they follow the skin's, and at each luma the mean of R/L and B/L.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from tonsure import faces
from tonsure.hair.classes import HAIR, SKIN
from tonsure.hair.parse import parse
from tonsure.planes import LUMA, shrink
from tonsure.scene import look

COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair")
BINS = np.arange(8, 256, 16)
FLOOR = 8.0  # added to luma before its logarithm: darker steps are noise


def labelled(path: Path) -> dict[str, dict[str, int]]:
    """Of each picture its labels by name, 1 or -1."""
    lines = path.read_text().splitlines()
    names = lines[1].split()
    rows = (line.split() for line in lines[2:])
    return {row[0]: dict(zip(names, map(int, row[1:]), strict=True)) for row in rows}


def measured(path: Path) -> tuple[np.ndarray, float] | None:
    """Sure hair's pixels (N, 3) and the skin's median luma."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    found = faces.find(pixels, min_face=40, threads=1)
    if not found:
        return None
    scene = look(pixels, found[0], 38.4, 1)
    classes = parse(scene)
    hair = shrink((classes[..., HAIR] > 0.95).astype(np.float32), 3) > 0.95
    skin = (classes[..., SKIN] > 0.95) & (scene.inside > 0.5)
    hair &= scene.inside > 0.99
    if hair.sum() < 800 or skin.sum() < 800:
        return None
    return scene.rgb[hair], float(np.median(scene.rgb[skin] @ LUMA))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--count", type=int, default=120)
    asked = parser.parse_args()
    rows = labelled(asked.labels)
    for colour in COLOURS:
        others = [*(c for c in COLOURS if c != colour), "Gray_Hair", "Wearing_Hat", "Bald"]
        names = [
            n for n, row in rows.items()
            if row[colour] == 1 and all(row[o] == -1 for o in others)
            and (asked.images / n).with_suffix(".webp").exists()
        ]  # fmt: skip
        facts, sums, weights = [], np.zeros((len(BINS), 2)), np.zeros(len(BINS))
        step = max(1, len(names) // (asked.count * 13 // 10))
        for name in names[::step]:
            one = measured((asked.images / name).with_suffix(".webp"))
            if one is None:
                continue
            tones, skin = one
            luma = tones @ LUMA
            logs = np.log(luma + FLOOR)
            facts.append((logs.mean(), logs.std(), np.log(skin + FLOOR)))
            which = np.digitize(luma, BINS[1:] - 8)
            for k in range(len(BINS)):
                here = tones[which == k]
                if len(here) > 20:
                    share = here.sum(0) / (here @ LUMA).sum()
                    sums[k] += share[[0, 2]]
                    weights[k] += 1
            if len(facts) == asked.count:
                break
        told = np.array(facts)
        slope, _ = np.polyfit(told[:, 2], told[:, 0], 1)
        figures = {
            "mean": told[:, 0].mean(), "spread": told[:, 1].mean(), "between": told[:, 0].std(),
            "skin": told[:, 2].mean(), "slope": slope,
        }  # fmt: skip
        print(colour, len(facts), *(f"{name} {value:.3f}" for name, value in figures.items()))
        chroma = sums / np.maximum(weights, 1)[:, None]
        for k, name in enumerate(("red", "blue")):
            print(
                " ", name, [round(float(v), 3) for v in chroma[:, k]], weights.astype(int).tolist()
            )


if __name__ == "__main__":
    main()
