"""PNG beyond what Pillow does: chunks kept as they are, and files with 16 bits a channel.

Layout: the PNG specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from .survey import Pieces, Survey

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# colour and words that stay true for an edited picture; ICC, EXIF and XMP go their own way
_KEPT = {b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"tEXt", b"zTXt", b"iTXt"}
_ELSEWHERE = (b"XML:com.adobe.xmp\0", b"Raw profile type ")
_OF_PIXELS = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"bKGD", b"hIST", b"sBIT", b"acTL", b"fcTL",
    b"fdAT",
}  # fmt: skip
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels

Chunk = tuple[bytes, bytes]


def chunks(data: bytes) -> Iterator[Chunk]:
    """Name and content of each chunk; ends after IEND, or where the file does."""
    at = len(SIGNATURE)
    pieces = Pieces(len(data), 2048)
    while at + 12 <= len(data):
        pieces.add()
        length, name = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            return
        yield name, data[at + 8 : at + 8 + length]
        if name == b"IEND":
            return
        at += 12 + length


def survey(data: bytes) -> Survey:
    """Where the file ends; without its end chunk the pixels may be whole all the same."""
    end, whole, animated = len(SIGNATURE), False, False
    for name, content in chunks(data):
        end += 12 + len(content)
        whole = name == b"IEND"
        animated = animated or (name == b"acTL" and content[:4] != b"\0\0\0\1")
    return Survey(end, whole, (), () if whole else ("its end mark",), animated)


def closed(data: bytes) -> bytes:
    """The file with an end chunk, if what lacks of it is no more than that; else as it is."""
    found = survey(data)
    rest = data[found.end :]
    if b"IDAT" in rest[4:8]:
        return data
    return data[: found.end] + _chunk(b"IEND", b"")


def size(data: bytes) -> tuple[int, int]:
    """Width and height."""
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def samples(data: bytes) -> int:
    """Channels of a pixel."""
    return {0: 1, 2: 3, 4: 2, 6: 4}.get(data[25], 1) if len(data) > 25 else 1


def is_deep(data: bytes) -> bool:
    """Whether samples have 16 bits."""
    return data[24:25] == b"\x10"


def without_pixels(data: bytes) -> bytes:
    """A file of one black pixel that says all that `data` says besides its pixels."""
    out = [SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))]
    out += [_chunk(*chunk) for chunk in chunks(data) if chunk[0] not in _OF_PIXELS]
    out += [_chunk(b"IDAT", zlib.compress(bytes(2))), _chunk(b"IEND", b"")]
    return b"".join(out)


def kept(data: bytes) -> list[Chunk]:
    """The chunks that a file made from this one takes over."""
    return [c for c in chunks(data) if c[0] in _KEPT and not c[1].startswith(_ELSEWHERE)]


def insert(data: bytes, ancillary: Iterable[Chunk]) -> bytes:
    """A PNG with further chunks before its pixels."""
    header = len(SIGNATURE) + 25  # IHDR is always the first, and always as long
    return data[:header] + b"".join(_chunk(*c) for c in ancillary) + data[header:]


def encode_deep(
    pixels: npt.NDArray[np.uint16], ancillary: Iterable[Chunk], level: int = 6
) -> bytes:
    """A PNG with 16 bits a channel.

    `pixels` (H, W, C), C 1 to 4: grey, grey and alpha, RGB, RGBA; `ancillary` chunks come before
    the pixels.  Each row is filtered by whichever of the five filters leaves the smallest sum, as
    the specification advises.
    """
    height, width, count = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[count], 0, 0, 0)
    out = bytearray(SIGNATURE + _chunk(b"IHDR", header))
    for name, content in ancillary:
        out += _chunk(name, content)
    packer = zlib.compressobj(level)
    above = np.zeros((1, width * count * 2), np.uint8)
    rows_at_once = max(1, 4_000_000 // (width * count * 2))
    for top in range(0, height, rows_at_once):
        part = pixels[top : top + rows_at_once].astype(">u2")
        rows = part.view(np.uint8).reshape(len(part), -1)
        packed = packer.compress(_filtered(rows, above, 2 * count).tobytes())
        if packed:
            out += _chunk(b"IDAT", packed)
        above = rows[-1:]
    out += _chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b"")
    return bytes(out)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def _filtered(
    rows: npt.NDArray[np.uint8], above: npt.NDArray[np.uint8], step: int
) -> npt.NDArray[np.uint8]:
    """Rows (N, B) of bytes with their filter bytes (N, B + 1); `step` bytes are one pixel."""
    here = rows.astype(np.int16)
    up = np.concatenate([above, rows[:-1]]).astype(np.int16)
    left, corner = (np.pad(plane, ((0, 0), (step, 0)))[:, :-step] for plane in (here, up))
    guess = left + up - corner
    off_left, off_up, off_corner = (np.abs(guess - plane) for plane in (left, up, corner))
    nearer = np.where(off_up <= off_corner, up, corner)
    paeth = np.where((off_left <= off_up) & (off_left <= off_corner), left, nearer)
    none = np.zeros_like(here)
    best = np.zeros((len(rows), rows.shape[1] + 1), np.uint8)
    lowest = np.full(len(rows), np.iinfo(np.int64).max)
    for kind, prediction in enumerate((none, left, up, (left + up) // 2, paeth)):
        rest = (here - prediction).astype(np.uint8)
        cost = np.abs(rest.view(np.int8).astype(np.int16)).sum(1, dtype=np.int64)
        won = cost < lowest
        lowest[won] = cost[won]
        best[won, 0] = kind
        best[won, 1:] = rest[won]
    return best
