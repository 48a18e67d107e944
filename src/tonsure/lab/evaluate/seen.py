"""What the parser sees on a head, in numbers that do not depend on the photo's size.

Areas are in squared eye distances. Hair means hair of the head: the face's inside, where brows and
beards are, does not count, nor what hangs from a bearded chin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tonsure.faces import Face

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The mesh's outline of the face, from the middle of the forehead clockwise."""
_MOUTH = (61, 291)
_BROWS, _NOSE, _CHIN, _JAW = (105, 334), 2, 152, (172, 397)
LONG = 0.3
"""Hair is long when this much of it is below the chin, in squared eye distances."""
BARE = 0.25
"""A head with less hair than this had none to begin with."""


@dataclass(frozen=True)
class Seen:
    """A parsed head on one grid (H, W), upright.

    Attributes
    ----------
    hair, skin, flesh : (H, W) the parser's soft classes, 0..1: glasses count as skin, ears and
        neck as flesh, too.
    x, y : (1, W) and (H, 1) eye distances from between the eyes, y downwards.
    mesh : (468, 2) landmarks in the same unit.
    inside : (H, W) True where the photo has pixels.
    """

    hair: Plane
    skin: Plane
    flesh: Plane
    x: Plane
    y: Plane
    mesh: npt.NDArray[np.float64]
    inside: Mask

    @property
    def cell(self) -> float:
        """Area of one pixel."""
        return float((self.x[0, 1] - self.x[0, 0]) * (self.y[1, 0] - self.y[0, 0]))

    def oval(self) -> Mask:
        """The face within the mesh's outline, (H, W)."""
        height, width = self.hair.shape
        step = (float(self.x[0, 1] - self.x[0, 0]), float(self.y[1, 0] - self.y[0, 0]))
        corners = [
            ((px - self.x[0, 0]) / step[0], (py - self.y[0, 0]) / step[1])
            for px, py in self.mesh[list(OVAL)]
        ]
        image = Image.new("1", (width, height))
        ImageDraw.Draw(image).polygon([(float(a), float(b)) for a, b in corners], fill=1)
        return np.asarray(image)

    def of_head(self, beard: bool) -> Mask:
        """Where hair is hair of the head, (H, W); `beard` leaves out what a beard may cover."""
        brows = self.mesh[list(_BROWS), 1].mean()
        kept = self.oval() & (self.y > brows - 0.15)
        if beard:
            left, right = self.mesh[list(_JAW), 0]
            nose, chin = self.mesh[_NOSE, 1], self.mesh[_CHIN, 1]
            column = (self.x > left - 0.2) & (self.x < right + 0.2)
            kept = kept | (column & (self.y > nose) & (self.y < chin + 1.0))
        return np.asarray(self.inside & ~kept)

    def hair_area(self, beard: bool) -> float:
        """Hair of the head, in squared eye distances."""
        return float(((self.hair > 0.5) & self.of_head(beard)).sum()) * self.cell

    def below_chin(self, beard: bool) -> float:
        """Its part that hangs below the chin."""
        chin = self.y > self.mesh[_CHIN, 1]
        return float(((self.hair > 0.5) & self.of_head(beard) & chin).sum()) * self.cell

    def left(self, before: Seen, touched: Mask, beard: bool) -> float:
        """Hair of the head after an edit: what is seen, and what was seen `before` and was not
        `touched` (H, W), in squared eye distances."""
        hair = (self.hair > 0.5) | ((before.hair > 0.5) & ~touched)
        return float((hair & before.of_head(beard)).sum()) * self.cell

    def scalp(self) -> float:
        """The share of skin where a bald head is bare: from the middle of the brows' height to the
        crown; NaN if the photo shows less than half of it."""
        x, y = self.x, self.y
        head = (x / 0.7) ** 2 + ((y + 0.75) / 0.6) ** 2 < 1
        head = head & ~self.oval()
        shown = head & self.inside
        if shown.sum() < 0.5 * head.sum() or not shown.any():
            return float("nan")
        return float(self.skin[shown].mean())

    def smear(self, touched: Mask) -> float:
        """Skin that an edit put beside the neck, where nobody has any: from the mouth to a little
        below the chin, further out than the jaw; in squared eye distances."""
        left, right = self.mesh[list(_JAW), 0]
        top, low = self.mesh[list(_MOUTH), 1].mean(), self.mesh[_CHIN, 1] + 0.35
        beside = (self.x < left - 0.15) | (self.x > right + 0.15)
        zone = beside & (self.y > top) & (self.y < low) & touched & self.inside
        return float(((self.flesh > 0.5) & zone).sum()) * self.cell


def see(pixels: Bytes, face: Face, threads: int | None = None) -> Seen:
    """The parser's view of `face` in `pixels` (H, W, 3)."""
    from tonsure.hair.classes import EAR, GLASSES, HAIR, NECK, SKIN
    from tonsure.hair.parse import parse
    from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, look

    scene = look(pixels, face, min(float(face.iod), 46.0), threads)
    classes = parse(scene)
    x, y = scene.face_units()
    mesh = (scene.mesh[:, :2] - np.array(EYES_MIDDLE)) / EYE_DISTANCE
    skin = classes[..., SKIN] + classes[..., GLASSES]  # glasses are worn on the head, too
    flesh = skin + classes[..., EAR] + classes[..., NECK]
    return Seen(classes[..., HAIR], skin, flesh, x[:1], y[:, :1], mesh, scene.inside > 0.5)
