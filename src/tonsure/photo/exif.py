"""EXIF, cleaned in place: upright, of the right size, and without the old picture inside.

The block is patched instead of parsed and written anew, so that all else stays bit for bit where it
is; makers' notes hold offsets that would break otherwise.  Layout: the TIFF 6.0 and EXIF 2.32
specifications; an IFD is a count, entries of 12 bytes and the offset of the next IFD.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_ORIENTATION, _EXIF_IFD, _WIDTH, _HEIGHT, _MAKER_NOTE = 0x0112, 0x8769, 0xA002, 0xA003, 0x927C
_THUMBNAILS = ((0x0201, 0x0202), (0x0111, 0x0117))  # offset and length: JPEG, strips
_PHOTOSHOP = 0x8649  # its resources hold a thumbnail too
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True)
class _Entry:
    at: int
    tag: int
    kind: int
    count: int
    data: slice


class _Block:
    """A block that can be patched. Any nonsense in it raises `ValueError` or `struct.error`."""

    def __init__(self, block: bytes) -> None:
        self.bytes = bytearray(block)
        orders = {b"II*\0": "<", b"MM\0*": ">"}
        if block[:4] not in orders:
            raise ValueError("no byte order mark")
        self.order = orders[block[:4]]

    def number(self, at: int, kind: str) -> int:
        return int(struct.unpack_from(self.order + kind, self.bytes, at)[0])

    def put(self, at: int, kind: str, value: int) -> None:
        struct.pack_into(self.order + kind, self.bytes, at, value)

    def entries(self, ifd: int) -> list[_Entry]:
        found = []
        for k in range(self.number(ifd, "H")):
            at = ifd + 2 + 12 * k
            tag, kind = self.number(at, "H"), self.number(at + 2, "H")
            count = self.number(at + 4, "I")
            length = _BYTES.get(kind, 1) * count
            start = at + 8 if length <= 4 else self.number(at + 8, "I")
            if start + length > len(self.bytes):
                raise ValueError("an entry reaches beyond the block")
            found.append(_Entry(at, tag, kind, count, slice(start, start + length)))
        return found

    def next_at(self, ifd: int) -> int:
        return ifd + 2 + 12 * self.number(ifd, "H")

    def value(self, entry: _Entry) -> int:
        return self.number(entry.data.start, "H" if entry.kind == 3 else "I")

    def set(self, entry: _Entry, value: int) -> None:
        if entry.count == 1 and entry.kind in (3, 4):
            self.put(entry.data.start, "H" if entry.kind == 3 else "I", value)

    def blank(self, part: slice) -> None:
        part = slice(*part.indices(len(self.bytes)))
        self.bytes[part] = bytes(max(0, part.stop - part.start))

    def remove(self, ifd: int, entry: _Entry) -> None:
        """Take an entry out of its IFD; those behind it move up."""
        self.blank(entry.data)
        end = self.next_at(ifd) + 4
        self.bytes[entry.at : end - 12] = self.bytes[entry.at + 12 : end]
        self.blank(slice(end - 12, end))
        self.put(ifd, "H", self.number(ifd, "H") - 1)

    def chain(self, ifd: int) -> Iterator[int]:
        """The IFDs that follow `ifd`."""
        seen = {ifd}
        following = self.number(self.next_at(ifd), "I")
        while following and following not in seen and len(seen) < 16:
            yield following
            seen.add(following)
            following = self.number(self.next_at(following), "I")


def strip_prefix(exif: bytes) -> bytes:
    """The block without the mark that JPEG puts before it."""
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    return exif


def orientation(exif: bytes | None) -> int:
    """1 to 8 as the EXIF specification numbers them; 1 if it is not told."""
    try:
        block = _Block(exif or b"")
        for entry in block.entries(block.number(4, "I")):
            if entry.tag == _ORIENTATION and entry.kind in (3, 4) and entry.count == 1:
                value = block.value(entry)
                return value if 1 <= value <= 8 else 1
    except (ValueError, struct.error):
        pass
    return 1


def clean(exif: bytes, width: int, height: int) -> tuple[bytes | None, list[str]]:
    """The block for an upright photo of `width` x `height`, and what was taken out, in words.

    The orientation becomes 1, the size is set, thumbnails and previews go, all else stays.  A block
    that cannot be followed is given up altogether: it could hide the old picture.
    """
    dropped: list[str] = []
    try:
        block = _Block(exif)
        first = block.number(4, "I")
        _drop_chain(block, first)
        for entry in reversed(block.entries(first)):
            if entry.tag == _ORIENTATION:
                block.set(entry, 1)
            elif entry.tag == _PHOTOSHOP:
                block.remove(first, entry)
                dropped.append("Photoshop's resources in EXIF")
        for entry in block.entries(first):
            if entry.tag == _EXIF_IFD:
                dropped += _clean_details(block, block.value(entry), width, height)
    except (ValueError, struct.error):
        return None, ["EXIF, which is damaged"]
    return bytes(block.bytes), dropped


def _drop_chain(block: _Block, first: int) -> None:
    """Blank IFD1, the thumbnail's, and whatever follows it; nothing moves."""
    following = list(block.chain(first))
    parts = []
    for ifd in following:
        entries = {entry.tag: entry for entry in block.entries(ifd)}
        for start, length in _THUMBNAILS:
            if start in entries and length in entries and entries[start].count == 1:
                at = block.value(entries[start])
                parts.append(slice(at, at + block.value(entries[length])))
        parts += [entry.data for entry in entries.values()]
        parts.append(slice(ifd, block.next_at(ifd) + 4))
    keep = bytes(block.bytes[first : block.next_at(first) + 4])
    for part in parts:
        block.blank(part)
    block.bytes[first : first + len(keep)] = keep  # a lying offset must not blank the photo's own
    block.put(block.next_at(first), "I", 0)


def _clean_details(block: _Block, ifd: int, width: int, height: int) -> list[str]:
    dropped = []
    for entry in reversed(block.entries(ifd)):
        if entry.tag == _WIDTH:
            block.set(entry, width)
        elif entry.tag == _HEIGHT:
            block.set(entry, height)
        elif entry.tag == _MAKER_NOTE and _JPEG in block.bytes[entry.data]:
            block.remove(ifd, entry)
            dropped.append("the camera maker's note, which holds a preview of the old picture")
    return dropped
