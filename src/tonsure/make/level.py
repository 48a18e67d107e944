"""A layer on a plane of a few pixels an eye distance: what is known of it, what is to be filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..planes import Plane, blur, dilate, eased, smoothstep
from . import patches

_CALM = (2.0, 4.5)  # robust grey levels of structure below which a layer is calm, above which not
_APART = 16  # cells between a plane and its mirror image, at least


@dataclass
class Level:
    """A reduced plane: ``value`` (h, w, 3) of known pixels, ``weight`` (h, w) how known,
    ``hole`` to be filled."""

    value: Plane
    weight: Plane
    hole: npt.NDArray[np.bool_]
    inside: Plane  # all pixels' mean, for the colour of what hides
    unit: float
    span: int = 0  # columns after which it begins again, mirrored; 0 where it does not

    @classmethod
    def of(
        cls,
        rgb: Plane,
        sure: npt.NDArray[np.bool_],
        hole: npt.NDArray[np.bool_],
        step: int,
        unit: float,
    ) -> Level:
        w = patches.mean(sure.astype(np.float32), step)
        h = patches.mean(hole.astype(np.float32), step)
        value = patches.per(patches.mean(rgb * sure[..., None], step), w)
        other = patches.per(patches.mean(rgb * hole[..., None], step), h)
        weight = np.where(w > 0.5, w, 0).astype(np.float32)
        return cls(value, weight, (h > 0) & (w <= 0.5), other, unit / step)

    def half(self) -> Level:
        w = patches.mean(self.weight, 2)
        value = patches.per(patches.mean(self.value * self.weight[..., None], 2), w)
        hole = patches.mean(self.hole.astype(np.float32), 2)
        weight = np.where(w > 0.45, w, 0).astype(np.float32)
        free = (hole > 0) & (w <= 0.45)
        return Level(value, weight, free, value, self.unit / 2, self.span // 2)

    def distrust_rim(self) -> None:
        """Known pixels next to the hole whose colour lies on the way to what hides there
        are not known after all."""
        u = self.unit
        hole = self.hole.astype(np.float32)
        near = blur(hole, 0.08 * u)
        far = self.weight * smoothstep(0.12, 0.02, near)
        around, reach = patches.spread(self.value, far, 0.25 * u)
        hiding, _ = patches.spread(self.inside, hole, 0.1 * u)
        way = hiding - around
        length = (way * way).sum(-1)
        share = ((self.value - around) * way).sum(-1) / np.maximum(length, 1.0)
        # a background that varies by as much by itself is not distrusted for it
        free = (far > 0.9) & (reach > 0.15) & (blur(hole, 0.5 * u) > 0.01)
        own = 1.5 * float(np.sqrt((share[free] ** 2).mean())) if free.any() else 0.0
        least = max(0.12, own)
        taint = smoothstep(least, least + 0.18, share) * smoothstep(900.0, 2500.0, length)
        beside = np.abs(self.value - around - share[..., None] * way).max(-1)
        taint *= smoothstep(0.4, 0.2, beside / np.maximum(np.abs(share) * np.sqrt(length), 1.0))
        taint *= smoothstep(0.02, 0.08, near) * smoothstep(0.05, 0.15, reach)
        gone = (taint > 0.5) & (self.weight > 0)
        self.weight[gone] = 0
        self.hole |= gone

    def unrest(self) -> float:
        """0 for a calm or blurred layer, 1 where a fifth of it and more has structure."""
        u = self.unit
        around = self.weight * (blur(self.hole.astype(np.float32), 0.5 * u) > 0.01)
        if float(around.sum()) < 0.25 * u * u:
            return 0.0
        low, _ = patches.spread(self.value, self.weight, 0.15 * u)
        rough = np.sqrt(((self.value - low) ** 2).mean(-1))[around > 0.9]
        if rough.size < 20:
            return 0.0
        return eased(*_CALM, float(np.quantile(rough, 0.8)))

    def smooth_amiss(self) -> Plane:
        """How far off a smooth surface is in the hole, (h, w) levels: as much as the background
        changes over the way to the nearest known pixel."""
        known, change = self.weight > 0.9, [0.0]
        near = known & (blur(self.hole.astype(np.float32), 0.5 * self.unit) > 0.01)
        depth = np.zeros(self.hole.shape, np.intp)
        reached = ~self.hole
        for d in range(1, round(self.unit)):
            pairs = (
                (self.value[d:] - self.value[:-d], near[d:] & known[:-d]),
                (self.value[:, d:] - self.value[:, :-d], near[:, d:] & known[:, :-d]),
            )
            apart = np.concatenate([(step[both] ** 2).mean(-1) for step, both in pairs])
            change.append(max(change[-1], float(np.sqrt(apart.mean())) if apart.size else 0.0))
            reached = dilate(reached, 1)
            depth += ~reached
        return np.asarray(change, np.float32)[np.minimum(depth + self.hole, len(change) - 1)]


def doubled(
    rgb: Plane, fine: Level, base: Plane, turn: int, step: int
) -> tuple[Plane, Level, Plane]:
    """Photo, level and base with their mirror image beside them: the cell `turn` - c for cell c."""
    rows, columns = fine.hole.shape
    span = -(-(columns + _APART) // _APART) * _APART  # halved without a rest, nothing runs across

    def beside(plane: Plane, factor: int, far: int) -> Plane:
        height, width = plane.shape[:2]
        out = np.zeros((height, 2 * span * factor, *plane.shape[2:]), plane.dtype)
        out[:, :width] = plane
        source = far - np.arange(span * factor)
        there = (source >= 0) & (source < width)
        out[:, span * factor :][:, there] = plane[:, source[there]]
        return out

    no = np.zeros((rows, 2 * span), bool)
    no[:, :columns] = fine.hole
    level = Level(
        beside(fine.value, 1, turn), beside(fine.weight, 1, turn), no, beside(fine.inside, 1, turn),
        fine.unit, span,
    )  # fmt: skip
    return beside(rgb, step, (turn + 1) * step - 1), level, beside(base, 1, turn)
