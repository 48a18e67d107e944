"""JPEG: where the picture ends, and what it holds beside its pixels.

Layout: ITU-T T.81, annex B; a file is segments, each a mark and a length, and scans, which go on to
the next mark.
"""

from __future__ import annotations

import io
import math
import re
import struct
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, JpegImagePlugin

from ..errors import LimitExceeded
from .survey import Pieces, Survey

_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC = 0x0404
_START, _SCAN, _END = 0xD8, 0xDA, 0xD9
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_ALONE = {0x01, _START}  # marks without a length
# 0 and the restart marks are part of a scan, 0xff fills
_MARK = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_NOT_ZERO = re.compile(rb"[^\0]")
_FILM = b"ftyp"
_SCANS = 256  # a decoder goes over the whole picture for each; encoders write about ten
# what a decoder that still wants data takes for it, and behind every restart mark it may look for
_DATA = bytes((0x5A, 0x33, 0xC7, 0x96)) * 12
_FILLER = _DATA + b"".join(bytes((0xFF, 0xD0 + k)) + _DATA for k in range(8))


@dataclass
class _Walk:
    """What a walk from one start mark saw: the end, if there is one, and how far it came."""

    end: int | None = None
    reached: int = 0
    first_scan: int = 0
    wanted: dict[int, set[int]] = field(default_factory=dict)  # coefficients, by component
    progressive: bool = False


def survey(data: bytes) -> Survey:
    """Where the picture ends, and what follows: a film, further pictures."""
    walk = _walk(data, 0)
    if walk.end is None:
        return Survey(walk.reached, whole=_finished(data, walk, walk.reached),
                      missing=("its end mark",))  # fmt: skip
    film = data.find(_FILM, walk.first_scan, walk.end) if walk.first_scan else -1
    if film >= 0:  # within a scan: it began where the picture should have ended
        cut = max(film - 4, walk.first_scan)
        return Survey(cut, _finished(data, walk, cut), ("the film behind the picture",),
                      ("its end mark",))  # fmt: skip
    beside, missing = _behind(data, walk.end)
    return Survey(walk.end, True, beside, missing)


def closed(data: bytes, end: int) -> bytes:
    """The file up to `end`, with the mark that it lacks."""
    return data[:end] + bytes((0xFF, _END))


def _walk(data: bytes, start: int) -> _Walk:
    walk = _Walk(reached=start)
    pieces, scans, at = Pieces(len(data), 2048), 0, start + 2
    while found := _MARK.search(data, at):
        code, at = data[found.start() + 1], found.end()
        if code == _END:
            walk.end = at
            return walk
        if code in _ALONE:
            continue
        if 0x01 < code < 0xC0 and not walk.wanted:
            raise ValueError("it has a mark that is none of JPEG's")
        pieces.add()
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            walk.reached = found.start()
            return walk
        if code in _FRAMES:
            _begin(walk, code, data[at + 2 : at + length])
        elif code == _SCAN:
            scans += 1
            walk.first_scan = walk.first_scan or at + length
            _tick(walk, data[at + 2 : at + length])
        if scans > _SCANS:
            raise LimitExceeded(
                f"The JPEG has more than {_SCANS} scans, as no encoder writes; save it anew."
            )
        at += length
    walk.reached = len(data)
    return walk


def _begin(walk: _Walk, code: int, frame: bytes) -> None:
    walk.progressive = code in _PROGRESSIVE
    wanted = set(range(64)) if walk.progressive else {0}
    walk.wanted = {frame[at]: set(wanted) for at in range(6, len(frame) - 2, 3)}


def _tick(walk: _Walk, scan: bytes) -> None:
    """A scan gives coefficients of its components; their last bit where its shift is 0."""
    count = scan[0] if scan else 0
    if len(scan) < 4 + 2 * count:
        return
    first, last, shift = scan[1 + 2 * count : 4 + 2 * count]
    given = set(range(first, min(last, 63) + 1)) if walk.progressive else {0}
    if not walk.progressive or shift & 15 == 0:
        for at in range(1, 1 + 2 * count, 2):
            walk.wanted.get(scan[at], set()).difference_update(given)


def _finished(data: bytes, walk: _Walk, cut: int) -> bool:
    """Whether the scans before `cut` hold all pixels.

    All components must have had their scans; and a decoder that has all it wants ignores what lies
    behind the last one, while another takes it for pixels.
    """
    if not walk.wanted or any(walk.wanted.values()) or cut <= walk.first_scan:
        return False
    head = data[:cut].removesuffix(b"\xff")
    return _pixels(closed(head, cut)) == _pixels(closed(head + _FILLER, cut + len(_FILLER)))


def _pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as im:
        return im.tobytes()


def _behind(data: bytes, end: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What follows the picture, in words, and what of it is cut off."""
    if _NOT_ZERO.search(data, end) is None:
        return (), ()
    if data.find(_FILM, end) >= 0:
        return ("the film behind the picture",), ()
    following = data.find(b"\xff\xd8\xff", end)
    if following >= 0:
        said = "further pictures in the file (such as a gain map)"
        return (said,), () if _walk(data, following).end else ("further pictures in the file",)
    return ("bytes behind the picture's end",), ()


def settings(im: Image.Image) -> tuple[dict[str, Any], list[str]]:
    """Keyword arguments of Pillow's writer for a file like `im`'s, and what cannot be kept.

    The same quantisation tables and subsampling: where pixels are the same, the new file's are
    close to them.
    """
    found: dict[str, Any] = {"qtables": dict(im.quantization)}  # type: ignore[attr-defined]
    subsampling = JpegImagePlugin.get_sampling(im)
    found["subsampling"] = subsampling if subsampling >= 0 else 0
    if im.info.get("progressive"):
        found["progressive"] = True
    if all(math.isfinite(value) for value in im.info.get("dpi", [math.inf])):
        found["dpi"] = tuple(min(max(1, round(value)), 65535) for value in im.info["dpi"])
    if im.mode == "RGB" and im.info.get("adobe_transform") == 0:
        found["keep_rgb"] = True
        found["subsampling"] = 0
    if comment := im.info.get("comment"):
        found["comment"] = comment
    dropped: list[str] = []
    for name, content in getattr(im, "applist", []):
        if name == "APP13" and content.startswith(_PHOTOSHOP) and "extra" not in found:
            kept, other = _iptc(content)
            if kept:
                found["extra"] = b"\xff\xed" + struct.pack(">H", len(kept) + 2) + kept
            if other:
                dropped.append("Photoshop's resources")
        elif name == "APP1" and content.startswith(b"http://ns.adobe.com/xmp/extension/"):
            dropped.append("the extended part of XMP")
        elif name == "APP11":
            dropped.append("content credentials (C2PA) or other boxes, no longer true")
    return found, sorted(set(dropped))


def _iptc(segment: bytes) -> tuple[bytes, bool]:
    """The segment with IPTC's resource only, and whether there were others: one is a thumbnail."""
    at, kept, other = len(_PHOTOSHOP), b"", False
    while segment[at : at + 4] == b"8BIM" and at + 12 <= len(segment):
        (number,) = struct.unpack_from(">H", segment, at + 4)
        name = 1 + segment[at + 6]
        start = at + 6 + name + name % 2
        if start + 4 > len(segment):
            break
        (length,) = struct.unpack_from(">I", segment, start)
        end = start + 4 + length + length % 2
        if number == _IPTC and not kept and start + 4 + length <= len(segment):
            kept = segment[at:end].ljust(end - at, b"\0")
        elif number != _IPTC:
            other = True
        at = end
    return (_PHOTOSHOP + kept if kept else b""), other
