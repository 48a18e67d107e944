"""Which pixels the hair owns: the hole that has to be filled, to the last strand.

What stays is decided here too: beards, brows, eyes, ears, glasses, jewellery, hats, hands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import brow
from ..planes import Plane, blur, dilate, eased, grow, reached, resize, smoothstep
from ..scene import Scene
from . import beard
from .classes import CLOTHES, EAR, GLASSES, HAIR, HAT, JEWELLERY, NECK, SKIN
from .loose import curls, hairy, locks, rim, strands, stray
from .person import alike

# parts of the mesh that nothing but sure hair may enter
_EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
_INNER = (
    70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300, 446, 340,
    425, 410, 287, 375, 405, 17, 181, 146, 57, 186, 205, 111, 226,
)  # fmt: skip

_HAT = 0.3  # of the head's top: of 179 val faces without a hat, 178 had less
_LIKELY, _SURELY = 0.6, 0.92
_LITTLE = 0.04  # of the head's top is hat enough where there surely is one


@dataclass(frozen=True)
class Matte:
    """Planes (H, W), 0..1, and what was learnt on the way.

    `hair` how surely a pixel is hair to be removed; `hole` what is to be replaced, soft; `shade`
    skin that stays but lies in the hair's shadow, and has to lose it; `beard` the share of the
    beard's zone that is hair; `hat` that of the head's top that a hat covers.
    """

    hair: Plane
    hole: Plane
    shade: Plane
    beard: float
    hat: float


def matte(
    scene: Scene,
    classes: Plane,
    hatted: float,
    oval: Plane,
    head: Plane,
    rough: Plane,
    smooth: Plane,
) -> Matte:
    """From the parser's `classes` (H, W, 9), how likely there is a hat at all, the filled outlines
    of face and head, where brows, eyes, lips or glasses are, and where skin shows its own tone, all
    (H, W)."""
    u = scene.unit
    x, y = scene.face_units()
    beard_zone, bearded = beard.beard(scene, classes[..., HAIR], oval)
    capped, hat = _hat(classes, hatted, head * smoothstep(-0.5, -0.8, y), y)
    raw = (classes[..., HAIR] + classes[..., HAT] - capped) * (1 - beard_zone)
    neck = classes[..., NECK] * (np.abs(x) < 1.2)
    sure = raw > 0.55
    like = alike(scene, sure) if sure.sum() > 50 else np.zeros_like(raw)
    raw = raw * attached(scene, raw, like, np.maximum(oval, classes[..., EAR] + neck), head)
    # below the chin what is taken without need is well made anew, what stays is seen; but clothes
    # that stay are better than any that are made
    low = smoothstep(1.3, 1.8, y) * (1 - eased(0.08, 0.2, bearded))
    worn = classes[..., CLOTHES] / np.maximum(1 - classes[..., HAIR], 0.05)
    loose = (1 - worn) * smoothstep(0.12, 0.4, raw) + worn * smoothstep(0.3, 0.5, raw)
    hair = np.maximum(smoothstep(0.3, 0.65, raw), loose * low)
    out = np.maximum(grow(hair, 0.11 * u), strands(scene, classes, hair))
    # on skin the old hairline's shadow goes too
    skin = np.clip(classes[..., SKIN] + classes[..., NECK], 0, 1)
    out = np.maximum(out, grow(hair, 0.17 * u) * skin * smoothstep(0.35, 0.05, y) * head)
    # nor does the edge of hair that hangs over neck and chest end where the parser says
    out = np.maximum(out, grow(hair, 0.28 * u) * classes[..., NECK] * low)
    keep = np.zeros_like(oval)
    for side, polygon in enumerate(_EYES):
        over = brow.possible(scene, hair, side)
        keep = np.maximum.reduce([keep, scene.mesh_polygon(polygon), over])
    keep = grow(keep, 0.06 * u)
    inner = scene.mesh_polygon(_INNER)
    for polygon in _EYES:
        inner = np.maximum(inner, scene.mesh_polygon(polygon))
    coloured = hairy(scene, classes, hair)
    out = np.maximum(out, locks(scene, classes, hair, like, coloured, out))
    # where a beard grows a loose strand cannot be told from it
    grown = max(eased(0.08, 0.2, bearded), beard.shaggy(scene, oval))
    clear = 1 - smoothstep(0.4, 0.6, y) * grown
    clear = clear * (1 - beard_zone)
    outer = (classes[..., SKIN] + classes[..., HAIR]) * clear * (1 - classes[..., EAR])
    outer = outer * smoothstep(1.2, 1.0, y) * np.maximum(1 - inner, smoothstep(0.2, 0.0, y))
    out = np.maximum(out, stray(scene, outer, smooth, like, out, keep))
    core = grow(smoothstep(0.35, 0.65, raw), 0.04 * u)
    out = np.where(inner > 0.3, np.minimum(out, core), out)
    face = np.clip(classes[..., SKIN] + classes[..., HAIR], 0, 1) * (oval + head > 0.5)
    out = np.maximum(out, rim(scene, oval, face * (1 - rough) * clear, smooth, like, out))
    out = np.maximum(out, curls(scene, classes, oval, like, coloured, out) * clear)
    solid = _solid(scene, classes, hair, coloured, capped)
    out = out * (1 - smoothstep(0.3, 0.6, solid) * (1 - hair))
    out = out * (1 - smoothstep(0.4, 0.6, beard_zone * classes[..., HAIR]))
    hole = np.clip(blur(out, 0.012 * u), 0, 1)
    shade = smoothstep(0.0, 0.8, blur(grow(hair, 0.30 * u), 0.14 * u)) * face * (1 - rough)
    shade = blur(shade * smoothstep(0.35, -0.05, y), 0.02 * u)
    return Matte(hair, hole.astype(np.float32), shade.astype(np.float32), bearded, hat)


def _solid(scene: Scene, classes: Plane, hair: Plane, coloured: Plane, capped: Plane) -> Plane:
    """What stays though it is close to the `hair`, (H, W) 0..1: glasses, jewellery, ears but for
    the ends of hair that hang over them, the hat that is `capped`, and raised arms. `coloured` is
    how near a colour is to the hair's; all (H, W)."""
    u = scene.unit
    x, y = scene.face_units()
    # the parser's word on jewellery counts little
    out = classes[..., GLASSES] + smoothstep(0.25, 0.6, classes[..., JEWELLERY]) + capped
    coarse = _outwards(hair, x, 0.07 * u) * smoothstep(0.5, 0.9, blur(coloured, 0.01 * u))
    fringe = np.maximum(_outwards(hair, x, 0.025 * u), coarse)
    ear = smoothstep(0.3, 0.55, classes[..., EAR]) * (1 - fringe)
    # arms are clothes to the parser
    raised = smoothstep(0.5, 0.8, classes[..., CLOTHES]) * smoothstep(0.6, 0.3, y)
    raised = raised * (1 - grow(hair, 0.06 * u))
    kept: Plane = np.maximum(np.maximum(np.clip(out, 0, 1), ear), raised)
    return kept


def _outwards(hair: Plane, x: Plane, reach: float) -> Plane:
    """The `hair` (H, W) moved outwards and a little down: there its ends hang over an ear, while
    hair beyond an ear or above it lies behind. `x` (H, W) is negative at the left."""
    out, down = round(reach), round(0.4 * reach)
    height, width = hair.shape
    wide = np.pad(hair, ((down, 0), (out, out)))[:height]
    return np.where(x < 0, wide[:, 2 * out :], wide[:, :width])


def _hat(classes: Plane, hatted: float, top: Plane, y: Plane) -> tuple[Plane, float]:
    """Where a hat is that stays, (H, W) 0..1, and how much of the head's `top` it covers. The net's
    word that there is one (`hatted`, 0..1) decides how much hat the parser has to see."""

    def share(plane: Plane) -> float:
        return float((plane * top).sum() / max(float(top.sum()), 1.0))

    seen = share(classes[..., HAT])
    if seen < (_LITTLE if hatted > _SURELY else _HAT):
        return np.zeros_like(top), seen
    capped = classes[..., HAT]
    if hatted > _LIKELY:  # and all of it that the parser took for hair
        capped = capped + classes[..., HAIR] * smoothstep(-0.3, -0.5, y)
    return capped, share(capped)


def attached(scene: Scene, hair: Plane, like: Plane, own: Plane, head: Plane) -> Plane:
    """What hangs together with the hair on the head's upper half: (H, W) 0..1.

    Dark corners, hoods and other people's hair do not. What surely is hair and has its colour
    (`like`) may hang out from behind what is the person's `own`: ears, face, neck. All (H, W).
    """
    height, width = scene.shape
    zoom = max(1, round(scene.unit / 24))
    size = (-(-height // zoom), -(-width // zoom))
    crown = grow(head, 0.1 * scene.unit) * (scene.face_units()[1] < 0.2)
    small = resize(hair, size)
    found = reached(resize(hair * crown, size) > 0.4, small > 0.15, 2)
    sure = (small > 0.6) & (resize(like, size) > 0.25)
    bridge = resize(own, size) > 0.3
    behind = reached(found, found | bridge | sure, 2) & ~bridge
    return resize(dilate(found | behind, 2).astype(np.float32), scene.shape)
