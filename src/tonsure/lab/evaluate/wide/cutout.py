"""A person's hair cut out softly, and laid on another's head by the eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.planes import LUMA, blur, grow, resize, smoothstep

Bytes = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cutout:
    """Hair without its background.

    `colour` (H, W, 3) float32, 0..255, everywhere sensible near the hair; `alpha` (H, W) float32,
    0..1; `eyes` (2, 2) their centres in pixels, the picture's left one first; `light` (3,) the
    colour of the face's skin, 0..255; `grey` whether the photo has no colours.
    """

    colour: Plane
    alpha: Plane
    eyes: Points
    light: Plane
    grey: bool

    def mirrored(self) -> Cutout:
        """Left and right exchanged."""
        eyes = np.array([[self.alpha.shape[1], 0.0]]) + self.eyes[::-1] * [[-1, 1]]
        colour, alpha = (np.ascontiguousarray(p[:, ::-1]) for p in (self.colour, self.alpha))
        return Cutout(colour, alpha, eyes, self.light, self.grey)


def refined(hair: Plane, pixels: Bytes, unit: float) -> Plane:
    """A soft matte (H, W), 0..1, of a segmentation `hair` (H, W) whose edges lie roughly: locally
    a linear function of the photo's colours (guided filter; He, Sun, Tang 2010, with Gaussian
    windows). `unit` is the eye distance in pixels."""
    guide: Plane = pixels.astype(np.float32) / np.float32(255)
    sigma = max(1.5, 0.07 * unit)
    mean, level = blur(guide, sigma), blur(hair, sigma)
    pairs = blur((guide[..., :, None] * guide[..., None, :]).reshape(*hair.shape, 9), sigma)
    spread = pairs.reshape(*hair.shape, 3, 3) - mean[..., :, None] * mean[..., None, :]
    common = blur(guide * hair[..., None], sigma) - mean * level[..., None]
    slope = np.linalg.solve(
        spread + 2e-4 * np.eye(3, dtype=np.float32), common[..., None].astype(np.float64)
    )[..., 0].astype(np.float32)
    offset = level - (slope * mean).sum(-1)
    found = (blur(slope, sigma) * guide).sum(-1) + blur(offset, sigma)
    near = grow(smoothstep(0.3, 0.6, hair), 0.1 * unit)
    inner = 1 - grow(1 - smoothstep(0.7, 0.95, hair), 0.08 * unit)
    alpha = np.maximum(smoothstep(0.1, 0.85, found) * near, inner)
    return np.asarray(np.clip(alpha, 0, 1), dtype=np.float32)


def cut(pixels: Bytes, alpha: Plane, eyes: Points, light: Plane) -> Cutout:
    """The hair of `pixels` (H, W, 3) where `alpha` (H, W) is; soft rims get the colour of the hair
    next to them."""
    rgb: Plane = pixels.astype(np.float32)
    unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    sure = smoothstep(0.85, 0.98, alpha)
    near = np.zeros_like(rgb)
    filled = np.zeros((*alpha.shape, 1), np.float32)
    for sigma in (0.05, 0.15, 0.5):
        weight = blur(sure, max(0.5, sigma * unit))[..., None]
        tone = blur(rgb * sure[..., None], max(0.5, sigma * unit)) / np.maximum(weight, 1e-4)
        share = smoothstep(0.01, 0.1, weight) * (1 - filled)
        near += tone * share
        filled += share
    near = np.where(filled > 1e-3, near / np.maximum(filled, 1e-3), rgb)
    own = smoothstep(0.6, 0.95, alpha)[..., None]
    colour = near + own * (rgb - near)
    chroma = float(np.abs(rgb - rgb.mean(-1, keepdims=True)).mean())
    return Cutout(colour.astype(np.float32), alpha, eyes, light, chroma < 2.5)


def similarity(source: Points, goal: Points) -> tuple[complex, complex]:
    """(z, t) with goal = z * source + t for two points each (2, 2), as complex numbers."""
    a, b = (points[:, 0] + 1j * points[:, 1] for points in (source, goal))
    z = complex((b[1] - b[0]) / (a[1] - a[0]))
    return z, complex(b[0] - z * a[0])


def brought(hair: Cutout, eyes: Points, size: tuple[int, int]) -> tuple[Plane, Plane]:
    """Colour (H, W, 3) and alpha (H, W) of `hair` on a picture of `size` (H, W) whose eyes lie at
    `eyes` (2, 2)."""
    z, t = similarity(hair.eyes, eyes)
    alpha, premultiplied = hair.alpha, hair.colour * hair.alpha[..., None]
    if abs(z) < 0.95:  # a turn by interpolation would skip pixels
        small = (round(alpha.shape[0] * abs(z)), round(alpha.shape[1] * abs(z)))
        across, down = small[1] / alpha.shape[1], small[0] / alpha.shape[0]
        alpha, premultiplied = resize(alpha, small), resize(premultiplied, small)
    else:
        across = down = 1.0
    back, start = 1 / z, -t / z
    data = (
        back.real * across, -back.imag * across, start.real * across + 2,
        back.imag * down, back.real * down, start.imag * down + 2,
    )  # fmt: skip

    def moved(plane: Plane) -> Plane:
        padded = Image.fromarray(np.pad(plane, 2))
        how = Image.Resampling.BILINEAR
        out = padded.transform((size[1], size[0]), Image.Transform.AFFINE, data, how)
        return np.asarray(out, dtype=np.float32)

    over = np.clip(moved(alpha), 0, 1)
    planes = [moved(np.ascontiguousarray(premultiplied[..., c])) for c in range(3)]
    colour = np.stack(planes, -1) / np.maximum(over, np.float32(1e-3))[..., None]
    return colour.astype(np.float32), over


def laid(
    hair: Cutout, pixels: Bytes, eyes: Points, light: Plane, grey: bool
) -> tuple[Bytes, Plane]:
    """The photo `pixels` (H, W, 3) with `hair` on the head whose eyes lie at `eyes` (2, 2), and
    the hair's alpha there (H, W). Half of the difference in the skins' `light` is taken over, in a
    `grey` photo the hair is grey; a faint shadow falls beside it."""
    colour, alpha = brought(hair, eyes, pixels.shape[:2])
    gain = np.clip((light @ LUMA + 8) / (hair.light @ LUMA + 8), 0.4, 2.5) ** 0.5
    colour = colour * np.float32(gain)
    if grey:
        colour = np.repeat((colour @ LUMA)[..., None], 3, -1)
    unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    shade = 0.15 * blur(np.roll(alpha, round(0.06 * unit), 0), 0.1 * unit)[..., None]
    under = pixels.astype(np.float32) * (1 - shade)
    out = under + alpha[..., None] * (np.clip(colour, 0, 255) - under)
    return np.clip(out + 0.5, 0, 255).astype(np.uint8), alpha
