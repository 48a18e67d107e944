"""What was laid over the photo afterwards and is no part of it: captions, and a bar over the eyes.

It is looked beneath, so that no letter is taken for a hat and no bar for hair, and it stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..faces import Face, Frame
from ..planes import Mask, Plane, dilate, reached
from ..scene import EYE_DISTANCE, EYES_MIDDLE, PhotoBox

Pixels = npt.NDArray[np.uint8]

_REACH = (-4.0, -3.5, 4.0, 5.0)  # eye distances from between the eyes: left, up, right, down
_FINE = 48.0  # pixels per eye distance that are looked at, at most
_FLAT = 12  # levels, the most that colours printed evenly differ by from pixel to pixel
_BAR_WIDTH, _BAR_HEIGHT, _BAR_FILLED = 1.3, 0.2, 0.85  # eye distances; of its rectangle
_WHITE, _WHITISH, _DARK = 225, 170, 110  # levels: letters, thin strokes, the median around them
_LETTER = (0.12, 1.2)  # eye distances: height
_SPECK = 6  # pixels of a letter, at least
_STROKE = 0.5  # of the height, at most
_LINE = 4  # letters of one height on one line are a caption
_MANY = 400  # white spots: more are texture
_ALIKE = 0.25  # of their height: letters of a line
_JOINED = 0.5  # and of what else is on the line
_OUTLINE = 0.12  # of the height, around letters; twice that may be stained
_AROUND = 0.1  # eye distances: what fills it comes from there
_RIM = 0.035  # eye distances around what is found: what JPEG made of it


@dataclass(frozen=True)
class Overlay:
    """`beneath` (H, W, 3) uint8 is the photo without it; `box` (x0, y0, x1, y1) of the photo and
    `where` (h, w) of that box hold what was laid over."""

    beneath: Pixels
    box: PhotoBox
    where: Mask

    def on(self, box: PhotoBox) -> Mask:
        """Where it lies in another `box` of the photo."""
        out = np.zeros((box[3] - box[1], box[2] - box[0]), bool)
        x0, y0 = max(box[0], self.box[0]), max(box[1], self.box[1])
        x1, y1 = min(box[2], self.box[2]), min(box[3], self.box[3])
        if x0 < x1 and y0 < y1:
            part = self.where[
                y0 - self.box[1] : y1 - self.box[1], x0 - self.box[0] : x1 - self.box[0]
            ]
            out[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]] = part
        return out


def overlay(pixels: Pixels, face: Face) -> Overlay | None:
    """What was laid over a photo (H, W, 3) around `face`; None where nothing was."""
    import cv2

    frame = Frame.of(face)
    ends = np.array([[x, y] for x in _REACH[::2] for y in _REACH[1::2]]) * EYE_DISTANCE
    points = frame.to_photo(ends + np.array(EYES_MIDDLE))
    height, width = pixels.shape[:2]
    x0, y0 = np.clip(np.floor(points.min(0)).astype(int), 0, (width, height)).tolist()
    x1, y1 = np.clip(np.ceil(points.max(0)).astype(int), 0, (width, height)).tolist()
    if min(x1 - x0, y1 - y0) < 8:
        return None
    cut = pixels[y0:y1, x0:x1]
    factor = min(1.0, _FINE / face.iod)
    size = (max(8, round((x1 - x0) * factor)), max(8, round((y1 - y0) * factor)))
    small = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
    unit = face.iod * factor
    eyes = ((face.eyes - (x0, y0)) * factor).astype(int)
    bar, captions = _bar(small, eyes, unit), _captions(small, unit)
    rim, full = max(1, round(_RIM * unit)), (x1 - x0, y1 - y0)
    found = dilate(bar, rim) | (captions > 0.8)
    if not found.any():
        return None
    stained = dilate(found, rim) | (captions > 0)
    radius = max(2.0, _AROUND * unit)
    clean = cv2.inpaint(small, stained.view(np.uint8), radius, cv2.INPAINT_TELEA)
    where, stained = (
        cv2.resize(one.view(np.uint8), full, interpolation=cv2.INTER_NEAREST) > 0
        for one in (found, stained)
    )
    beneath = pixels.copy()
    beneath[y0:y1, x0:x1][stained] = cv2.resize(clean, full, interpolation=cv2.INTER_LINEAR)[
        stained
    ]
    return Overlay(beneath, (x0, y0, x1, y1), where)


def _bar(seen: Pixels, eyes: npt.NDArray[np.int_], unit: float) -> Mask:
    """A rectangle of one colour over both `eyes` (2, 2), in `seen` (h, w, 3)."""
    import cv2

    nothing = np.zeros(seen.shape[:2], bool)
    if (eyes < 0).any() or (eyes >= seen.shape[1::-1]).any():
        return nothing
    (ax, ay), (bx, by) = eyes
    tone = seen[ay, ax].astype(int)
    alike = (np.abs(seen.astype(int) - tone).max(-1) <= _FLAT).astype(np.uint8)
    _, parts, _, _ = cv2.connectedComponentsWithStats(alike, connectivity=4)
    label = parts[ay, ax]
    if not alike[by, bx] or parts[by, bx] != label:
        return nothing
    mine = (parts == label).astype(np.uint8)
    # dark hair that hangs together with the bar is narrower than that
    kernel = np.ones(
        (max(1, round(_BAR_HEIGHT * unit)), max(1, round(_BAR_WIDTH * unit))), np.uint8
    )
    bar = cv2.morphologyEx(mine, cv2.MORPH_OPEN, kernel)
    rows, columns = np.nonzero(bar)
    if not len(rows) or not bar[ay, ax] or not bar[by, bx]:
        return nothing
    around = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    return bar > 0 if len(rows) > _BAR_FILLED * around else nothing


def _captions(seen: Pixels, unit: float) -> Plane:
    """White letters with dark outlines, at least a few on one line, in `seen` (h, w, 3): 1 where
    they are, a half around them where something of them may be; else 0."""
    import cv2

    out = np.zeros(seen.shape[:2], np.float32)
    white = np.asarray(_least(seen) >= _WHITE, np.uint8)
    _, parts, told, middles = cv2.connectedComponentsWithStats(white, connectivity=8)
    tall = (told[:, 3] > _LETTER[0] * unit) & (told[:, 3] < _LETTER[1] * unit)
    found = np.flatnonzero(tall[1:] & (told[1:, 4] >= _SPECK)) + 1
    if not _LINE <= len(found) <= _MANY:
        return out
    whitish = _least(seen) >= _WHITISH
    thick = cv2.distanceTransform(white, cv2.DIST_L2, 3)
    luma = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    outlined, letters = [], []
    for k in found.tolist():
        x, y, wide, high, _ = (int(n) for n in told[k])
        part = (slice(max(y - 2, 0), y + high + 2), slice(max(x - 2, 0), x + wide + 2))
        mine = parts[part] == k
        ring = dilate(mine, 2) & (white[part] == 0)
        if not ring.any() or float(np.median(luma[part][ring])) > _DARK:
            continue
        outlined.append((k, float(middles[k][1]), high))
        if 2 * float(thick[part][mine].max()) <= max(_STROKE * high, 3):
            letters.append(outlined[-1])
    joined: set[int] = set()
    for _, middle, high in letters:
        line = [y for _, y, h in letters if max(abs(y - middle), abs(h - high)) < _ALIKE * high]
        if len(line) >= _LINE:  # those that are thick where strokes meet belong to it, too
            joined.update(
                k for k, y, h in outlined if max(abs(y - middle), abs(h - high)) < _JOINED * high
            )
    for k in sorted(joined):
        x, y, wide, high = (int(n) for n in told[k, :4])
        part = (slice(max(y - high, 0), y + 2 * high), slice(max(x - high, 0), x + wide + high))
        mine = reached(parts[part] == k, whitish[part], 1, round(_JOINED * high))
        for share, times in ((0.5, 2), (1.0, 1)):
            grown = share * dilate(mine, round(times * _OUTLINE * high))
            out[part] = np.maximum(out[part], grown)
    return out


def _least(seen: Pixels) -> Pixels:
    """The smallest of the three channels of (h, w, 3)."""
    return np.minimum(np.minimum(seen[..., 0], seen[..., 1]), seen[..., 2])
