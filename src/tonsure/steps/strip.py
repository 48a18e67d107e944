"""All steps side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from ..photo import Photo
from .tile import Tile

GAP = 4
"""White pixels between two steps."""
_WIDEST = 30_000
_BAND = 0.11  # height of a caption, as a share of a step's width; at least
_LEAST = 16  # pixels
_LETTERS = 0.62  # height of its letters, as a share of the band


def fitting(photo: Photo, count: int, size: int, max_side: int) -> int:
    """The longer side of one step with which all fit in a row, at most `size` (0: the photo's)."""
    longer = max(photo.width, photo.height)
    wanted = min(size or longer, longer)
    room = (min(max_side, _WIDEST) - GAP * (count - 1)) / count
    return max(1, min(wanted, int(room * longer / photo.width)))


def encode(tiles: Sequence[Tile], format: str, captions: Sequence[str] | None = None) -> bytes:
    """The file of a strip; `captions` go below its steps, one each."""
    first = tiles[0].image
    step = first.width + GAP
    band = 0 if captions is None else max(_LEAST, round(_BAND * first.width))
    size = (step * len(tiles) - GAP, first.height + band)
    white = Image.new(first.mode, size, "white")
    for k, tile in enumerate(tiles):
        white.paste(tile.image, (k * step, 0))
    if captions is not None:
        font = _font(captions, first.width, _LETTERS * band)
        pen = ImageDraw.Draw(white)
        for k, text in enumerate(captions):
            middle = (k * step + first.width / 2, first.height + band / 2)
            pen.text(middle, text, font=font, fill="black", anchor="mm")
    return Tile(white, tiles[0].icc).encode(format)


def _font(texts: Sequence[str], width: int, height: float) -> ImageFont.FreeTypeFont:
    """Letters of `height` pixels, or as much smaller as the longest text needs in `width`."""
    font = ImageFont.load_default(size=height)
    assert isinstance(font, ImageFont.FreeTypeFont)  # it is, where a size is given
    longest = max(font.getlength(text) for text in texts)
    if longest <= width:
        return font
    smaller = ImageFont.load_default(size=height * width / longest)
    assert isinstance(smaller, ImageFont.FreeTypeFont)
    return smaller
