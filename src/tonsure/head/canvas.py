"""The photo's pixels around a head, at two densities: smooth things need no more than `_DENSITY`.

Where the photo is finer, one pixel of the canvas stands for `step` x `step` of the photo's, and
what was made on it is enlarged block by block: so a photo of 48 megapixels whose face fills it
needs hardly more memory than one of 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..faces import Frame
from ..faces.align import reduced
from ..planes import Plane
from ..scene import EYE_DISTANCE, PhotoBox, Scene

Pixels = npt.NDArray[np.uint8]

_DENSITY = 120.0  # pixels per eye distance that are enough for edges, ears, shading
_MOST = 2e6  # pixels of a canvas
_BLOCK = 1 << 18  # photo pixels that are worked on at once


@dataclass(frozen=True)
class Canvas:
    """`whole` (x0, y0, x1, y1) of the photo in `step` x `step` of its pixels at once.

    `scene` sees the photo as if it had these pixels, and `box` is `whole` in them: `scene.to_photo`
    with this `box` puts a plane on the canvas, at `step` 1 on the photo itself.
    """

    scene: Scene
    box: PhotoBox
    whole: PhotoBox
    step: int

    @classmethod
    def of(cls, scene: Scene, box: PhotoBox) -> Canvas:
        """The canvas for the photo's `box`."""
        width, height = box[2] - box[0], box[3] - box[1]
        z, t = scene.frame.z, scene.frame.t
        enough = EYE_DISTANCE / abs(z) / _DENSITY
        step = max(1, int(enough), -int(-((width * height / _MOST) ** 0.5) // 1))
        if step == 1:
            return cls(scene, box, box, 1)
        frame = Frame(z * step, t + z * complex(box[0], box[1]))
        small = (0, 0, -(-width // step), -(-height // step))
        return cls(replace(scene, frame=frame), small, box, step)

    @property
    def unit(self) -> float:
        """Its pixels per eye distance."""
        return EYE_DISTANCE / abs(self.scene.frame.z)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the photo."""
        return self.whole[3] - self.whole[1], self.whole[2] - self.whole[0]

    def on(self, plane: Plane) -> Plane:
        """A plane of the scene on the canvas, see `Scene.to_photo`."""
        return self.scene.to_photo(plane, self.box)

    def picture(self, pixels: Pixels) -> Pixels:
        """What `pixels` (H, W, 3), the photo, shows, (h, w, 3) on the canvas."""
        x0, y0, x1, y1 = self.whole
        return np.asarray(reduced(pixels[y0:y1, x0:x1], self.step))

    def part(self, plane: Plane, rows: slice, columns: slice) -> Plane:
        """`rows` and `columns` of the photo, within `whole`, from a plane (h, w[, C]) of the
        canvas: bilinear, edges replicated. Where `step` is 1, a view."""
        if self.step == 1:
            return plane[rows, columns]
        import cv2

        step, ends = self.step, []
        for wanted, size in ((rows, plane.shape[0]), (columns, plane.shape[1])):
            low = max(wanted.start // step - 1, 0)
            high = min(-(-wanted.stop // step) + 1, size)
            ends.append((slice(low, high), wanted.start - low * step))
        (down, top), (across, left) = ends
        piece = np.ascontiguousarray(plane[down, across])
        size = (piece.shape[1] * step, piece.shape[0] * step)
        large = cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        return np.asarray(large[top : top + height, left : left + width])

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Rows and columns of the photo within `whole`, which cover it together: two at least, for
        two threads."""
        height, width = self.shape
        side = int(_BLOCK**0.5)
        down, across = -(-height // side), -(-width // side)
        for rows in _parts(height, 2 if down * across == 1 else down):
            for columns in _parts(width, across):
                yield rows, columns


def _parts(length: int, count: int) -> list[slice]:
    ends = [length * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends) if stop > start]
