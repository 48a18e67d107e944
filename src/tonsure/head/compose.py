"""The layers laid over each other at the photo's own resolution, each with its own grain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..parallel import both
from ..planes import LUMA, Plane, blur, grow, resize, smoothstep
from ..scene import EYE_DISTANCE, PhotoBox, Scene
from . import bare, brows, ears, features, grain, mirror
from .layers import Layers

Pixels = npt.NDArray[np.uint8]

# grain by layer: finer than this, in patches of this size, both in eye distances, and how many
# levels its coarser part (pores are finer) may deviate
_SKIN, _BEHIND, _CLOTH = (0.04, 0.15, 3.2), (0.05, 0.3, np.inf), (0.06, 0.3, 3.2)
_PORES = 0.012  # eye distances


class Composed(NamedTuple):
    """A piece of the photo without hair: `colour` (h, w, 3) uint8, and `front` (h, w) 0..1, where
    that shows the head and drawn ears, which lie before all else."""

    colour: Pixels
    front: Plane


def outline(points: npt.NDArray[np.float64], scene: Scene, box: PhotoBox, soft: float) -> Plane:
    """The outline filled on the photo's pixels of `box`, its edge softened by `soft` px."""
    photo = scene.frame.to_photo(points) - np.array(box[:2])
    size = (box[2] - box[0], box[3] - box[1])
    zoom = 4 if max(size) < 1500 else 2
    image = Image.new("L", (size[0] * zoom, size[1] * zoom))
    ImageDraw.Draw(image).polygon([(float(x * zoom), float(y * zoom)) for x, y in photo], fill=255)
    filled = np.asarray(image.reduce(zoom), dtype=np.float32) / np.float32(255)
    return np.clip(blur(filled, soft), 0, 1)


def compose(pixels: Pixels, layers: Layers, box: PhotoBox) -> Composed:
    """The photo's `box` as it would be without hair."""
    scene, under, visible = layers.scene, layers.beneath, layers.visible
    density = abs(1 / scene.frame.z) * EYE_DISTANCE  # photo px per eye distance

    head = outline(layers.rim, scene, box, max(0.8, 0.008 * density))
    tone = scene.to_photo(under.head, box)
    drawn = _ears(scene, box, layers.hidden_ears, features.side_light(scene, visible.smooth))
    # all that the head hides in its turn needs no finer grid than the scene's
    rest = layers.body.rgb.copy()
    eared = smoothstep(0.38, 0.62, resize(under.ears, scene.shape))
    _lay(rest, resize(under.ear, scene.shape), eared)
    out = scene.to_photo(rest, box)
    clothes = scene.to_photo(layers.body.cloth, box)
    neck = scene.to_photo(layers.body.skin, box)
    front = np.maximum(head, scene.to_photo(eared, box))
    for one in drawn:
        # the ear's inner side fades into the head: where there is none, no tip may stay
        whole = np.maximum(head[one.at], one.alpha)
        one.alpha[:] *= smoothstep(0.2, 0.4, blur(whole, 0.05 * density))
        out[one.at] *= 1 - (one.shadow * np.maximum(neck, head)[one.at])[..., None]
        # led on beneath the head, but nowhere beside it
        joined = np.maximum(one.alpha, one.under * grow(head[one.at], 0.1 * density))
        out[one.at] += joined[..., None] * (tone[one.at] * one.shade - out[one.at])
        front[one.at] = np.maximum(front[one.at], joined)
    _lay(out, tone, head)
    skin = np.maximum(head, neck)
    own = np.ones_like(skin)  # not fetched from elsewhere in the photo, grain and all
    for hidden in layers.mirrored:
        if hidden.across is None:
            part, at = scene.reach(hidden.where, box)
            cover = brows.draw(scene, hidden.side, part) * scene.to_photo(hidden.where, part)
            out[at] += cover[..., None] * (layers.brow_colour - out[at])
            continue
        at, fetched, share = mirror.lay(pixels, scene, box, under.head, hidden)
        _lay(out[at], fetched, share)
        own[at] *= 1 - share
    for one in drawn:
        out[one.at] += one.alpha[..., None] * (tone[one.at] * one.shade - out[one.at])
        skin[one.at] = np.maximum(skin[one.at], one.alpha)
    photo = pixels[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    hole = scene.to_photo(visible.hole, box)
    for laid in _grain(layers, box, photo @ LUMA, hole * own, skin, clothes):
        laid *= own
        for c in range(3):
            out[..., c] += laid
    lift: Plane = scene.to_photo(visible.shade, box) * (1 - hole) * own
    if float(lift.max()) > 0.01:
        lit = scene.to_photo(_relight(scene, under.head, visible), box)
        lit *= photo
        lift /= np.maximum(hole + lift, np.float32(1e-3))
        _lay(out, lit, lift)
    out += 0.5
    return Composed(np.clip(out, 0, 255, out=out).astype(np.uint8), front)


def _grain(
    layers: Layers, box: PhotoBox, luma: Plane, hole: Plane, skin: Plane, clothes: Plane
) -> list[Plane]:
    """The photo's own fine structure, (h, w) levels around 0, for the skin, the wall and the
    clothes in the `hole`; all planes on the photo's `box`."""
    scene, visible = layers.scene, layers.visible
    density = abs(1 / scene.frame.z) * EYE_DISTANCE
    clear = 1 - grow(visible.hole, 0.04 * scene.unit)
    wall, cloth = (_sure(visible.seen[..., k]) for k in (bare.BACKGROUND, bare.CLOTHES))
    cloth = cloth * (1 - visible.flesh)
    plain = 1 - scene.to_photo(layers.body.grained, box)

    def one(kind: tuple[float, float, float], source: Plane, share: Plane) -> list[Plane]:
        sigma, patch, most = kind
        cover = hole * share
        if float(cover.max()) <= 0.01:
            return []
        shown = scene.to_photo(source * clear, box)
        texture = grain.detail(luma, sigma * density)
        texture = grain.evened(texture, shown, _PORES * density, most)
        laid = grain.quilt(texture, shown, cover, round(patch * density), np.random.default_rng(7))
        laid *= share
        return [laid]

    on_skin, others = both(
        lambda: one(_SKIN, visible.smooth, skin),
        lambda: (
            one(_BEHIND, wall, (1 - skin) * (1 - clothes) * plain)
            + one(_CLOTH, cloth, clothes * (1 - skin) * plain)
        ),
        scene.threads,
    )
    return on_skin + others


def _lay(out: Plane, colour: Plane, share: Plane) -> None:
    """Lay a colour over `out`, both (H, W, 3), by its share (H, W); quicker by channels."""
    for c in range(3):
        step = colour[..., c] - out[..., c]
        step *= share
        out[..., c] += step


def _ears(
    scene: Scene, box: PhotoBox, hidden: tuple[features.HiddenEar, ...], light: float
) -> list[ears.Ear]:
    z, t = scene.frame.z, scene.frame.t
    size, origin = (box[3] - box[1], box[2] - box[0]), z * complex(box[0], box[1]) + t
    found = [
        ears.draw(scene.mesh, ear.side, size, origin - ear.shift, z, light=light) for ear in hidden
    ]
    return [ear for ear in found if ear is not None]


def _relight(scene: Scene, colour: Plane, visible: bare.Visible) -> Plane:
    """What skin in the hair's shadow has to be multiplied by to have the bare head's light, as
    large as `colour` (h, w, 3); the skin's own detail stays."""
    low = (colour.shape[0], colour.shape[1])
    weight = resize(visible.smooth, low)[..., None] + np.float32(1e-4)
    wide = 0.06 * bare.DENSITY
    here = blur(resize(scene.rgb, low) * weight, wide) / blur(weight, wide)
    ratio: Plane = np.clip(colour / np.maximum(here, 4), 1.0, 1.8)
    return ratio


def _sure(share: Plane) -> Plane:
    return smoothstep(0.8, 0.95, share)
