"""Glasses put on: a common dark pair, fitted in space, lit and shaded as the face is."""

from __future__ import annotations

import numpy as np

from ..planes import LUMA, Plane, blur, smoothstep
from ..scene import EYE_DISTANCE, OVAL
from . import frames
from .fine import Patch, Pixels, followed, matte, onto, patch
from .portrait import Portrait

_SOFT = 0.006  # eye distances: how sharp the frame is at most
_SHADOW, _BELOW = 0.30, 0.06  # of the light is lost beneath the rim; eye distances it falls
_COLOUR = np.array([30, 25, 23], np.float32)  # at full light
_SHINE = 26.0  # levels on the upper edge
_GLASS = 0.055  # of white, where the lens mirrors most


def put_on(portrait: Portrait, pixels: Pixels, degree: float) -> Patch:
    """Glasses by `degree` 0..1: as solid as that. `pixels` (H, W, 3) is the photo so far."""
    scene = portrait.scene
    pair = frames.fitted(scene.mesh, frames.Style())
    points = np.concatenate([*pair.outer, *pair.arms])
    margin = 0.2 * EYE_DISTANCE
    low, high = points.min(0) - margin, points.max(0) + margin
    corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    corners = scene.frame.to_photo(corners)
    height, width = pixels.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(0)), 0, (width, height)).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(0)), 0, (width, height)).astype(int).tolist()
    box = (x0, y0, x1, y1)
    unit = EYE_DISTANCE / abs(scene.frame.z)  # photo pixels per eye distance

    def here(polygon: frames.Points) -> frames.Points:
        return np.asarray(scene.frame.to_photo(polygon) - np.array([x0, y0]))

    size = (y1 - y0, x1 - x0)
    zoom = 4 if max(size) < 1200 else 2
    soft = _SOFT * unit if unit > 60 else 0.45
    front = [*((here(p), 255) for p in pair.outer), (here(pair.bridge), 255)]
    lenses = [(here(p), 255) for p in pair.inner]
    holes = [(points, 0) for points, _ in lenses]
    bridge = frames.filled([(here(pair.bridge), 255), *holes], size, zoom)
    rim = np.maximum(frames.filled([*front[:-1], *holes], size, zoom), bridge)
    lens = frames.filled(lenses, size, zoom)
    arms = frames.filled([(here(p), 255) for p in pair.arms], size, zoom)
    arms = arms * (1 - np.maximum(rim, lens))
    photo = pixels[y0:y1, x0:x1].astype(np.float32)
    # hair that hangs before the face hangs before the glasses, and arms go into it
    follows = followed(scene, smoothstep(0.1, 0.9, portrait.hair), 0.06 * scene.unit)
    hair = matte(scene, follows, photo, box)
    hair = smoothstep(0.2, 0.7, hair)
    face = onto(scene, blur(scene.mesh_polygon(OVAL), 0.02 * scene.unit), box)
    arms *= smoothstep(0.2, 0.6, face)
    solid = blur(np.maximum(rim, 0.92 * arms), soft) * (1 - hair)
    # shadow: the rim again, further down, and softer
    fall = round(_BELOW * unit)
    shadow = np.zeros_like(rim)
    shadow[fall:] = np.maximum(rim, arms)[: size[0] - fall]
    shadow = blur(shadow, 0.035 * unit) * face * (1 - hair)
    light = float(portrait.tone @ LUMA) / 190
    out = photo * (1 - np.float32(_SHADOW) * shadow)[..., None]
    gleam = _gleam(lens, size) * lens * (1 - hair) * np.float32(_GLASS * min(1, light))
    out += gleam[..., None] * (235 - out)
    up = np.zeros_like(rim)
    step = max(1, round(0.012 * unit))
    up[:-step] = rim[step:]
    edge = blur(np.clip(rim - np.roll(rim, step, 0), 0, 1), soft) * rim
    colour = _COLOUR * np.float32(0.4 + 0.6 * min(light, 1.2))
    body = colour + (np.float32(_SHINE * min(light, 1.2)) * edge)[..., None]
    grain = photo @ LUMA
    grain -= blur(grain, 1.0)
    body += np.clip(0.25 * grain, -4, 4)[..., None]
    out += solid[..., None] * (body - out)
    reach = np.clip(np.maximum.reduce([solid, shadow, gleam * 10]) * 50, 0, 1)
    photo += np.float32(degree) * (out - photo)
    return patch(box, photo, (reach > 0.02).astype(np.float32))


def _gleam(lens: Plane, size: tuple[int, int]) -> Plane:
    """Light in the glass: strongest in a band from the upper left to the lower right."""
    ys, xs = np.nonzero(lens > 0.5)
    if len(ys) == 0:
        return lens
    y = (np.arange(size[0], dtype=np.float32)[:, None] - ys.min()) / max(np.ptp(ys), 1)
    x = (np.arange(size[1], dtype=np.float32)[None] - xs.min()) / max(np.ptp(xs), 1)
    band = 0.5 + 0.5 * np.cos((3.4 * x + 1.1 * y) * np.pi)
    return np.asarray(smoothstep(0.35, 1.0, band) * (1 - 0.6 * y), np.float32)
