"""What a JPEG holds beside its pixels, so that the next one can be written like it."""

from __future__ import annotations

import struct
from typing import Any

from PIL import Image, JpegImagePlugin

_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC = 0x0404
_START_OF_SCAN, _END = b"\xff\xda", b"\xff\xd9"


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
    if "dpi" in im.info:
        found["dpi"] = tuple(max(1, round(value)) for value in im.info["dpi"])
    if im.mode == "RGB" and im.info.get("adobe_transform") == 0:
        found["keep_rgb"] = True
        found["subsampling"] = 0
    if comment := im.info.get("comment"):
        found["comment"] = comment
    dropped: list[str] = []
    for name, content in getattr(im, "applist", []):
        if name == "APP13" and content.startswith(_PHOTOSHOP):
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


def complete(data: bytes) -> bool:
    """Whether an end mark follows the last scan."""
    return data.rfind(_END) > data.rfind(_START_OF_SCAN)


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
        if number == _IPTC:
            kept += segment[at:end].ljust(end - at, b"\0")
        else:
            other = True
        at = end
    return (_PHOTOSHOP + kept if kept else b""), other
