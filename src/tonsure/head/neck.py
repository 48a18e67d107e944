"""How wide a neck is that hair hides.

The net that tells what lies beneath hair has seen many necks behind long hair and too few beside
short one: it makes them as wide as the hair is. Where skin ends beside the jaw and below it was
measured on people whose necks no hair covers, and is told by the border of the face.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..planes import Plane, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Scene

ROWS = (0.7, 1.0, 1.3, 1.6, 2.0)
"""Eye distances below the eyes at which `_ENDS` tells where skin ends."""
# a constant, and shares of `numbers`; from 308 people, by `scripts/fit_neck.py`
_ENDS = (
    (0.19, 0.54, 0.46, 0.10, -0.01),
    (0.10, 0.48, 0.62, 0.12, 0.12),
    (0.06, 0.47, 0.68, 0.20, -0.04),
    (0.00, 0.56, 0.61, 0.26, -0.19),
    (-0.09, 0.65, 0.57, 0.32, -0.08),
)
# rows on which it has to be seen to end, how many of them count, how much they may say
_ENOUGH, _FIRST, _MOST = 3, 6, 0.35
_SHOULDER = 2.25  # eye distances below the eyes, where necks begin to widen
# points of the mesh: the face's border beside the mouth, the jaw's corner, for both sides
_BORDER, _CORNER, _CHIN = (132, 361), (172, 397), 152


def numbers(across: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    """1 and what foretells the neck's end at `side` (-1 left in the picture, 1 right): (5,).

    `across` (468,) is the mesh's x in eye distances from between the eyes.
    """
    near, far = (1, 0) if side > 0 else (0, 1)
    points = [_BORDER[near], _CORNER[near], _BORDER[far], _CHIN]
    return np.concatenate([[1.0], side * across[points]])


def beside(scene: Scene, rows: Plane, columns: Plane, skin: Plane, air: Plane) -> Plane:
    """Where no neck reaches: (h, w) 0..1, on `rows` (h,) and `columns` (w,) in eye distances from
    between the eyes.

    `skin` (h, w) is where skin is seen, `air` where background or clothes are: a neck that is seen
    to end sooner than people's mean is slimmer further up, too.
    """
    mesh = (scene.mesh[:, 0] - EYES_MIDDLE[0]) / EYE_DISTANCE
    wider = 1.1 * np.maximum(rows - _SHOULDER, 0)
    out = np.full(skin.shape, -np.inf)
    for side in (-1, 1):
        ends = np.interp(rows, ROWS, np.array(_ENDS) @ numbers(mesh, side)) + wider
        ends += _seen(ends, rows, side * columns, skin, air) * smoothstep(0.8, 1.4, rows)
        out = np.maximum(out, side * columns - ends[:, None])
    return smoothstep(-0.05, 0.05, out.astype(np.float32))


def _seen(ends: Plane, rows: Plane, out: Plane, skin: Plane, air: Plane) -> float:
    """How much further than `ends` (h,) the neck is seen to end where it first is: 0 or less, since
    one that is wider at the collar is not so at the jaw. `out` (w,) grows outwards."""
    found = []
    inner = (out > -0.3) & (out < 2.0)
    order = np.flatnonzero(inner)[np.argsort(out[inner])]
    for row in np.flatnonzero((rows > 1.2) & (rows < 2.1)):
        here = skin[row, order] > 0.5
        if here.any():
            last = int(np.flatnonzero(here)[-1])
            if (air[row, order[last + 1 : last + 4]] > 0.5).any():
                found.append(float(out[order[last]] - ends[row]))
    if len(found) < _ENOUGH:
        return 0.0
    return float(np.clip(np.median(found[:_FIRST]), -_MOST, 0))
