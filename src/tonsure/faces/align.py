"""The frame: one upright, known place for every face, and the exact way there and back.

Coordinates are continuous: pixel (column i, row j) covers i..i+1 by j..j+1, its centre is at
(i + 0.5, j + 0.5).  Points are handled as complex numbers x + iy, so that a similarity (turn,
scale, shift) is one product and one sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from .face import Face

_STRIP = 1 << 19  # pixels

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Box = tuple[float, float, float, float]

SIZE = (178, 218)
"""Width and height of the frame, that of CelebA's aligned pictures."""

EYE_LEFT, EYE_RIGHT, MOUTH = (33, 133), (362, 263), (61, 291)
"""Mesh points whose midpoints hold the frame; left and right are those of the picture."""

TEMPLATE = np.array([69.63 + 112.59j, 108.03 + 112.76j, 88.96 + 152.74j])
"""Where they lie in the frame: means over 694 of CelebA's aligned pictures."""


def to_complex(points: npt.ArrayLike) -> npt.NDArray[np.complex128]:
    """(..., 2 or more) coordinates -> (...) complex x + iy."""
    array = np.asarray(points, dtype=np.float64)
    return np.asarray(array[..., 0] + 1j * array[..., 1])


def to_points(numbers: npt.NDArray[np.complex128]) -> npt.NDArray[np.float64]:
    """(...) complex -> (..., 2) coordinates."""
    return np.stack([numbers.real, numbers.imag], axis=-1)


def sample(
    pixels: Pixels,
    origin: complex,
    step: complex,
    size: tuple[int, int],
    *,
    how: Image.Resampling = Image.Resampling.BICUBIC,
) -> npt.NDArray[np.uint8]:
    """A turned and scaled piece of a picture.

    Parameters
    ----------
    pixels : (H, W, 3) uint8 or uint16; of the latter the upper byte is taken.
    origin : where the result's top left corner lies in the picture.
    step : how far, and which way, one column of the result goes; rows go to its right angle.
    size : (width, height) of the result.
    how : interpolation; when the picture shrinks, areas are averaged first.

    Returns (height, width, 3) uint8; beyond the picture its border is repeated.  Only the part of
    the picture that is needed is touched.  Pillow's interpolation rounds down, so that values are
    half a level too low on average where there is something to interpolate.
    """
    width, height = size
    shrink = abs(step)
    if width < 1 or height < 1 or not 0 < shrink < math.inf:
        raise ValueError(f"cannot sample {width} x {height} pixels with step {step}")
    rows, columns = pixels.shape[:2]
    corners = origin + step * np.array([0, width, 1j * height, width + 1j * height])
    reduce = max(1, int(shrink))
    margin = 3.0 * max(1.0, shrink)  # taps of the interpolation and of the second averaging
    # the needed part in units of `reduce` pixels, before and after the picture's limits
    left, right = _span(corners.real, margin, reduce)
    top, bottom = _span(corners.imag, margin, reduce)
    across, down = -(-columns // reduce), -(-rows // reduce)
    x0, x1 = min(max(left, 0), across - 1), min(max(right, 1), across)
    y0, y1 = min(max(top, 0), down - 1), min(max(bottom, 1), down)
    image = reduced(pixels[y0 * reduce : y1 * reduce, x0 * reduce : x1 * reduce], reduce)
    if left < x0 or top < y0 or right > x1 or bottom > y1:
        pads = ((y0 - top, bottom - y1), (x0 - left, right - x1), (0, 0))
        pads = tuple((max(a, 0), max(b, 0)) for a, b in pads)  # type: ignore[assignment]
        image = Image.fromarray(np.pad(np.asarray(image), pads, mode="edge"))
        x0, y0 = min(x0, left), min(y0, top)
    start = origin / reduce - complex(x0, y0)
    turn = step / reduce
    rest = abs(turn)
    if rest > 1.05:
        fit = (int(image.width / rest), int(image.height / rest))
        box = (0.0, 0.0, fit[0] * rest, fit[1] * rest)
        image = image.resize(fit, Image.Resampling.BILINEAR, box=box)
        start, turn = start / rest, turn / rest
    data = (turn.real, -turn.imag, start.real, turn.imag, turn.real, start.imag)
    return np.asarray(image.transform(size, Image.Transform.AFFINE, data, how))


def reduced(pixels: Pixels, factor: int) -> Image.Image:
    """Means of `factor` x `factor` pixels, eight bits; the last row and column may have fewer.

    In strips, which stay in the cache and keep the memory of a large photo small.
    """
    height, width = pixels.shape[:2]
    if factor == 1:
        return Image.fromarray(_bytes(pixels))
    out = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = max(1, _STRIP // (width * factor)) * factor
    for top in range(0, height, rows):
        strip = Image.fromarray(_bytes(pixels[top : top + rows]))
        out.paste(strip.reduce(factor), (0, top // factor))
    return out


def _bytes(pixels: Pixels) -> npt.NDArray[np.uint8]:
    upper = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    return np.ascontiguousarray(upper, dtype=np.uint8)


def _span(values: npt.NDArray[np.float64], margin: float, unit: int) -> tuple[int, int]:
    low, high = float(values.min()) - margin, float(values.max()) + margin
    return math.floor(low / unit), math.ceil(high / unit)


@dataclass(frozen=True)
class Frame:
    """The similarity between a photo and the frame of 178 x 218: frame = z * photo + t."""

    z: complex
    t: complex

    @classmethod
    def of(cls, face: Face) -> Frame:
        """The frame of a face: least squares over eyes and mouth (the nose follows the yaw)."""
        points = to_complex(face.landmarks)
        ends = [EYE_LEFT, EYE_RIGHT, MOUTH]
        here = np.array([(points[a] + points[b]) / 2 for a, b in ends])
        a, b = here - here.mean(), TEMPLATE - TEMPLATE.mean()
        z = complex((np.conj(a) * b).sum() / (np.abs(a) ** 2).sum())
        return cls(z, complex(TEMPLATE.mean() - z * here.mean()))

    def to_frame(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Photo points (..., 2 or more; further columns are left out) -> frame points (..., 2)."""
        return to_points(self.z * to_complex(points) + self.t)

    def to_photo(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Frame points (..., 2 or more; further columns are left out) -> photo points (..., 2)."""
        return to_points((to_complex(points) - self.t) / self.z)

    def cut(
        self, pixels: Pixels, scale: float = 1.0, box: Box = (0.0, 0.0, *SIZE)
    ) -> npt.NDArray[np.uint8]:
        """What the photo shows in `box`, upright.

        Parameters
        ----------
        pixels : (H, W, 3) uint8 or uint16, the photo.
        scale : pixels of the result per unit of the frame.
        box : (x0, y0, x1, y1) in units of the frame; may reach beyond it.

        Returns (round((y1 - y0) * scale), round((x1 - x0) * scale), 3) uint8.  Areas are averaged
        when the photo shrinks; beyond the photo its border is repeated (see `inside`).
        """
        origin = (complex(box[0], box[1]) - self.t) / self.z
        return sample(pixels, origin, 1 / (self.z * scale), _size(scale, box))

    def inside(
        self, shape: tuple[int, ...], scale: float = 1.0, box: Box = (0.0, 0.0, *SIZE)
    ) -> npt.NDArray[np.bool_]:
        """Which pixels of `cut(...)` have their centre in a photo of `shape` (H, W): (h, w)."""
        width, height = _size(scale, box)
        xs = box[0] + (np.arange(width) + 0.5) / scale
        ys = box[1] + (np.arange(height) + 0.5) / scale
        photo = (xs[None, :] + 1j * ys[:, None] - self.t) / self.z
        x, y = photo.real, photo.imag
        return np.asarray((x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0]))


def _size(scale: float, box: Box) -> tuple[int, int]:
    return round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale)
