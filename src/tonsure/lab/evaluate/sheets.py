"""Contact sheets: before and after, the best, the median and the worst. They show people: keep
them where the photos may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tonsure.faces import Face, Frame

Bytes = npt.NDArray[np.uint8]
Record = Mapping[str, Any]

# what a tile shows, in units of the frame, as far as the photo goes; and its height in pixels
_BOX = (-45.0, -50.0, 223.0, 275.0)
_HEIGHT, _WIDTH, _LINE = 300, 248, 16


def tile(before: Bytes, after: Bytes, face: Face) -> Image.Image:
    """Before and after side by side, upright, around the head."""
    frame = Frame.of(face)
    height, width = before.shape[:2]
    corners = frame.to_frame(np.array([[0, 0], [width, 0], [0, height], [width, height]], float))
    low = np.maximum(corners.min(0), _BOX[:2])
    high = np.minimum(corners.max(0), _BOX[2:])
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    scale = min(_HEIGHT / (box[3] - box[1]), _WIDTH / (box[2] - box[0]))
    sheet = Image.new("RGB", (2 * _WIDTH, _HEIGHT), (24, 24, 24))
    for column, pixels in enumerate((before, after)):
        picture = Image.fromarray(frame.cut(pixels, scale, box))
        place = ((_WIDTH - picture.width) // 2, (_HEIGHT - picture.height) // 2)
        sheet.paste(picture, (column * _WIDTH + place[0], place[1]))
    return sheet


def order(records: Sequence[Record]) -> list[Record]:
    """The done ones, best first: by the sum of their ranks in baldness, hair left, identity and
    labels flipped."""
    done = [row for row in records if row["status"] == "done"]
    if not done:
        return []

    def ranks(values: list[float]) -> npt.NDArray[np.float64]:
        _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[where]

    badness = ranks([-row["bald"] for row in done])
    badness = badness + ranks([row["hair_left"] or 0.0 for row in done])
    badness = badness + ranks([row["identity"] or 0.0 for row in done])
    badness = badness + ranks([float(len(row["flipped"])) for row in done])
    return [done[k] for k in np.argsort(badness, kind="stable")]


def caption(record: Record) -> str:
    """A line below a tile."""

    def number(key: str) -> str:
        return "-" if record[key] is None else f"{record[key]:.2f}"

    return (
        f"{Path(record['name']).name}  bald {number('bald')}  hair {number('hair_left')}  "
        f"identity {number('identity')}  flips {len(record['flipped'])}"
    )


def write(records: Sequence[Record], tiles: Path, out: Path, count: int = 12) -> list[Path]:
    """Sheets `best.jpg`, `median.jpg` and `worst.jpg` in `out`, of `count` tiles each that lie in
    `tiles` under the record's `tile`; gives what it wrote."""
    ordered = [row for row in order(records) if (tiles / row["tile"]).exists()]
    if not ordered:
        return []
    middle = max(0, len(ordered) // 2 - count // 2)
    parts = {
        "best": ordered[:count],
        "median": ordered[middle : middle + count],
        "worst": ordered[::-1][:count],
    }
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, rows in parts.items():
        columns = min(3, len(rows))
        lines = -(-len(rows) // columns)
        wide, high = 2 * _WIDTH + 6, _HEIGHT + _LINE + 6
        sheet = Image.new("RGB", (columns * wide, lines * high), (255, 255, 255))
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
        for k, row in enumerate(rows):
            x, y = k % columns * wide, k // columns * high
            with Image.open(tiles / row["tile"]) as picture:
                sheet.paste(picture, (x, y))
            draw.text((x + 2, y + _HEIGHT + 1), caption(row), fill=(0, 0, 0), font=font)
        path = out / f"{name}.jpg"
        sheet.save(path, quality=92)
        written.append(path)
    return written
