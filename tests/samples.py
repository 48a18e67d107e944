"""Small files of every format, made by Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def save(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def exif_with_thumbnail(thumbnail: bytes, orientation: int = 1) -> bytes:
    """EXIF as a camera writes it, with the picture `thumbnail` in its second directory."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0112] = orientation
    exif[0x8769] = {0x9003: "2024:05:06 07:08:09", 0xA002: 64, 0xA003: 48, 0x927C: b"own notes"}
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}
    block = bytearray(exif.tobytes()[6:])
    order = "little" if block[:2] == b"II" else "big"
    first = int.from_bytes(block[4:8], order)
    pointer = first + 2 + 12 * int.from_bytes(block[first : first + 2], order)
    block[pointer : pointer + 4] = len(block).to_bytes(4, order)
    at = len(block) + 2 + 24 + 4

    def entry(tag: int, value: int) -> bytes:
        head = tag.to_bytes(2, order) + (4).to_bytes(2, order) + (1).to_bytes(4, order)
        return head + value.to_bytes(4, order)

    block += (2).to_bytes(2, order) + entry(0x0201, at) + entry(0x0202, len(thumbnail)) + bytes(4)
    return bytes(block + thumbnail)


def files(picture: np.ndarray) -> dict[str, bytes]:
    """One small file of each kind that is read, without transparency."""
    rgb = Image.fromarray(picture)
    grey = rgb.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257 + 3)
    return {
        "jpeg": save(rgb, "JPEG", quality=90, icc_profile=SRGB),
        "jpeg-progressive": save(rgb, "JPEG", progressive=True),
        "jpeg-grey": save(grey, "JPEG"),
        "jpeg-cmyk": save(rgb.convert("CMYK"), "JPEG"),
        "png": save(rgb, "PNG", icc_profile=SRGB),
        "png-grey": save(grey, "PNG"),
        "png-16": save(deep, "PNG"),
        "png-palette": save(rgb.quantize(64), "PNG"),
        "webp": save(rgb, "WEBP"),
        "webp-lossless": save(rgb, "WEBP", lossless=True),
        "tiff": save(rgb, "TIFF"),
        "tiff-lzw": save(rgb, "TIFF", compression="tiff_lzw"),
        "tiff-16": save(deep, "TIFF"),
        "bmp": save(rgb, "BMP"),
        "gif": save(rgb.quantize(64), "GIF"),
        "avif": save(rgb, "AVIF"),
    }


KINDS = sorted(files(np.zeros((8, 8, 3), np.uint8)))
