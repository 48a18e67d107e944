"""Beards: hair that grows below the nose and belongs to the face."""

from __future__ import annotations

import numpy as np

from ..planes import LUMA, Plane, blur, eased, grow, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Scene

_LONG = (6.8, 7.5)  # times rougher: three long beards had 7.8 to 11, make-up and scarves up to 6.4
# below the chin is hair: two beards had 0.10 and 0.19, necks 0.01
_HANGS = (0.02, 0.06)


def beard(scene: Scene, hair: Plane, oval: Plane) -> tuple[Plane, float]:
    """The zone, (H, W) 0..1, in which the parser's `hair` (H, W) is a beard and stays, and how much
    of it there is within the face's `oval` (H, W), 0..1."""
    mesh = (scene.mesh[:, :2] - EYES_MIDDLE) / EYE_DISTANCE
    x, y = scene.face_units()
    nose, mouth = float(mesh[2, 1]), float(mesh[[61, 291], 1].mean())
    left, right = float(mesh[172, 0]), float(mesh[397, 0])
    middle = float(mesh[[61, 291], 0].mean())
    chin = (y > mouth + 0.15) & (np.abs(x - middle) < 0.38)
    lip = (y > nose) & (y < mouth - 0.04) & (np.abs(x - middle) < 0.3)

    def share(where: Plane) -> float:
        part = oval * where
        return float((hair * part).sum() / max(float(part.sum()), 1.0))

    strength = max(share(chin.astype(np.float32)), 0.7 * share(lip.astype(np.float32)))
    # a beard that is skin to the parser on the face is hair to it where it hangs: below the chin
    end = float(mesh[152, 1])
    under = (y > end + 0.1) & (y < end + 0.4) & (np.abs(x - middle) < 0.4)
    hung = float(hair[under].mean()) if under.any() else 0.0
    hangs = eased(*_LONG, roughness(scene, oval)) * eased(*_HANGS, hung)
    grown = max(strength, 0.5 * hangs)
    if grown < 0.25:
        return np.zeros_like(hair), strength
    # sideburns fade in from the middle of the ear downwards; below the jaw the beard may hang
    half = 0.5 * (right - left) + 0.12 + 0.15 * hangs
    column = smoothstep(half + 0.1, half, np.abs(x - (left + right) / 2))
    hanging = column * smoothstep(nose, nose + 0.2, y) * min(1.0, max(0.0, 4 * grown - 1))
    near = grow(oval, 0.10 * scene.unit) * smoothstep(0.25, 0.75, y)
    zone = oval * smoothstep(nose - 0.05, nose + 0.1, y)
    return np.maximum(np.maximum(zone, hanging), near), strength


def shaggy(scene: Scene, oval: Plane) -> float:
    """How surely a beard grows on chin and cheeks that the parser calls skin: 0 to 1."""
    return eased(3.5, 5.0, roughness(scene, oval))


def roughness(scene: Scene, oval: Plane) -> float:
    """How many times rougher chin and cheeks beside the mouth are than skin below the eyes; 0 where
    they do not show."""
    mesh = (scene.mesh[:, :2] - EYES_MIDDLE) / EYE_DISTANCE
    x, y = scene.face_units()
    mouth, chin = float(mesh[[61, 291], 1].mean()), float(mesh[152, 1])
    left, right = float(mesh[61, 0]), float(mesh[291, 0])
    luma = scene.rgb @ LUMA
    rough = np.abs(luma - blur(luma, 0.03 * scene.unit)) / (blur(luma, 0.1 * scene.unit) + 8)
    inside = oval > 0.9
    below = inside & (y > mouth + 0.2) & (y < chin - 0.12) & (x > left) & (x < right)
    beside = inside & (np.abs(y - mouth) < 0.2) & ((x < left - 0.08) | (x > right + 0.08))
    cheek = inside & (np.abs(y - 0.4) < 0.12)
    cheek &= (np.abs(x - mesh[117, 0]) < 0.15) | (np.abs(x - mesh[346, 0]) < 0.15)
    if not (cheek.any() and (below.any() or beside.any())):
        return 0.0
    base = float(np.median(rough[cheek])) + 0.004
    zones = [float(np.quantile(rough[z], 0.7)) / base for z in (below, beside) if z.any()]
    return max(zones)
