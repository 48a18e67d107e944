"""Decoding: the bytes of a file, or a picture of Pillow's, become a `Photo`.

First the file's own structure is looked at (`survey`), which costs little whatever it says; only
then a decoder sees it.
"""

from __future__ import annotations

import io
import re
import struct
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import LimitExceeded, TonsureError, TruncatedInput, UnreadableInput
from . import boxes, colour, deep, exif, gif, jpeg, kinds, opencv, pages, png, tiff
from .colour import Colours
from .limits import Limits
from .photo import Given, Photo, frozen, is_grey
from .survey import Cut, Survey

T = TypeVar("T")

_opening = threading.Lock()
_TURNED = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])[\"'<]")


@dataclass
class _Opened:
    """A file whose header is read: its survey, what Pillow opened, and pixels read elsewhere."""

    survey: Survey
    im: Image.Image
    values: Any = None
    page: pages.Page | None = None
    lost: list[str] = field(default_factory=list)

    @property
    def mode(self) -> str:
        """What Pillow would call `values`."""
        count = 1 if self.values.ndim == 2 else self.values.shape[2]
        return {1: "L" if self.values.dtype == np.uint8 else "I;16", 2: "LA", 3: "RGB", 4: "RGBA"}[
            count
        ]


def from_bytes(data: bytes, name: str, limits: Limits, given: Given) -> Photo:
    """The photo in a file called `name`, upright; see `read`."""
    if not data:
        raise TruncatedInput(f"{name} is empty.")

    def decoded() -> Photo:
        kind = kinds.sniff(data, name)
        opened = _OPENERS[kind](data, limits, name)
        with opened.im:
            made = _made(opened, data, name, limits, given)
        missing, beside = opened.survey.missing, opened.survey.beside
        return replace(made, missing=missing, dropped=tuple(dict.fromkeys(made.dropped + beside)))

    return _guarded(decoded, name)


def from_image(im: Image.Image, name: str, limits: Limits) -> Photo:
    """The photo that a picture of Pillow's shows; `im` may still be an open file."""
    limits.check_size(*im.size)
    opened = _Opened(Survey(0, animated=bool(getattr(im, "is_animated", False))), im)
    return _guarded(lambda: _made(opened, None, name, limits, "image"), name)


def _guarded(decoded: Callable[[], Photo], name: str) -> Photo:
    """Whatever decoders raise becomes one of our errors: they do not agree on their classes."""
    try:
        return decoded()
    except TonsureError:
        raise
    except Cut as error:
        raise TruncatedInput(f"{name} is cut off: {error}; get the whole file.") from error
    except Image.DecompressionBombError as error:
        raise LimitExceeded(f"{name} is larger than Pillow opens at all: {error}") from error
    except MemoryError as error:
        raise LimitExceeded(
            f"{name} does not fit into this machine's memory; use a smaller version of it."
        ) from error
    except ImportError as error:
        raise UnreadableInput(
            f"{name} cannot be read, since a library is broken ({error}); install tonsure anew."
        ) from error
    except Exception as error:
        said = str(error).rstrip(".") or type(error).__name__
        if "too large" in said or "MAX_TEXT" in said:
            raise LimitExceeded(
                f"{name} unpacks to too much metadata ({said}); save it anew without."
            ) from error
        if "truncated" in said.lower():
            raise TruncatedInput(f"{name} is cut off: {said}; get the whole file.") from error
        raise UnreadableInput(
            f"{name} is damaged and cannot be decoded ({said}); get another copy of it."
        ) from error


def _quietly(act: Callable[[], T]) -> T:
    """Without Pillow's warnings of size and odd tags: what is said here says it better."""
    # `catch_warnings` is the process's, not the thread's: one at a time
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return act()


def _open(data: bytes, name: str, *parsers: str) -> Image.Image:
    """The header, by the parsers named; Pillow's others never see the data."""
    try:
        return _quietly(lambda: Image.open(io.BytesIO(data), formats=parsers))
    except UnidentifiedImageError as error:
        raise UnreadableInput(
            f"{name} is damaged: its header cannot be read; get another copy of it."
        ) from error


def _jpeg(data: bytes, limits: Limits, name: str) -> _Opened:
    seen = jpeg.survey(data)
    if not seen.whole:
        raise Cut("its end is missing")
    if seen.missing:
        data = jpeg.closed(data, seen.end)
    return _Opened(seen, _open(data, name, "JPEG"))


def _png(data: bytes, limits: Limits, name: str) -> _Opened:
    seen = png.survey(data)
    whole = data if seen.whole else png.closed(data)
    if not png.is_deep(data):
        return _Opened(seen, _open(whole, name, "PNG"))
    if not seen.whole and not png.survey(whole).whole:
        # OpenCV sets as much memory aside as a broken chunk says it has: up to two gigabytes
        raise Cut("its end is missing")
    limits.check_size(*png.size(data), png.samples(data) * 2)
    opened = _Opened(seen, _open(png.without_pixels(whole), name, "PNG"))
    values = opencv.decode(whole)
    opened.values = values[..., ::3] if png.samples(data) == 2 and values.ndim == 3 else values
    return opened


def _gif(data: bytes, limits: Limits, name: str) -> _Opened:
    seen, first = gif.survey(data)
    return _Opened(seen, _open(first, name, "GIF"))


def _tiff(data: bytes, limits: Limits, name: str) -> _Opened:
    seen, page = pages.survey(data)
    if page.raw:
        raise kinds.refused(name, kinds.RAW)
    if deep.is_deep(page):
        limits.check_size(*page.size, deep.channels(page) * 2)
        opened = _Opened(seen, Image.new("1", (1, 1)), page=page)
        opened.values = deep.read(data, page)
        return opened
    im = _open(data, name, "TIFF")
    limits.check_size(*page.size)
    _quietly(lambda: im.seek(page.index))
    return _Opened(seen, im, page=page)


def _webp(data: bytes, limits: Limits, name: str) -> _Opened:
    end = int.from_bytes(data[4:8], "little") + 8
    if end > len(data):
        raise Cut("its end is missing")
    im = _open(data, name, "WEBP")
    limits.check_size(*im.size)
    moves = bool(getattr(im, "is_animated", False))
    return _Opened(Survey(end, animated=moves), im, None if moves else opencv.decode(data))


def _boxed(data: bytes, limits: Limits, name: str) -> _Opened:
    seen = boxes.survey(data)
    if not seen.whole:
        raise Cut("its end is missing")
    kind = kinds.sniff(data, name)
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    return _Opened(seen, _open(data, name, kind))


def _bmp(data: bytes, limits: Limits, name: str) -> _Opened:
    return _Opened(Survey(len(data)), _open(data, name, "BMP"))


_OPENERS: dict[str, Callable[[bytes, Limits, str], _Opened]] = {
    "JPEG": _jpeg, "PNG": _png, "GIF": _gif, "TIFF": _tiff, "WEBP": _webp, "BMP": _bmp,
    "AVIF": _boxed, "HEIF": _boxed,
}  # fmt: skip


def _made(opened: _Opened, data: bytes | None, name: str, limits: Limits, given: Given) -> Photo:
    im, page = opened.im, opened.page
    if opened.values is None:
        limits.check_size(*im.size)
        if im.format == "TIFF":  # whose tags are read once more
            _quietly(im.load)
        else:
            im.load()
    icc, xmp, exif_block = _metadata(opened, data, limits)
    turned = 1  # Pillow turns a TIFF by itself when it loads
    if page is not None and opened.values is not None:
        turned = page.one(pages.ORIENTATION, 1)
    elif im.format != "TIFF":
        turned = _orientation(im, exif_block)
    kind = "TIFF" if page is not None else "JPEG" if im.format == "MPO" else im.format
    encoder, dropped = _encoder(im, data, page)
    if opened.values is None:
        found, mode = colour.to_rgb(im, icc), im.mode
        if data is not None:
            im.close()  # a second picture as large as ours
    else:
        mode, values, opened.values = opened.mode, opened.values, None
        pixels, alpha = colour.split(values, ours=values.flags.c_contiguous)
        del values
        found = Colours(pixels, alpha, colour.fitting(icc, mode, dropped), [])
    pixels = _turn(found.pixels, turned)
    alpha = None if found.alpha is None else frozen(_turn(found.alpha, turned))
    if exif_block:
        height, width = pixels.shape[:2]
        exif_block, gone = exif.clean(exif_block, width, height)
        dropped += gone
    return Photo(
        frozen(pixels), alpha, mode, kind, is_grey(pixels), icc=found.icc, exif=exif_block, xmp=xmp,
        encoder=encoder, name=name, dropped=tuple(dropped + found.dropped + opened.lost),
        animated=opened.survey.animated, origin=data, given=given,
    )  # fmt: skip


def _metadata(
    opened: _Opened, data: bytes | None, limits: Limits
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Colour profile, XMP and EXIF of a loaded picture: some lie behind the pixels."""
    im, page = opened.im, opened.page
    if opened.values is not None and im.format == "PNG":
        im.load()
    if page is not None and data is not None:
        icc, xmp = page.block(pages.ICC, data), page.block(pages.XMP, data)
        exif_block = _told(lambda: tiff.described(tiff.directory(data, page)), opened)
    else:
        icc = im.info.get("icc_profile") or None
        xmp = im.info.get("xmp") or im.info.get("XML:com.adobe.xmp") or None
        if isinstance(xmp, str):
            xmp = xmp.encode("utf-8")
        exif_block = _told(lambda: _exif(im), opened)
    for what, block in (("colour profile", icc), ("XMP", xmp), ("EXIF", exif_block)):
        limits.check_metadata(what, len(block or b""))
    return icc, xmp, exif_block


def _told(exif_block: Callable[[], bytes | None], opened: _Opened) -> bytes | None:
    """EXIF, or None if it is damaged: that costs no photo."""
    try:
        return _quietly(exif_block)
    except (ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, struct.error):
        opened.lost.append("EXIF, which is damaged")
        return None


def _exif(im: Image.Image) -> bytes | None:
    """The EXIF block as it lies in the file, or one made of what tags or a text chunk say."""
    if im.format == "TIFF":
        return tiff.described(im.getexif())
    block = im.info.get("exif")
    if not block and "Raw profile type exif" in im.info:
        block = im.getexif().tobytes()
    return exif.strip_prefix(block) if block else None


def _orientation(im: Image.Image, block: bytes | None) -> int:
    """1 to 8 by EXIF; by XMP where that says it alone."""
    if block:
        return exif.orientation(block)
    xmp = im.info.get("xmp") or im.info.get("XML:com.adobe.xmp") or b""
    found = _TURNED.search(xmp.encode("utf-8") if isinstance(xmp, str) else xmp)
    return int(found[1]) if found else 1


def _turn(array: Any, orientation: int) -> Any:
    """The upright array (H, W[, C]) of one stored with an EXIF orientation of 1 to 8."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _encoder(
    im: Image.Image, data: bytes | None, page: pages.Page | None
) -> tuple[dict[str, Any], list[str]]:
    """What the writer of the same format needs, and what it cannot keep."""
    if page is not None:
        return {"deflate": page.one(pages.COMPRESSION, 1) != 1}, []
    if im.format in {"JPEG", "MPO"} and hasattr(im, "quantization"):
        return jpeg.settings(im)
    if im.format == "PNG" and data:
        return {"chunks": png.kept(data)}, []
    if im.format == "WEBP" and data:
        return {"lossless": b"VP8L" in (data[12:16], data[30:34])}, []
    return {}, []
