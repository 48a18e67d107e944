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
from ..planes import Plane, blur, grow, resize, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Scene

LAYERS = ("background", "skin", "cloth", "cloth2")
BACKGROUND, SKIN, CLOTH, CLOTH2 = range(4)
DENSITY, LEFT, TOP, WIDTH, HEIGHT = 16.0, -4.0, -3.1, 128, 160
"""The net's window: px per eye distance, corner in eye distances from between the eyes, size."""
_APART = 0.22 * 255
_LIT, _HUE = 0.62, 0.06 * 255  # half shade and more leaves so much light, and moves hues so far
_TOLD = 0.6  # of a class is what the net was taught with
_MOSTLY = 0.4  # of the cloth
_LEAST, _LEAST_AREA = 0.06, 0.25  # of all cloth, and squared eye distances: a second sort
_STAINED, _ENDS = 0.06, 0.25  # eye distances
_TONES, _MEDIAN = 8.0, 5  # px per eye distance, and pixels there, of tones
_NEAR, _TOGETHER, _SEEN, _ROUNDS = 0.2, 6.0, 12.0, 12
"""Of layers agreeing: eye distances, what neighbours of one mind weigh beside the net's logits and
what is seen does, rounds."""
_EVEN = 1.0  # pixels of the window
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
    # and hair's ends, which the parser may call clothes, are no sort of cloth
    clean = grow(hole, _ENDS * scene.unit) < 0.1
    second = two_sorts(scene.rgb, seen[..., CLOTH], known, scene.unit, clean)
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
    soft = _agreed(logits, window[6:10], shown)
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


def two_sorts(
    rgb: Plane,
    cloth: Plane,
    known: npt.NDArray[np.bool_],
    unit: float,
    clean: npt.NDArray[np.bool_] | None = None,
) -> Plane:
    """Cloth told apart by the colours seen: the second sort's share (H, W) of the clothes.

    Two means of the visible tones (Lloyd), begun from the darker and the brighter half; the first
    sort is that of more pixels; where the means are near to each other all is of the first. A tone
    is the median of the cloth around, so that a pattern's two colours do not make two sorts. Where
    there is enough that is `clean` (H, W) that alone tells the means.
    """
    height, width = cloth.shape
    factor = min(1.0, _TONES / unit)
    low = (max(2, round(height * factor)), max(2, round(width * factor)))
    seen = ((cloth > _TOLD) & known).astype(np.float32)
    share = resize(seen, low)
    where = share > 0.5
    out = np.zeros(cloth.shape, np.float32)
    if where.sum() < 50 * (_TONES / 16) ** 2:
        return out
    evened = blur(resize(rgb * seen[..., None], low), 1.0)
    small = evened / np.maximum(blur(share, 1.0), 1e-3)[..., None]
    small[~where] = np.nan
    reach = _MEDIAN // 2
    padded = np.pad(small, ((reach, reach), (reach, reach), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_MEDIAN, _MEDIAN), (0, 1))
    tones = np.nanmedian(windows[where].reshape(-1, 3, _MEDIAN**2), -1)
    used = np.ones(len(tones), bool)
    if clean is not None:
        told = resize(clean.astype(np.float32), low)[where] > 0.5
        used = told if told.mean() > _MOSTLY else used
    luma = tones[used].mean(-1)
    second = luma > (luma.min() + luma.max()) / 2
    for _ in range(6):
        if second.all() or not second.any():
            return out
        one, other = tones[used][~second].mean(0), tones[used][second].mean(0)
        second = ((tones[used] - other) ** 2).sum(-1) < ((tones[used] - one) ** 2).sum(-1)
    fewer = min(int(second.sum()), int((~second).sum()))
    few = max(_LEAST * len(second), _LEAST_AREA * _TONES**2)
    if fewer < few or float(np.linalg.norm(one - other)) < _APART or _shade(one, other):
        return out
    if second.mean() > 0.5:
        one, other = other, one
    plane = np.zeros(low, np.float32)
    plane[where] = ((tones - other) ** 2).sum(-1) < ((tones - one) ** 2).sum(-1)
    total = resize(where.astype(np.float32), cloth.shape)
    return (resize(plane, cloth.shape) > 0.5 * total).astype(np.float32)


def _shade(one: Plane, other: Plane) -> bool:
    """Whether one of two colours (3,) is the other in half shade: as bright as that at most, and of
    its hue."""
    dark, bright = sorted((one, other), key=lambda c: float(c.mean()))
    light = float(dark.mean() / max(float(bright.mean()), 1.0))
    return light > _LIT and float(np.linalg.norm(dark - light * bright)) < _HUE


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


def _agreed(logits: Plane, seen: Plane, shown: Plane) -> Plane:
    """Shares (4, h, w), of 1, of the net's `logits` and of what is `seen` (4, h, w) where something
    is `shown` (h, w), each as sure as it is and of one mind with its surroundings.

    Mean field of a Potts model with a Gaussian neighbourhood (Kraehenbuehl and Koltun, Efficient
    inference in fully connected CRFs with Gaussian edge potentials, 2011, without colours).
    """
    total = seen.sum(0)
    told = (total > 0.5) & (shown > 0.5)
    unary = np.where(told, _SEEN * seen / np.maximum(total, 1e-3), logits - logits.mean(0))
    q = _softmax(unary)
    for _ in range(_ROUNDS):
        q = _softmax(unary + _TOGETHER * np.stack([blur(p, _NEAR * DENSITY) for p in q]))
    return q


def _softmax(x: Plane) -> Plane:
    out = np.exp(x - x.max(0))
    return np.asarray(out / out.sum(0), np.float32)


def _shares(scene: Scene, soft: Plane) -> Plane:
    """Shares (4, h, w) of the window on the scene's grid (H, W, 4), with edges of some pixels."""
    sharp = np.stack([_back(scene, blur(p, _EVEN)) for p in soft], -1)
    np.clip(sharp, 1e-3, 1, out=sharp)
    for _ in range(_SQUARED):  # a quicker power
        np.multiply(sharp, sharp, out=sharp)
    return np.asarray(sharp / sharp.sum(-1, keepdims=True), np.float32)
