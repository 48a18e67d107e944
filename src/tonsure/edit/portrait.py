"""One face of a photo, seen once and then edited by any number of ways."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..faces import Face
from ..hair import hat
from ..hair.beard import beard
from ..hair.classes import CLOTHES, EAR, GLASSES, HAIR, HAT, JEWELLERY, NECK, SKIN
from ..hair.parse import COARSE, parse, survey
from ..hair.person import alike, flesh
from ..planes import Plane, blur, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, OVAL, Scene, look

Pixels = npt.NDArray[np.uint8]

DENSITY = 72.0
"""Pixels per eye distance of the scene, at most."""
# how likely a hat is worn, and how much of the head's top it then has to cover
_LIKELY, _MUCH = 0.6, 0.3
_SURELY, _LITTLE = 0.92, 0.04


class Portrait:
    """What the ways need to know of `face` in `pixels` (H, W, 3) uint8, each worked out when it is
    first asked for. `others` are the photo's other faces: what is nearer to one of them is theirs.

    Planes are (H, W) float32 of the scene, 0..1.
    """

    def __init__(
        self, pixels: Pixels, face: Face, others: Sequence[Face] = (), threads: int | None = None
    ) -> None:
        self.pixels, self.face, self.others, self.threads = pixels, face, others, threads

    def again(self, pixels: Pixels) -> Portrait:
        """The same face in a photo that was changed."""
        return Portrait(pixels, self.face, self.others, self.threads)

    @cached_property
    def _seen(self) -> tuple[Scene, Plane, float]:
        density = min(float(self.face.iod), DENSITY)
        first = survey(look(self.pixels, self.face, COARSE, self.threads))
        scene = look(self.pixels, self.face, density, self.threads, first.reach)
        classes = parse(scene, first)
        worn = hat.worn(self.pixels, scene.frame, self.threads)
        hatted = hat.likely(scene, classes, worn)
        return scene, hat.believed(classes, hatted), hatted

    @property
    def scene(self) -> Scene:
        """The head, its hair, and a margin."""
        return self._seen[0]

    @property
    def classes(self) -> Plane:
        """(H, W, 9): the parser's, see `hair.classes`."""
        return self._seen[1]

    @cached_property
    def near(self) -> Scene:
        """The face alone, from above the brows to below the chin: no network looks at it."""
        low, high = np.array([-1.5, -1.2]), np.array([1.5, 2.2])
        box = [*(EYES_MIDDLE + low * EYE_DISTANCE), *(EYES_MIDDLE + high * EYE_DISTANCE)]
        density = min(float(self.face.iod), DENSITY)
        return look(self.pixels, self.face, density, self.threads, (box[0], box[1], box[2], box[3]))

    @cached_property
    def oval(self) -> Plane:
        """The face as the mesh bounds it."""
        return self.scene.mesh_polygon(OVAL)

    @cached_property
    def mine(self) -> Plane:
        """What is nearer to this face than to another, in sizes of the faces."""
        if not self.others:
            return np.ones(self.scene.shape, np.float32)
        height, width = self.scene.shape
        xs = self.scene.box[0] + (np.arange(width) + 0.5) / self.scene.scale
        ys = self.scene.box[1] + (np.arange(height) + 0.5) / self.scene.scale
        photo = (xs[None] + 1j * ys[:, None] - self.scene.frame.t) / self.scene.frame.z

        def away(face: Face) -> Plane:
            return np.asarray(np.abs(photo - complex(*face.centre)) / face.iod, np.float32)

        least = away(self.others[0])
        for other in self.others[1:]:
            least = np.minimum(least, away(other))
        return smoothstep(0.3, -0.3, away(self.face) - least)

    @cached_property
    def _beard(self) -> tuple[Plane, float]:
        return beard(self.scene, self.classes[..., HAIR], self.oval)

    @property
    def bearded(self) -> float:
        """How much of the zone around mouth and chin is hair to the parser, 0..1."""
        return self._beard[1]

    @cached_property
    def hair(self) -> Plane:
        """This person's hair, without beard and hat."""
        found: Plane = self.classes[..., HAIR] * (1 - self._beard[0]) * self.mine
        worn = self._seen[2]
        if (worn > _LIKELY and self.hat > _MUCH) or (worn > _SURELY and self.hat > _LITTLE):
            # fur and wool are hair to the parser: where there is a hat nothing above the brows is
            found = found * smoothstep(-0.5, -0.3, self.scene.face_units()[1])
        return found

    @cached_property
    def hat(self) -> float:
        """The share of the head's top that a hat covers."""
        y = self.scene.face_units()[1]
        top = self.oval * smoothstep(-0.4, -0.6, y)
        return float((self.classes[..., HAT] * top).sum() / max(float(top.sum()), 1.0))

    @cached_property
    def glasses(self) -> float:
        """Area of glasses that the parser sees, in squared eye distances."""
        y = self.scene.face_units()[1]
        zone = self.oval * (y > -0.5) * (y < 0.6)
        return float((self.classes[..., GLASSES] * zone).sum()) / self.scene.unit**2

    @cached_property
    def bare(self) -> Plane:
        """Skin that shows its own tone: no lips, no eyes, no brows, nothing beneath glasses."""
        from ..head.features import interrupted, smooth_skin  # a room beside this one

        return smooth_skin(self.classes, interrupted(self.scene, self.classes)) * self.mine

    @cached_property
    def tone(self) -> Plane:
        """(3,): the median of the face's bare skin, 0..255; of all the oval where there is none."""
        sure = (self.bare > 0.9) & (self.oval > 0.9) & (self.scene.inside > 0.5)
        if sure.sum() < 50:
            sure = self.oval > 0.9
        return np.asarray(np.median(self.scene.rgb[sure], 0), np.float32)

    @cached_property
    def skin(self) -> Plane:
        """All of this person's skin that is seen, softly: face, ears, neck, arms, hands."""
        c = self.classes
        sure = (self.bare > 0.9) & (self.oval > 0.9)
        # arms and hands are jewellery or clothes to the parser; cloth of nearly that tone is none
        limbs = flesh(self.scene, sure) * (c[..., JEWELLERY] + c[..., CLOTHES])
        limbs = limbs * smoothstep(0.5, 0.8, alike(self.scene, sure))
        limbs = smoothstep(0.55, 0.85, blur(limbs, 0.05 * self.scene.unit)) * smoothstep(
            0.3, 0.6, limbs
        )
        limbs = limbs * _within(self.scene.shape, 0.4 * self.scene.unit)
        found = smoothstep(0.25, 0.75, c[..., SKIN] + c[..., EAR] + c[..., NECK])
        return np.asarray(np.maximum(found, limbs) * self.mine, np.float32)


def _within(shape: tuple[int, int], margin: float) -> Plane:
    """(H, W): 1 further than `margin` pixels from the border, 0 at it."""
    height, width = shape
    y, x = (np.arange(n, dtype=np.float32) + 0.5 for n in (height, width))
    away = np.minimum.outer(np.minimum(y, height - y), np.minimum(x, width - x))
    return smoothstep(0.0, 1.0, away / margin)
