"""What the photo tells about the head's outline, looked up along rays from between the eyes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..hair.classes import BACKGROUND, CLOTHES, EAR, HAIR, JEWELLERY, NECK, SKIN
from ..planes import Plane
from ..scene import EYE_DISTANCE, Scene
from . import outline
from .outline import Points

# eye distances: an ear's width along a ray, and how much of it hair hides at most
_WIDE, _HIDDEN = 0.25, 0.15


def along(scene: Scene, classes: Plane) -> tuple[Points, Points, Points, Points]:
    """Per angle of the outline (67,), in eye distances, NaN where the photo does not tell.

    The silhouette of hair or ear (the skull lies inside), where skin meets background, how far skin
    reaches at least, and where an ear begins.
    """
    radius = np.arange(0.75, 3.2, 0.02)
    p, valid = _along_rays(scene, classes, outline.ANGLES, radius)
    covered = 1 - p[..., [BACKGROUND, CLOTHES, NECK, JEWELLERY]].sum(-1)
    kind = np.argmax(p, -1)
    silhouette, border, reach, ear_at = (np.full(len(p), np.nan) for _ in range(4))
    for i in range(len(p)):
        off = np.nonzero((covered[i] < 0.5) & valid[i])[0]
        end = np.nonzero(~valid[i])[0]
        if len(off) and (not len(end) or off[0] < end[0]) and off[0] > 2:
            last = kind[i, max(off[0] - 4, 0) : off[0]]
            if np.isin(last, (HAIR, EAR)).mean() > 0.5:
                silhouette[i] = radius[off[0]]
            elif (last == SKIN).mean() > 0.5 and kind[i, off[0]] == BACKGROUND:
                border[i] = radius[off[0]]
        skin = np.nonzero((kind[i] == SKIN) & valid[i])[0]
        ear = np.nonzero((kind[i] == EAR) & valid[i])[0]
        ear = ear[radius[ear] < 2.3]
        if len(ear) > 2:
            before = kind[i, max(ear[0] - 4, 0) : ear[0]]
            # hair hides the inner side of an ear that shows less than its width
            lacking = np.clip(_WIDE - (radius[ear[-1]] - radius[ear[0]]), 0, _HIDDEN)
            ear_at[i] = radius[ear[0]] + 0.03 - lacking * (before == HAIR).mean()
        if len(skin) and radius[skin[-1]] < 2.2:
            # a run of skin from inside, not a hand far out
            run = skin[np.concatenate([[True], np.diff(skin) < 8])]
            reach[i] = radius[run[-1]] - 0.02
    return silhouette, border, reach, ear_at


def cheeks(scene: Scene, classes: Plane) -> Points:
    """Where face or beard end before the background, at `outline.ROUND` (120,), in eye distances;
    NaN where the photo does not tell: above the temples, at the chin, beside hair, ear and neck."""
    radius = np.arange(0.6, 2.2, 0.02)
    p, valid = _along_rays(scene, classes, outline.ROUND, radius)
    kind = np.where(valid, np.argmax(p, -1), -1)
    out = np.full(len(p), np.nan)
    for i in np.flatnonzero((np.abs(outline.ROUND) > 70) & (np.abs(outline.ROUND) < 150)):
        off = np.flatnonzero(kind[i] != SKIN)
        # the first step must lie on the face, what follows it must be the open
        if len(off) and off[0] > 3 and (kind[i, off[0] : off[0] + 5] == BACKGROUND).all():
            out[i] = radius[off[0]] - 0.01
    return out


def _along_rays(
    scene: Scene, classes: Plane, angles: Points, radius: Points
) -> tuple[Plane, npt.NDArray[np.bool_]]:
    """The classes (N, R, 9) at every `radius` (R,) of every angle (N,), and whether the photo has
    that place (N, R)."""
    t = np.radians(angles)[:, None]
    way = np.stack([np.sin(t), -np.cos(t)], -1)
    points = outline.CENTRE + EYE_DISTANCE * radius[None, :, None] * way
    flat = scene.to_scene(points.reshape(-1, 2))
    height, width = scene.shape
    x, y = np.floor(flat[:, 0]).astype(int), np.floor(flat[:, 1]).astype(int)
    valid = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    valid &= scene.inside[y, x] > 0.5
    shape = len(angles), len(radius)
    return classes[y, x].reshape(*shape, -1), valid.reshape(shape)
