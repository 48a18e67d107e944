"""The pages of a TIFF: how large, how stored, and where their strips or tiles lie.

Layout: TIFF 6.0, and BigTIFF, which has wider numbers.  Only what says how pixels are stored is
read here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from .survey import Cut, Pieces, Survey

(_KIND, WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, FILL_ORDER, SAMPLES, ROWS, PLANAR, PREDICTOR,
 TILE_WIDTH, TILE_HEIGHT, EXTRA, NUMBERS, ORIENTATION) = (
    254, 256, 257, 258, 259, 262, 266, 277, 278, 284, 317, 322, 323, 338, 339, 274)  # fmt: skip
_STRIPS, _TILES = (273, 279), (324, 325)  # where they lie, and their lengths
XMP, ICC, _RAW = 700, 34675, 50706
_WANTED = {
    _KIND, WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, FILL_ORDER, SAMPLES, ROWS, PLANAR, PREDICTOR,
    TILE_WIDTH, TILE_HEIGHT, EXTRA, NUMBERS, ORIENTATION, *_STRIPS, *_TILES, _RAW,
}  # fmt: skip
_BLOCKS = {XMP: "XMP", ICC: "the colour profile"}
_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_SIZES = {2: 1, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 17: 8}
_SMALLER, _MASK = 1, 4


@dataclass(frozen=True)
class Page:
    """One page: its place among the pages and in the file, and the numbers of its tags.

    `blocks` says where ICC and XMP lie, by their tags; `lost` names those that are cut off.
    """

    index: int
    at: int
    order: str
    big: bool
    tags: dict[int, tuple[int, ...]]
    blocks: dict[int, slice]
    lost: tuple[str, ...]

    def one(self, tag: int, default: int = 0) -> int:
        """The first number of a tag."""
        return (self.tags.get(tag) or (default,))[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as stored."""
        return self.one(WIDTH), self.one(HEIGHT)

    @property
    def raw(self) -> bool:
        """Whether this is a camera's raw file (DNG): its first page is a preview."""
        return _RAW in self.tags

    @property
    def parts(self) -> list[tuple[int, int]]:
        """Place and length of each strip or tile."""
        starts, lengths = _TILES if self.one(TILE_WIDTH) else _STRIPS
        return list(zip(self.tags.get(starts, ()), self.tags.get(lengths, ()), strict=False))

    def block(self, tag: int, data: bytes) -> bytes | None:
        """The bytes of `ICC` or `XMP`."""
        return data[self.blocks[tag]] if tag in self.blocks else None

    def within(self, length: int) -> bool:
        """Whether all its strips and tiles lie in a file of that length."""
        return all(start + size <= length for start, size in self.parts)


def survey(data: bytes) -> tuple[Survey, Page]:
    """What else is in the file, and the page to take: the largest, the first of several.

    Raises `Cut` if that is cut off.
    """
    pages, whole = _pages(data)
    if not pages:
        raise Cut("the directory of its pages is missing")
    pictures = [page for page in pages if not page.one(_KIND) & _MASK] or pages
    best = max(pictures, key=lambda page: (page.raw, page.size[0] * page.size[1], -page.index))
    if not best.within(len(data)):
        raise Cut("its end is missing")
    others = [page for page in pages if page is not best]
    missing = list(best.lost)
    if not whole or any(not page.within(len(data)) for page in others):
        missing.append("further pages")
    beside = ("further pages of the file (this is the largest)",) if others else ()
    return Survey(len(data), True, beside, tuple(missing)), best


def _pages(data: bytes) -> tuple[list[Page], bool]:
    """All pages, and whether their chain ends as it should."""
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    big = data[2:4] in (b"+\0", b"\0+")
    pieces = Pieces(len(data), 512)
    found: list[Page] = []
    seen: set[int] = set()
    try:
        (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
        while at:
            if at in seen:
                return found, False
            seen.add(at)
            page, at = _page(data, at, len(found), order, big, pieces)
            found.append(page)
    except struct.error:
        return found, False
    return found, True


def _page(
    data: bytes, at: int, index: int, order: str, big: bool, pieces: Pieces
) -> tuple[Page, int]:
    counts, entry, wide = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    (count,) = struct.unpack_from(order + counts, data, at)
    pieces.add(count)
    tags: dict[int, tuple[int, ...]] = {}
    blocks: dict[int, slice] = {}
    lost = []
    length = struct.calcsize(order + entry + wide)
    begin = at + struct.calcsize(order + counts)
    for place in range(begin, begin + count * length, length):
        tag, kind, number = struct.unpack_from(order + entry, data, place)
        if tag in tags or tag in blocks or (tag not in _WANTED and tag not in _BLOCKS):
            continue
        size = number * (np.dtype(_NUMBERS[kind]).itemsize if kind in _NUMBERS
                         else _SIZES.get(kind, 1))  # fmt: skip
        inline = place + length - struct.calcsize(wide)
        start = inline
        if size > struct.calcsize(wide):
            (start,) = struct.unpack_from(order + wide, data, inline)
        if start + size > len(data):
            lost += [_BLOCKS[tag]] if tag in _BLOCKS else []
        elif tag in _BLOCKS:
            blocks[tag] = slice(start, start + size)
        elif kind in _NUMBERS:
            pieces.add(number // 2)
            values = np.frombuffer(data, order + _NUMBERS[kind], number, start)
            tags[tag] = tuple(values.tolist())
    (following,) = struct.unpack_from(order + wide, data, begin + count * length)
    if not tags.get(WIDTH) or not tags.get(HEIGHT):
        raise ValueError("a page has no size")
    return Page(index, at, order, big, tags, blocks, tuple(lost)), following
