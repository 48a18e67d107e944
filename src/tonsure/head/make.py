"""From a photo and one face to the bald head that belongs there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..faces import Face
from ..hair.matte import Matte
from ..hair.overlay import overlay
from ..heap import give_back, scarce
from ..scene import PhotoBox, Scene
from ..transparency import before, lifted, seen
from . import times
from .canvas import Canvas
from .compose import Pixels, compose
from .layers import Layers, layers

NETWORKS = ("sight", "person_mask", "hair_parser", "hat", "bare", "beneath")
"""What `make` opens, in this order."""


@dataclass(frozen=True)
class Bare:
    """One bald head, as large as what changes.

    `box` (x0, y0, x1, y1) of the photo; `colour` (h, w, 3) uint8; `mask` (h, w) uint8, its weight
    when fully bald; `order` when each pixel goes; `warnings`: codes of `report`; `opacity` (h, w)
    uint8 of `colour`, or None where all of it is opaque.
    """

    box: PhotoBox
    colour: Pixels
    mask: Pixels
    order: times.Later
    warnings: tuple[str, ...]
    opacity: Pixels | None = None

    def before(self, grey: int) -> Pixels:
        """`colour` as seen before this `grey` level, 0..255, where it is not opaque."""
        return before(self.colour, self.opacity, grey)

    @property
    def time(self) -> Pixels:
        """When each pixel goes in "recede", 0 first, 255 last: uint8 (h, w), of a large head
        smaller. Made when it is first asked for."""
        return self.order.maps[0]

    @property
    def thin(self) -> Pixels:
        """The same in "thin"."""
        return self.order.maps[1]

    def __repr__(self) -> str:
        x0, y0, x1, y1 = self.box
        return f"<Bare {x0},{y0} to {x1},{y1}: {', '.join(self.warnings) or 'no warnings'}>"


def make(
    pixels: Pixels,
    face: Face,
    others: Sequence[Face] = (),
    *,
    alpha: Pixels | None = None,
    threads: int | None = None,
) -> Bare:
    """The bald head of `face` in `pixels` (H, W, 3) uint8: once per face, every degree is a blend
    of it. No pixel of one of the photo's `others` is in its mask. Of a photo with transparent parts
    `alpha` (H, W) uint8 tells them, and `pixels` are those of `transparency.shown`."""
    if scarce(pixels):  # one thing after the other needs less of it
        threads = 1
    laid = overlay(pixels, face)
    seen = pixels if laid is None else laid.beneath
    bare = _made(seen, layers(seen, face, others, alpha=alpha, threads=threads))
    if laid is not None:
        bare.mask[laid.on(bare.box)] = 0
    give_back(pixels)
    return bare


def _made(pixels: Pixels, found: Layers) -> Bare:
    give_back(pixels)
    scene = found.scene
    box = hole_box(scene, found.matte, pixels.shape)
    canvas = Canvas.of(scene, box)
    weight = canvas.on(np.maximum(found.matte.hole, found.matte.shade)) * 255 + 0.5
    mask = np.empty(canvas.shape, np.uint8)
    for at in canvas.blocks():
        mask[at] = np.clip(canvas.part(weight, *at), 0, 255)
        if found.people.others:
            mask[at] *= found.people.mine(_placed(box, at))
    laid = compose(pixels, found, canvas)
    composed, hair = laid.colour, times.Hair.of(found)
    order = times.Later(lambda: times.even(times.going(pixels, hair, box, mask), composed))
    told = notes(scene, found.matte)
    if found.clear is None:
        return Bare(box, composed, mask, order, told)
    solid = np.maximum(laid.front, canvas.on(np.minimum(found.body.skin + found.body.cloth, 1)))
    clear = canvas.on(found.clear)
    opacity, cover = solid + (1 - solid) * clear, solid + (1 - solid) * seen(clear)
    whole = np.empty(canvas.shape, np.uint8)
    colour = np.empty_like(composed)  # the order is told by what was composed
    for at in canvas.blocks():
        whole[at] = np.clip(canvas.part(opacity, *at) * 255 + 0.5, 0, 255)
        colour[at] = lifted(composed[at], np.clip(canvas.part(cover, *at), 0, 1))
    return Bare(box, colour, mask, order, told, whole)


def _placed(box: PhotoBox, at: tuple[slice, slice]) -> PhotoBox:
    """Where `at`, rows and columns of `box`, lies in the photo."""
    rows, columns = at
    return (
        box[0] + columns.start, box[1] + rows.start, box[0] + columns.stop, box[1] + rows.stop,
    )  # fmt: skip


def notes(scene: Scene, m: Matte) -> tuple[str, ...]:
    """Warning codes of this head."""
    notes = []
    area = float(m.hair.sum()) / scene.unit**2
    if area < 0.25:
        notes.append("already_bald")
    if m.hat > 0.35:
        notes.append("hat_kept")
    y = scene.face_units()[1]
    if float((m.hair * (y > 1.6)).sum()) / scene.unit**2 > 0.5:
        notes.append("long_hair")
    edges = [m.hair[0], m.hair[-1], m.hair[:, 0], m.hair[:, -1]]
    if sum(float((e > 0.5).sum()) for e in edges) > 0.5 * scene.unit:
        notes.append("hair_leaves_picture")
    return tuple(notes)


def hole_box(scene: Scene, m: Matte, shape: tuple[int, ...]) -> PhotoBox:
    """The photo's pixels that the hole touches."""
    ys, xs = np.nonzero(np.maximum(m.hole, m.shade) > 0.001)
    if len(ys) == 0:
        return 0, 0, 1, 1
    left, right, top, bottom = xs.min() - 1, xs.max() + 2, ys.min() - 1, ys.max() + 2
    corners = np.array([[x, y] for x in (left, right) for y in (top, bottom)], dtype=np.float64)
    photo = scene.frame.to_photo(corners / scene.scale + np.array(scene.box[:2]))
    low, high = np.floor(photo.min(0)).astype(int), np.ceil(photo.max(0)).astype(int)
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    return x0, y0, min(int(high[0]), shape[1]), min(int(high[1]), shape[0])
