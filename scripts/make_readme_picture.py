"""Make the README's picture: the shipped portrait before, at three degrees, and fully bald.

    python scripts/make_readme_picture.py [--out docs/images/astronaut.png]

One strip, a PNG of at most 400 kB: where it would be larger, fewer colours are kept.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from tonsure import Editor

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "src" / "tonsure" / "examples" / "astronaut.jpg"
DEGREES = (0.0, 0.25, 0.5, 0.75, 1.0)
HEIGHT, GAP, MOST = 300, 6, 400_000  # pixels, pixels, bytes


def tiles() -> list[Image.Image]:
    """The head at each degree, upright crops of the same place."""
    with Editor().open(PHOTO) as shot:
        x0, y0, x1, y1 = shot.faces[0].box
        middle, face = (x0 + x1) / 2, y1 - y0
        high, wide = shot.photo.pixels.shape[:2]
        top, bottom = max(0, round(y0 - 0.75 * face)), min(high, round(y1 + 0.85 * face))
        half = round(0.42 * (bottom - top))
        left, right = max(0, round(middle) - half), min(wide, round(middle) + half)
        parts = [shot.bald(d).photo.eight()[top:bottom, left:right] for d in DEGREES]
    size = (round(HEIGHT * (right - left) / (bottom - top)), HEIGHT)
    how = Image.Resampling.LANCZOS
    return [Image.fromarray(np.ascontiguousarray(part)).resize(size, how) for part in parts]


def strip(parts: list[Image.Image]) -> Image.Image:
    """The tiles beside each other, white between them."""
    width = sum(part.width for part in parts) + GAP * (len(parts) - 1)
    out = Image.new("RGB", (width, parts[0].height), "white")
    left = 0
    for part in parts:
        out.paste(part, (left, 0))
        left += part.width + GAP
    return out


def encoded(picture: Image.Image) -> bytes:
    """The PNG, with as many colours as fit into the limit."""
    for colours in (None, 256, 128, 64):
        chosen = picture if colours is None else picture.quantize(colours)
        buffer = io.BytesIO()
        chosen.save(buffer, "PNG", optimize=True)
        if buffer.tell() <= MOST:
            break
    return buffer.getvalue()


def main() -> int:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "astronaut.png")
    arguments = parser.parse_args()
    picture = strip(tiles())
    data = encoded(picture)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(data)
    print(f"{arguments.out}: {picture.width} x {picture.height}, {len(data) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
