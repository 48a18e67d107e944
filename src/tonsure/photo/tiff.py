"""TIFF, written by ourselves: Pillow cannot with 16 bits a channel, and one way is enough.

Layout: TIFF 6.0; strips, deflated with the horizontal predictor (Adobe's technical note 3).
"""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from .pages import Page
from .photo import Pixels

# of a file's first directory, what speaks of the picture and not of how it is stored
_DESCRIPTIVE = frozenset(
    (0x010D, 0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x011D, 0x0128, 0x0131, 0x0132, 0x013B, 0x013C,
     0x4746, 0x4749, 0x8298, 0x8769, 0x8825, 0x83BB, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F)
)  # fmt: skip
_XMP, _ICC = 700, 34675
_STRIP = 1 << 18


def directory(data: bytes, page: Page) -> Image.Exif:
    """What a page says besides its pixels, as Pillow reads it."""
    source = Image.Exif()
    source.bigtiff, source.endian = page.big, page.order
    source.load_from_fp(io.BytesIO(data), page.at)
    return source


def described(source: Image.Exif) -> bytes | None:
    """An EXIF block of what a TIFF says of its picture; None if it says nothing."""
    block = Image.Exif()
    for tag in source:
        if tag in TiffTags.TAGS_V2_GROUPS:
            if tag in _DESCRIPTIVE:
                block[tag] = source.get_ifd(tag)
        elif tag in _DESCRIPTIVE:
            block[tag] = source[tag]
    return block.tobytes()[6:] if len(block) else None


def encode(
    pixels: Pixels, alpha: bool, icc: bytes | None, exif: bytes | None, xmp: bytes | None,
    deflate: bool = True,
) -> bytes:  # fmt: skip
    """A TIFF of `pixels` (H, W, C) uint8 or uint16, C 1 to 4, the last one alpha if `alpha`."""
    height, width, count = pixels.shape
    bits = 8 * pixels.dtype.itemsize
    colours = count - alpha
    ifd = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    _describe(ifd, exif)
    if icc:
        ifd[_ICC] = icc
    if xmp:
        ifd[_XMP] = xmp
        ifd.tagtype[_XMP] = TiffTags.BYTE
    rows = max(1, _STRIP // (width * count * bits // 8))
    strips = [_strip(pixels[top : top + rows], deflate) for top in range(0, height, rows)]
    ends = np.cumsum([len(strip) for strip in strips]).tolist()
    ifd[TiffImagePlugin.IMAGEWIDTH] = width
    ifd[TiffImagePlugin.IMAGELENGTH] = height
    ifd[TiffImagePlugin.BITSPERSAMPLE] = (bits,) * count
    ifd[TiffImagePlugin.COMPRESSION] = 8 if deflate else 1
    ifd[TiffImagePlugin.PREDICTOR] = 2 if deflate else 1
    ifd[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if colours == 3 else 1
    ifd[TiffImagePlugin.SAMPLESPERPIXEL] = count
    ifd[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    ifd[TiffImagePlugin.ROWSPERSTRIP] = rows
    if alpha:
        ifd[TiffImagePlugin.EXTRASAMPLES] = 2  # not multiplied into the colours
    for tag, values in (
        (TiffImagePlugin.STRIPOFFSETS, [0, *ends[:-1]]),
        (TiffImagePlugin.STRIPBYTECOUNTS, [len(strip) for strip in strips]),
    ):
        ifd[tag] = tuple(values)
        ifd.tagtype[tag] = TiffTags.LONG
    # offsets count from the directory's end, where the strips begin: its writer adds that
    out = io.BytesIO()
    ifd.save(out)
    return b"".join([out.getvalue(), *strips])


def _describe(ifd: Any, exif: bytes | None) -> None:
    if not exif:
        return
    block = Image.Exif()
    block.load(exif)
    for tag in block:
        if tag in TiffTags.TAGS_V2_GROUPS:
            details = dict(block.get_ifd(tag))
            if ExifTags.IFD.Interop in details:
                details[ExifTags.IFD.Interop] = block.get_ifd(ExifTags.IFD.Interop)
            ifd[tag] = details
        elif tag in _DESCRIPTIVE or tag == ExifTags.Base.Orientation:
            ifd[tag] = block[tag]


def _strip(rows: npt.NDArray[Any], deflate: bool) -> bytes:
    rows = rows.astype(rows.dtype.newbyteorder("<"), copy=False)
    if not deflate:
        return rows.tobytes()
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    return zlib.compress(differences.tobytes(), 6)
