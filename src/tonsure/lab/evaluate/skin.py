"""Skin: its tone, and how much grain there is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tonsure.faces import Face, Frame
from tonsure.planes import LUMA

Bytes = npt.NDArray[np.uint8]

TONES = (("light", 41.0), ("medium", 10.0), ("dark", -90.0))
"""Groups of the individual typology angle, each with its lower limit in degrees (Chardon's very
light and light; intermediate and tan; brown and dark)."""
# mesh points in the middle of both cheeks
_CHEEKS = (50, 205, 280, 425)


def lab(rgb: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """(..., 3) sRGB 0..255 -> CIE L*a*b* under D65."""
    c = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    )  # fmt: skip
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ita(pixels: Bytes, face: Face) -> float:
    """Individual typology angle of the cheeks in degrees, of a photo (H, W, 3).

    The lighter cheek pixels of four patches count, their median; a photo's light is in it, so that
    it sorts photos, not people.
    """
    frame = Frame.of(face)
    patches = []
    for x, y in frame.to_frame(face.landmarks[list(_CHEEKS)]):
        patches.append(frame.cut(pixels, 1.0, (x - 4, y - 4, x + 4, y + 4)).reshape(-1, 3))
    colours = lab(np.concatenate(patches).astype(np.float64))
    lightness = colours[:, 0]
    lit = colours[lightness >= np.median(lightness)]
    level, _, yellow = np.median(lit, axis=0)
    return float(np.degrees(np.arctan2(level - 50, max(yellow, 1e-3))))


def tone(angle: float) -> str:
    """The group of `TONES`."""
    return next(name for name, lowest in TONES if angle >= lowest or name == TONES[-1][0])


def grain(pixels: Bytes, where: npt.NDArray[np.bool_]) -> float:
    """Root mean square of what is finer than about two pixels, in levels, over `where` (H, W) of
    `pixels` (H, W, 3); NaN where it covers less than 200 pixels."""
    inner = where[1:-1, 1:-1]
    if inner.sum() < 200:
        return float("nan")
    luma = pixels.astype(np.float32) @ LUMA
    near = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    fine = luma[1:-1, 1:-1] - near / 4
    return float(np.sqrt(np.mean(np.minimum(np.abs(fine[inner]), 12.0) ** 2)))
