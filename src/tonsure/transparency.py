"""Photos of which parts are transparent: what is shown of them, and bald heads laid over them.

A colour under transparency is nobody's to see, and often not that of the photo: it is never used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.uint16])

GROUND = 150
"""The grey level behind what is transparent, neither that of hair nor of skin."""
_STRIP = 1 << 18  # pixels at once


class Placed(Protocol):
    """What `apply` needs of a bald head: `box` in the photo, `colour` (h, w, 3) uint8 as seen
    before the ground, and its `opacity` (h, w) uint8, None if all of it is opaque."""

    @property
    def box(self) -> tuple[int, int, int, int]: ...
    @property
    def colour(self) -> Bytes: ...
    @property
    def opacity(self) -> Bytes | None: ...


def is_clear(alpha: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | None) -> bool:
    """Whether anything of a photo with `alpha` (H, W) or None is not opaque."""
    return alpha is not None and bool(alpha.size) and int(alpha.min()) < np.iinfo(alpha.dtype).max


def shown(pixels: Bytes, alpha: Bytes) -> Bytes:
    """The photo (H, W, 3) before a plain ground."""
    out = np.empty_like(pixels)
    for rows in _strips(pixels.shape):
        cover = alpha[rows, :, None].astype(np.uint16)
        mixed = pixels[rows] * cover + (255 - cover) * np.uint16(GROUND)
        out[rows] = (mixed + 127) // 255
    return out


def lifted(colour: Bytes, opacity: Bytes) -> Bytes:
    """`colour` (h, w, 3), seen before the ground, without that; `opacity` (h, w)."""
    share = opacity[..., None].astype(np.float32) / 255
    own = (colour - GROUND * (1 - share)) / np.maximum(share, np.float32(0.02))
    return np.clip(own + 0.5, 0, 255).astype(np.uint8)


def alone(head: Placed, weight: Bytes) -> tuple[Bytes, Bytes]:
    """Colour and weight (h, w) of a head on nothing."""
    if head.opacity is None:
        return head.colour, weight
    share = weight.astype(np.uint16) * head.opacity // np.uint16(255)
    return lifted(head.colour, head.opacity), share.astype(np.uint8)


def before(colour: Bytes, opacity: Bytes, ground: int) -> Bytes:
    """`colour` (h, w, 3), seen before our ground, as before another grey; `opacity` (h, w)."""
    step = (ground - GROUND) * (1 - opacity[..., None].astype(np.float32) / 255)
    return np.clip(colour + step + 0.5, 0, 255).astype(np.uint8)


def apply(
    pixels: Pixels, alpha: Pixels, heads: Sequence[tuple[Placed, Bytes]]
) -> tuple[Pixels, Pixels]:
    """Bald heads laid over a photo, pixels (H, W, 3) and alpha (H, W), one after the other.

    `heads` are pairs of a head and its weight, (h, w) uint8. Where that is 0 both stay bit for bit.
    """
    pixels, alpha = pixels.copy(), alpha.copy()
    most = np.iinfo(alpha.dtype).max
    for head, weight in heads:
        x0, y0, x1, y1 = head.box
        for rows in _strips((y1 - y0, x1 - x0)):
            part = slice(y0 + rows.start, min(y0 + rows.stop, y1)), slice(x0, x1)
            share = weight[rows].astype(np.float32) / 255
            over = share if head.opacity is None else share * (head.opacity[rows] / np.float32(255))
            under = alpha[part] * np.float32(1 / most) * (1 - share)
            both = over + under
            own = head.colour[rows]
            if head.opacity is not None:
                own = lifted(own, head.opacity[rows])
            scaled = own.astype(np.float32) * np.float32(most / 255)
            # where nothing is left to see, neither is the hair's colour
            ratio = np.where(both > 0, over / np.maximum(both, np.float32(1e-6)), 1)[..., None]
            mixed = pixels[part] * (1 - ratio) + scaled * ratio
            changed = weight[rows] > 0
            pixels[part][changed] = (mixed[changed] + 0.5).astype(pixels.dtype)
            alpha[part][changed] = (both[changed] * most + 0.5).astype(alpha.dtype)
    return pixels, alpha


def _strips(shape: tuple[int, ...]) -> list[slice]:
    rows = max(1, _STRIP // max(1, shape[1]))
    return [slice(top, top + rows) for top in range(0, shape[0], rows)]
