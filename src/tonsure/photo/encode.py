"""From a `Photo` to the bytes of a file, or back to the kind of object that it came from."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import BadOption, LimitExceeded, UnwritableOutput
from . import arrays, png, tiff, xmp
from .formats import FORMATS, Format, check_written, of_name
from .photo import Photo, luma, to_eight

_JPEG_BLOCK = 65_490  # bytes of metadata that one segment holds
_QUALITY = {"JPEG": 95, "WEBP": 92, "AVIF": 88}


def encode(photo: Photo, format: str | None = None, *, quality: int | None = None) -> bytes:
    """The bytes of a file of `format` (default: what the photo's own becomes, PNG for arrays).

    A photo that was not edited comes back as the file it was read from.  An edited one carries
    `xmp.MARK` where the format can.  `quality` (1 to 100) replaces the source's JPEG tables and
    the defaults of WebP and AVIF.

    Raises `BadOption` (format, quality), `LimitExceeded` (too many pixels for the format) and
    `UnwritableOutput` (the encoder fails).
    """
    target = chosen(photo, format)
    if quality is not None and not 1 <= quality <= 100:
        raise BadOption(f"The quality is {quality}; it goes from 1 to 100.")
    if max(photo.width, photo.height) > target.max_side:
        raise LimitExceeded(
            f"{target.name} holds at most {target.max_side} pixels a side, the photo has "
            f"{max(photo.width, photo.height)}; save as .png or .tiff."
        )
    if unchanged(photo, target) and quality is None:
        assert photo.origin is not None
        return photo.origin
    try:
        return _encode(photo, target, quality)
    except (OSError, ValueError, struct.error) as error:
        raise UnwritableOutput(f"{photo.name} cannot be saved as {target.name}: {error}.") from (
            error
        )


def chosen(photo: Photo, format: str | None = None) -> Format:
    """The format that `encode` uses."""
    if format is not None:
        return check_written(of_name(format))
    if photo.format is None:
        return FORMATS["PNG"]
    return FORMATS[FORMATS[photo.format].becomes]


def unchanged(photo: Photo, target: Format) -> bool:
    """Whether the file it was read from says all."""
    return not photo.edited and photo.origin is not None and photo.format == target.name


def losses(photo: Photo, format: str | None = None) -> tuple[str, ...]:
    """What a file of `format` cannot keep of the photo, in words."""
    target = chosen(photo, format)
    if unchanged(photo, target):
        return ()
    lost = list(photo.dropped)
    if photo.alpha is not None and not target.alpha:
        lost.append("transparency")
    if photo.deep and not target.deep:
        lost.append("16 bits a channel (8 now)")
    for what, block, held in (
        ("colour profile", photo.icc, target.icc),
        ("EXIF", photo.exif, target.exif),
        ("XMP", photo.xmp, target.xmp),
    ):
        if block and not held:
            lost.append(f"the {what}")
    lost += _too_long(photo, target)
    if photo.edited:
        lost += xmp.mark(photo.xmp)[1] if target.xmp else ["the mark of the edit"]
    return tuple(dict.fromkeys(lost))


def _too_long(photo: Photo, target: Format) -> list[str]:
    """Blocks that do not fit: JPEG holds each in one segment."""
    if target.name != "JPEG":
        return []
    blocks = {"EXIF": photo.exif, "XMP": _xmp(photo)}
    return [
        f"the {what}, which is too long for JPEG"
        for what, block in blocks.items()
        if len(block or b"") > _JPEG_BLOCK
    ]


def as_given(photo: Photo) -> Any:
    """What `photo` came from, of the same kind: an array or tensor of the same shape and type,
    bytes of a file in the same format (where that is written), else a `PIL.Image.Image`."""
    if photo.given == "bytes" and photo.origin is not None and not photo.edited:
        return photo.origin
    if photo.layout is not None:
        return arrays.as_given(channels(photo), photo.layout)
    if photo.given == "bytes":
        return encode(photo)
    image = picture(photo)
    exif = b"Exif\0\0" + photo.exif if photo.exif else None
    for key, block in (("icc_profile", photo.icc), ("exif", exif), ("xmp", _xmp(photo))):
        if block:
            image.info[key] = block
    return image


def channels(photo: Photo) -> npt.NDArray[Any]:
    """(H, W, C) of the photo's own depth: grey or RGB as its source, alpha last if there is one.
    May be the photo's own memory."""
    parts = [luma(photo.pixels)[..., None]] if photo.single and photo.grey else [photo.pixels]
    if photo.alpha is not None:
        parts.append(photo.alpha[..., None])
    return np.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]


def picture(photo: Photo, alpha: bool = True) -> Image.Image:
    """A picture of Pillow's: "L", "LA", "RGB", "RGBA", or "I;16" for grey ones with 16 bits."""
    values = channels(photo)
    if photo.alpha is not None and not alpha:
        values = values[..., :-1]
    if photo.deep and values.shape[2] > 1:
        values = to_eight(values)
    if values.shape[2] == 1:
        values = values[..., 0]
    return Image.fromarray(np.ascontiguousarray(values))


def _encode(photo: Photo, target: Format, quality: int | None) -> bytes:
    meta = {
        "icc": photo.icc if target.icc else None,
        "exif": photo.exif if target.exif else None,
        "xmp": _xmp(photo) if target.xmp else None,
    }
    same = photo.format == target.name
    own = dict(photo.encoder) if same else {}
    if target.name == "TIFF":
        values = channels(photo)
        if photo.deep and values.shape[2] == 2:  # which few programs read, Pillow not among them
            values = values[..., [0, 0, 0, 1]]
        return tiff.encode(
            values, photo.alpha is not None, **meta, deflate=own.get("deflate", True)
        )
    if target.name == "PNG" and photo.deep:
        return png.encode_deep(channels(photo), _png_chunks(meta, own))
    image = picture(photo.shallow(), target.alpha)
    options = _options(target.name, own, meta, quality)
    if target.name == "GIF":
        image = image.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    out = io.BytesIO()
    image.save(out, target.name, **options)
    del image  # as large as the photo
    data = out.getvalue()
    return png.insert(data, _png_chunks(meta, own)) if target.name == "PNG" else data


def _options(
    name: str, own: dict[str, Any], meta: dict[str, bytes | None], quality: int | None
) -> dict[str, Any]:
    """Keyword arguments of Pillow's writer."""
    options: dict[str, Any] = {"icc_profile": meta["icc"]}
    if meta["exif"]:
        options["exif"] = meta["exif"]
    if meta["xmp"]:
        options["xmp"] = meta["xmp"]
    if name == "JPEG":
        options |= own or {"quality": _QUALITY[name], "subsampling": 0}
        if quality is not None:
            options.pop("qtables", None)
            options["quality"] = quality
        options.pop("exif", None)
        if 0 < len(meta["exif"] or b"") <= _JPEG_BLOCK:
            options["exif"] = b"Exif\0\0" + (meta["exif"] or b"")
        if len(meta["xmp"] or b"") > _JPEG_BLOCK:  # without the old one's, but never the mark
            options["xmp"] = xmp.mark(None)[0]
    elif name == "PNG":
        options = {"compress_level": 6}
    elif name == "WEBP":
        options |= {"method": 4, "lossless": own.get("lossless", False)}
        options["quality"] = quality or (75 if options["lossless"] else _QUALITY[name])
        options["exact"] = True
    elif name == "AVIF":
        options |= {"quality": quality or _QUALITY[name], "subsampling": "4:4:4", "speed": 7}
    elif name in {"BMP", "GIF"}:
        options = {}
    return options


def _png_chunks(meta: dict[str, bytes | None], own: dict[str, Any]) -> list[png.Chunk]:
    """What a PNG says besides its pixels, in an order that the specification allows."""
    found: list[png.Chunk] = []
    if icc := meta["icc"]:
        found.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    found += own.get("chunks", [])
    if exif := meta["exif"]:
        found.append((b"eXIf", exif))
    if text := meta["xmp"]:
        found.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text))
    return found


def _xmp(photo: Photo) -> bytes | None:
    return xmp.mark(photo.xmp)[0] if photo.edited else photo.xmp
