"""Hair at an ear: the parser takes what hangs over its top for a part of it now and then."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur, eased, grow, smoothstep
from ..scene import EAR_LENGTH, Scene
from .person import discriminant

_LONG = 0.95  # eye distances: the length of an ear that is looked at twice
_HEAVY = 0.74  # of 188 ears at most 0.69, of one with a tuft 0.80
_LONGER = 2.0
_HAIR = 0.15  # of 17 long ears 15 had at most 0.02, two with hair over them 0.30 and 0.46


def tufts(scene: Scene, ear: Plane, hair: npt.NDArray[np.bool_]) -> Plane:
    """Hair before and above an ear that the parser calls `ear` (H, W), where `hair` (H, W) is sure.

    Told by colour: what is nearer to the hair than to the ear's lower half (Fisher's discriminant),
    of its inner upper part alone, since its rim is as bright as fair hair. Only where an ear is too
    long, and what is too much has the hair's colour or most of the area, that goes too, and what
    hangs from it towards the cheek. Where hair and ear are much alike, nothing.
    """
    u, out = scene.unit, np.zeros_like(ear)
    x, y = scene.face_units()
    soft = blur(scene.rgb, 0.02 * u)
    for side in (-1, 1):
        mine = (ear > 0.5) & (x * side > 0)
        if mine.sum() < 0.02 * u * u:
            continue
        out_x = x * side
        high, middle, low = (float(np.quantile(y[mine], q)) for q in (0.02, 0.45, 0.98))
        core = mine & (y > max(middle, low - 0.5))
        beside = hair & (grow(mine.astype(np.float32), 0.6 * u) > 0.1)
        beside = beside if beside.sum() > 100 else hair
        if beside.sum() < 100 or core.sum() < 50:
            continue
        score, apart = discriminant(soft, beside, core)
        sure = eased(3.0, 6.0, apart)
        inner = float(np.quantile(out_x[core], 0.4))
        near = smoothstep(inner + 0.12, inner - 0.08, out_x)
        likely = smoothstep(0.0, 0.25, score) * near * smoothstep(middle + 0.1, middle - 0.1, y)
        top = low - EAR_LENGTH
        # ears are widest at a third from above: this one has most of its area at the very top
        heavy = low - middle > _HEAVY * (low - high)
        # the longer it is, the less like hair its top has to be
        least = _HAIR - _LONGER * (low - high - _LONG)
        if low - high > _LONG and (heavy or float(score[mine & (y < top)].mean()) > least):
            rim, cheek = (float(np.quantile(out_x[mine], q)) for q in (0.95, 0.02))
            below = y - top - 0.38 * (rim - out_x) / (rim - cheek)
            hanging = smoothstep(-0.4, 0.0, score) * smoothstep(0.04, -0.04, below)
            likely = np.maximum.reduce([likely, hanging, smoothstep(0.02, -0.02, y - top)])
        out += mine * sure * likely
    return ear * np.clip(grow(out, 0.04 * u), 0, 1)
