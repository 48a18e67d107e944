"""Hairs drawn one by one at the photo's own resolution, in the colours of hair that is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..planes import LUMA, Plane, blur
from ..scene import EYE_DISTANCE, PhotoBox, Scene

Points = npt.NDArray[np.float64]
Colours = npt.NDArray[np.float32]

_SHIFT = 4  # bits of a pixel that OpenCV's lines know
_THICK = 1.8  # pixels of the canvas that a hair is wide at least, as far as zooming helps
_ZOOM = 4
_OWN = 0.7  # of a tone's colour is that of the hair's middle tones


@dataclass(frozen=True)
class Palette:
    """Tones of hair from its darkest to its lightest, (N, 3) float32, 0..255."""

    tones: Colours

    @classmethod
    def of(cls, pixels: Colours) -> Palette:
        """Of `pixels` (M, 3) of hair: their means in 32 equally full steps of luma, with more of
        the colour that most of it has, since lights on hair and what shines through are grey."""
        luma = pixels @ LUMA
        order = np.argsort(luma)
        steps = np.array_split(pixels[order], min(32, len(pixels)))
        tones = np.array([step.mean(0) for step in steps], np.float32)
        light = (tones @ LUMA)[:, None]
        vivid = pixels[
            np.abs(luma - np.median(luma)) <= np.quantile(np.abs(luma - np.median(luma)), 0.5)
        ]
        chroma = (vivid / (vivid @ LUMA + 4)[:, None]).mean(0)
        return cls(tones + np.float32(_OWN) * (light * chroma - tones))

    def at(self, share: Points) -> Colours:
        """(..., 3): the tones at `share` (...) 0 (darkest) to 1."""
        stops = np.linspace(0, 1, len(self.tones))
        planes = [np.interp(share, stops, self.tones[:, c]) for c in range(3)]
        return np.stack(planes, -1).astype(np.float32)


def laid(
    scene: Scene, lines: Points, colours: Colours, width: float, box: PhotoBox
) -> tuple[Plane, Plane]:
    """Hairs on the photo's `box`: (h, w, 3) 0..255, multiplied by (h, w) 0..1, how much they cover.

    `lines` (N, K, 2) in frame units from root to tip, drawn in their order; `colours` (N, K, 3) or
    (N, 1, 3), 0..255; `width` in eye distances, at the tip half of it.
    """
    import cv2

    count, points = lines.shape[:2]
    height, wide = box[3] - box[1], box[2] - box[0]
    unit = EYE_DISTANCE / abs(scene.frame.z)
    zoom = int(np.clip(np.ceil(_THICK / max(width * unit, 0.1)), 1, _ZOOM))
    # colour and cover are drawn alike, so that a smooth edge is multiplied already
    canvas = np.zeros((height * zoom, wide * zoom, 4), np.uint8)
    photo = scene.frame.to_photo(lines.reshape(-1, 2)).reshape(count, points, 2)
    at = ((photo - np.array(box[:2])) * zoom * (1 << _SHIFT)).round().astype(int).tolist()
    inks = np.clip(np.broadcast_to(colours, (count, points, 3)), 0, 255).tolist()
    thick = max(1, round(width * unit * zoom))
    # what is thinner than a pixel of the canvas covers less of it
    cover = min(1.0, width * unit * zoom / thick)
    half = 2 * (points - 1) // 3
    for line, ink in zip(at, inks, strict=True):
        for k in range(points - 1):
            r, g, b = ink[k]
            cv2.line(
                canvas, line[k], line[k + 1],
                (r * cover, g * cover, b * cover, 255 * cover),
                thick if k < half else max(1, thick // 2), cv2.LINE_AA, _SHIFT,
            )  # fmt: skip
    small = cv2.resize(canvas, (wide, height), interpolation=cv2.INTER_AREA)
    found = blur(small.astype(np.float32), max(0.35, 0.0025 * unit))
    return found[..., :3], np.minimum(found[..., 3] / np.float32(255), 1)
