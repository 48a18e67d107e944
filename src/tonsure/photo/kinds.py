"""What a file is, by its first bytes: one of the formats that are read, or a known other one."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import WrongType
from .formats import heif_installed, readable

_READ = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
_BRANDS = {
    b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIF", b"heix": "HEIF", b"hevc": "HEIF",
    b"hevx": "HEIF", b"heim": "HEIF", b"heis": "HEIF", b"mif1": "HEIF", b"msf1": "HEIF",
}  # fmt: skip


@dataclass(frozen=True)
class Other:
    """A format that is not read: its `name`, how such files begin (`starts` at byte `at`), and the
    way out."""

    name: str
    starts: tuple[bytes, ...]
    way_out: str
    at: int = 0


_SAVE = "save it as JPEG or PNG first"
_FRAME = "take a frame of it, saved as JPEG or PNG"
_DEVELOP = "develop it with a raw converter and save it as JPEG or TIFF"
_OTHERS = (
    Other("a JPEG XL picture", (b"\xff\x0a", b"\0\0\0\x0cJXL "), _SAVE),
    Other("a JPEG 2000 picture", (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), _SAVE),
    Other("a camera's raw file (CR3)", (b"crx ",), _DEVELOP, 8),
    Other("a camera's raw file (CR2)", (b"CR\2",), _DEVELOP, 8),
    Other("a camera's raw file", (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb",
                                  b"\0MRM"), _DEVELOP),
    Other("a film (MP4 or MOV)", (b"ftyp", b"moov", b"mdat", b"wide"), _FRAME, 4),
    Other("a film (WebM or MKV)", (b"\x1a\x45\xdf\xa3",), _FRAME),
    Other("a film (AVI)", (b"AVI ",), _FRAME, 8),
    Other("a PDF document", (b"%PDF",), "save its page as JPEG or PNG first"),
    Other("a Photoshop file", (b"8BPS",), _SAVE),
    Other("a GIMP file", (b"gimp xcf",), _SAVE),
    Other("an icon (ICO)", (b"\0\0\1\0",), _SAVE),
    Other("a drawing (SVG)", (b"<svg", b"<?xml"), _SAVE),
    Other("a web page", (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"),
          "save the picture itself"),
    Other("an archive (ZIP)", (b"PK\3\4",), "unpack it first"),
    Other("an archive", (b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ"),
          "unpack it first"),
    Other("a PostScript file", (b"%!PS", b"\xc5\xd0\xd3\xc6"), _SAVE),
    Other("a numpy file", (b"\x93NUMPY",), "load it and give the array to Python's tonsure.bald"),
)  # fmt: skip
"""Formats that are named when they are refused; the first that matches counts."""


RAW = Other("a camera's raw file (DNG)", (), _DEVELOP)


def refused(name: str, other: Other) -> WrongType:
    """The error for a file called `name` that is in another format."""
    return WrongType(f"{name} is {other.name}, which is not read; {other.way_out}.")


def sniff(data: bytes, name: str) -> str:
    """The name in `FORMATS` of what begins like `data`; `WrongType` if it is none that is read."""
    for kind, starts in _READ.items():
        if data.startswith(starts) and data[8:11] != b"CR\2":
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and (found := _boxed(data)):
        if found == "HEIF" and not heif_installed():
            raise WrongType(
                f"{name} is an HEIC photo; 'pip install pillow-heif' lets it be read (from the "
                "source: 'pip install \".[heif]\"').",
                http=f"{name} is an HEIC photo, which this server does not read; send a JPEG.",
            )
        return found
    for other in _OTHERS:
        if data.startswith(other.starts, other.at):
            raise refused(name, other)
    raise WrongType(f"{name} is not a picture; photos may be {', '.join(readable())}.")


def _boxed(data: bytes) -> str | None:
    """AVIF or HEIF by the main brand and the ones that it is compatible with."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, length, 4))]
    if brands[0] not in _BRANDS:
        return None
    # both may call themselves mif1: the others tell
    return "AVIF" if {b"avif", b"avis"} & set(brands) else _BRANDS[brands[0]]
