"""Skin paler or darker: its light and tone, not its detail.

Each channel is multiplied, so that pores, shadows and make-up stay in proportion; lights are rolled
off. How far it goes follows from the skin at hand: pale skin of CelebA's people is brighter and
less saturated than theirs on average.
"""

from __future__ import annotations

import numpy as np

from ..planes import LUMA, Plane, blur, smoothstep
from ..scene import PhotoBox
from .fine import Patch, Pixels, assembled, followed, matte, place
from .portrait import Portrait

_PALE = 186.0  # luma of pale skin in a well lit picture
_MOST = (1.14, 1.5)  # times as bright, at least and at most
_DARKER = 0.74  # times as bright, and
_WARMER = 1.16  # as saturated, when it loses its paleness
_GREY = 0.42  # of the saturation goes
_PINK = np.array([1.03, 0.988, 0.985], np.float32)  # what is left of it is rosy
_BROWN = np.array([1.05, 1.0, 0.9], np.float32)
_REACH = 0.05  # eye distances


def pale(portrait: Portrait, pixels: Pixels, degree: float) -> Patch | None:
    """Skin made paler by `degree` 0..1, or tanned by -1..0.

    `pixels` (H, W, 3) is the photo, edited so far. None where there is no skin.
    """
    scene = portrait.scene
    skin = portrait.skin
    mouth = np.maximum(scene.mesh_polygon(LIPS), _eyes(portrait))
    mask = skin * (1 - 0.6 * smoothstep(0.2, 0.8, blur(mouth, 0.02 * scene.unit)))
    box = place(scene, mask, pixels)
    if box is None:
        return None
    follows = followed(scene, mask, _REACH * scene.unit, 0.4)
    gain = float(np.clip(_PALE / max(float(portrait.tone @ LUMA), 1), *_MOST))

    def change(part: PhotoBox, photo: Plane) -> tuple[Plane, Plane]:
        share = smoothstep(0.3, 0.95, matte(scene, follows, photo, part))
        share *= np.float32(abs(degree))
        moved = _paler(photo, gain) if degree > 0 else _tanned(photo)
        moved -= photo
        moved *= share[..., None]
        moved += photo
        return moved, share

    return assembled(scene, follows[..., 4], pixels, box, change)


def _paler(photo: Plane, gain: float) -> Plane:
    luma = (photo @ LUMA)[..., None]
    moved = luma + np.float32(1 - _GREY) * (photo - luma)
    moved *= np.float32(gain) * _PINK
    over = np.maximum(moved - 205, 0)  # lights run out softly, and are as bright as they were
    moved -= over
    moved += np.float32(50) * np.tanh(over * np.float32(1 / 50))
    np.maximum(moved, photo, out=moved, where=luma > 205)
    return np.asarray(moved, np.float32)


def _tanned(photo: Plane) -> Plane:
    luma = (photo @ LUMA)[..., None]
    moved = luma + np.float32(_WARMER) * (photo - luma)
    # lights on dark skin are as bright
    moved *= (_DARKER + (0.95 - _DARKER) * smoothstep(150, 235, luma)) * _BROWN
    return np.asarray(moved, np.float32)


LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""The mesh's outline of the lips."""


def _eyes(portrait: Portrait) -> Plane:
    rings = (
        (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
        (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
    )
    return np.maximum(*(portrait.scene.mesh_polygon(ring) for ring in rings))
