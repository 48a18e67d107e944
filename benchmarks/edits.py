"""What an edit costs on a photo of 12 megapixels, warm: seconds and processor seconds.

    python benchmarks/edits.py [PHOTO] [--megapixels 12] [--threads 2]

The photo (default: the portrait that ships, enlarged) is opened anew for every attribute, so that
each pays for faces and parser as a first edit does. The networks are warm.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

import tonsure
from tonsure.edit.catalogue import CATALOGUE
from tonsure.examples import __file__ as examples

CLOSE = (60, 0, 400, 340)  # of the portrait that ships: head and shoulders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    own = Path(examples).with_name("astronaut.jpg")
    with Image.open(asked.photo or own) as opened:
        image = opened.convert("RGB") if asked.photo else opened.convert("RGB").crop(CLOSE)
    scale = (asked.megapixels * 1e6 / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    pixels = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    editor = tonsure.Editor(threads=asked.threads)
    with editor.open(pixels) as shot:
        shot.edit({"Pale_Skin": 1})
    print(f"{size[0]} x {size[1]}, {asked.threads} threads")
    for name, one in CATALOGUE.items():
        for d in (1, -1):
            if name == "Bald" or one.direction(d) is None:
                continue
            with editor.open(pixels) as shot:
                began, busy = time.perf_counter(), time.process_time()
                result = shot.edit({name: d})
                wall, used = time.perf_counter() - began, time.process_time() - busy
            done = "" if all(step["changed"] for step in result.edits) else "  (nothing to do)"
            print(f"{name:>20} {d:+d}  {wall:5.2f} s  {used:5.2f} processor s{done}")


if __name__ == "__main__":
    main()
