"""Back into the photo: bald heads laid over it by weight; where that is 0 the photo's bits stay.

`mask` and `layer` give the same for other programs: what changes, and what is laid over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.uint16])
_STRIP = 1 << 19  # pixels that are blended at once


class Placed(Protocol):
    """What `apply` needs of a bald head.

    `box` (x0, y0, x1, y1) within the photo, in its pixels; `colour` (h, w, 3) uint8, as large.
    """

    @property
    def box(self) -> tuple[int, int, int, int]: ...
    @property
    def colour(self) -> Bytes: ...


def apply(pixels: Pixels, heads: Sequence[tuple[Placed, Bytes]], in_place: bool = False) -> Pixels:
    """Lay bald heads over a photo, one after the other; a new array unless `in_place`.

    Parameters
    ----------
    pixels : (H, W, 3) uint8 or uint16, the photo.
    heads : pairs of a bald head and its weight, (h, w) uint8, 255 for the head alone.

    Returns (H, W, 3) of the photo's type.  uint8 is blended by Pillow (rounded to nearest), uint16
    in integers at its own depth.
    """
    out = pixels if in_place else pixels.copy()
    for head, weight in heads:
        x0, y0, x1, y1 = head.box
        rows = max(1, _STRIP // max(1, x1 - x0))
        for top in range(0, y1 - y0, rows):
            part = slice(top, top + rows)
            _lay(out[y0:y1, x0:x1][part], head.colour[part], weight[part])
    return out


def mask(shape: tuple[int, int], heads: Sequence[tuple[Placed, Bytes]]) -> Bytes:
    """How much of each pixel of a photo of `shape` (H, W) the heads replace: (H, W) uint8."""
    kept = np.full(shape, 255, np.uint8)
    for head, weight in heads:
        x0, y0, x1, y1 = head.box
        region = kept[y0:y1, x0:x1]
        region[:] = (region.astype(np.uint16) * (255 - weight) + 127) // 255
    return np.asarray(255 - kept)


def layer(shape: tuple[int, int], heads: Sequence[tuple[Placed, Bytes]]) -> Bytes:
    """The heads on nothing: (H, W, 4) uint8, RGB and alpha, not multiplied; 0 where there are none.

    Laid over the photo of `shape` (H, W), it gives what `apply` does, but for rounding.
    """
    out = np.zeros((*shape, 4), np.uint8)
    for head, weight in heads:
        x0, y0, x1, y1 = head.box
        over = Image.fromarray(np.dstack([head.colour, weight]))
        under = Image.fromarray(np.ascontiguousarray(out[y0:y1, x0:x1]))
        out[y0:y1, x0:x1] = np.asarray(Image.alpha_composite(under, over))
    out[out[..., 3] == 0] = 0
    return out


def _lay(region: Pixels, colour: Bytes, weight: Bytes) -> None:
    """Over `region` (h, w, 3) of a photo, which changes."""
    if region.dtype == np.uint8:
        blended = Image.composite(
            Image.fromarray(colour),
            Image.fromarray(np.ascontiguousarray(region)),
            Image.fromarray(weight),
        )
        region[:] = np.asarray(blended)
    else:
        step = colour.astype(np.int64) * 257 - region
        region[:] = region + (step * weight[..., None] + 127) // 255
