"""Layers and colours beneath the hair, from the crown to the waist, by the net `beneath`.

The net sees one window at `DENSITY` with the hair cut out and tells which layer lies where
(background, skin, two sorts of cloth) and the colour of each (`tonsure.lab.tasks.beneath` tells how
it was trained). Beyond the window its border goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..models import session
from ..planes import Plane, blur, grow, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Scene

LAYERS = ("background", "skin", "cloth", "cloth2")
BACKGROUND, SKIN, CLOTH, CLOTH2 = range(4)
DENSITY, LEFT, TOP, WIDTH, HEIGHT = 16.0, -4.0, -3.1, 128, 160
"""The net's window: px per eye distance, corner in eye distances from between the eyes, size."""
_APART = 0.22 * 255
_TOLD = 0.6  # of a class is what the net was taught with
_LEAST = 0.06  # of all cloth that is seen is a second sort
_RIM, _STAINED = 0.14, 0.06  # eye distances
_EVEN, _SORTED = 1.0, 2.0  # pixels of the window
_SQUARED = 4  # times the shares are: edges of some pixels of the scene
_JAW = 0.6  # eye distances below the eyes


@dataclass(frozen=True)
class Beneath:
    """On the scene's grid: `shares` (H, W, 4) of `LAYERS`, summing to 1, their edges as sharp as
    the grid; `colours` four planes (H, W, 3), 0..255, smooth; `seen` (H, W, 4): what is visible of
    each."""

    shares: Plane
    colours: list[Plane]
    seen: Plane


def beneath(scene: Scene, seen: Plane, hole: Plane, head: Plane) -> Beneath:
    """What lies in the `hole`.

    Parameters
    ----------
    seen : (H, W, 3) shares of background, skin and clothes, of what is not hidden.
    hole : (H, W) 0..1, what is to be replaced.
    head : (H, W) 0..1, the bare head's filled outline.

    Raises `ModelError` when the net's file is missing or damaged.
    """
    # right beside hair its colour and its shadow lie on everything
    known = (scene.inside > 0.98) & (grow(hole, _STAINED * scene.unit) < 0.1)
    told = (seen > _TOLD).astype(np.float32)
    second = two_sorts(scene.rgb, seen[..., CLOTH], known, scene.unit)
    cloth = told[..., CLOTH]
    parts = np.stack([told[..., 0], told[..., 1], cloth * (1 - second), cloth * second], -1)
    turn = _to_scene(scene)

    def put(plane: Plane) -> Plane:
        """A plane of the scene in the net's window, areas averaged; 0 beyond it."""
        import cv2

        factor = scene.unit / DENSITY
        soft = blur(plane, 0.35 * factor) if factor > 1.2 else plane
        size = (WIDTH, HEIGHT)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(soft, turn, size, flags=flags), np.float32)

    clear = known.astype(np.float32)
    weight = put(clear)
    shown = (weight > 0.9).astype(np.float32)
    rgb = np.stack([put(scene.rgb[..., c] * clear) for c in range(3)])
    rgb /= np.maximum(weight, 0.5) * 127.5
    rgb -= 1
    x = np.broadcast_to((np.arange(WIDTH, dtype=np.float32) + 0.5) / DENSITY + LEFT, weight.shape)
    y = ((np.arange(HEIGHT, dtype=np.float32) + 0.5) / DENSITY + TOP)[:, None]
    planes = [
        *(rgb * shown), shown, (put(scene.inside) > 0.95).astype(np.float32), put(head),
        *((put(parts[..., k] * clear) / np.maximum(weight, 0.5)) * shown for k in range(4)),
        x / 4, np.broadcast_to(y, weight.shape) / 4,
    ]  # fmt: skip
    window = np.stack(planes).astype(np.float32)
    turned = window[:, :, ::-1].copy()
    turned[-2] *= -1
    net = session.open("beneath", scene.threads)
    logits, colours = net.run(None, {"window": np.stack([window, turned])})
    logits = 0.5 * (logits[0] + logits[1][:, :, ::-1])
    colours = 0.5 * (colours[0] + colours[1][:, :, ::-1])
    colours = np.clip((colours + 1) * 127.5, 0, 255).astype(np.float32)
    soft = np.exp(logits - logits.max(0))
    soft /= soft.sum(0)
    soft = _continued(soft, window[6:10], shown)
    # beside the head above the jaw nothing is skin: where it ends is the outline's to say
    bare = np.maximum(put(head), smoothstep(_JAW, _JAW + 0.4, y))
    soft[BACKGROUND] += soft[SKIN] * (1 - bare)
    soft[SKIN] *= bare
    shares = _shares(scene, soft)
    each = [
        np.stack([_back(scene, colours[3 * k + c]) for c in range(3)], -1)
        for k in range(len(LAYERS))
    ]
    return Beneath(shares, each, parts * clear[..., None])


def two_sorts(rgb: Plane, cloth: Plane, known: npt.NDArray[np.bool_], unit: float) -> Plane:
    """Cloth told apart by the colours seen: the second sort's share (H, W) of the clothes.

    Two means of the visible pixels (Lloyd), begun from the darker and the brighter half; the first
    sort is that of more pixels; where the means are near to each other all is of the first.
    """
    smooth = blur(rgb, 0.08 * unit)
    # where cloth ends its colour is mixed with what is beside it
    where = (blur((cloth > _TOLD).astype(np.float32), 0.08 * unit) > 0.9) & known
    out = np.zeros(cloth.shape, np.float32)
    if where.sum() < 50:
        return out
    tones = smooth[where]
    luma = tones.mean(-1)
    second = luma > (luma.min() + luma.max()) / 2
    for _ in range(6):
        if second.all() or not second.any():
            return out
        one, other = tones[~second].mean(0), tones[second].mean(0)
        second = ((tones - other) ** 2).sum(-1) < ((tones - one) ** 2).sum(-1)
    share = float(second.mean())
    if min(share, 1 - share) < _LEAST or float(np.linalg.norm(one - other)) < _APART:
        return out
    if share > 0.5:
        one, other = other, one
    out[((smooth - other) ** 2).sum(-1) < ((smooth - one) ** 2).sum(-1)] = 1
    return out


def _to_scene(scene: Scene) -> npt.NDArray[np.float64]:
    """(2, 3): the net's pixels (centres at whole numbers) -> the scene's."""
    step = scene.unit / DENSITY
    start = [
        (EYES_MIDDLE[k] + corner * EYE_DISTANCE - scene.box[k]) * scene.scale + 0.5 * step - 0.5
        for k, corner in enumerate((LEFT, TOP))
    ]
    return np.array([[step, 0, start[0]], [0, step, start[1]]])


def _back(scene: Scene, plane: Plane) -> Plane:
    """A plane of the net's window on the scene's grid, bicubic; beyond it its border goes on."""
    import cv2  # a tenth of a second that no other command has to wait for

    height, width = scene.shape
    out = cv2.warpAffine(
        np.ascontiguousarray(plane), _to_scene(scene), (width, height),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(out, np.float32)


def _continued(soft: Plane, seen: Plane, known: Plane) -> Plane:
    """Shares (4, h, w) that near what is `seen` (4, h, w), where it is `known` (h, w), go on as it
    does: a single strand hides no collar."""
    around = blur(known, _RIM * DENSITY)
    told = np.stack([blur(p, _RIM * DENSITY) for p in seen])
    told /= np.maximum(told.sum(0), 1e-3)
    sure = smoothstep(0.25, 0.75, around) * (blur(seen.sum(0), _RIM * DENSITY) > 0.1)
    return np.asarray(soft + sure * (told - soft), np.float32)


def _shares(scene: Scene, soft: Plane) -> Plane:
    """Soft shares (4, h, w) of the window on the scene's grid (H, W, 4). Between background, skin
    and cloth the likeliest takes a pixel; two sorts of cloth pass into each other, as a
    garment's lit and shaded sides do, by what is around."""
    three = np.stack([soft[BACKGROUND], soft[SKIN], soft[CLOTH] + soft[CLOTH2]])
    sharp = np.stack([_back(scene, blur(p, _EVEN)) for p in three], -1)
    np.clip(sharp, 1e-3, 1, out=sharp)
    for _ in range(_SQUARED):  # a quicker power
        np.multiply(sharp, sharp, out=sharp)
    sharp /= sharp.sum(-1, keepdims=True)
    one, other = (blur(soft[k], _SORTED) for k in (CLOTH, CLOTH2))
    second = smoothstep(0.3, 0.7, _back(scene, other / (one + other + np.float32(1e-3))))
    cloth = sharp[..., 2]
    return np.stack([sharp[..., 0], sharp[..., 1], cloth * (1 - second), cloth * second], -1)
