"""Files made of boxes, AVIF and HEIC: is the picture's part whole? Layout: ISO/IEC 14496-12."""

from __future__ import annotations

from .survey import Pieces, Survey

_NEEDED = {b"meta", b"mdat"}


def survey(data: bytes) -> Survey:
    """What follows the picture's boxes may be anything, or cut off."""
    at, pieces, seen = 0, Pieces(len(data), 2048), set()
    while at + 8 <= len(data):
        pieces.add()
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        head = 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if length == 0:
            length = len(data) - at  # it goes on to the end of the file
        if length < head or at + length > len(data):
            break
        seen.add(kind)
        at += length
    if not seen >= _NEEDED:
        return Survey(at, whole=False)
    return Survey(at, beside=("bytes behind the picture's end",) if data[at:].strip(b"\0") else ())
