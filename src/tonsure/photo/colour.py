"""From what a file holds to RGB: modes of Pillow, colour profiles, transparency."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..errors import WrongType
from .photo import Pixels, stack

_SPACES = {"CMYK": b"CMYK", "LAB": b"Lab "}
_STRIP = 64  # rows that are copied at once: they stay in the cache
_PLAIN = {"L", "LA", "RGB", "RGBA", "I;16", "I;16B", "I;16L", "I;16N"}


class Colours(NamedTuple):
    """`pixels` (H, W, 3), `alpha` (H, W) or None, the profile that fits them, what got lost."""

    pixels: Pixels
    alpha: Pixels | None
    icc: bytes | None
    dropped: list[str]


def to_rgb(im: Image.Image, icc: bytes | None) -> Colours:
    """RGB and alpha of a loaded picture of any mode; raises `WrongType` for what has no colours."""
    dropped: list[str] = []
    if im.mode in _SPACES:
        im, icc = _convert(im, icc, dropped)
    elif im.mode == "I":
        im = _integers(im)
    elif im.mode == "F":
        raise WrongType("Pictures of floating-point numbers are not read; save it with 16 bits.")
    elif im.mode == "1":
        im = im.convert("L")
        dropped.append("1 bit a pixel (8 now)")
    elif im.mode in {"P", "PA"}:
        transparent = im.mode == "PA" or "transparency" in im.info
        im = im.convert("RGBA" if transparent else "RGB")
        dropped.append("the palette (full colours now)")
    elif im.mode in {"La", "RGBa"}:
        im = im.convert("LA" if im.mode == "La" else "RGBA")
    elif im.mode not in _PLAIN:
        im = im.convert("RGB")
    if im.mode in {"L", "RGB"} and "transparency" in im.info:
        im = im.convert("LA" if im.mode == "L" else "RGBA")
    pixels, alpha = planes(im)
    return Colours(pixels, alpha, fitting(icc, im.mode, dropped), dropped)


def planes(im: Image.Image) -> tuple[Pixels, Pixels | None]:
    """(H, W, 3) and alpha of a picture that is grey or RGB, in strips: Pillow copies what it gives,
    once more than is seen."""
    pixels: Any = None
    alpha: Any = None
    for top in range(0, im.height, _STRIP):
        rows = slice(top, min(top + _STRIP, im.height))
        strip = np.asarray(im.crop((0, rows.start, im.width, rows.stop)))
        # three channels are taken as they are: they are copied below
        part, opacity = split(strip, ours=strip.ndim == 3 and strip.shape[2] == 3)
        if pixels is None:
            pixels = np.empty((im.height, im.width, 3), part.dtype)
            alpha = None if opacity is None else np.empty((im.height, im.width), part.dtype)
        pixels[rows] = part
        if alpha is not None:
            alpha[rows] = opacity
    return pixels, alpha


def split(array: Any, ours: bool = False) -> tuple[Pixels, Pixels | None]:
    """(H, W, 3) and alpha of an array (H, W) or (H, W, 1 to 4): grey, grey + alpha, RGB, RGBA.

    If the array is `ours` it is used up, and its memory is the result's where that can be.
    """
    if array.dtype.byteorder not in "=|":
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim == 2:
        return stack(array), None
    count = array.shape[2]
    alpha = array[..., -1].copy() if count in (2, 4) else None
    if count <= 2:
        return stack(array[..., 0]), alpha
    if not ours:
        return array[..., :3].copy(), alpha
    return _packed(array) if count == 4 else array, alpha


def _packed(array: Any) -> Any:
    """The first three channels of (H, W, 4), moved together at the front of its memory."""
    height, width, _ = array.shape
    packed = array.reshape(-1)[: height * width * 3].reshape(height, width, 3)
    for row in range(height):  # never ahead of what is still to be read
        packed[row] = array[row, :, :3].copy()
    return packed


def _convert(
    im: Image.Image, icc: bytes | None, dropped: list[str]
) -> tuple[Image.Image, bytes | None]:
    """CMYK or Lab as sRGB, by the picture's profile where it has one that can be used."""
    from PIL import ImageCms

    space = im.mode
    dropped.append(f"{space} colours (sRGB now)")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    try:
        if space == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif icc and icc[16:20] == _SPACES[space]:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        else:
            return im.convert("RGB"), None
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
        out = ImageCms.profileToProfile(
            im, source, srgb, renderingIntent=intent, outputMode="RGB", flags=flags
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        if space == "LAB":
            raise WrongType(f"Its Lab colours cannot be converted: {error}.") from error
        dropped.append("the colour profile, which cannot be used")
        return im.convert("RGB"), None
    assert out is not None  # only in-place conversions return nothing
    return out, srgb.tobytes()


def _integers(im: Image.Image) -> Image.Image:
    """A picture of 32-bit integers, if they are 16-bit values: older 16-bit files."""
    values = np.asarray(im)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise WrongType("Pictures of 32-bit numbers are not read; save it with 16 bits.")
    return Image.fromarray(values.astype(np.uint16))


def fitting(icc: bytes | None, mode: str, dropped: list[str]) -> bytes | None:
    """The profile if it is one for these channels: a wrong one would be worse than none."""
    if not icc:
        return None
    wanted = b"RGB " if mode.startswith("RGB") else b"GRAY"
    if icc[16:20] == wanted:
        return icc
    dropped.append("the colour profile, which is not one for these colours")
    return None
