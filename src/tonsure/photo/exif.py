"""EXIF, cleaned in place: upright, of the right size, and without the old picture inside.

The block is patched instead of parsed and written anew, so that all else stays bit for bit where it
is; makers' notes hold offsets that would break otherwise.  Layout: the TIFF 6.0 and EXIF 2.32
specifications; an IFD is a count, entries of 12 bytes and the offset of the next IFD.

Blocks come from strangers.  The work is bounded by `_MOST` entries and one pass over the bytes:
each directory is visited once, of each tag the first entry counts, ranges are merged before they
are blanked.  An entry that reaches beyond the block is skipped, and the others count.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

_ORIENTATION, _EXIF_IFD, _WIDTH, _HEIGHT, _MAKER_NOTE = 0x0112, 0x8769, 0xA002, 0xA003, 0x927C
_THUMBNAILS = ((0x0201, 0x0202), (0x0111, 0x0117))  # offset and length: JPEG, strips
_PHOTOSHOP = 0x8649  # its resources hold a thumbnail too
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_JPEG = b"\xff\xd8\xff"
_MOST = 4096  # entries looked at in one block; cameras write some hundred
_CHAIN = 16  # directories behind the first; cameras write one
_GIVEN_UP = "EXIF, which is damaged"


@dataclass(frozen=True)
class _Entry:
    """One entry: `record` are its 12 bytes, `data` is where its value lies in the block."""

    tag: int
    kind: int
    count: int
    data: slice
    record: bytes


@dataclass
class _Directory:
    """An IFD: its good entries by tag, where they end, the next IFD (0: none; None: no room for one
    is left before the entries' values); `whole` if no entry was bad."""

    at: int
    entries: dict[int, _Entry]
    end: int
    following: int | None
    whole: bool


class _Block:
    """A block that can be patched. Any nonsense in it raises `ValueError` or `struct.error`."""

    def __init__(self, block: bytes) -> None:
        self.bytes = bytearray(block)
        orders = {b"II*\0": "<", b"MM\0*": ">"}
        if block[:4] not in orders:
            raise ValueError("no byte order mark")
        self.order = orders[block[:4]]
        self._left = _MOST
        self._visited: set[int] = set()

    def number(self, at: int, kind: str) -> int:
        return int(struct.unpack_from(self.order + kind, self.bytes, at)[0])

    def value(self, entry: _Entry) -> int:
        """Of an entry that holds one whole number."""
        return self.number(entry.data.start, "H" if entry.kind == 3 else "I")

    def directory(self, ifd: int) -> _Directory:
        """The IFD at `ifd`. Of a count that is too high, what lies in entries' values is cut."""
        if ifd in self._visited:
            raise ValueError("a directory is visited twice")
        self._visited.add(ifd)
        told = self.number(ifd, "H")
        entries: dict[int, _Entry] = {}
        values = len(self.bytes)  # where the values of the entries so far begin
        at, whole = ifd + 2, True
        for _ in range(told):
            if at + 12 > len(self.bytes) or not self._left:
                whole = False
                break
            self._left -= 1
            entry = self._entry(at)
            if entry is None:
                whole = False
                if at + 12 > values:
                    break
            elif entry.tag in entries:
                whole = False
            else:
                entries[entry.tag] = entry
                if entry.data.start >= at + 12:
                    values = min(values, entry.data.start)
            at += 12
        if told and not entries:
            raise ValueError("a directory without a good entry")
        following = self.number(at, "I") if at + 4 <= values else None
        return _Directory(ifd, entries, at, following, whole)

    def _entry(self, at: int) -> _Entry | None:
        tag, kind = self.number(at, "H"), self.number(at + 2, "H")
        count = self.number(at + 4, "I")
        length = _BYTES.get(kind, 1) * count
        start = at + 8 if length <= 4 else self.number(at + 8, "I")
        if kind not in _BYTES or start + length > len(self.bytes):
            return None
        data = slice(start, start + length)
        return _Entry(tag, kind, count, data, bytes(self.bytes[at : at + 12]))

    def changed(self, entry: _Entry, value: int) -> _Entry:
        """The entry with another whole number, where it holds one."""
        if entry.count != 1 or entry.kind not in (3, 4):
            return entry
        fields = struct.pack(self.order + ("HH" if entry.kind == 3 else "I"),
                             *((value, 0) if entry.kind == 3 else (value,)))  # fmt: skip
        return replace(entry, record=entry.record[:8] + fields)

    def blank(self, parts: Iterable[slice]) -> None:
        done = 0
        for start, stop in sorted(part.indices(len(self.bytes))[:2] for part in parts):
            start = max(start, done)
            if stop > start:
                self.bytes[start:stop] = bytes(stop - start)
                done = stop

    def put(self, made: _Directory, last: bool) -> None:
        """Write a directory where it was: its entries move up; if `last`, no other follows it."""
        records = b"".join(entry.record for entry in made.entries.values())
        body = struct.pack(self.order + "H", len(made.entries)) + records
        room = made.end - made.at + (0 if made.following is None else 4)
        if len(body) + 4 <= room:
            body += struct.pack(self.order + "I", 0 if last else made.following or 0)
        self.bytes[made.at : made.at + room] = body.ljust(room, b"\0")


def strip_prefix(exif: bytes) -> bytes:
    """The block without the mark that JPEG puts before it."""
    at = 0
    while exif.startswith(b"Exif\0\0", at):
        at += 6
    return exif[at:]


def orientation(exif: bytes | None) -> int:
    """1 to 8 as the EXIF specification numbers them; 1 if it is not told."""
    try:
        block = _Block(exif or b"")
        entry = block.directory(block.number(4, "I")).entries.get(_ORIENTATION)
        if entry is not None and entry.kind in (3, 4) and entry.count == 1:
            value = block.value(entry)
            return value if 1 <= value <= 8 else 1
    except (ValueError, struct.error):
        pass
    return 1


def clean(exif: bytes, width: int, height: int) -> tuple[bytes | None, list[str]]:
    """The block for an upright photo of `width` x `height`, and what was taken out, in words.

    The orientation becomes 1, the size is set, thumbnails and previews go, all else stays.  Damaged
    entries go.  A block that cannot be followed, or that is damaged and could hide the old picture,
    is given up altogether.
    """
    dropped: list[str] = []
    try:
        block = _Block(exif)
        top = block.directory(block.number(4, "I"))
        gone, whole = _companions(block, top.following)
        details, found = _details(block, top)
    except (ValueError, struct.error):
        return None, [_GIVEN_UP]
    whole = whole and top.whole and found and (details is None or details.whole)
    if _ORIENTATION in top.entries:
        top.entries[_ORIENTATION] = block.changed(top.entries[_ORIENTATION], 1)
    if shop := top.entries.pop(_PHOTOSHOP, None):
        gone.append(shop.data)
        dropped.append("Photoshop's resources in EXIF")
    if details is not None:
        for tag, value in ((_WIDTH, width), (_HEIGHT, height)):
            if tag in details.entries:
                details.entries[tag] = block.changed(details.entries[tag], value)
        note = details.entries.get(_MAKER_NOTE)
        if note is not None and block.bytes.find(_JPEG, note.data.start, note.data.stop) >= 0:
            del details.entries[_MAKER_NOTE]
            gone.append(note.data)
            dropped.append("the camera maker's note, which holds a preview of the old picture")
    block.blank(gone)
    if details is not None:
        block.put(details, last=False)
    block.put(top, last=True)  # after blanking: a lying offset must not harm the photo's own
    if not whole:
        if _JPEG in block.bytes:
            return None, [_GIVEN_UP]
        dropped.append("damaged entries of EXIF")
    return bytes(block.bytes), dropped


def _details(block: _Block, top: _Directory) -> tuple[_Directory | None, bool]:
    """The directory of the photo's details; a pointer that leads to none is taken out."""
    pointer = top.entries.get(_EXIF_IFD)
    if pointer is None:
        return None, True
    try:
        return block.directory(block.value(pointer)), True
    except (ValueError, struct.error):
        del top.entries[_EXIF_IFD]
        return None, False


def _companions(block: _Block, following: int | None) -> tuple[list[slice], bool]:
    """What IFD1, the thumbnail's, and those behind it take up; and whether all were followed."""
    parts: list[slice] = []
    for _ in range(_CHAIN):
        if not following:
            return parts, True
        try:
            made = block.directory(following)
        except (ValueError, struct.error):
            return parts, False
        for start, length in _THUMBNAILS:
            if start in made.entries and length in made.entries and made.entries[start].count == 1:
                at = block.value(made.entries[start])
                parts.append(slice(at, at + block.value(made.entries[length])))
        parts += [entry.data for entry in made.entries.values()]
        parts.append(slice(made.at, made.end + 4))
        following = made.following
    return parts, False
