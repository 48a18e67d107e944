"""Beard and moustache: taken off, or grown.

Off: where hair grew, the face's tones are told by what is bare of it (`tones`), met with the skin
around, and the person's own grain is laid over; what hangs far below the jaw stays. On: hairs are
drawn one by one.
"""

from __future__ import annotations

import numpy as np

from .. import brow
from ..hair.classes import NECK, SKIN
from ..planes import LUMA, Plane, blur, eased, grow, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Scene
from . import hairs, strands, tones
from .fine import Patch, Pixels, onto, patch, place
from .portrait import Portrait
from .skin import LIPS

_NOSE, _CHIN, _CORNERS = 2, 152, (61, 291)
_MOUSTACHE = (
    186, 92, 165, 167, 164, 393, 391, 322, 410, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61,
)  # fmt: skip
_BEARD = (
    93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323,
    433, 436, 322, 391, 393, 164, 167, 165, 92, 216, 213,
)  # fmt: skip
_WIDE = (
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361,
    323, 454, 376, 411, 426, 327, 2, 98, 206, 187, 147,
)  # fmt: skip
_NOSTRILS = (98, 97, 2, 326, 327, 278, 4, 48)
_SHADOW = (0.82, 0.93)  # of the bare skin's luma: surely hair, and surely none
_JAW = (0.5, 0.68)  # the same of the face's, below the jaw, where skin is in the shade
_BEARD_LIGHT = 0.5  # of the skin's luma has a beard at most
_HAIR, _STUBBLE = 0.85, 0.25  # of a hair is seen: light goes through it
_SHORT = 0.5  # of the hair's tones, from the darkest, has a stubble
_LEAST = 0.06  # of the beard's zone is dark: there is one


def shaven(portrait: Portrait, pixels: Pixels, degree: float, whole: bool = True) -> Patch | None:
    """Beard (or without `whole` the moustache alone) off by `degree` 0..1; None where none is."""
    scene, unit = portrait.scene, portrait.scene.unit
    lips = scene.mesh_polygon(LIPS)
    upper = grow(scene.mesh_polygon(_MOUSTACHE), 0.07 * unit)
    upper *= 1 - smoothstep(0.0, 0.6, grow(scene.mesh_polygon(_NOSTRILS), 0.02 * unit))
    zone = np.maximum(_zone(scene), upper) if whole else upper
    kept = smoothstep(0.35, 0.8, lips)
    clear = (1 - grow(np.maximum(zone, lips), 0.03 * unit)) * portrait.bare
    neck = portrait.classes[..., NECK] * portrait.mine
    luma = blur(scene.rgb @ LUMA, 0.015 * unit)
    flesh = portrait.classes[..., [SKIN, NECK]].sum(-1) * portrait.mine
    light = float(portrait.tone @ LUMA)
    shade = smoothstep(_JAW[1], _JAW[0], luma / max(light, 8))
    below = grow(zone, 0.3 * unit) * flesh * shade * (1 - grow(zone, 0.02 * unit))
    mouth = float(scene.to_scene(scene.mesh[[14], :2])[0, 1])
    low = np.arange(scene.shape[0], dtype=np.float32)[:, None] > mouth - 0.15 * unit
    below = below * low if whole else np.zeros_like(zone)
    below = grow(below, 0.05 * unit) * smoothstep(0.3, 0.6, flesh)
    bare = tones.completed(scene, np.maximum(clear, neck * (1 - grow(below, 0.1 * unit))))
    dark = smoothstep(_SHADOW[1], _SHADOW[0], luma / np.maximum(bare @ LUMA, 8))
    share = float((dark * zone * (1 - kept)).sum() / max(float(zone.sum()), 1))
    if share < _LEAST:
        return None
    full = eased(_LEAST, 0.3, share)
    hole = zone * np.maximum(grow(smoothstep(0.2, 0.5, dark * zone), 0.1 * unit), full)
    hole = blur(np.maximum(hole, below * full), 0.025 * unit) * (1 - kept)
    box = place(scene, hole, pixels)
    if box is None:
        return None
    weight = onto(scene, hole, box)
    colour = onto(scene, bare, box)
    colour += tones.grain(portrait, pixels, box, clear, weight)[..., None]
    return patch(box, colour, weight * np.float32(degree))


def grown(
    portrait: Portrait, pixels: Pixels, degree: float, moustache: bool = False
) -> Patch | None:
    """A short beard, or a `moustache`, grown by `degree` 0..1: as dense as that."""
    scene = portrait.near
    lips = grow(scene.mesh_polygon(LIPS), 0.012 * scene.unit)
    zone = scene.mesh_polygon(_MOUSTACHE if moustache else _BEARD)
    soft = 0.05 if moustache else 0.2
    zone = smoothstep(0.1, 0.95, blur(zone, soft * scene.unit)) * (1 - lips)
    box = place(scene, grow(zone, 0.14 * scene.unit), pixels)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    x, _ = scene.face_units()
    middle = (scene.mesh[_NOSE, 0] - EYES_MIDDLE[0]) / EYE_DISTANCE
    aside = x - np.float32(middle)
    if moustache:
        # from the middle outwards, the flatter the further; a hollow below the nose
        way = np.pi / 2 - np.sign(aside) * (0.3 + 2.6 * np.abs(aside)).clip(0, 1.2)
        zone = zone * (0.7 + 0.3 * smoothstep(0.0, 0.09, np.abs(aside)))
        growth = hairs.Growth(20000 * degree, (0.05, 0.12), 0.003, 0.3, 0.6)
        shade = 0.4
    else:
        way = np.pi / 2 - 0.5 * aside
        growth = hairs.Growth(24000 * degree, (0.012, 0.035), 0.003, 0.5, 0.4, 3)
        shade = 0.26
    lines = hairs.rooted(scene, zone, way.astype(np.float32), growth, 11)
    rng = np.random.default_rng(12)
    own = _palette(portrait)
    # the dark ones first: what lies on top is lit
    share = np.sort(0.75 * rng.beta(1.6, 1.6, len(lines)) + 0.25 * np.linspace(0, 1, len(lines)))
    # what is short has no tips in the light
    ink = own.at(share if moustache else _SHORT * share)
    photo = pixels[y0:y1, x0:x1].astype(np.float32)
    # hairs in the light are as light as the skin beneath lets them be
    light = blur(photo @ LUMA, 0.06 * EYE_DISTANCE / abs(scene.frame.z))
    lit = np.clip(light / max(float(portrait.tone @ LUMA), 8), 0.3, 1.5 if moustache else 1.0)[
        ..., None
    ]
    over, cover = strands.laid(scene, lines, ink[:, None], growth.width, box)
    seen = np.float32(_HAIR if moustache else _STUBBLE)
    over, cover = over * seen, cover * seen
    ground = onto(scene, blur(zone, 0.02 * scene.unit), box) * np.float32(shade * degree)
    # between the hairs their shadow lies on the skin
    photo += ground[..., None] * (own.at(np.array(0.1)) * lit * 0.6 + 0.4 * photo - photo)
    photo = photo * (1 - cover[..., None]) + over * lit
    weight = (np.maximum(ground, cover) > 0.004).astype(np.float32)
    return patch(box, photo, weight)


def _palette(portrait: Portrait) -> strands.Palette:
    """Of a beard: the tones of brows and of the darker half of the hair; dark brown where neither
    is seen. No lighter than half the skin's, as beards are."""
    scene = portrait.scene
    brows = np.maximum(*(brow.area(scene, side, 0.7, 0.7) for side in (0, 1))) > 0.5
    sure = (portrait.hair > 0.9) & (scene.inside > 0.5)
    brows &= scene.inside > 0.5
    seen = [scene.rgb[where] for where in (sure, brows) if where.sum() > 50]
    if not seen:
        return strands.Palette(np.array([[30, 24, 20], [66, 52, 44]], np.float32))
    least = min(len(one) for one in seen)
    # as many of the one as of the other
    both = np.concatenate([one[:: max(1, len(one) // least)] for one in seen])
    luma = both @ LUMA
    low, high = np.quantile(luma, (0.02, 0.6))
    dark = both[(luma >= low) & (luma <= high)]
    light = float(portrait.tone @ LUMA)
    most = float((dark @ LUMA).mean()) / (_BEARD_LIGHT * max(light, 8))
    return strands.Palette.of(np.asarray(dark / max(most, 1.0), np.float32))


def _zone(scene: Scene) -> Plane:
    """Where a full beard may grow on the face, widely, (H, W) 0..1."""
    return blur(scene.mesh_polygon(_WIDE), 0.04 * scene.unit)
