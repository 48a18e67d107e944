"""From a plane of the scene to the photo's own pixels: edges found by the photo's colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..parallel import both
from ..planes import Plane, grow, smoothstep
from ..scene import PhotoBox, Scene

Pixels = npt.NDArray[np.uint8]
Change = Callable[[PhotoBox, Plane], tuple[Plane, Plane]]

_LEAST = 0.004  # of a change is one
_CHANNELS = 4  # that OpenCV warps at once


@dataclass(frozen=True, eq=False)
class Patch:
    """As `blend.apply` takes it: `box` (x0, y0, x1, y1) of the photo, `colour` (h, w, 3) uint8, and
    its `weight` (h, w) uint8."""

    box: PhotoBox
    colour: Pixels
    weight: Pixels


def place(scene: Scene, where: Plane, pixels: Pixels) -> PhotoBox | None:
    """The photo's box that anything of `where` (H, W) falls on; None if nothing does."""
    height, width = pixels.shape[:2]
    box, _ = scene.reach(np.where(where > 0.004, where, 0), (0, 0, width, height))
    return box if box[2] - box[0] > 1 and box[3] - box[1] > 1 else None


def onto(scene: Scene, plane: Plane, box: PhotoBox) -> Plane:
    """A plane (H, W[, C]) of the scene on the photo's pixels of `box`, (h, w[, C]), bilinear; its
    border goes on. As `Scene.to_photo`, and some times as fast where there are several channels."""
    import cv2

    turn = scene.frame.z * scene.scale
    start = (scene.frame.z * complex(box[0] + 0.5, box[1] + 0.5) + scene.frame.t) * scene.scale
    start -= complex(scene.box[0], scene.box[1]) * scene.scale + complex(0.5, 0.5)
    matrix = np.array([[turn.real, -turn.imag, start.real], [turn.imag, turn.real, start.imag]])
    size = (box[2] - box[0], box[3] - box[1])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def warped(part: Plane) -> Plane:
        part = np.ascontiguousarray(part, np.float32)
        return np.asarray(
            cv2.warpAffine(part, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE),
            np.float32,
        )

    if plane.ndim == 2 or plane.shape[2] <= _CHANNELS:
        return warped(plane)
    count = plane.shape[2]
    parts = [warped(plane[..., k : k + _CHANNELS]) for k in range(0, count, _CHANNELS)]
    return np.concatenate([p[..., None] if p.ndim == 2 else p for p in parts], -1)


def tiles(box: PhotoBox, side: int = 512) -> Iterator[PhotoBox]:
    """`box` in squares of `side` pixels: what is worked out on each needs little memory."""
    x0, y0, x1, y1 = box
    for top in range(y0, y1, side):
        for left in range(x0, x1, side):
            yield left, top, min(left + side, x1), min(top + side, y1)


def beneath(scene: Scene, plane: Plane, box: PhotoBox) -> Plane:
    """The part of a plane (H, W) of the scene that a photo's `box` may show of it."""
    corners = np.array([[x, y] for x in (box[0], box[2]) for y in (box[1], box[3])], np.float64)
    points = scene.to_scene(scene.frame.to_frame(corners))
    low = np.floor(points.min(0)).astype(int) - 1
    high = np.ceil(points.max(0)).astype(int) + 1
    return plane[max(low[1], 0) : max(high[1], 0), max(low[0], 0) : max(high[0], 0)]


def assembled(scene: Scene, where: Plane, pixels: Pixels, box: PhotoBox, change: Change) -> Patch:
    """A patch of the photo's `box`, made tile by tile: `change` gets a tile's box and pixels
    (h, w, 3) float32 and gives them changed, and where (h, w) 0..1 anything of them did. Only tiles
    are looked at on which anything of `where` (H, W) falls."""
    x0, y0, x1, y1 = box
    colour = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
    weight = np.zeros(colour.shape[:2], np.uint8)
    wanted = [
        part for part in tiles(box)
        if (seen := beneath(scene, where, part)).size and float(seen.max()) > _LEAST
    ]  # fmt: skip

    def work(parts: list[PhotoBox]) -> None:
        for part in parts:
            at = slice(part[1] - y0, part[3] - y0), slice(part[0] - x0, part[2] - x0)
            photo = pixels[part[1] : part[3], part[0] : part[2]].astype(np.float32)
            out, share = change(part, photo)
            out += np.float32(0.5)
            colour[at] = np.clip(out, 0, 255, out=out)
            weight[at] = np.where(share > _LEAST, 255, 0)

    both(lambda: work(wanted[::2]), lambda: work(wanted[1::2]), scene.threads)
    return Patch(box, colour, weight)


def guided(scene: Scene, mask: Plane, radius: float, least: float = 4e-4) -> Plane:
    """How `mask` (H, W) follows from the scene's colours around each pixel: (H, W, 4), factors of
    red, green, blue (0..1) and what is added.

    He, Sun and Tang's guided filter with windows of `radius` pixels; `least` is the variance of
    colour below which it only blurs. Its factors are smooth, so that they may be enlarged and then
    met with the photo's own pixels (the fast guided filter of He and Sun).
    """
    import cv2

    side = 2 * max(1, round(radius)) + 1

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    guide = np.ascontiguousarray(scene.rgb / np.float32(255))
    mask = np.ascontiguousarray(mask, np.float32)
    middle, level = mean(guide), mean(mask)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    rr, rg, rb, gg, gb, bb = (
        mean(guide[..., i] * guide[..., j]) - middle[..., i] * middle[..., j] for i, j in pairs
    )
    rr, gg, bb = (v + np.float32(least) for v in (rr, gg, bb))
    with_mask = mean(guide * mask[..., None]) - middle * level[..., None]
    # the inverse of the symmetric matrix by its adjugate
    a, b, c = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    e, f, i = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    det = np.maximum(rr * a + rg * b + rb * c, np.float32(1e-12))
    x, y, z = (with_mask[..., k] for k in range(3))
    factors = np.stack([a * x + b * y + c * z, b * x + e * y + f * z, c * x + f * y + i * z], -1)
    factors /= det[..., None]
    rest = level - (factors * middle).sum(-1)
    return mean(np.ascontiguousarray(np.concatenate([factors, rest[..., None]], -1)))


def followed(scene: Scene, mask: Plane, radius: float, beyond: float = 1.5) -> Plane:
    """(H, W, 5): `guided`, and how near the `mask` (H, W) is, at most `beyond` times `radius`; for
    `matte`."""
    near = grow(smoothstep(0.1, 0.3, mask), beyond * radius)
    return np.concatenate([guided(scene, mask, radius), near[..., None]], -1)


def matte(scene: Scene, follows: Plane, photo: Plane, box: PhotoBox) -> Plane:
    """What a mask of the scene, as `followed`, is on the photo's `box` (h, w), whose pixels are
    `photo` (h, w, 3) float32, 0..255."""
    planes = onto(scene, follows, box)
    out = planes[..., 3]
    for c in range(3):
        out += planes[..., c] * (photo[..., c] * np.float32(1 / 255))
    np.clip(out, 0, 1, out=out)
    out *= planes[..., 4]
    return out


def moved(scene: Scene, across: Plane, down: Plane, pixels: Pixels, box: PhotoBox) -> Plane:
    """The photo's `box` (h, w, 3) float32 with every pixel taken from elsewhere: by `across` and
    `down` (H, W) of the scene, in frame units. Bicubic; beyond the photo its border goes on."""
    import cv2

    # a vector of the frame is turned and scaled as the frame is
    turned = (across + 1j * down) / scene.frame.z
    planes = np.stack([turned.real, turned.imag], -1).astype(np.float32)
    offset = onto(scene, planes, box)
    height, width = offset.shape[:2]
    # of the photo only what can be reached
    most = int(np.ceil(np.abs(offset).max())) + 3
    x0, y0 = max(box[0] - most, 0), max(box[1] - most, 0)
    source = pixels[y0 : box[3] + most, x0 : box[2] + most]
    xs = offset[..., 0] + np.arange(width, dtype=np.float32) + np.float32(box[0] - x0)
    ys = offset[..., 1] + np.arange(height, dtype=np.float32)[:, None] + np.float32(box[1] - y0)
    out = cv2.remap(source, xs, ys, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32)


def patch(box: PhotoBox, colour: Plane, weight: Plane) -> Patch:
    """A patch of `colour` (h, w, 3), 0..255, by its `weight` (h, w), 0..1."""
    whole = np.clip(colour + np.float32(0.5), 0, 255).astype(np.uint8)
    return Patch(box, whole, np.clip(weight * 255 + 0.5, 0, 255).astype(np.uint8))
