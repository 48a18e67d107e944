"""The bare head and what is seen of its ears, at low resolution: their colours and the ears' place.

The visible skin is spread over the hole (a membrane). The net sees one window of 6 x 6 eye distances
with the hair cut out (`tonsure.lab.tasks.bare` tells how it was trained) and gives the layers, and
what to add to the spread colour: shading, highlights, darker sides. Each layer is then made true to
what is still visible of it: the difference, spread as a membrane, is added. Neck, clothes and
background are `tonsure.make`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models import session
from ..planes import Plane, blur, eased, membrane, resize, smoothstep
from ..scene import EAR_LENGTH, EYE_DISTANCE, EYES_MIDDLE, Scene

LAYERS = ("background", "head", "ear", "neck", "clothes")
BACKGROUND, HEAD, EAR, NECK, CLOTHES = range(5)

DENSITY = 32.0  # px per eye distance, here and in the net's window
SIDE = 192
CENTRE = (0.0, 0.3)  # of the window, in eye distances from between the eyes
_RELAX = 3
_SHARPER = 2.0  # the net's layers, as a factor of their logits


@dataclass(frozen=True)
class Visible:
    """What a photo shows of the layers, all (H, W) on one grid, 0..1.

    `seen` (H, W, 5) shares of visible layers, `hole` what is hidden, `shade` what is seen in the
    hair's shadow, `head` and `oval` the filled outlines, `smooth` where skin shows its own tone,
    `flesh` what has the skin's colour: bare shoulders are clothes to the parser now and then.
    """

    seen: Plane
    hole: Plane
    shade: Plane
    head: Plane
    oval: Plane
    smooth: Plane
    flesh: Plane


@dataclass(frozen=True)
class Beneath:
    """`head` and `ear` (h, w, 3) 0..255, colours of the bare head and of ears, each complete;
    `ears` (h, w) 0..1, where ears lie; all at `DENSITY`."""

    head: Plane
    ear: Plane
    ears: Plane


def beneath(scene: Scene, visible: Visible) -> Beneath:
    """Head and ears completed under the hole."""
    shape = (
        max(2, round(scene.shape[0] / scene.unit * DENSITY)),
        max(2, round(scene.shape[1] / scene.unit * DENSITY)),
    )
    rgb = resize(scene.rgb, shape)
    inside = smoothstep(0.6, 1.0, resize(scene.inside, shape))
    low = Visible(*(resize(p, shape) for p in vars(visible).values()))
    known = inside * smoothstep(0.25, 0.02, low.hole)
    rows = (np.arange(shape[0], dtype=np.float32) + 0.5) / DENSITY + _top(scene)
    lit = low.smooth * (1 - 0.97 * low.shade) ** 3
    skin = known * smoothstep(0.75, 0.97, low.seen[..., HEAD]) * lit
    residual, told, answered = _ask(scene, rgb, known, inside, low)
    layers = _layers(low.seen, known, told, answered, low.head, rows[:, None])
    base = membrane(rgb, skin, relax=8)
    colours = {}
    for index, own in ((HEAD, np.maximum(layers[..., HEAD], low.head)), (EAR, layers[..., EAR])):
        # the net's shading of this layer alone, carried across the layer's edge; in what is seen it
        # would be measured against the photo's and leave a step where the hair began
        sure = smoothstep(0.5, 0.9, own) * answered * (1 - known)
        added = membrane(residual, np.maximum(sure, 1e-4 * answered), relax=4)
        seen = known * smoothstep(0.75, 0.97, low.seen[..., index])
        if index == HEAD:
            seen = skin
            # right beside the skin that is seen nothing is darker; brighter it is where that
            # skin still lies in the hair's shadow
            beside = blur(smoothstep(0.3, 0.7, skin), 0.15 * DENSITY)
            darker = smoothstep(0.0, -4.0, added.mean(-1))
            added *= (1 - darker * smoothstep(0.05, 0.5, beside))[..., None]
        start = base + added
        if float(seen.sum()) > 20:
            wrong = blur(rgb, 0.02 * DENSITY) - blur(start, 0.02 * DENSITY)
            start = start + membrane(wrong, seen, relax=8)
        colours[index] = np.clip(start, 0, 255)
    return Beneath(colours[HEAD], colours[EAR], layers[..., EAR])


def _top(scene: Scene) -> float:
    """Where the scene begins, in eye distances from between the eyes."""
    return (scene.box[1] - EYES_MIDDLE[1]) / EYE_DISTANCE


def _layers(
    seen: Plane, known: Plane, told: Plane, answered: Plane, head: Plane, y: Plane
) -> Plane:
    """What is seen is seen; in the hole the net's word counts; beyond its window the nearest.
    `head` (h, w) the filled outline, `y` (h, 1) eye distances below the eyes."""
    spread = membrane(seen, known)
    layers = np.where(answered[..., None] > 0, told, spread)
    # behind loose strands before the background there is the background
    behind = smoothstep(0.6, 0.85, seen[..., BACKGROUND])
    layers = layers * (1 - behind[..., None])
    layers[..., BACKGROUND] += behind
    layers = seen * known[..., None] + layers * (1 - known[..., None])
    # an ear that is partly seen may go on, but none begins where nothing of it is seen
    seen_ear = smoothstep(0.08, 0.25, blur(seen[..., EAR] * known, 0.1 * DENSITY))
    seen_ear = seen_ear * _going_on(seen[..., EAR] * known, head, y)
    layers[..., BACKGROUND] += layers[..., EAR] * (1 - seen_ear)
    layers[..., EAR] *= seen_ear
    # and where hair crosses an ear, it arches from its tip to the head
    arch = _arch(seen[..., EAR] * known, head, y) * layers[..., BACKGROUND] * (1 - known)
    layers[..., BACKGROUND] -= arch
    layers[..., EAR] += arch
    return np.asarray(layers / np.maximum(layers.sum(-1, keepdims=True), 1e-6), np.float32)


def _going_on(ear: Plane, head: Plane, y: Plane) -> Plane:
    """How likely each seen `ear` (h, w) goes on under the hair, (h, w) 0..1, by its side of the
    `head`: hair hides ears from above, what hangs beside their lower half hangs behind them; and it
    becomes no longer than ears are, and hardly wider. `y` (h, 1) in eye distances."""
    out = np.ones_like(ear)
    across = np.arange(ear.shape[1], dtype=np.float32)
    middle = float((head.sum(0) @ across) / max(float(head.sum()), 1.0))
    for side in (-1, 1):
        mine = (across - middle) * side > 0
        seen = (ear > 0.5) & mine
        rows, columns = y[seen.any(1), 0], side * across[seen.any(0)]
        if len(rows):
            length = float(rows[-1] - rows[0])
            half = float(rows[0]) + 0.45 * length
            wide = columns.max() + 0.12 * DENSITY * max(0.75 - length, 0.0)
            inner = smoothstep(wide + 2, wide, side * across)
            here = smoothstep(half + 0.05, half - 0.05, y)
            here = here * smoothstep(-EAR_LENGTH - 0.08, -EAR_LENGTH, y - float(rows[-1]))
            # between what is seen of it and the head no gap opens
            rim = np.where(seen, side * across, -np.inf).max(1, keepdims=True)
            here = np.maximum(here * inner, side * across < rim)
            out = np.where(mine, here, out)
    return out


def _arch(ear: Plane, head: Plane, y: Plane) -> Plane:
    """Where ears have to be, (h, w) 0..1: between what is seen of an `ear` (h, w) and the `head`
    (h, w). `y` (h, 1) in eye distances."""
    out = np.zeros_like(ear)
    across = np.arange(ear.shape[1], dtype=np.float32)
    middle = float((head.sum(0) @ across) / max(float(head.sum()), 1.0))
    for side in (-1, 1):
        away = side * (across - middle)
        seen = (ear > 0.5) & (away > 0)
        rows = np.flatnonzero(seen.any(1))
        if not len(rows):
            continue
        tip, length = float(y[rows[0], 0]), float(y[rows[-1], 0] - y[rows[0], 0])
        rim = np.where(seen, away, -np.inf).max(1, keepdims=True)
        edge = np.where(head > 0.5, away, -np.inf).max(1, keepdims=True)
        top = float(np.median(rim[rows[:3]]))
        inwards = np.clip((top - away) / np.maximum(top - edge, 1.0), 0, 1)
        # the helix of a whole ear rises a little and then comes down to its root
        whole = eased(0.6, 0.8, length / EAR_LENGTH)
        bound = tip + whole * length * (0.25 * inwards**2 - 0.1 * inwards * (1 - inwards))
        within = smoothstep(1.0, -1.0, away - np.maximum(rim, top * (y < tip)))
        out = np.maximum(out, smoothstep(-0.03, 0.03, y - bound) * within * (away > 0))
    return np.asarray(out, np.float32)


def _ask(
    scene: Scene, rgb: Plane, known: Plane, inside: Plane, low: Visible
) -> tuple[Plane, Plane, Plane]:
    """The net's residual (h, w, 3) in levels, layers (h, w, 5), and where it answered (h, w)."""
    rows, columns, wr, wc = _window(rgb.shape[:2], scene)

    def put(plane: Plane) -> Plane:
        out = np.zeros((SIDE, SIDE, *plane.shape[2:]), np.float32)
        out[wr, wc] = plane[rows, columns]
        return out

    k, seen, x = put(known), put(low.seen), put(rgb) / 127.5 - 1
    skin = seen[..., HEAD] * put(low.smooth)
    bases = [membrane(x, w * k, _RELAX) for w in (seen[..., BACKGROUND], skin, seen[..., CLOTHES])]
    step = (np.arange(SIDE, dtype=np.float32) + 0.5 - SIDE / 2) / DENSITY
    across, down = np.meshgrid(step + CENTRE[0], step + CENTRE[1])
    one = [k, put(inside), put(low.head), put(low.oval)]
    parts = [x * k[..., None], np.stack(one, -1), seen * k[..., None], *bases]
    parts.append(np.stack([across, down], -1) / 3)
    planes = np.concatenate(parts, -1).transpose(2, 0, 1).astype(np.float32)
    mirrored = planes[:, :, ::-1].copy()
    mirrored[-2] *= -1
    batch = np.ascontiguousarray(np.stack([planes, mirrored]))
    residual, logits = session.open("bare", scene.threads).run(None, {"window": batch})
    residual = 0.5 * (residual[0] + residual[1][:, :, ::-1])
    logits = _SHARPER * 0.5 * (logits[0] + logits[1][:, :, ::-1])
    shares = np.exp(logits - logits.max(0))
    shares /= shares.sum(0)
    added = np.zeros(rgb.shape, np.float32)
    layers = np.zeros((*rgb.shape[:2], len(LAYERS)), np.float32)
    answered = np.zeros(rgb.shape[:2], np.float32)
    added[rows, columns] = residual[:, wr, wc].transpose(1, 2, 0) * 127.5
    layers[rows, columns] = shares[:, wr, wc].transpose(1, 2, 0)
    answered[rows, columns] = 1
    return added, layers, answered


def _window(shape: tuple[int, ...], scene: Scene) -> tuple[slice, slice, slice, slice]:
    """Rows and columns of the low plane, and of the net's window, that show the same place."""
    left = EYES_MIDDLE[0] + (CENTRE[0] - 3.0) * EYE_DISTANCE
    top = EYES_MIDDLE[1] + (CENTRE[1] - 3.0) * EYE_DISTANCE
    x = round((left - scene.box[0]) / EYE_DISTANCE * DENSITY)
    y = round((top - scene.box[1]) / EYE_DISTANCE * DENSITY)
    rows = slice(max(y, 0), min(y + SIDE, shape[0]))
    columns = slice(max(x, 0), min(x + SIDE, shape[1]))
    inner_rows = slice(rows.start - y, rows.stop - y)
    return rows, columns, inner_rows, slice(columns.start - x, columns.stop - x)
