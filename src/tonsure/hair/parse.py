"""Where is hair, face, ear, neck, hat, clothes: the parser's soft classes on a scene.

The net sees each scene twice as a whole (as it is and mirrored) at a coarse scale, which knows
shoulders from hair, and twice around the head at a finer one, which knows the hairline. The four
opinions are averaged.
"""

from __future__ import annotations

import numpy as np

from ..models import session
from ..planes import Plane, resize, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Box, Scene
from .person import settle
from .tufts import tufts

CLASSES = ("background", "skin", "hair", "hat", "ear", "neck", "clothes", "glasses", "jewellery")
BACKGROUND, SKIN, HAIR, HAT, EAR, NECK, CLOTHES, GLASSES, JEWELLERY = range(9)

_STRIDE = 32
_COARSE, _FINE = 26.0, 46.0  # px per eye distance; the net was trained from 24 to 60
_HEAD = (-2.3, -2.5, 2.3, 2.1)  # the finer look, eye distances from between the eyes


def _look(scene: Scene, box: Box, density: float) -> Plane:
    """The classes (h, w, 9) of `box` in frame units, at about `density` pixels per eye distance."""
    width = -(-int((box[2] - box[0]) / EYE_DISTANCE * density) // _STRIDE) * _STRIDE
    height = -(-int((box[3] - box[1]) / EYE_DISTANCE * density) // _STRIDE) * _STRIDE
    picture = resize(scene.part(scene.rgb, box), (height, width)) / 127.5 - 1.0
    x = (
        box[0] + (np.arange(width) + 0.5) / width * (box[2] - box[0]) - EYES_MIDDLE[0]
    ) / EYE_DISTANCE
    y = (
        box[1] + (np.arange(height) + 0.5) / height * (box[3] - box[1]) - EYES_MIDDLE[1]
    ) / EYE_DISTANCE
    where = np.stack(np.broadcast_arrays(x[None], y[:, None]), -1).clip(-4, 4) / 2
    seen = np.concatenate([picture, where.astype(np.float32)], -1).transpose(2, 0, 1)
    mirrored = seen[:, :, ::-1].copy()
    mirrored[3] *= -1.0
    batch = np.ascontiguousarray(np.stack([seen, mirrored]), dtype=np.float32)
    plain, turned = session.open("hair_parser", scene.threads).run(None, {"picture": batch})[0]
    return np.ascontiguousarray((0.5 * (plain + turned[:, :, ::-1])).transpose(1, 2, 0))


def parse(scene: Scene) -> Plane:
    """Soft classes (H, W, 9) of a scene, float32 0..1, summing to 1; see `CLASSES`.

    Raises `ModelError` when the net's file is missing or damaged.
    """
    coarse = resize(_look(scene, scene.box, _COARSE), scene.shape)
    middle = np.array([*EYES_MIDDLE, *EYES_MIDDLE])
    wanted = middle + np.array(_HEAD) * EYE_DISTANCE
    box = (
        max(wanted[0], scene.box[0]), max(wanted[1], scene.box[1]),
        min(wanted[2], scene.box[2]), min(wanted[3], scene.box[3]),
    )  # fmt: skip
    rows, columns = scene.slices(box)
    part = coarse[rows, columns]
    fine = resize(_look(scene, box, _FINE), part.shape[:2])
    height, width = part.shape[:2]
    edge = 0.3 * EYE_DISTANCE * scene.scale
    ys, xs = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    # the finer look fades out where it ends, except where the scene ends too
    far = np.float32(1e9)
    from_top = ys if rows.start > 0 else ys + far
    from_left = xs if columns.start > 0 else xs + far
    from_bottom = ys[::-1] if rows.stop < scene.shape[0] else ys + far
    from_right = xs[::-1] if columns.stop < scene.shape[1] else xs + far
    inside_y, inside_x = np.minimum(from_top, from_bottom), np.minimum(from_left, from_right)
    share = 0.65 * smoothstep(0, edge, np.minimum.outer(inside_y, inside_x))[..., None]
    out = coarse.copy()
    out[rows, columns] = part * (1 - share) + fine * share
    # no ear begins above the brows
    high = out[..., EAR] * smoothstep(-0.2, -0.35, scene.face_units()[1])
    out = settle(scene, _moved(out, high), HAIR, HAT, BACKGROUND, CLOTHES)
    return _moved(out, tufts(scene, out[..., EAR], out[..., HAIR] > 0.8))


def _moved(classes: Plane, share: Plane) -> Plane:
    """`share` (H, W) of the ears given to the hair; changes `classes`."""
    classes[..., EAR] -= share
    classes[..., HAIR] += share
    return classes
