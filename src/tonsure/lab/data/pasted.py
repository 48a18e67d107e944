"""Made examples for the parser: hats, hands, beards and other people's hair laid on windows.

Of what is rare in the photos, or what their labels do not tell: knit and fur caps, hands among
locks, long beards. A hat that was seen gets cloth of another window; a beard is hair on a chin; so
their shapes are true and their labels known to the pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tonsure.hair.classes import CLOTHES, HAIR, HAT, NECK
from tonsure.lab.data import review, wide
from tonsure.scene import OVAL

Bytes = npt.NDArray[np.uint8]
Random = np.random.Generator

_KEPT = wide.ANY ^ (1 << HAIR)
_SILENT = wide.ANY | review.SILENT
_HAT, _ARM, _CLOTH = 0.25, (0.12, 3.0), 3.0  # squared eye distances of what is worth laying
_SQUARE = 0.75  # of a rectangle's area
_EDGE = 0.7  # pixels that a laid edge is soft over
_CHEST = (3.0, 6.0)  # eye distances below the eyes where cloth is looked for


@dataclass(frozen=True)
class Windows:
    """All windows of the training: `rgb` (N, H, W, 3), `sets` (N, H, W), the teacher's `hair`
    (N, H, W) 0..255 within the photos, `mesh` (N, 468, 3) in frame units."""

    rgb: Any
    sets: Any
    hair: Any
    mesh: Any


@dataclass(frozen=True)
class Cut:
    """A part of a window: `rgb` (h, w, 3), `mask` (h, w) 0..255, and its upper left pixel there."""

    rgb: Bytes
    mask: Bytes
    left: int
    top: int


class Pastes:
    """What can be laid, found once in the `windows`."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        area = wide.DENSITY**2
        sets = windows.sets
        hats = (sets == 1 << HAT).sum((1, 2)) / area
        cloth = (sets == 1 << CLOTHES).sum((1, 2)) / area
        y = (np.arange(wide.HEIGHT) + 0.5) / wide.DENSITY + wide.TOP
        low = (windows.hair[:, y > 1.0] > 127).mean((1, 2))
        self.long = np.nonzero(low > 0.03)[0]
        self.cloth = np.nonzero(cloth > _CLOTH)[0]
        self.hats = [_cut(windows.rgb[k], sets[k] == 1 << HAT) for k in np.nonzero(hats > _HAT)[0]]
        self.arms = [
            cut
            for k in np.nonzero((sets == 1 << NECK).any((1, 2)))[0]
            for cut in _arms(windows.rgb[k], sets[k])
        ]

    def hair(self, rgb: Bytes, sets: wide.Sets, random: Random) -> None:
        """Somebody else's long hair over a window's own, so that where hair ends before cloth and
        skin is known to the pixel. Changes `rgb` (H, W, 3) and `sets` (H, W)."""
        donor = int(random.choice(self.long))
        other, alpha = self.windows.rgb[donor], self.windows.hair[donor]
        if random.random() < 0.5:
            other, alpha = other[:, ::-1], alpha[:, ::-1]
        shift = tuple(int(v) for v in random.integers(-9, 10, 2))
        other, alpha = (np.roll(v, shift, (0, 1)) for v in (other, alpha))
        a = np.clip((alpha.astype(np.float32) - 40) / 175, 0, 1)
        _lay(rgb, np.clip(other * random.uniform(0.7, 1.3), 0, 255), a)
        sets[a > 0.6] = 1 << HAIR
        sets[(a > 0.05) & (a <= 0.6)] = _SILENT

    def hat(self, rgb: Bytes, sets: wide.Sets, random: Random) -> None:
        """A hat, two times in three of other cloth. Changes `rgb` and `sets`."""
        if not self.hats:
            return
        cut = self.hats[int(random.integers(len(self.hats)))]
        colours = cut.rgb.astype(np.float32)
        if random.random() < 0.67 and len(self.cloth):
            cloth = self._cloth(cut.rgb.shape[:2], random)
            if cloth is not None:
                light = cv2.GaussianBlur(colours.mean(-1), (0, 0), 3)
                inside = cut.mask > 127
                level = float(np.median(light[inside])) + 8
                colours = cloth * (0.35 + 0.65 * ((light + 8) / level))[..., None].clip(0, 1.6)
        colours = colours * random.uniform(0.6, 1.3, 3).astype(np.float32)
        shift = random.normal(0, 3, 2)
        scale, turn = random.uniform(0.92, 1.12), random.normal(0, 3)
        mask, laid = _moved(cut, colours, scale, turn, shift, random.random() < 0.5)
        _lay(rgb, laid, mask)
        _told(sets, mask, 1 << HAT)

    def arm(self, rgb: Bytes, sets: wide.Sets, mesh: Any, random: Random) -> None:
        """A hand or an arm before the hair, in the tone of the face. Changes `rgb` and `sets`."""
        hair = sets == 1 << HAIR
        if not self.arms or hair.sum() < 0.3 * wide.DENSITY**2:
            return
        cut = self.arms[int(random.integers(len(self.arms)))]
        rows, columns = np.nonzero(hair)
        at = int(random.integers(len(rows)))
        inside = cut.mask > 127
        own = rgb[wide.polygon(wide.to_window(mesh[list(OVAL)])) > 127]
        gain = np.median(own, 0) / np.maximum(np.median(cut.rgb[inside], 0), 8)
        colours = cut.rgb * np.clip(gain, 0.4, 2.5).astype(np.float32)
        middle = np.array([columns[at], rows[at]], float)
        part = np.argwhere(inside)[int(random.integers(int(inside.sum())))]
        shift = middle - (cut.left + part[1], cut.top + part[0])
        mask, laid = _moved(
            cut, colours, random.uniform(0.75, 1.2), random.uniform(-70, 70), shift,
            random.random() < 0.5, pivot=middle,
        )  # fmt: skip
        mask = mask * (1 - _face(mesh))
        _lay(rgb, laid, mask)
        _told(sets, mask, 1 << NECK)

    def beard(self, rgb: Bytes, sets: wide.Sets, mesh: Any, random: Random) -> None:
        """A long beard of somebody's hair: it stays, so it is no hair. Changes both."""
        donor = int(random.choice(self.long))
        sure = cv2.erode((self.windows.hair[donor] > 230).astype(np.uint8), np.ones((15, 15)))
        at = (wide.to_window(mesh)).astype(np.float64)
        jaw, chin, mouth = at[[172, 397]], at[152], at[[61, 291]].mean(0)
        half = 0.5 * abs(jaw[1, 0] - jaw[0, 0])
        long = random.uniform(0.15, 1.8) * wide.DENSITY
        steps = np.linspace(0, np.pi, 24)
        wave = 1 + 0.06 * random.standard_normal(24).cumsum() / 4
        tip = np.stack(
            [
                chin[0] + half * np.cos(steps) * wave,
                mouth[1] + (chin[1] + long - mouth[1]) * np.sin(steps) ** 0.8 * wave,
            ],
            -1,
        )
        mask = wide.polygon(tip).astype(np.float32) / 255
        lips = cv2.GaussianBlur(
            wide.polygon(at[[61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91]]), (0, 0), 1.5
        )
        mask *= 1 - lips.astype(np.float32) / 255
        rows, columns = np.nonzero(sure)
        if len(rows) < 200:
            return
        height, width = int(chin[1] + long - mouth[1]) + 4, int(2 * half) + 8
        k = int(random.integers(len(rows)))
        top, left = max(0, rows[k] - height // 2), max(0, columns[k] - width // 2)
        patch = self.windows.rgb[donor][top : top + height, left : left + width]
        fits = sure[top : top + height, left : left + width]
        if fits.size < 100 or fits.mean() < 0.5:
            return
        tone = np.median(patch[fits > 0], 0)
        patch = np.where(fits[..., None] > 0, patch, tone).astype(np.uint8)
        y0, x0 = int(mouth[1]) - 2, int(chin[0] - half) - 4
        laid = np.zeros(rgb.shape, np.float32)
        filled = cv2.resize(patch, (width, height))
        _put(laid, filled, x0, y0)
        soft = cv2.GaussianBlur(mask, (0, 0), random.uniform(1.0, 3.0))
        _lay(rgb, laid * random.uniform(0.7, 1.2), soft)
        sets[soft > 0.5] = _KEPT
        sets[(soft > 0.08) & (soft <= 0.5)] = _SILENT

    def _cloth(self, shape: tuple[int, int], random: Random) -> Any:
        """Cloth of some window, (h, w, 3), or None where there is too little of it."""
        donor = int(random.choice(self.cloth))
        low, high = ((v - wide.TOP) * wide.DENSITY for v in _CHEST)
        height, width = shape
        top = int(np.clip(random.uniform(low, high), 0, max(0, wide.HEIGHT - height)))
        left = int(np.clip(wide.WIDTH / 2 - width / 2 + random.normal(0, 25), 0, None))
        left = min(left, wide.WIDTH - width)
        part = self.windows.rgb[donor][top : top + height, left : left + width]
        told = self.windows.sets[donor][top : top + height, left : left + width] == 1 << CLOTHES
        if part.shape[:2] != shape or told.mean() < 0.6:
            return None
        tone = np.median(part[told], 0)
        return np.where(told[..., None], part, tone).astype(np.float32)


def _cut(rgb: Bytes, where: npt.NDArray[np.bool_]) -> Cut:
    rows, columns = np.nonzero(where)
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    drawn = (where[box] * np.uint8(255)).astype(np.uint8)
    mask = np.asarray(cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
    return Cut(rgb[box].copy(), mask, int(columns.min()), int(rows.min()))


def _arms(rgb: Bytes, sets: wide.Sets) -> list[Cut]:
    """Hands and arms of a window: bare skin that is apart from the neck."""
    flesh = (sets == 1 << NECK).astype(np.uint8)
    flesh = cv2.morphologyEx(flesh, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, parts, stats, middles = cv2.connectedComponentsWithStats(flesh)
    out = []
    for k in range(1, count):
        area = stats[k, cv2.CC_STAT_AREA] / wide.DENSITY**2
        x = (middles[k, 0] + 0.5) / wide.DENSITY + wide.LEFT
        y = (middles[k, 1] + 0.5) / wide.DENSITY + wide.TOP
        if not (_ARM[0] < area < _ARM[1] and (abs(x) > 1.4 or y > 4.2)):
            continue
        where = parts == k
        box = cv2.minAreaRect(np.argwhere(where).astype(np.float32))[1]
        if area * wide.DENSITY**2 < _SQUARE * box[0] * box[1]:  # else borders have cut it
            out.append(_cut(rgb, where))
    return out


def _moved(
    cut: Cut, colours: Any, scale: float, turn: float, shift: Any, flip: bool, pivot: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Mask (H, W) 0..1 and colours (H, W, 3) of a cut laid on a whole window."""
    height, width = cut.mask.shape
    centre = np.array([cut.left + width / 2, cut.top + height / 2])
    mask, rgb, left = cut.mask, colours, float(cut.left)
    if flip and pivot is None:
        mask, rgb = mask[:, ::-1], rgb[:, ::-1]
        left = wide.WIDTH - cut.left - width
        centre[0] = left + width / 2
    about = centre if pivot is None else pivot - shift
    m = cv2.getRotationMatrix2D((float(about[0]), float(about[1])), turn, scale)
    m[:, 2] += np.asarray(shift, float) + m[:, :2] @ np.array([left, cut.top])
    size = (wide.WIDTH, wide.HEIGHT)
    soft = cv2.GaussianBlur(np.ascontiguousarray(mask), (0, 0), _EDGE)
    alpha = cv2.warpAffine(soft, m, size, flags=cv2.INTER_LINEAR)
    filled = np.ascontiguousarray(np.clip(rgb, 0, 255), dtype=np.float32)
    laid = cv2.warpAffine(filled, m, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return alpha.astype(np.float32) / 255, laid


def _face(mesh: Any) -> Any:
    """The middle of a face (H, W) 0..1, on which nothing is laid."""
    points = wide.to_window(mesh[list(OVAL)])
    middle = points.mean(0)
    return wide.polygon(middle + 0.75 * (points - middle)).astype(np.float32) / 255


def _lay(rgb: Bytes, laid: Any, alpha: Any) -> None:
    """`laid` (H, W, 3) over `rgb`, which changes, by `alpha` (H, W) 0..1."""
    a = alpha[..., None]
    rgb[:] = np.clip(rgb * (1 - a) + laid * a, 0, 255).astype(np.uint8)


def _told(sets: wide.Sets, alpha: Any, what: int) -> None:
    """`sets` are `what` within, and anything at the edge."""
    sets[alpha > 0.6] = what
    sets[(alpha > 0.1) & (alpha <= 0.6)] = _SILENT


def _put(canvas: Any, patch: Any, left: int, top: int) -> None:
    """`patch` on `canvas`, as much as lies within."""
    height, width = canvas.shape[:2]
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + patch.shape[0]), min(width, left + patch.shape[1])
    if y1 > y0 and x1 > x0:
        canvas[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]
