"""The layers laid over each other at the photo's own resolution, each with its own grain."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..parallel import both
from ..planes import LUMA, Plane, blur, grow, resize, smoothstep
from ..scene import PhotoBox, Scene
from . import bare, brows, ears, features, grain, mirror
from .canvas import Canvas
from .layers import Layers

Pixels = npt.NDArray[np.uint8]

# grain by layer: finer than this, in patches of this size, both in eye distances, and how many
# levels its coarser part (pores are finer) may deviate
_SKIN, _BEHIND, _CLOTH = (0.04, 0.15, 3.2), (0.05, 0.3, np.inf), (0.06, 0.3, 3.2)
_PORES = 0.012  # eye distances
_AT_ONCE = 3e6  # pixels up to which a texture is made once, not patch by patch


class Composed(NamedTuple):
    """A piece of the photo without hair: `colour` (h, w, 3) uint8, and `front` 0..1, on the canvas,
    where that shows the head and drawn ears, which lie before all else."""

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


def compose(pixels: Pixels, layers: Layers, canvas: Canvas) -> Composed:
    """The photo's `canvas.whole` as it would be without hair."""
    base = _base(layers, canvas)
    laid = _fetched(pixels, layers, canvas.whole)
    grains = _grains(pixels, layers, canvas, base)
    light = _light(layers, canvas, base)
    result = np.empty((*canvas.shape, 3), np.uint8)

    def block(at: tuple[slice, slice]) -> None:
        out = canvas.part(base.rgb, *at)
        y, x = (one.start + start for one, start in zip(at, canvas.whole[1::-1], strict=True))
        box = (x, y, x + out.shape[1], y + out.shape[0])
        own = np.ones(out.shape[:2], np.float32)  # not fetched from elsewhere, grain and all
        for lay in laid:
            lay(out, own, box)
        hole = canvas.part(base.hole, *at)
        for quilt, share in grains:
            share = canvas.part(share, *at)
            added = quilt.part(*at)
            added *= share * own * (hole * own * share > 0)
            for c in range(3):
                out[..., c] += added
        if light is not None:
            photo = pixels[box[1] : box[3], box[0] : box[2]].astype(np.float32)
            lift = canvas.part(base.shade, *at) * (1 - hole) * own
            photo *= canvas.part(light, *at)
            lift /= np.maximum(hole + lift, np.float32(1e-3))
            _lay(out, photo, lift)
        out += 0.5
        result[at] = np.clip(out, 0, 255, out=out).astype(np.uint8)

    blocks = list(canvas.blocks())
    both(
        lambda: deque(map(block, blocks[::2]), 0),
        lambda: deque(map(block, blocks[1::2]), 0),
        layers.scene.threads,
    )
    return Composed(result, base.front)


@dataclass(frozen=True)
class _Base:
    """All that is smooth, on the canvas: `rgb` (h, w, 3); where it is skin or clothes; the `hole`
    and the hair's `shade`; the `front`, see `Composed`; all (h, w)."""

    rgb: Plane
    skin: Plane
    clothes: Plane
    hole: Plane
    shade: Plane
    front: Plane


def _base(layers: Layers, canvas: Canvas) -> _Base:
    scene, box, density = canvas.scene, canvas.box, canvas.unit
    under, visible = layers.beneath, layers.visible
    head = outline(layers.rim, scene, box, max(0.8, 0.008 * density))
    tone = canvas.on(under.head)
    drawn = _ears(scene, box, layers.hidden_ears, features.side_light(scene, visible.smooth))
    # all that the head hides in its turn needs no finer grid than the scene's
    rest = layers.body.rgb.copy()
    eared = smoothstep(0.38, 0.62, resize(under.ears, scene.shape))
    _lay(rest, resize(under.ear, scene.shape), eared)
    out = canvas.on(rest)
    clothes = canvas.on(layers.body.cloth)
    neck = canvas.on(layers.body.skin)
    front = np.maximum(head, canvas.on(eared))
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
    for one in drawn:
        out[one.at] += one.alpha[..., None] * (tone[one.at] * one.shade - out[one.at])
        skin[one.at] = np.maximum(skin[one.at], one.alpha)
    hole, shade = canvas.on(visible.hole), canvas.on(visible.shade)
    return _Base(out, skin, clothes, hole, shade, front)


class _Laid(Protocol):
    """What is laid over the photo's pixels, block by block."""

    def __call__(self, out: Plane, own: Plane, box: PhotoBox) -> None:
        """Over `out` (h, w, 3), which shows `box` of the photo; `own` (h, w) falls where it has
        its own grain."""


def _fetched(pixels: Pixels, layers: Layers, whole: PhotoBox) -> list[_Laid]:
    """Brows and eyes: from the face's other side, or drawn."""
    scene = layers.scene

    def mirrored(one: mirror.Mirrored) -> _Laid:
        fetched = mirror.Fetched(scene, layers.beneath.head, one)

        def lay(out: Plane, own: Plane, box: PhotoBox) -> None:
            at, colour, share = fetched.on(pixels, box)
            _lay(out[at], colour, share)
            own[at] *= 1 - share

        return lay

    def drawn(one: mirror.Mirrored) -> _Laid:
        part, _ = scene.reach(one.where, whole)
        empty = part[0] >= part[2] or part[1] >= part[3]
        cover = None if empty else brows.draw(scene, one.side, part)

        def lay(out: Plane, own: Plane, box: PhotoBox) -> None:
            both = (
                *np.maximum(part[:2], box[:2]).tolist(),
                *np.minimum(part[2:], box[2:]).tolist(),
            )
            if cover is None or both[0] >= both[2] or both[1] >= both[3]:
                return
            at, there = (
                (slice(both[1] - y, both[3] - y), slice(both[0] - x, both[2] - x))
                for x, y in (box[:2], part[:2])
            )
            share = cover[there] * scene.to_photo(one.where, both)
            _lay(out[at], np.broadcast_to(layers.brow_colour, (*share.shape, 3)), share)

        return lay

    return [drawn(one) if one.across is None else mirrored(one) for one in layers.mirrored]


def _grains(
    pixels: Pixels, layers: Layers, canvas: Canvas, base: _Base
) -> list[tuple[grain.Quilt, Plane]]:
    """The photo's own fine structure for the skin, the wall and the clothes in the hole, each with
    its share (h, w) on the canvas."""
    scene, visible, density = layers.scene, layers.visible, canvas.unit
    luma = canvas.picture(pixels).astype(np.float32) @ LUMA
    clear = 1 - grow(visible.hole, 0.04 * scene.unit)
    wall, cloth = (_sure(visible.seen[..., k]) for k in (bare.BACKGROUND, bare.CLOTHES))
    cloth = cloth * (1 - visible.flesh)
    plain = 1 - canvas.on(layers.body.grained)

    def one(
        kind: tuple[float, float, float], source: Plane, share: Plane
    ) -> list[tuple[grain.Quilt, Plane]]:
        sigma, patch, most = kind
        cover = base.hole * share
        if float(cover.max()) <= 0.01:
            return []
        shown = canvas.on(source * clear)
        texture = grain.detail(luma, sigma * density)
        texture = grain.evened(texture, shown, _PORES * density, most)
        smooth = luma - texture
        whole = texture if canvas.step == 1 else None
        if whole is None and canvas.shape[0] * canvas.shape[1] <= _AT_ONCE:
            rows, columns = (slice(0, side) for side in canvas.shape)
            x0, y0, x1, y1 = canvas.whole
            whole = pixels[y0:y1, x0:x1].astype(np.float32) @ LUMA
            whole -= canvas.part(smooth, rows, columns)

        def fetch(y: int, x: int, size: int) -> Plane:
            """A patch of the texture at the photo's own density."""
            rows, columns = slice(y, y + size), slice(x, x + size)
            if whole is not None:
                return whole[rows, columns]
            y0, x0 = y + canvas.whole[1], x + canvas.whole[0]
            seen = pixels[y0 : y0 + size, x0 : x0 + size].astype(np.float32) @ LUMA
            return np.asarray(seen - canvas.part(smooth, rows, columns))

        size = round(patch * density * canvas.step)
        quilt = grain.Quilt(
            texture, shown, cover, size, np.random.default_rng(7),
            step=canvas.step, shape=canvas.shape, fetch=fetch,
        )  # fmt: skip
        return [(quilt, share)] if quilt.patches else []

    on_skin, others = both(
        lambda: one(_SKIN, visible.smooth, base.skin),
        lambda: (
            one(_BEHIND, wall, (1 - base.skin) * (1 - base.clothes) * plain)
            + one(_CLOTH, cloth, base.clothes * (1 - base.skin) * plain)
        ),
        scene.threads,
    )
    return on_skin + others


def _light(layers: Layers, canvas: Canvas, base: _Base) -> Plane | None:
    """What to multiply the photo by where the hair's shadow is taken off it, (h, w, 3) on the
    canvas; None where there is no shadow."""
    if float((base.shade * (1 - base.hole)).max()) <= 0.01:
        return None
    return canvas.on(_relight(layers.scene, layers.beneath.head, layers.visible))


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
