"""Sixteen bits a channel from files that Pillow opens with eight.

Pillow keeps the high byte of each sample.  Told that samples have the other byte order, the same
decoder keeps the low byte: decoding twice gives both, whatever the compression or interlacing.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_NATIVE, _FOREIGN = ("L", "B") if sys.byteorder == "little" else ("B", "L")
_OTHER = {"B": "L", "L": "B", "N": _FOREIGN}


def read(data: bytes, im: Image.Image) -> npt.NDArray[np.uint16] | None:
    """(H, W, C) of a PNG or TIFF with 16 bits and C > 1 channels; None if it is none such.

    `im` is the picture opened from `data`, not yet loaded; it is loaded afterwards.
    """
    raw = _rawmode(im)
    if raw == "LA;16B":
        # four bytes a pixel, as many as RGBA: nothing is left out
        with _reopened(data, im) as plain:
            _set_rawmode(plain, "RGBA")
            plain.load()
            both = np.asarray(plain)
        im.load()
        return both.copy().view(">u2").astype(np.uint16)
    name, _, order = raw.partition(";16")
    if order not in _OTHER or not name.startswith("RGB"):
        return None
    with _reopened(data, im) as swapped:
        _set_rawmode(swapped, f"{name};16{_OTHER[order]}")
        swapped.load()
        low = np.asarray(swapped)
    im.load()
    out = np.asarray(im).astype(np.uint16)
    out <<= 8
    out |= low
    return out


def _reopened(data: bytes, im: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=[im.format or ""])


def _rawmode(im: Image.Image) -> str:
    tiles: Any = getattr(im, "tile", None)
    if im.format not in {"PNG", "TIFF"} or not tiles:
        return ""
    args = tiles[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _set_rawmode(im: Image.Image, rawmode: str) -> None:
    tiles: Any = im.tile  # type: ignore[attr-defined]
    im.tile = [  # type: ignore[attr-defined]
        t._replace(args=(rawmode, *t.args[1:]) if isinstance(t.args, tuple) else rawmode)
        for t in tiles
    ]
