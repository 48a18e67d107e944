"""TIFF with sixteen bits a channel, which Pillow reads with eight but for grey pictures.

Each strip or tile is handed to Pillow as a small grey TIFF of its own, as many times as wide as
there are channels: whatever the compression or the order of planes.  The predictor (Adobe's
technical note 3) is undone here, since it works within channels.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import pages
from .pages import Page

Deep = npt.NDArray[np.uint16]

_DARK, _LIGHT, _RGB = 1, 0, 2  # what 0 stands for in grey pictures; or colours
_MULTIPLIED, _OPACITY = 1, 2
_PLAIN, _JPEG = 1, {6, 7}
_MARGIN = 4096  # a tile may be larger than its picture, but not by much


def is_deep(page: Page) -> bool:
    """Whether it is for `read`: whole numbers of 16 bits, grey or RGB."""
    bits = page.tags.get(pages.BITS, (1,))
    colours = page.one(pages.COLOURS, _DARK)
    return (
        set(bits) == {16}
        and page.one(pages.NUMBERS, 1) == 1
        and colours in (_DARK, _LIGHT, _RGB)
        and page.one(pages.SAMPLES, 1) >= (3 if colours == _RGB else 1)
        and page.one(pages.COMPRESSION, _PLAIN) not in _JPEG
    )


def channels(page: Page) -> int:
    """Colours and alpha of what `read` gives."""
    colours = 3 if page.one(pages.COLOURS, _DARK) == _RGB else 1
    more = page.one(pages.SAMPLES, 1) > colours
    return colours + (more and page.one(pages.EXTRA) in (_MULTIPLIED, _OPACITY))


def read(data: bytes, page: Page) -> Deep:
    """(H, W, C) as it is stored, not turned: grey or RGB, and alpha if there is one."""
    width, height = page.size
    count = channels(page)
    stored = page.one(pages.SAMPLES, 1)
    planes = stored if page.one(pages.PLANAR, 1) == 2 else 1
    part_width = page.one(pages.TILE_WIDTH) or width
    tiled = part_width != width or bool(page.one(pages.TILE_HEIGHT))
    part_height = page.one(pages.TILE_HEIGHT) if tiled else page.one(pages.ROWS, height)
    part_height = part_height if tiled else min(part_height, height)
    if not 0 < part_width <= width + _MARGIN or not 0 < part_height <= height + _MARGIN:
        raise ValueError("its tiles have an odd size")
    across, down = -(-width // part_width), -(-height // part_height)
    if len(page.parts) < planes * across * down:
        raise ValueError("strips or tiles are missing")
    out = np.zeros((height, width, count), np.uint16)
    for k, (start, length) in enumerate(page.parts[: planes * across * down]):
        plane, place = divmod(k, across * down)
        top, left = (n * side for n, side in zip(divmod(place, across), (part_height, part_width),
                                                 strict=True))  # fmt: skip
        rows = part_height if tiled else min(part_height, height - top)
        part = _part(data[start : start + length], page, part_width, rows, stored // planes)
        into = out[top : top + rows, left : left + part_width]
        part = part[: into.shape[0], : into.shape[1]]
        if planes == 1:
            into[:] = part[..., :count]
        elif plane < count:
            into[..., plane] = part[..., 0]
    return _meant(out, page)


def _part(content: bytes, page: Page, width: int, rows: int, samples: int) -> Deep:
    """(rows, width, samples) of one strip or tile."""
    kind = np.dtype(page.order + "u2")
    if page.one(pages.COMPRESSION, _PLAIN) == _PLAIN:
        values = np.frombuffer(content, kind, rows * width * samples).astype(np.uint16)
    else:
        small = _alone(content, page, width * samples, rows)
        with Image.open(io.BytesIO(small), formats=["TIFF"]) as im:
            values = np.asarray(im).astype(np.uint16)
    values = values.reshape(rows, width, samples)
    if page.one(pages.PREDICTOR, 1) == 2:
        np.cumsum(values, axis=1, dtype=np.uint16, out=values)
    return values


def _alone(content: bytes, page: Page, width: int, rows: int) -> bytes:
    """A grey TIFF of one strip."""
    tags = {
        pages.WIDTH: width, pages.HEIGHT: rows, pages.BITS: 16,
        pages.COMPRESSION: page.one(pages.COMPRESSION), pages.COLOURS: _DARK,
        pages.FILL_ORDER: page.one(pages.FILL_ORDER, 1), 273: 8, pages.SAMPLES: 1,
        pages.ROWS: rows, 279: len(content),
    }  # fmt: skip
    mark = b"II*\0" if page.order == "<" else b"MM\0*"
    at = 8 + len(content) + len(content) % 2
    order = page.order
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    head = mark + struct.pack(order + "I", at)
    directory = struct.pack(order + "H", len(tags)) + entries + bytes(4)
    return head + content + bytes(len(content) % 2) + directory


def _meant(values: Deep, page: Page) -> Deep:
    """What was stored as white for black, or with alpha multiplied in, as it is meant."""
    colours: Any = values[..., : 3 if page.one(pages.COLOURS, _DARK) == _RGB else 1]
    if page.one(pages.COLOURS, _DARK) == _LIGHT:
        np.subtract(65535, colours, out=colours)
    if values.shape[2] > colours.shape[2] and page.one(pages.EXTRA) == _MULTIPLIED:
        alpha = np.maximum(values[..., -1:], 1).astype(np.uint32)
        for top in range(0, len(values), 256):
            rows = slice(top, top + 256)
            whole = colours[rows] * np.uint32(65535) // alpha[rows]
            colours[rows] = np.minimum(whole, 65535)
    return values
