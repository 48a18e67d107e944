"""A fringe: strands of the person's own hair from the hairline down over the forehead; or none.

They are drawn one by one in locks, in the tones that the hair has near the forehead, the dark ones
below; roots lie in the hair, tips above the brows, and a soft shadow falls on the skin. Off: the
forehead is the bald head's, and hairs that are combed back grow at its upper end.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .. import brow
from ..blend import Placed
from ..hair.classes import SKIN
from ..planes import LUMA, Plane, blur, grow, shrink, smoothstep
from ..scene import EYE_DISTANCE, Scene
from . import strands
from .fine import Patch, Pixels, onto, patch, place
from .portrait import Portrait

Points = npt.NDArray[np.float64]

_ARC = (162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389)
"""The mesh's upper outline of the face, from the left in the picture."""
_CHIN = 152
_ABOVE, _BELOW = 168, 10  # between the eyes, and the middle of the forehead's upper end
_LOCKS, _HAIRS, _CURVE = 34, 8000, 11
_WIDTH = 0.0045  # eye distances of a strand
_FAR = 0.9  # eye distances above the mesh's end that hair is looked for
_IN = 0.16  # eye distances that roots lie within it
_SURE = 0.6
_LIGHTEST = 0.9  # of the hair's pixels: what is brighter is a light, or no hair
_LEAST = 0.05  # squared eye distances of sure hair
_TO_BROW = 0.97  # of the way down to the brows
_SWEEP = 0.26  # of the arc, from root to tip
_HAIRLINE = ((-1, -0.6, -0.2, 0.2, 0.6, 1), (-0.15, 0.1, 0.36, 0.36, 0.1, -0.15))
"""From side to side of the arc: how far above it hair begins, eye distances."""
_EDGE = 0.045  # eye distances: how softly a forehead ends
_CHEEKS = (347, 118)  # of the mesh, below the eyes, from the right
_FOREHEAD = (66, 69, 10, 299, 296)  # of the mesh, its middle
_FRINGE = 0.12  # of that is hair: there is a fringe
_BACK = 4000  # hairs
_SHADOW, _FALLS = 0.30, 0.07  # of the skin's light, eye distances below


def grown(portrait: Portrait, pixels: Pixels, degree: float) -> Patch | None:
    """A fringe, as long as `degree` 0..1 says; None where no hair is seen above the forehead."""
    scene, hair = portrait.scene, portrait.hair
    palette = _palette(portrait)
    roots = _roots(portrait)
    if palette is None or roots is None:
        return None
    lines, lock, depth = _lines(scene, roots, degree)
    height, width = scene.shape
    xs, ys = scene.to_scene(lines[:, 0]).astype(int).T
    rooted = hair[np.clip(ys, 0, height - 1), np.clip(xs, 0, width - 1)] > 0.3
    lines, lock, depth = lines[rooted], lock[rooted], depth[rooted]
    region = scene.polygon(_wide(scene, roots))
    box = place(scene, region, pixels)
    if box is None:
        return None
    ink = _ink(portrait, palette, lines, lock, depth)
    over, cover = strands.laid(scene, lines, ink, _WIDTH, box)
    # roots come out of the hair softly
    start = scene.polygon(np.concatenate([_arc(roots, _IN * 0.75), _low(scene)]))
    # and hang before face and hair, not beside them
    front = scene.polygon(np.concatenate([_arc(roots, 0.05), scene.mesh[[_CHIN], :2]]))
    before = np.maximum(front, grow(portrait.oval, 0.05 * scene.unit))
    before = np.maximum(before, grow(hair, 0.03 * scene.unit))
    soft = onto(scene, blur(start, 0.07 * scene.unit) * blur(before, 0.02 * scene.unit), box)
    over *= soft[..., None]
    cover = cover * soft
    unit = EYE_DISTANCE / abs(scene.frame.z)
    photo = pixels[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    shadow = _shadow(cover, unit) * (1 - onto(scene, smoothstep(0.2, 0.8, hair), box))
    photo *= 1 - shadow[..., None]
    out = photo * (1 - cover[..., None]) + over
    return patch(box, out, (np.maximum(shadow, cover) > 0.004).astype(np.float32))


def _shadow(cover: Plane, unit: float) -> Plane:
    """What strands that cover the pixels take of the light beneath and below them."""
    down = round(_FALLS * unit)
    fallen = np.zeros_like(cover)
    fallen[down:] = cover[: len(cover) - down]
    return blur(np.maximum(fallen, cover), 0.5 * _FALLS * unit) * np.float32(_SHADOW)


def _palette(portrait: Portrait) -> strands.Palette | None:
    """Of the hair around the forehead; of all of it where there is little."""
    scene = portrait.scene
    sure = (shrink(portrait.hair, 0.04 * scene.unit) > 0.9) & (scene.inside > 0.5)
    if float(sure.sum()) < _LEAST * scene.unit**2:
        return None
    x, y = scene.face_units()
    near = sure & (np.abs(x) < 1.5) & (y < -0.4)
    if float(near.sum()) > _LEAST * scene.unit**2:
        sure = near
    tones = scene.rgb[sure]
    luma = tones @ LUMA
    low, high = np.quantile(luma, (0.02, _LIGHTEST))
    return strands.Palette.of(tones[(luma >= low) & (luma <= high)])


def _up(scene: Scene) -> Points:
    """(2,): one eye distance up the face, in frame units."""
    way = scene.mesh[_BELOW, :2] - scene.mesh[_ABOVE, :2]
    return np.asarray(way / max(float(np.hypot(*way)), 1e-6) * EYE_DISTANCE)


def _roots(portrait: Portrait) -> Points | None:
    """(25, 4): along the arc its points, and where hair begins beyond each, in frame units; None
    where hardly any is seen."""
    scene, hair = portrait.scene, portrait.hair
    mesh = scene.mesh[list(_ARC), :2]
    stops = np.linspace(0, len(_ARC) - 1, 25)
    arc = np.stack([np.interp(stops, np.arange(len(_ARC)), mesh[:, c]) for c in (0, 1)], -1)
    centre = scene.mesh[_ABOVE, :2] - 0.2 * _up(scene)
    out = arc - centre
    out /= np.hypot(*out.T)[:, None]
    away = np.linspace(-0.35, _FAR, 40)
    at = arc[:, None] + away[None, :, None] * out[:, None] * EYE_DISTANCE
    seen = scene.to_scene(at.reshape(-1, 2)).astype(int)
    height, width = scene.shape
    ys, xs = np.clip(seen[:, 1], 0, height - 1), np.clip(seen[:, 0], 0, width - 1)
    there = hair[ys, xs].reshape(at.shape[:2]) > _SURE
    # a lock that crosses the forehead is no hairline: there is skin beyond it
    bare = portrait.classes[ys, xs, SKIN].reshape(at.shape[:2]) > 0.5
    there &= ~np.logical_or.accumulate(bare[:, ::-1], 1)[:, ::-1]
    found = there.any(1)
    if found[6:19].mean() < 0.5:
        return None
    begins = np.interp(np.arange(25), np.nonzero(found)[0], away[there.argmax(1)][found])
    begins = np.convolve(np.pad(begins, 2, mode="edge"), np.ones(5) / 5, "valid")
    return np.concatenate([arc + begins[:, None] * out * EYE_DISTANCE, out], 1)


def _arc(roots: Points, above: float) -> Points:
    """(25, 2): `above` eye distances within the hair from where it begins."""
    return np.asarray(roots[:, :2] + above * EYE_DISTANCE * roots[:, 2:])


def _low(scene: Scene) -> Points:
    """Closes a polygon below the face, from the right in the picture to the left."""
    chin = scene.mesh[_CHIN, :2]
    aside = np.array([2.0 * EYE_DISTANCE, 0.0])
    return np.array([chin + aside, chin - aside])


def _wide(scene: Scene, roots: Points) -> Points:
    """A polygon around all that strands and their shadow may touch."""
    low = scene.mesh[_ABOVE, :2] - 0.45 * _up(scene)
    aside = np.array([1.6 * EYE_DISTANCE, 0])
    return np.concatenate([_arc(roots, _IN + 0.1), [low + aside, low - aside]])


def _tips(scene: Scene) -> Points:
    """(25, 2): where strands end, along the brows and down before the ears."""
    line = []
    for side, points in ((0, brow.LINES[0][0][::-1]), (1, brow.LINES[1][0])):
        ends = scene.mesh[list(points), :2]
        outer = scene.mesh[127 if side == 0 else 356, :2]
        line += [outer, *ends] if side == 0 else [*ends, outer]
    seen = np.array(line)
    gone = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(seen, axis=0).T))])
    stops = np.linspace(0, gone[-1], 25)
    return np.stack([np.interp(stops, gone, seen[:, c]) for c in (0, 1)], -1)


def _lines(
    scene: Scene, roots: Points, degree: float
) -> tuple[Points, npt.NDArray[np.intp], Points]:
    """Strands (N, K, 2), the lock of each (N,), and how far above the others it lies (N,) 0..1."""
    rng = np.random.default_rng(23)
    tips, start, begin = _tips(scene), _arc(roots, _IN), _arc(roots, 0)
    stops = np.arange(25)

    def along(line: Points, u: Points) -> Points:
        at = np.clip(u, 0, 1) * 24
        return np.stack([np.interp(at, stops, line[:, c]) for c in (0, 1)], -1)

    middles = (np.arange(_LOCKS) + rng.uniform(0.1, 0.9, _LOCKS)) / _LOCKS
    ends = rng.normal(0, 0.07, _LOCKS)
    sways = rng.normal(0, 0.022, _LOCKS)
    lock = rng.integers(0, _LOCKS, _HAIRS)
    depth = np.sort(rng.random(_HAIRS))
    u = middles[lock] + rng.normal(0, 0.6 / _LOCKS, _HAIRS)
    u = 0.02 + 0.96 * np.clip(u, 0, 1)
    # a lock's strands come together at its tip
    tip_u = middles[lock] + 0.6 * (u - middles[lock]) + _SWEEP * (0.5 - np.abs(u - 0.5))
    tip_u += sways[lock] + rng.normal(0, 0.006, _HAIRS)
    long = _TO_BROW + ends[lock] + rng.normal(0, 0.035, _HAIRS)
    # single hairs are shorter, so that the edge is not cut
    long -= 0.4 * rng.random(_HAIRS) ** 3
    root, hairline, tip = along(start, u), along(begin, u), along(tips, tip_u)
    tip = hairline + (tip - hairline) * (long * (0.25 + 0.75 * degree))[:, None]
    # out of the hair they rise a little, then lie on the forehead
    bow = 0.5 * (hairline + along(begin, tip_u)) + 0.04 * _up(scene)
    bow = bow + 0.25 * (tip - hairline)
    t = np.linspace(0, 1, _CURVE)[None, :, None]
    lines = (1 - t) ** 2 * root[:, None] + 2 * t * (1 - t) * bow[:, None] + t**2 * tip[:, None]
    return lines, lock, depth


def _ink(
    portrait: Portrait, palette: strands.Palette, lines: Points,
    lock: npt.NDArray[np.intp], depth: Points,
) -> strands.Colours:  # fmt: skip
    """(N, K, 3): dark ones lie deep, a lock has its own shade, and a light runs across all."""
    rng = np.random.default_rng(24)
    count = len(lines)
    shades = rng.normal(0, 0.13, _LOCKS)
    share = 0.1 + 0.42 * depth + shades[lock] + rng.normal(0, 0.10, count)
    t = np.linspace(0, 1, lines.shape[1])
    shine = 0.12 * np.exp(-(((t - 0.42) / 0.2) ** 2)) - 0.12 * np.exp(-(((t - 1) / 0.25) ** 2))
    ink = palette.at(np.clip(share[:, None] + shine, 0, 1))
    # the light of the hair above, broadly
    scene = portrait.scene
    sure = (portrait.hair > 0.9) * scene.inside
    luma = scene.rgb @ LUMA
    weight = blur(sure, 0.45 * scene.unit) + np.float32(1e-3)
    middle = float((luma * sure).sum() / max(float(sure.sum()), 1))
    broad = (blur(luma * sure, 0.45 * scene.unit) + middle * 1e-3) / weight / max(middle, 1)
    at = scene.to_scene(lines[:, 0]).astype(int)
    height, width = scene.shape
    lit = broad[np.clip(at[:, 1], 0, height - 1), np.clip(at[:, 0], 0, width - 1)]
    return np.asarray(ink * np.clip(lit, 0.7, 1.4)[:, None, None] ** 0.7, np.float32)


def away(
    portrait: Portrait, pixels: Pixels, degree: float, head: Placed, weight: npt.NDArray[np.uint8]
) -> list[Patch]:
    """The fringe off by `degree` 0..1: `head`, the bald one, with its `weight` (h, w) uint8, as far
    as the forehead goes; hairs that are combed back grow at its upper end. Empty where hair covers
    hardly any of the forehead."""
    scene, hair = portrait.scene, portrait.hair
    mesh = scene.mesh[list(_ARC), :2]
    out = mesh - (scene.mesh[_ABOVE, :2] - 0.2 * _up(scene))
    out /= np.hypot(*out.T)[:, None]
    # temples stay as they are
    lift = np.interp(np.linspace(-1, 1, len(mesh)), *_HAIRLINE)
    edge = mesh + lift[:, None] * EYE_DISTANCE * out
    # down to below the eyes: where no hair was, the bald head is the photo
    region = np.concatenate([edge, scene.mesh[list(_CHEEKS), :2]])
    forehead = blur(scene.polygon(region), _EDGE * scene.unit)
    middle = scene.mesh_polygon(_FOREHEAD)
    if float((middle * hair).sum()) < _FRINGE * float(middle.sum()):
        return []
    shown = onto(scene, forehead, head.box) * (weight / np.float32(255)) * np.float32(degree)
    patches = [Patch(head.box, head.colour, (shown * 255 + 0.5).astype(np.uint8))]
    palette, box = _palette(portrait), place(scene, scene.polygon(edge + 0.5 * EYE_DISTANCE * out),
                                             pixels)  # fmt: skip
    if palette is None or box is None:
        return patches
    lines, share = _combed(edge, out)
    over, cover = strands.laid(scene, lines, palette.at(share)[:, None], _WIDTH, box)
    # only where hair goes on above, and less and less within it
    above = onto(scene, blur(np.maximum(hair, forehead), 0.03 * scene.unit), box)
    ring = blur(scene.polygon(edge + 0.22 * EYE_DISTANCE * out), 0.08 * scene.unit)
    soft = onto(scene, ring, box) * above * np.float32(degree)
    photo = pixels[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    colour = over / np.maximum(cover, np.float32(1e-3))[..., None]
    patches.append(patch(box, np.where(cover[..., None] > 0.004, colour, photo), cover * soft))
    return patches


def _combed(edge: Points, out: Points) -> tuple[Points, Points]:
    """Hairs (N, K, 2) from a hairline backwards, and their shade (N,) 0..1."""
    rng = np.random.default_rng(31)
    u = np.sort(rng.uniform(0, len(edge) - 1, _BACK))
    rng.shuffle(u)

    def along(values: Points) -> Points:
        stops = np.arange(len(edge))
        return np.stack([np.interp(u, stops, values[:, c]) for c in (0, 1)], -1)

    way = along(out)
    start = along(edge) + (rng.normal(0, 0.06, _BACK) * EYE_DISTANCE)[:, None] * way
    side = np.stack([-way[:, 1], way[:, 0]], -1) * rng.normal(0, 0.25, _BACK)[:, None]
    long = rng.uniform(0.15, 0.5, _BACK) * EYE_DISTANCE
    t = np.linspace(0, 1, 5)[None, :, None]
    lines = start[:, None] + t * (long[:, None] * (way + side))[:, None]
    return lines, np.clip(0.1 + 0.6 * np.linspace(0, 1, _BACK) + rng.normal(0, 0.12, _BACK), 0, 1)
