"""One step, as large as it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from .. import photo
from ..photo import Photo


@dataclass(frozen=True, eq=False)
class Tile:
    """`image`: "L", "LA", "RGB" or "RGBA"; `icc`: its colour profile."""

    image: Image.Image
    icc: bytes | None

    def encode(self, format: str, quality: int | None = None) -> bytes:
        """A file with the mark of the edit and the colour profile, and no more metadata.

        Where and when the photo was taken stays out of what is made to be shown around.
        """
        made = replace(photo.read(np.asarray(self.image)), icc=self.icc, edited=True)
        return photo.encode(made, format, quality=quality)


def tile(source: Photo, size: int) -> Tile:
    """`source` with a longer side of `size` pixels; 0, or more than it has, leaves its own."""
    image = photo.picture(source.shallow())
    longer = max(image.size)
    if 0 < size < longer:
        share = size / longer
        wanted = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        image = image.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Tile(image, source.icc)
