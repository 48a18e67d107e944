"""All steps side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from ..photo import Photo
from .tile import Tile

GAP = 4
"""White pixels between two steps."""
_WIDEST = 30_000


def fitting(photo: Photo, count: int, size: int, max_side: int) -> int:
    """The longer side of one step with which all fit in a row, at most `size` (0: the photo's)."""
    longer = max(photo.width, photo.height)
    wanted = min(size or longer, longer)
    room = (min(max_side, _WIDEST) - GAP * (count - 1)) / count
    return max(1, min(wanted, int(room * longer / photo.width)))


def encode(tiles: Sequence[Tile], format: str) -> bytes:
    """The file of a strip."""
    first = tiles[0].image
    step = first.width + GAP
    white = Image.new(first.mode, (step * len(tiles) - GAP, first.height), "white")
    for k, tile in enumerate(tiles):
        white.paste(tile.image, (k * step, 0))
    return Tile(white, tiles[0].icc).encode(format)
