"""Neck, shoulders, clothes and background as they are without the hair, on the scene's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..parallel import both
from ..planes import Plane, blur, grow, membrane, resize, smoothstep
from ..scene import Scene
from . import detail
from .beneath import BACKGROUND, CLOTH, CLOTH2, SKIN, Beneath, beneath

_SMOOTH = 24.0  # px per eye distance are enough for skin
_JAW = (172, 397)  # its corners, of the mesh
_LITTLE = 0.03  # squared eye distances of a layer need no texture of their own


@dataclass(frozen=True)
class Body:
    """`rgb` (H, W, 3) complete but for head and ears; `skin` and `cloth` (H, W) 0..1, where bare
    skin and where clothes are shown; `grained` (H, W) 0..1 where `rgb` carries the photo's own fine
    texture."""

    rgb: Plane
    skin: Plane
    cloth: Plane
    grained: Plane


def body(scene: Scene, seen: Plane, hole: Plane, head: Plane) -> Body:
    """All that the hair hid but the head; arguments as for `beneath`."""
    found = beneath(scene, seen, hole, head)
    wanted = hole * (1 - head)
    first, rest = both(
        lambda: _layer(scene, found, BACKGROUND, hole, wanted),
        lambda: [_layer(scene, found, k, hole, wanted) for k in (SKIN, CLOTH, CLOTH2)],
        scene.threads,
    )
    rgb = np.zeros_like(scene.rgb)
    grained = np.zeros(scene.shape, np.float32)
    for k, one in enumerate([first, *rest]):
        share = found.shares[..., k]
        for c in range(3):
            rgb[..., c] += one.rgb[..., c] * share
        grained += one.grained * share
    cloth = found.shares[..., CLOTH] + found.shares[..., CLOTH2]
    return Body(rgb, found.shares[..., SKIN], cloth, grained)


def _layer(scene: Scene, found: Beneath, index: int, hole: Plane, wanted: Plane) -> detail.Detail:
    """One layer in full, wherever it lies in what is `wanted` (H, W)."""
    guide, share = found.colours[index], found.shares[..., index]
    known = smoothstep(0.85, 0.97, found.seen[..., index])
    known = known * (1 - grow(hole, 0.03 * scene.unit))
    here = wanted * grow(share, 0.06 * scene.unit)
    none = np.zeros(scene.shape, np.float32)
    if float(here.max()) < 0.02 or float(share.max()) < 0.02:
        return detail.Detail(guide, none)
    if index == SKIN or float((wanted * share).sum()) < _LITTLE * scene.unit**2:
        return detail.Detail(_met(scene, guide, known), none)
    axis = None if index == BACKGROUND else _axis(scene)
    return detail.complete(scene.rgb, known, here, scene.unit, guide, axis)


def _axis(scene: Scene) -> float:
    """The column of the scene about which clothes are the same left and right, more or less."""
    return float(scene.mesh[list(_JAW), 0].mean() - scene.box[0]) * scene.scale


def _met(scene: Scene, guide: Plane, known: Plane) -> Plane:
    """The `guide` (H, W, 3) moved to meet the photo where it is `known` (H, W)."""
    factor = min(1.0, _SMOOTH / scene.unit)
    low = (max(2, round(scene.shape[0] * factor)), max(2, round(scene.shape[1] * factor)))
    weight = resize(known, low)
    if float(weight.max()) < 0.5:
        return guide
    off = blur(resize((scene.rgb - guide) * known[..., None], low), 1.5)
    off /= np.maximum(blur(weight, 1.5), np.float32(1e-3))[..., None]
    out = guide + resize(membrane(off, (weight > 0.5).astype(np.float32)), scene.shape)
    return np.asarray(np.clip(out, 0, 255), np.float32)
