"""Photos of which parts are transparent: what is shown of them, and bald heads laid over them.

A colour under transparency is nobody's to see, and often not that of the photo: it is never used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from .planes import Plane

Bytes = npt.NDArray[np.uint8]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.uint16])

GROUND = 150
"""The grey level behind what is transparent, neither that of hair nor of skin."""
_SHOWN = 8.0  # times less opaque is enough to be seen whole
_NOTHING = np.float32(0.5 / 255)
_STRIP = 1 << 18  # pixels at once


class Placed(Protocol):
    """What `apply` needs of a bald head: `box` in the photo, `colour` (h, w, 3) uint8 and its
    `opacity` (h, w) uint8, None where it is opaque."""

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
    """The photo (H, W, 3) as it is looked at: before a plain ground where its `alpha` (H, W) is
    next to nothing; what shines through only half is seen as well as the rest."""
    out = np.empty_like(pixels)
    for rows in _strips(pixels.shape):
        cover = (seen(alpha[rows] * np.float32(1 / 255)) * 255 + np.float32(0.5)).astype(np.uint16)
        mixed = pixels[rows] * cover[..., None] + (255 - cover[..., None]) * np.uint16(GROUND)
        out[rows] = (mixed + 127) // 255
    return out


def seen(opacity: Plane) -> Plane:
    """How much of a pixel that is so opaque (h, w), 0..1, `shown` shows, and not the ground."""
    return np.asarray(np.minimum(opacity * _SHOWN, 1), np.float32)


def lifted(colour: Bytes, cover: Plane) -> Bytes:
    """`colour` (h, w, 3) without the ground: its own share is `cover` (h, w), 0..1. Where there is
    nothing but ground it stays."""
    share = cover[..., None]
    own = (colour - GROUND * (1 - share)) / np.maximum(share, np.float32(0.02))
    return np.clip(np.where(share > 0.02, own, GROUND) + 0.5, 0, 255).astype(np.uint8)


def cover(head: Placed, weight: Bytes) -> Bytes:
    """How much a head with this `weight` (h, w) hides of what lies beneath it: (h, w)."""
    if head.opacity is None:
        return weight
    return (weight.astype(np.uint16) * head.opacity // np.uint16(255)).astype(np.uint8)


def before(colour: Bytes, opacity: Bytes | None, ground: int) -> Bytes:
    """`colour` (h, w, 3), so opaque (h, w), laid on a grey level."""
    if opacity is None:
        return colour
    share = opacity[..., None].astype(np.float32) / 255
    return (colour * share + ground * (1 - share) + 0.5).astype(np.uint8)


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
            scaled = head.colour[rows].astype(np.float32) * np.float32(most / 255)
            # where nothing is left to see, neither is the hair's colour
            ratio = np.where(both > _NOTHING, over / np.maximum(both, _NOTHING), 1)[..., None]
            mixed = pixels[part] * (1 - ratio) + scaled * ratio
            changed = weight[rows] > 0
            pixels[part][changed] = (mixed[changed] + 0.5).astype(pixels.dtype)
            alpha[part][changed] = (both[changed] * most + 0.5).astype(alpha.dtype)
    return pixels, alpha


def _strips(shape: tuple[int, ...]) -> list[slice]:
    rows = max(1, _STRIP // max(1, shape[1]))
    return [slice(top, top + rows) for top in range(0, shape[0], rows)]
