"""Contact sheets of whole pictures, at their own size. They show people: keep them where the
photos may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tonsure.lab.evaluate.wide.people import Bytes

_LINE, _GAP = 16, 6
WIDTH = 2250
"""Widest a sheet gets, in pixels."""


def row(pictures: Sequence[Bytes], caption: str) -> Image.Image:
    """Pictures (H, W, 3) of the same height side by side, with a line of text below."""
    width = sum(picture.shape[1] for picture in pictures) + 2 * (len(pictures) - 1)
    height = max(picture.shape[0] for picture in pictures)
    out = Image.new("RGB", (width, height + _LINE), (255, 255, 255))
    x = 0
    for picture in pictures:
        out.paste(Image.fromarray(picture), (x, 0))
        x += picture.shape[1] + 2
    font = ImageFont.load_default(12)
    ImageDraw.Draw(out).text((2, height + 1), caption, fill=(0, 0, 0), font=font)
    return out


def zoom(pictures: Sequence[Bytes], x: float, y: float, side: int = 320) -> list[Bytes]:
    """The same square of `side` pixels around (x, y), as far as there is one, of each."""
    height, width = pictures[0].shape[:2]
    left = int(np.clip(x - side / 2, 0, max(width - side, 0)))
    top = int(np.clip(y - side / 2, 0, max(height - side, 0)))
    return [picture[top : top + side, left : left + side] for picture in pictures]


def write(tiles: Sequence[Image.Image], out: Path, name: str, rows: int = 3) -> list[Path]:
    """Sheets NAME-01.jpg, ... of tiles in as many columns as `WIDTH` holds; gives their paths."""
    if not tiles:
        return []
    out.mkdir(parents=True, exist_ok=True)
    wide = max(tile.width for tile in tiles) + _GAP
    columns = max(1, min(WIDTH // wide, len(tiles)))
    written = []
    for number, start in enumerate(range(0, len(tiles), columns * rows), 1):
        part = tiles[start : start + columns * rows]
        high = max(tile.height for tile in part) + _GAP
        sheet = Image.new("RGB", (columns * wide, -(-len(part) // columns) * high), (255, 255, 255))
        for k, tile in enumerate(part):
            sheet.paste(tile, (k % columns * wide, k // columns * high))
        path = out / f"{name}-{number:02d}.jpg"
        sheet.save(path, quality=92, subsampling=0)
        written.append(path)
    return written
