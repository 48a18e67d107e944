"""The mouth a little open, or closed: lips and chin moved, by the mesh.

Opening shows what no photo of closed lips holds: a dark gap and the edge of the upper teeth are
laid there. Closing needs nothing that is not seen.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..planes import LUMA, Plane, blur, smoothstep
from ..scene import EYE_DISTANCE, Scene
from .fine import Patch, Pixels, moved, onto, patch, place
from .portrait import Portrait

UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_NOSE, _CHIN = 2, 152
OPEN = 0.035
"""Eye distances between the lips from which a mouth counts as open."""
_GAP = 0.105  # eye distances, of a mouth slightly open
_LIFT = 0.22  # of the gap is the upper lip's way
_CUT = 0.032  # eye distances of a lip's inner edge that is wet or tooth
_SEAM = 0.016

Points = npt.NDArray[np.float64]


def gap(scene: Scene) -> float:
    """How far the lips are apart in the middle, in eye distances."""
    apart = scene.mesh[14, :2] - scene.mesh[13, :2]
    return float(np.hypot(*apart)) / EYE_DISTANCE


def _line(scene: Scene, numbers: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """y in scene pixels of a line of the mesh at every column (W,)."""
    points = scene.to_scene(scene.mesh[list(numbers), :2])
    points = points[np.argsort(points[:, 0])]
    return np.asarray(np.interp(np.arange(scene.shape[1]) + 0.5, points[:, 0], points[:, 1]))


def opened(portrait: Portrait, pixels: Pixels, degree: float) -> Patch | None:
    """The mouth opened by `degree` 0..1, or closed by -1..0."""
    scene = portrait.near
    unit = scene.unit
    upper, lower = _line(scene, UPPER), _line(scene, LOWER)
    ends = scene.to_scene(scene.mesh[[78, 308], :2])
    left, right = sorted(ends[:, 0])
    xs = np.arange(scene.shape[1]) + 0.5
    inside = np.clip((xs - left) / max(right - left, 1), 0, 1)
    arch = (4 * inside * (1 - inside)) ** 0.7
    now = np.maximum(lower - upper, 0)
    if degree > 0:
        change = np.maximum(_GAP * unit * arch - now, 0) * degree
        top, bottom = upper - _LIFT * change, lower + (1 - _LIFT) * change
        from_top, from_bottom = upper, lower
    else:
        seam = upper + 0.3 * now
        top = upper + (seam - upper) * -degree
        bottom = lower + (seam - lower) * -degree
        cut = _CUT * unit * arch * -degree * np.clip(now / (0.04 * unit), 0, 1)
        from_top, from_bottom = upper - cut, lower + cut
    nose = float(scene.to_scene(scene.mesh[[_NOSE], :2])[0, 1])
    chin = float(scene.to_scene(scene.mesh[[_CHIN], :2])[0, 1])
    y = np.arange(scene.shape[0])[:, None] + 0.5
    # how far a pixel's source lies below it: all of the lip's way at the lip, none at nose and chin
    above = smoothstep(0.0, 1.0, ((y - nose) / np.maximum(top - nose, 1)).astype(np.float32))
    reach = chin + 0.35 * unit - bottom
    below = smoothstep(1.0, 0.0, ((y - bottom) / np.maximum(reach, 1)).astype(np.float32))
    down = np.where(
        y < (top + bottom) / 2, above * (from_top - top), below * (from_bottom - bottom)
    )
    aside = np.maximum(left - xs, xs - right) / unit
    down = (down * smoothstep(0.5, 0.0, aside.astype(np.float32))[None] / scene.scale).astype(
        np.float32
    )
    where = blur((np.abs(down) > 0.02).astype(np.float32), 0.03 * unit)
    box = place(scene, where, pixels)
    if box is None:
        return None
    out = moved(scene, np.zeros_like(down), down, pixels, box)
    if degree > 0:
        out = _within(scene, out, box, top, bottom, inside, _tone(scene))
    else:
        dark = np.exp(-(((y - (top + bottom) / 2) / (_SEAM * unit)) ** 2)) * (arch**0.6)[None]
        dark *= 0.5 * -degree * (now > 0.02 * unit)[None]
        line = onto(scene, blur(dark.astype(np.float32), 0.006 * unit), box)
        out *= (1 - line)[..., None]
    weight = np.minimum(1, 4 * onto(scene, where, box))
    return patch(box, out, weight)


def _tone(scene: Scene) -> Plane:
    """(3,): the colour of the skin around the mouth."""
    points = scene.to_scene(scene.mesh[[205, 425, 199, 101, 330], :2]).astype(int)
    height, width = scene.shape
    tones = scene.rgb[np.clip(points[:, 1], 0, height - 1), np.clip(points[:, 0], 0, width - 1)]
    return np.asarray(np.median(tones, 0), np.float32)


def _within(
    scene: Scene, out: Plane, box: tuple[int, int, int, int], top: Points, bottom: Points,
    inside: Points, tone: Plane,
) -> Plane:  # fmt: skip
    """The gap between `top` and `bottom` (W,) filled: darkness, teeth below the upper lip."""
    unit = scene.unit
    y = np.arange(scene.shape[0])[:, None] + 0.5
    tall = np.maximum(bottom - top, 1e-3)
    soft = max(0.012 * unit, 0.6)
    hole = smoothstep(0.0, 1.0, ((y - top) / soft).astype(np.float32))
    hole *= smoothstep(0.0, 1.0, ((bottom - y) / soft).astype(np.float32))
    hole *= smoothstep(0.15, 0.6, (tall / (0.06 * unit)).astype(np.float32))[None]
    down = np.clip((y - top) / tall, 0, 1).astype(np.float32)
    teeth = smoothstep(0.78, 0.5, down) * smoothstep(0.0, 0.2, down)
    wide = smoothstep(0.12, 0.34, inside.astype(np.float32)) * smoothstep(
        0.88, 0.66, inside.astype(np.float32)
    )
    step = 0.5 + 0.5 * np.cos(2 * np.pi * (inside - 0.5) * 8)
    teeth = teeth * wide * (0.86 + 0.14 * smoothstep(0.0, 0.25, step.astype(np.float32)))
    # both have the light of the skin around, and no colour where the photo has none
    light = float(tone @ LUMA)
    dark = 0.11 * light + 0.35 * (tone - light)
    dark = np.clip(dark, 0.05 * light, 255).astype(np.float32)
    ivory = 0.72 * min(light, 210.0) + 0.3 * (tone - light)
    fill = dark + teeth[..., None] * (ivory * (0.55 + 0.45 * wide[None, :, None]) - dark)
    planes = np.concatenate([fill * hole[..., None], hole[..., None]], -1).astype(np.float32)
    planes = onto(scene, planes, box)
    return np.asarray(out * (1 - planes[..., 3:]) + planes[..., :3], np.float32)
