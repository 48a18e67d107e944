"""Hair of another colour: its own strands, with the luminance and the colours of real hair.

Nothing is painted. The luminance of each pixel keeps its place among those of this hair: log luma
is moved and stretched so that mean and spread become those of hair of the wanted colour in the same
light (the face's skin tells it), and the colour follows luminance as it does there (`hues`). Where
hair and something else share a pixel, only the hair's share changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..hair.classes import EAR, NECK, SKIN
from ..planes import LUMA, Mask, Plane, blur, eased, grow, shrink, smoothstep
from ..scene import PhotoBox, Scene
from .fine import Patch, Pixels, assembled, beneath, followed, matte, onto, place
from .hues import FLOOR, Hue
from .portrait import Portrait

_STEPS = 4  # of the table for each level of luma
_SURE = 0.9
_LEAST = 0.05  # squared eye distances of sure hair that can be coloured
_STRETCH = (0.45, 1.4)  # of log luma, at least and at most
_STRAND = 0.08  # eye distances: finer are strands, broader are locks, light and shadow
_FINE = 0.42  # of the spread of hair is that of its strands
_BROAD = 0.9  # and of its locks
# where hair turns lighter locks differ by so many times as much, at most: else they are glaring
_WIDER = 1.2
_CRISP = 1.0  # nor strands more than they did: noise would, too
_DARK = 4.0  # as `FLOOR`, of the hair at hand: where nothing is seen in its darkest it stays dark
_WITHIN = 0.04  # eye distances from an edge: what is hair and nothing else
_REACH = 0.08  # eye distances within which the matte looks for an edge
_AROUND = 0.15  # eye distances, how far colours beside a pixel are looked for
_APART = (22.0, 45.0)  # levels between hair and what is beside it: too near, and told apart well
_DEEP, _RIM = 0.1, 0.03  # eye distances
_FOREHEAD = 0.5  # eye distances around the face in which skin is taken for hair
_ROOT, _ROOTS = 0.07, 0.25  # eye distances that roots show, and how much darker they are
_CLEAR = (55.0, 90.0)  # as `_APART`, of hair and a background
_UNEVEN = (15.0, 40.0)  # levels of spread: an even background, and one that tells nothing
_MIXED = (1.1, 1.6)  # times as bright as the hair: still hair, and half of something else
_OTHER = (2.0, 3.0)  # and: nothing of the hair
_CRUSHED = (0.3, 20.0)  # the least factor, and the luma from which it is 1
_BLACK = 0.1  # eye distances, over which the photo has to show nothing but black
_RED, _BLUE = 1.22, 0.72  # of skin's luma, as the fitted people have it
_TINTED, _TINT = 0.2, 0.3  # log green over magenta: as hair has it, and what is kept of more
_CAST = 0.4  # of what skin differs from that is the light's; less blue is, pale skin has much of it


def colour(portrait: Portrait, pixels: Pixels, hue: Hue, degree: float) -> Patch | None:
    """Hair moved towards the colour `hue` by `degree`, 0..1.

    `pixels` (H, W, 3) is the photo, edited so far. None if there is hardly any hair.
    """
    scene, hair = portrait.scene, _without_skin(portrait)
    sure = (hair > _SURE) & (scene.inside > 0.5)
    if float(sure.sum()) < _LEAST * scene.unit**2:
        return None
    box = place(scene, hair, pixels)
    if box is None:
        return None
    inner = sure & (shrink(hair, _WITHIN * scene.unit) > _SURE)
    if float(inner.sum()) < _LEAST * scene.unit**2:
        inner = sure
    curve = _curve(scene, inner, portrait.tone, hue)
    around = _mean(scene.rgb, sure.astype(np.float32), 2 * _AROUND * scene.unit)
    # what shares its pixel with something else is met by the hair around it
    light = _light(scene, sure, curve) * (_roots(portrait) if curve.lighter else np.float32(1))
    planes = [_mapped(around, curve) - around, light[..., None]]
    moves = np.concatenate([*planes, (around @ LUMA)[..., None]], -1)
    follows = followed(scene, smoothstep(0.05, 0.9, hair), _REACH * scene.unit)
    beside = _beside(portrait, hair, around)
    told = 1 - beside[..., 4]

    # deep within the hair, and far from skin, there is nothing but hair
    deep = np.minimum(1 - grow(1 - smoothstep(0.9, 0.99, hair), 2 * _REACH * scene.unit), told)

    def change(part: PhotoBox, photo: Plane) -> tuple[Plane, Plane]:
        if float(beneath(scene, deep, part).min(initial=1)) > 0.99:
            whole, light = _mapped(photo, curve), onto(scene, moves[..., 3], part)
            share = np.float32(degree) * curve.hairy(photo)
            for c in range(3):
                photo[..., c] += share * (whole[..., c] * light - photo[..., c])
            return photo, np.ones(photo.shape[:2], np.float32)
        alpha = matte(scene, follows, photo, part)
        near = onto(scene, beside, part)
        _corrected(alpha, photo, near)
        core = smoothstep(0.6, 0.95, alpha)
        edge = smoothstep(0.995, 0.9, alpha)
        alpha *= np.float32(degree)
        core *= alpha
        whole, move = _mapped(photo, curve), onto(scene, moves, part)
        core *= curve.hairy(photo)
        if curve.lighter:  # beside something else, what is brighter than hair here is half of that
            brighter = (photo @ LUMA + 8) / (move[..., 4] + 8)
            core *= 1 - near[..., 7] * smoothstep(*_MIXED, brighter)
            alpha *= 1 - near[..., 7] * smoothstep(*_OTHER, brighter)
            np.minimum(core, alpha, out=core)
        rim = alpha - core
        for c in range(3):
            goal = whole[..., c] * move[..., 3]
            if curve.lighter:  # at the edge, what is bright is half of something else
                goal -= edge * np.maximum(goal - curve.top[c], 0)
            goal -= photo[..., c]
            goal *= core
            # nor does the rim's share lead beyond the brightest hair
            most = np.maximum(curve.top[c] - photo[..., c], 0) if curve.lighter else 0
            step = rim * move[..., c]
            photo[..., c] += goal
            photo[..., c] += np.minimum(step, most, out=step)
        return photo, alpha

    return assembled(scene, follows[..., 4], pixels, box, change)


def _without_skin(portrait: Portrait) -> Plane:
    """(H, W): the hair, without what the parser took of the forehead: where skin and hair are far
    apart in colour and all hair that is deep within is unlike skin, what is like skin is skin."""
    scene, hair = portrait.scene, portrait.hair
    deep = (shrink(hair, 0.15 * scene.unit) > _SURE) & (scene.inside > 0.5)
    if float(deep.sum()) < _LEAST * scene.unit**2:
        return hair
    own = np.median(scene.rgb[deep], 0)
    way = portrait.tone - own
    length = float(np.hypot.reduce(way))
    if length < _APART[1]:
        return hair
    off = scene.rgb - own
    along = off @ (way / length**2)
    size = np.sqrt((off * off).sum(-1)) + 1
    aside = np.sqrt(np.maximum(size * size - (along * length) ** 2, 0)) / size
    most = float(np.quantile(along[deep], 0.97))
    like = smoothstep(most + 0.08, most + 0.25, along) * smoothstep(0.36, 0.26, aside)
    near = grow(portrait.oval, _FOREHEAD * scene.unit)
    return np.asarray(hair * (1 - near * blur(like, 0.015 * scene.unit)), np.float32)


def _beside(portrait: Portrait, mask: Plane, hair: Plane) -> Plane:
    """What `_corrected` needs, (H, W, 8). `mask` (H, W) is where hair is, `hair` (H, W, 3) its
    colour around each pixel.

    Where hair meets skin, or an even background, and differs from it, a pixel's own colour tells
    the hair's share: three factors and what is added, and how much that counts. Then how well the
    hair differs from what is beside it, and the parser's own word, which is all there is where it
    does not; last how near anything else is.
    """
    scene, unit = portrait.scene, portrait.scene.unit
    others = smoothstep(0.12, 0.02, mask) * scene.inside
    skin = others * np.clip(portrait.classes[..., [SKIN, EAR, NECK]].sum(-1), 0, 1)
    apart = np.abs(hair - _mean(scene.rgb, others, _AROUND * unit)).max(-1)
    told = smoothstep(*_APART, apart)
    luma = (scene.rgb @ LUMA)[..., None]
    level, square = (_mean(v, others, _AROUND * unit)[..., 0] for v in (luma, luma * luma))
    even = smoothstep(_UNEVEN[1], _UNEVEN[0], np.sqrt(np.maximum(square - level * level, 0)))
    known = np.maximum(skin, others * even)
    way = hair - _mean(scene.rgb, known, _AROUND * unit)
    length = (way * way).sum(-1)
    touching = smoothstep(0.03, 0.15, blur(known, _AROUND * unit))
    # deep within the hair what is bright is a light on it; a background is never seen so deep
    near = touching * (1 - smoothstep(0.9, 0.99, blur(mask, _RIM * unit)))
    near *= smoothstep(*_CLEAR, np.sqrt(length))
    skinny = smoothstep(0.03, 0.15, blur(skin, _AROUND * unit))
    near = np.maximum(near, skinny * (1 - smoothstep(0.97, 0.999, blur(mask, _DEEP * unit))))
    near *= smoothstep(*_APART, np.sqrt(length))
    way /= np.maximum(length, 1)[..., None]
    start = 1 - (way * hair).sum(-1)
    sharp = smoothstep(0.35, 0.65, mask)
    anything = smoothstep(0.03, 0.15, blur(others, _AROUND * unit))
    return np.concatenate([way, np.stack([start, near, told, sharp, anything], -1)], -1)


def _corrected(alpha: Plane, photo: Plane, beside: Plane) -> None:
    """`alpha` (h, w) by what `_beside` (h, w, 8) says of the pixels `photo` (h, w, 3)."""
    own = beside[..., 3]
    for c in range(3):
        own += beside[..., c] * photo[..., c]
    # skin in the hair's shade is a little like hair
    np.clip(np.float32(1.3) * own - np.float32(0.12), 0, 1, out=own)
    alpha *= 1 - beside[..., 4] * (1 - own)
    alpha += (1 - beside[..., 5]) * (beside[..., 6] - alpha)


def _mean(rgb: Plane, weight: Plane, sigma: float) -> Plane:
    """Means (H, W, C) of what `weight` (H, W) counts around each pixel."""
    weight = weight + np.float32(1e-4)
    return blur(rgb * weight[..., None], sigma) / blur(weight, sigma)[..., None]


@dataclass(frozen=True)
class _Curve:
    """`table` (255 * _STEPS + 1, 3) the new red, green and blue, 0..255, at each luma; log luma
    of the hair is stretched by `fine` around `middle`, and what is broader than a strand by `broad`
    in all. `lighter` whether hair becomes so,
    `most` the luma of its brightest, and `top` (3,) what the bright become."""

    table: Plane
    middle: float
    fine: float
    broad: float
    lighter: bool
    most: float
    top: Plane

    def hairy(self, photo: Plane) -> Plane:
        """(h, w) 0..1 of `photo` (h, w, 3): where hair turns lighter, what is brighter than any of
        it is skin, or a light that needs none."""
        if not self.lighter:
            return np.ones(photo.shape[:2], np.float32)
        return smoothstep(self.most + 25, self.most, photo @ LUMA)


def _curve(scene: Scene, sure: Mask, skin: Plane, hue: Hue) -> _Curve:
    """For hair that surely lies where `sure` (H, W) says, beside such `skin` (3,)."""
    logs = np.log(scene.rgb[sure] @ LUMA + _DARK)
    locks = _locks(scene, sure)[sure]
    middle, spread = float(logs.mean()), float(locks.std()) + 0.02
    strands = float((logs - locks).std()) + 0.02
    light = float(skin @ LUMA)
    goal = hue.middle(float(np.log(light + FLOOR)))
    own = float(np.log(scene.rgb[sure] @ LUMA + FLOOR).mean())
    if (goal - own) * hue.way < 0:  # it is as light, or as dark, already
        goal = own
    least, most = _STRETCH
    # hair of that colour keeps its contrast
    broad = fine = 1.0
    if goal != own:
        lighter = goal > own
        broad = float(np.clip(_BROAD * hue.spread / spread, least, _WIDER if lighter else most))
        fine = float(np.clip(_FINE * hue.spread / strands, least, _CRISP if lighter else most))
    levels = np.linspace(0, 255, 255 * _STEPS + 1, dtype=np.float32)
    luma_seen = scene.rgb[sure] @ LUMA
    brightest = float(np.quantile(luma_seen, 0.995)) + 4
    levels = np.minimum(levels, brightest)
    moved = np.exp(goal + fine * (np.log(levels + _DARK) - middle)) - FLOOR
    # lights run out softly
    moved = np.where(moved > 180, 180 + 60 * np.tanh((moved - 180) / 60), np.maximum(moved, 0))
    out = hue.at(moved.astype(np.float32))
    # the light's colour, and none at all in a photo without colours
    cast = [
        float(np.clip((skin[k] / light / usual) ** _CAST, *bounds))
        for k, usual, bounds in ((0, _RED, (0.98, 1.15)), (2, _BLUE, (0.85, 1.04)))
    ]
    out *= np.array([cast[0], _green(scene.rgb[sure]), cast[1]], np.float32)
    out *= (moved / np.maximum(out @ LUMA, 1e-3)).astype(np.float32)[:, None]
    some = scene.rgb[::4, ::4]
    vivid = eased(6.0, 25.0, float(np.quantile(some.max(-1) - some.min(-1), 0.9)))
    luma = (out @ LUMA)[:, None]
    table = np.clip(luma + vivid * (out - luma), 0, 255).astype(np.float32)
    top = table[min(int(float(np.quantile(luma_seen, 0.9)) * _STEPS), len(table) - 1)]
    return _Curve(table, middle, fine, broad, goal >= own, brightest, top)


def _green(hair: Plane) -> float:
    """What green is to be multiplied by, for the pixels (N, 3) of the hair as it is: no hair is
    magenta or green, but old prints and filters tint what is dark."""
    red, green, blue = (float(v) + _DARK for v in np.median(hair, 0))
    tint = np.log(green * green / (red * blue))
    beyond = np.sign(tint) * max(abs(tint) - _TINTED, 0.0)
    return float(np.clip(np.exp(_TINT * beyond), 0.85, 1.1))


def _locks(scene: Scene, sure: Mask) -> Plane:
    """(H, W): log luma of the hair without its strands."""
    logs = np.log(scene.rgb @ LUMA + _DARK)
    return _mean(logs[..., None], sure.astype(np.float32), _STRAND * scene.unit)[..., 0]


def _light(scene: Scene, sure: Mask, curve: _Curve) -> Plane:
    """What the new colours are to be multiplied by, (H, W): broad light and shadow have a contrast
    of their own, and where the photo shows nothing but black no strand is lit."""
    more = np.exp((curve.broad - curve.fine) * (_locks(scene, sure) - curve.middle))
    seen = blur(scene.rgb @ LUMA, _BLACK * scene.unit)
    crushed = _CRUSHED[0] + (1 - _CRUSHED[0]) * smoothstep(0.0, _CRUSHED[1], seen)
    return np.asarray(np.clip(more, 0.45, 1.12) * crushed, np.float32)


def _roots(portrait: Portrait) -> Plane:
    """(H, W): what lighter hair keeps of its light beside skin, where its roots are seen."""
    skin = smoothstep(0.4, 0.8, portrait.classes[..., SKIN]) * portrait.scene.inside
    near = blur(skin, _ROOT * portrait.scene.unit)
    return np.asarray(1 - _ROOTS * smoothstep(0.02, 0.4, near), np.float32)


def _mapped(rgb: Plane, curve: _Curve) -> Plane:
    """`rgb` (H, W, 3) by luma through a curve."""
    luma = rgb @ (LUMA * np.float32(_STEPS))
    luma += np.float32(0.5)
    at = np.clip(luma, 0, len(curve.table) - 1, out=luma).astype(np.intp)
    return np.take(curve.table, at, axis=0)
