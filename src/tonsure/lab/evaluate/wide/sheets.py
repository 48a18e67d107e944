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


def zoom(pictures: Sequence[Bytes], x: float, y: float, side: float) -> list[Bytes]:
    """The same square of `side` pixels around (x, y), as far as there is one, of each: at 1:1, or
    as many times as large as lets 480 pixels hold it."""
    height, width = pictures[0].shape[:2]
    left = int(np.clip(x - side / 2, 0, max(width - side, 0)))
    top = int(np.clip(y - side / 2, 0, max(height - side, 0)))
    times = max(1, round(480 / side))
    rows, columns = slice(top, top + round(side)), slice(left, left + round(side))
    return [p[rows, columns].repeat(times, 0).repeat(times, 1) for p in pictures]


def write(tiles: Sequence[Image.Image], out: Path, name: str, high: int = 1400) -> list[Path]:
    """Sheets NAME-01.jpg, ... of tiles in rows, each sheet at most `WIDTH` wide and, unless a
    single tile is higher, `high` pixels high; gives their paths."""
    pages: list[list[tuple[int, int, Image.Image]]] = [[]]
    x = y = line = 0
    for tile in tiles:
        if x and x + tile.width > WIDTH:
            x, y, line = 0, y + line + _GAP, 0
        if pages[-1] and y + tile.height > high:
            pages.append([])
            x = y = line = 0
        pages[-1].append((x, y, tile))
        x, line = x + tile.width + _GAP, max(line, tile.height)
    written = []
    for number, page in enumerate((page for page in pages if page), 1):
        out.mkdir(parents=True, exist_ok=True)
        size = max(x + t.width for x, _, t in page), max(y + t.height for _, y, t in page)
        sheet = Image.new("RGB", size, (255, 255, 255))
        for x, y, tile in page:
            sheet.paste(tile, (x, y))
        path = out / f"{name}-{number:02d}.jpg"
        sheet.save(path, quality=92, subsampling=0)
        written.append(path)
    return written
