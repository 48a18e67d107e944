"""What lies beneath, at low resolution: the net's guess of colour and layers, made true to what is visible.

The net sees one window of 6 x 6 eye distances with the hair cut out (``tonsure.lab.tasks.bare`` tells how it was
trained). Its colours are then corrected layer by layer: the difference to the visible pixels of a layer, spread over
the hole as a membrane, is added to that layer. Where the window ends, a membrane alone goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models import session
from ..planes import Plane, blur, membrane, resize, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Scene

LAYERS = ("background", "head", "ear", "neck", "clothes")
BACKGROUND, HEAD, EAR, NECK, CLOTHES = range(5)

DENSITY = 32.0  # px per eye distance, here and in the net's window
_SIDE = 192
_CENTRE = (0.0, 0.3)


@dataclass(frozen=True)
class Beneath:
    """``colours`` five planes (h, w, 3), 0..255, each complete; ``layers`` (h, w, 5) summing to 1; at ``DENSITY``."""

    colours: list[Plane]
    layers: Plane


def _window(shape: tuple[int, int], scene: Scene) -> tuple[slice, slice, slice, slice]:
    """Rows and columns of the low plane and of the net's window that show the same place."""
    left = EYES_MIDDLE[0] + (_CENTRE[0] - 3.0) * EYE_DISTANCE
    top = EYES_MIDDLE[1] + (_CENTRE[1] - 3.0) * EYE_DISTANCE
    x = round((left - scene.box[0]) / EYE_DISTANCE * DENSITY)
    y = round((top - scene.box[1]) / EYE_DISTANCE * DENSITY)
    rows = slice(max(y, 0), min(y + _SIDE, shape[0]))
    columns = slice(max(x, 0), min(x + _SIDE, shape[1]))
    return (
        rows,
        columns,
        slice(rows.start - y, rows.stop - y),
        slice(columns.start - x, columns.stop - x),
    )


def guess(
    scene: Scene, rgb: Plane, known: Plane, inside: Plane, head: Plane, oval: Plane, seen: Plane
) -> tuple[Plane, Plane, Plane]:
    """The net's colour (h, w, 3) 0..255, layers (h, w, 5) and where it answered (h, w), on the low plane."""
    shape = rgb.shape[:2]
    rows, columns, wr, wc = _window(shape, scene)
    planes = np.zeros((14, _SIDE, _SIDE), np.float32)
    k = known[rows, columns]
    planes[0:3, wr, wc] = ((rgb[rows, columns] / 127.5 - 1.0) * k[..., None]).transpose(2, 0, 1)
    planes[3, wr, wc] = k
    planes[4, wr, wc] = inside[rows, columns]
    planes[5, wr, wc] = head[rows, columns]
    planes[6, wr, wc] = oval[rows, columns]
    planes[7:12, wr, wc] = (seen[rows, columns] * k[..., None]).transpose(2, 0, 1)
    step = (np.arange(_SIDE, dtype=np.float32) + 0.5 - _SIDE / 2) / DENSITY
    planes[12] = (step + _CENTRE[0])[None] / 3
    planes[13] = (step + _CENTRE[1])[:, None] / 3
    mirrored = planes[:, :, ::-1].copy()
    mirrored[12] *= -1
    colour, logits = session.open("bare", scene.threads).run(
        None, {"window": np.stack([planes, mirrored])}
    )
    colour = 0.5 * (colour[0] + colour[1][:, :, ::-1])
    logits = 0.5 * (logits[0] + logits[1][:, :, ::-1])
    grown = np.exp(1.5 * (logits - logits.max(0)))
    grown /= grown.sum(0)
    out = np.zeros((*shape, 3), np.float32)
    layers = np.zeros((*shape, 5), np.float32)
    answered = np.zeros(shape, np.float32)
    out[rows, columns] = np.clip(colour[:, wr, wc].transpose(1, 2, 0) * 255, 0, 255)
    layers[rows, columns] = grown[:, wr, wc].transpose(1, 2, 0)
    answered[rows, columns] = 1.0
    return out, layers, answered


def beneath(
    scene: Scene, seen: Plane, hole: Plane, head: Plane, oval: Plane, smooth_skin: Plane
) -> Beneath:
    """All layers completed under ``hole``.

    On the scene's grid: ``seen`` (H, W, 5) layers of the visible pixels, ``hole``, ``head``, ``oval`` (H, W) and
    ``smooth_skin`` (H, W), where skin shows its own tone (no brows, eyes, lips, beard).
    """
    shape = (
        max(2, round(scene.shape[0] / scene.unit * DENSITY)),
        max(2, round(scene.shape[1] / scene.unit * DENSITY)),
    )
    u = DENSITY
    rgb = resize(scene.rgb, shape)
    seen = resize(seen, shape)
    inside = smoothstep(0.6, 1.0, resize(scene.inside, shape))
    closed = resize(hole, shape)
    known = inside * smoothstep(0.25, 0.02, closed)
    head, oval, smooth_skin = (resize(p, shape) for p in (head, oval, smooth_skin))
    colour, layers, answered = guess(scene, rgb, known, inside, head, oval, seen)
    # layers: what is seen is seen; the head is geometry's; beyond the window the nearest wins
    spread = np.stack([membrane(seen[..., k], known) for k in range(5)], -1)
    layers = np.where(answered[..., None] > 0, layers, spread)
    k = known[..., None]
    layers = seen * k + layers * (1 - k)
    layers /= np.maximum(layers.sum(-1, keepdims=True), 1e-6)
    colours = []
    for index in range(5):
        own = layers[..., index]
        if index == HEAD:
            own = np.maximum(own, head)
        visible = known * smoothstep(0.75, 0.97, seen[..., index])
        if index == HEAD:
            visible = visible * smooth_skin
        sure = smoothstep(0.55, 0.95, own) * answered
        total = np.maximum(known * visible, 0)
        # the net's colour of this layer alone, carried across the layer's edge
        start = membrane(
            colour, np.maximum(sure * (1 - 0.999 * (own < 0.5)), 1e-4 * total), relax=3
        )
        wrong = blur(rgb, 0.03 * u) - blur(start, 0.03 * u)
        correction = (
            membrane(wrong, total, relax=8) if float(total.sum()) > 20 else np.zeros_like(start)
        )
        colours.append(np.clip(start + correction, 0, 255))
    return Beneath(colours, layers)
