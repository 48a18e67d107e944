"""Reading: a path, bytes, a file object, a picture of Pillow's or an array becomes a `Photo`."""

from __future__ import annotations

import io
import os
import threading
import warnings
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ..errors import LimitExceeded, TonsureError, TruncatedInput, UnreadableInput, WrongType
from . import colour, deep, exif, jpeg, png, tiff
from .formats import heif_installed, readable
from .limits import Limits
from .photo import Given, Photo, frozen, is_grey

Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image
    | npt.NDArray[Any]
)  # fmt: skip

_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
_BOXED = {"AVIF", "HEIF"}
_opening = threading.Lock()


def read(source: Source, *, limits: Limits | None = None, name: str | None = None) -> Photo:
    """The photo in `source`, upright.

    Parameters
    ----------
    source : a path; the bytes of a file or an open binary file; a `PIL.Image.Image`; or an array
        of uint8 or uint16, grey (H, W) or (H, W, 1), grey and alpha (H, W, 2), RGB (H, W, 3) or
        RGBA (H, W, 4).
    limits : see `Limits`; checked on the header, before pixels are decoded.
    name : what messages and reports call it; by default its path.

    Raises `UnreadableInput` (with `TruncatedInput` and `WrongType` below it) and `LimitExceeded`.
    """
    limits = limits or Limits()
    if isinstance(source, np.ndarray):
        return _from_array(source, limits, name or "<array>")
    if isinstance(source, Image.Image):
        limits.check_size(*source.size)
        shown = name or str(getattr(source, "filename", "")) or "<image>"
        return _guarded(lambda: _from_image(source, shown, limits, None, "image"), shown)
    if isinstance(source, str | os.PathLike):
        shown = name or os.fspath(source)
        return _from_bytes(_content(Path(source), limits), shown, limits, "path")
    shown = name or str(getattr(source, "name", "<bytes>"))
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = source.read(limits.file_bytes + 1)
        if not isinstance(data, bytes):
            raise WrongType(f"{shown} was opened as text; open it with mode 'rb'.")
    else:
        raise WrongType(
            f"A {type(source).__name__} is not a photo; give a path, bytes or an array."
        )
    limits.check_file(len(data))
    return _from_bytes(data, shown, limits, "bytes")


def _content(path: Path, limits: Limits) -> bytes:
    try:
        if path.is_dir():
            raise UnreadableInput(f"{path} is a folder, not a photo.")
        with path.open("rb") as file:
            limits.check_file(os.fstat(file.fileno()).st_size)
            data = file.read(limits.file_bytes + 1)  # a pipe's size is not known before
    except FileNotFoundError as error:
        raise UnreadableInput(f"There is no file {path}.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableInput(f"{path} cannot be read: {reason}.") from error
    limits.check_file(len(data))
    return data


def _from_bytes(data: bytes, name: str, limits: Limits, given: Given) -> Photo:
    if not data:
        raise TruncatedInput(f"{name} is empty.")

    def decoded() -> Photo:
        with _open(data, name) as im:
            limits.check_size(*im.size)
            return _from_image(im, name, limits, data, given)

    return _guarded(decoded, name)


def _guarded(decoded: Any, name: str) -> Photo:
    """Whatever Pillow raises becomes one of our errors: codecs do not agree on their classes."""
    try:
        return decoded()  # type: ignore[no-any-return]
    except TonsureError:
        raise
    except Image.DecompressionBombError as error:
        raise LimitExceeded(f"{name} is larger than Pillow opens at all: {error}") from error
    except MemoryError as error:
        raise LimitExceeded(f"{name} does not fit into memory.") from error
    except Exception as error:
        said = str(error) or type(error).__name__
        if "too large" in said or "MAX_TEXT" in said:
            raise LimitExceeded(f"{name} unpacks to too much metadata: {said}.") from error
        if "truncated" in said.lower():
            raise TruncatedInput(f"{name} is cut off: {said}; get the whole file.") from error
        raise UnreadableInput(f"{name} is damaged and cannot be decoded: {said}.") from error


def _open(data: bytes, name: str) -> Image.Image:
    """The header, by the few parsers of `FORMATS`; Pillow's others never see the data."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    parsers = [name for name in readable() if name != "HEIF"]
    if brand in _HEIF_BRANDS and heif_installed():
        import pillow_heif

        pillow_heif.register_heif_opener()
        parsers = ["AVIF", "HEIF"]  # both may call themselves mif1
    try:
        # `catch_warnings` is the process's, not the thread's: one at a time
        with _opening, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size and odd tags: the limits here say it better
            return Image.open(io.BytesIO(data), formats=parsers)
    except UnidentifiedImageError as error:
        if brand in _HEIF_BRANDS and not heif_installed():
            raise WrongType(
                f"{name} is an HEIC photo; install tonsure[heif] to read it."
            ) from error
        known = ", ".join(readable())
        if _begins_like_a_picture(data):
            raise UnreadableInput(f"{name} is damaged: its header cannot be read.") from error
        raise WrongType(f"{name} is not a picture; photos may be {known}.") from error


def _begins_like_a_picture(data: bytes) -> bool:
    starts = (b"\xff\xd8\xff", png.SIGNATURE, b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
    return data.startswith(starts) or data[4:8] == b"ftyp"


def _from_image(
    im: Image.Image, name: str, limits: Limits, data: bytes | None, given: Given
) -> Photo:
    values = deep.read(data, im) if data else None
    im.load()
    icc, xmp, exif_block = _metadata(im, limits)
    # Pillow turns TIFF by itself when it loads
    turned = 1 if im.format == "TIFF" else _orientation(im, exif_block)
    encoder, dropped = _encoder(im, data)
    if im.format == "MPO":
        dropped.append("further pictures in the file (such as a gain map)")
    if values is None:
        found = colour.to_rgb(im, icc)
    else:
        pixels, alpha = colour.split(values)
        lost = ["the transparent colour"] if "transparency" in im.info else []
        found = colour.Colours(pixels, alpha, icc, lost)
    _check_complete(im, data, name)
    pixels = _turn(found.pixels, turned)
    alpha = None if found.alpha is None else frozen(_turn(found.alpha, turned))
    if exif_block:
        height, width = pixels.shape[:2]
        exif_block, gone = exif.clean(exif_block, width, height)
        dropped += gone
    return Photo(
        frozen(pixels), alpha, _mode(im, values), "JPEG" if im.format == "MPO" else im.format,
        is_grey(pixels), found.icc, exif_block, xmp, encoder, name, tuple(dropped + found.dropped),
        bool(getattr(im, "is_animated", False)) and im.format != "MPO", data, given,
    )  # fmt: skip


def _metadata(im: Image.Image, limits: Limits) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Colour profile, XMP and EXIF of a loaded picture: some lie behind the pixels."""
    icc = im.info.get("icc_profile") or None
    xmp = im.info.get("xmp") or im.info.get("XML:com.adobe.xmp") or None
    if isinstance(xmp, str):
        xmp = xmp.encode("utf-8")
    exif_block = _exif(im)
    for what, block in (("colour profile", icc), ("XMP", xmp), ("EXIF", exif_block)):
        limits.check_metadata(what, len(block or b""))
    return icc, xmp, exif_block


def _mode(im: Image.Image, values: Any) -> str:
    """Pillow's name of the mode; grey and alpha with 16 bits it calls RGBA."""
    return "LA" if values is not None and values.ndim == 3 and values.shape[2] == 2 else im.mode


def _exif(im: Image.Image) -> bytes | None:
    """The EXIF block as it lies in the file, or one made of what a TIFF or a text chunk says."""
    if im.format == "TIFF":
        return tiff.described(im)
    block = im.info.get("exif")
    if not block and "Raw profile type exif" in im.info:
        block = im.getexif().tobytes()
    return exif.strip_prefix(block) if block else None


def _orientation(im: Image.Image, block: bytes | None) -> int:
    told = exif.orientation(block)
    if told == 1 and not block:
        return int(im.getexif().get(0x0112, 1))  # XMP may say it alone
    return told


def _turn(array: Any, orientation: int) -> Any:
    """The upright array (H, W[, C]) of one stored with an EXIF orientation of 1 to 8."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _encoder(im: Image.Image, data: bytes | None) -> tuple[dict[str, Any], list[str]]:
    """What the writer of the same format needs, and what it cannot keep."""
    if im.format in {"JPEG", "MPO"} and hasattr(im, "quantization"):
        return jpeg.settings(im)
    if im.format == "PNG" and data:
        return {"chunks": png.kept(data)}, []
    if im.format == "WEBP" and data:
        return {"lossless": b"VP8L" in (data[12:16], data[30:34])}, []
    if im.format == "TIFF":
        return {"deflate": im.info.get("compression", "raw") != "raw"}, []
    return {}, []


def _check_complete(im: Image.Image, data: bytes | None, name: str) -> None:
    """Raise `TruncatedInput` for a file without its end: decoders forgive more than they should."""
    if data is None:
        return
    whole = True
    if im.format in {"JPEG", "MPO"}:
        whole = jpeg.complete(data)
    elif im.format == "PNG":
        whole = png.complete(data)
    elif im.format == "WEBP":
        whole = int.from_bytes(data[4:8], "little") + 8 <= len(data)
    elif im.format == "GIF":
        whole = data.rstrip(b"\0").endswith(b";")
    elif im.format == "TIFF":
        whole = tiff.complete(im, len(data))
    elif im.format in _BOXED:
        whole = _boxes_complete(data)
    if not whole:
        raise TruncatedInput(f"{name} is cut off: its end is missing; get the whole file.")


def _boxes_complete(data: bytes) -> bool:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length == 0:
            return True  # goes on to the end of the file
        if length < 8:
            return False
        at += length
    return at == len(data)


def _from_array(array: npt.NDArray[Any], limits: Limits, name: str) -> Photo:
    shape = array.shape
    if array.dtype not in (np.uint8, np.uint16):
        raise WrongType(f"Arrays must be uint8 or uint16, not {array.dtype}.")
    if len(shape) not in (2, 3) or (len(shape) == 3 and not 1 <= shape[2] <= 4) or 0 in shape:
        raise WrongType(f"An array of shape {shape} is no photo; give (H, W) or (H, W, 1 to 4).")
    limits.check_size(shape[1], shape[0])
    pixels, alpha = colour.split(array.copy())
    count = 1 if len(shape) == 2 else shape[2]
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[count]
    return Photo(
        frozen(pixels), None if alpha is None else frozen(alpha), mode, None, is_grey(pixels),
        name=name, given="array", layout=shape,
    )  # fmt: skip
