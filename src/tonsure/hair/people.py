"""Other people in the photo: what is theirs is not taken, not painted over, and tells nothing.

A pixel is whose head it is nearest to, in sizes of the heads, edges of the photo on the way making
it longer; further off from whose head it hangs down, since that is what long hair does; a face's
inside is its own wherever another head may be.
Every pixel has one owner, so that heads made one after the other never meet: the order does not
matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..faces import Face, Frame
from ..planes import Plane, resize
from ..scene import EYE_DISTANCE, EYES_MIDDLE, OVAL, PhotoBox, Scene
from .classes import CLOTHES, EAR, GLASSES, HAIR, HAT, JEWELLERY, NECK, SKIN
from .edges import Edges

Where = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]
Points = npt.NDArray[np.complex128]

_DOUBTED = 5.0  # log odds; of a true face mostly over 7, of an earring 4.0
_CROWN, _THROAT = -0.8, 1.3  # eye distances below the eyes: the line that a head lies around
_HEAD = 1.25  # as far from that line what is nearest is the head and its hair
_HANGING = 0.35  # of a way down counts further off
_FRACTION = 4  # bits of a pixel to which an outline is told
_THEIRS = (SKIN, HAIR, HAT, EAR, NECK, CLOTHES, GLASSES)  # what is behind may still tell a colour


@dataclass(frozen=True)
class People:
    """The `face` of one person, and those of the `others`."""

    face: Face
    others: tuple[Face, ...] = ()
    pixels: Pixels | None = field(default=None, repr=False)
    _edges: dict[int, Edges] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, face: Face, found: Sequence[Face], pixels: Pixels | None = None) -> People:
        """`found` are a photo's faces, `face` may be among them; `pixels` (H, W, 3) uint8 are the
        photo's, if its edges are to count. A face that lies upon this one is the same found twice,
        and nobody else; of earrings and badges (Face.odds) nothing is."""
        middle = complex(*face.centre)
        others = []
        for one in found:
            apart = abs(complex(*one.centre) - middle)
            far = apart > 0.5 * max(one.iod, face.iod)
            if one is not face and far and one.odds > _DOUBTED:
                others.append(one)
        return cls(face, tuple(others), pixels)

    def mine(self, box: PhotoBox) -> Where:
        """Which pixels of the photo's `box` (x0, y0, x1, y1) are this person's: (h, w)."""
        import cv2

        x0, y0, x1, y1 = box
        shape = (y1 - y0, x1 - x0)
        xs, ys = x0 + np.arange(shape[1]) + 0.5, y0 + np.arange(shape[0]) + 0.5
        out = self._nearest(xs[None] + 1j * ys[:, None])

        def inside(face: Face) -> Where:
            filled = np.zeros(shape, np.uint8)
            # in whole numbers, so that an outline is the same whatever box it is drawn in
            one = 1 << _FRACTION
            corners = np.round(face.landmarks[list(OVAL), :2].astype(np.float64) * one).astype(int)
            corners -= np.array([x0, y0]) * one
            cv2.fillPoly(filled, [corners.astype(np.int32)], 1, shift=_FRACTION)
            return filled > 0

        return self._settled(out, inside)

    def on(self, scene: Scene) -> Plane:
        """The same on a scene of this face: (H, W), 0 or 1."""
        height, width = scene.shape
        xs = scene.box[0] + (np.arange(width) + 0.5) / scene.scale
        ys = scene.box[1] + (np.arange(height) + 0.5) / scene.scale
        out = self._nearest((xs[None] + 1j * ys[:, None] - scene.frame.t) / scene.frame.z)

        def inside(face: Face) -> Where:
            return scene.polygon(scene.frame.to_frame(face.landmarks[list(OVAL), :2])) > 0.5

        return self._settled(out, inside).astype(np.float32)

    def left_alone(self, scene: Scene, classes: Plane) -> Plane:
        """The parser's `classes` (h, w, 9) of a scene, at any density, in which nothing of the
        others is hair, skin or clothes: that goes with the jewellery, which stays and tells
        nothing."""
        if not self.others:
            return classes
        theirs = 1 - resize(self.on(scene), (classes.shape[0], classes.shape[1]))
        out = classes.copy(order="K")
        for k in _THEIRS:
            share = classes[..., k] * theirs
            out[..., k] -= share
            out[..., JEWELLERY] += share
        return out

    def _nearest(self, photo: Points) -> Where:
        """Which points x + iy (h, w) of the photo are nearer to this head than to any other."""
        out = np.ones(photo.shape, bool)
        if not photo.size or not self.others:
            return out
        own = self._away(self.face, photo)
        farthest = float(own.max())
        middle = photo[photo.shape[0] // 2, photo.shape[1] // 2]
        reach = float(np.abs(photo - middle).max())
        for other in self.others:
            frame = Frame.of(other)
            at = (frame.z * middle + frame.t - complex(*EYES_MIDDLE)) / EYE_DISTANCE
            line = complex(0, np.clip(at.imag, _CROWN, _THROAT))
            least = abs(at - line) - reach * abs(frame.z) / EYE_DISTANCE
            if _HANGING * least < farthest:
                out &= own < self._away(other, photo)
        return out

    def _away(self, face: Face, photo: Points) -> npt.NDArray[np.float64]:
        """`away` by the photo: (h, w)."""
        if self.pixels is None:
            return away(face, photo)
        key = id(face)
        if key not in self._edges:
            self._edges[key] = Edges.around(self.pixels, face)
        return away(face, photo) + self._edges[key].at(photo)

    def _settled(self, out: Where, inside: Callable[[Face], Where]) -> Where:
        """`out` (h, w), but what lies in one face alone is that face's."""
        if not self.others:
            return out
        own, theirs = inside(self.face), inside(self.others[0])
        for other in self.others[1:]:
            theirs |= inside(other)
        return np.where(own == theirs, out, own)


def away(face: Face, photo: Points) -> npt.NDArray[np.float64]:
    """How far points x + iy of the photo are from the line through the middle of a head, in its
    own eye distances; beyond the head ways down count less, and all count more than on it."""
    frame = Frame.of(face)
    at = (frame.z * photo + frame.t - complex(*EYES_MIDDLE)) / EYE_DISTANCE
    below = at.imag - np.clip(at.imag, _CROWN, _THROAT)
    near = np.hypot(at.real, below)
    hanging = _HEAD + np.hypot(at.real, np.where(below > 0, _HANGING * below, below))
    return np.where(near <= _HEAD, near, hanging)
