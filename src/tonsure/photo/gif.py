"""GIF: the first picture alone. Layout: the specification of GIF89a."""

from __future__ import annotations

from .survey import Cut, Pieces, Survey

_EXTENSION, _IMAGE, _END = 0x21, 0x2C, 0x3B
_CONTROL = 0xF9


def survey(data: bytes) -> tuple[Survey, bytes]:
    """What follows the first picture, and a file that holds only that.

    The last byte, which marks the end, is missing in many files, and others have more behind it.
    """
    at = start = 13 + _palette(data[10] if len(data) > 10 else 0)
    pieces = Pieces(len(data), 128)
    first, control, pictures = b"", b"", 0
    while at < len(data) and data[at] in (_EXTENSION, _IMAGE):
        pieces.add()
        begin = at
        if data[at] == _EXTENSION:
            at = _blocks(data, at + 2, pieces)
            if data[begin + 1 : begin + 2] == bytes((_CONTROL,)):
                control = data[begin:at]
        else:
            at = _blocks(
                data, at + 11 + _palette(data[at + 9] if len(data) > at + 9 else 0), pieces
            )
            pictures += 1
            if pictures == 1:
                if at > len(data):
                    raise Cut("its picture goes on")
                first = data[:start] + control + data[begin:at] + bytes((_END,))
        if at > len(data):
            break
    if not first:
        raise Cut("its picture is missing")
    missing: tuple[str, ...] = ()
    if at > len(data):
        missing = ("further pictures",)
    elif data[at : at + 1] != bytes((_END,)):
        missing = ("its end mark",)
    return Survey(min(at, len(data)), not missing, (), missing, pictures > 1), first


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(data: bytes, at: int, pieces: Pieces) -> int:
    """Where the run of blocks at `at` ends; beyond the data if it does not."""
    while at < len(data):
        length = data[at]
        if not length:
            return at + 1
        pieces.add()
        at += 1 + length
    return len(data) + 1
