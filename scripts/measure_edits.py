"""What the laboratory's judge says of each edit of `tonsure edit`.

    python scripts/measure_edits.py CELEBA_IMAGES list_attr_celeba.txt [--count 40]

Aligned pictures of CelebA that the judge never saw (val). Each attribute is switched to what the
label says the person has not. Printed as a table, per direction: of those that changed, how many
the judge then calls switched (yes and no equally common), and how many of the other labels, which
this attribute does not touch, change their yes or no.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from fit_hair_colours import labelled
from PIL import Image

from tonsure.attributes import STANDARD
from tonsure.edit.catalogue import CATALOGUE
from tonsure.editor import Editor
from tonsure.faces import Frame
from tonsure.lab.evaluate import judge

TOUCHED = {
    "Bald": ("Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Receding_Hairline",
             "Sideburns", "Straight_Hair", "Wavy_Hair", "Wearing_Hat"),
    **dict.fromkeys(
        ("Black_Hair", "Blond_Hair", "Brown_Hair"),
        ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"),
    ),
    "Bushy_Eyebrows": ("Arched_Eyebrows",),
    "Mouth_Slightly_Open": ("Smiling", "High_Cheekbones"),
    "Mustache": ("No_Beard", "Goatee", "5_o_Clock_Shadow"),
    "No_Beard": ("Mustache", "Goatee", "5_o_Clock_Shadow", "Sideburns"),
    "Young": ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Bags_Under_Eyes"),
}  # fmt: skip
"""Labels that hang together with an attribute, and may change with it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--count", type=int, default=40)
    asked = parser.parse_args()
    rows = labelled(asked.labels)
    names = [name for name in rows if (asked.images / name).with_suffix(".webp").exists()]
    names = names[:: max(1, len(names) // asked.count)][: asked.count]
    seen = judge.open(threads=1)
    editor = Editor(threads=1)
    told: dict[tuple[str, int], list[tuple[bool, float]]] = defaultdict(list)
    for name in names:
        pixels = np.asarray(Image.open((asked.images / name).with_suffix(".webp")).convert("RGB"))
        with editor.open(pixels) as shot:
            if not shot.faces or shot.faces[0].height < 48:
                continue
            frame = Frame.of(shot.faces[0])
            before = _asked(seen, pixels, frame)
            for attribute in STANDARD:
                d = -1 if rows[name][attribute] == 1 else 1
                if CATALOGUE[attribute].direction(d) is None:
                    continue
                result = shot.edit({attribute: d}, 1)
                if not all(step["changed"] for step in result.edits):
                    continue
                after = _asked(seen, result.image, frame)
                own = seen.names.index(attribute)
                free = [
                    k for k, label in enumerate(seen.names)
                    if k != own and label not in TOUCHED.get(attribute, ())
                ]  # fmt: skip
                flips = float((after[free] != before[free]).mean())
                told[attribute, d].append((bool(after[own]) == (d > 0), flips))
    print("| attribute | d | changed | judged switched | other labels flipped |")
    print("|---|---|---|---|---|")
    for (attribute, d), found in sorted(told.items(), key=lambda one: STANDARD.index(one[0][0])):
        right, flips = (np.mean([one[k] for one in found]) for k in (0, 1))
        print(f"| {attribute} | {d:+d} | {len(found)} | {right:.0%} | {flips:.1%} |")


def _asked(seen: judge.Judge, pixels: np.ndarray, frame: Frame) -> np.ndarray:
    """(40,) yes or no, decided as if both were equally common."""
    views = judge.view(pixels, frame)[None]
    return seen.balanced(seen.probabilities(views))[0] > 0.5


if __name__ == "__main__":
    main()
