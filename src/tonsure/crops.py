"""Which part of an aligned face a generator sees, by name, and how it is made small.

Boxes are in the frame of 178 x 218 (`faces.Frame`), that of CelebA's aligned pictures. Weights
know their crop: another one at test time than in training moves the face by up to 4.5 %.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from .errors import BadOption, nearest

Bytes = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

FRAME = (178, 218)

CROPS: dict[str, Box] = {
    "official": (3, 26, 173, 196),  # STGAN, AttGAN v1
    "official-64": (15, 40, 163, 188),  # their 64-px model
    "centre-170": (4, 24, 174, 194),  # Paddle STGAN and AttGAN, the PyTorch port
    "centre-178": (0, 20, 178, 198),  # StarGAN; what the notebook's inference used by default
    "ffhq": (12, 39, 165, 192),  # FFHQ's square on the mean face of CelebA's frame
    "head": (2, 0, 176, 218),  # all of the height: for frames of 4 x 5
    "whole": (0, 0, 178, 218),  # the picture as it is, of any shape
}
"""(x0, y0, x1, y1) by name, in frame pixels."""

FILTERS = ("bicubic", "bilinear", "lanczos")
"""`bicubic` is TensorFlow 1's: four taps, no averaging, corner to corner (official STGAN,
AttGAN v1);
`bilinear` (Paddle, PyTorch ports) and `lanczos` are Pillow's, which average areas."""


def box(crop: str) -> Box:
    """The box of a crop; `BadOption` names the nearest one otherwise."""
    if crop not in CROPS:
        raise BadOption(f"There is no crop {crop!r}; {nearest(crop, CROPS)}")
    return CROPS[crop]


def cut(pixels: Bytes, crop: str) -> Bytes:
    """The crop of an aligned picture (H, W, 3); one of another size than 178 x 218 but of its shape
    is cut alike. `BadOption` for another shape, unless the crop is "whole"."""
    x0, y0, x1, y1 = box(crop)
    height, width = pixels.shape[:2]
    if crop == "whole":
        return pixels
    if abs(width * FRAME[1] / (height * FRAME[0]) - 1) > 0.02:
        raise BadOption(
            f"a picture of {width} x {height} pixels is not aligned as CelebA's 178 x 218; "
            "align it, or use the crop 'whole'."
        )
    s = width / FRAME[0]
    left, top = round(x0 * s), round(y0 * s)
    return pixels[top : top + round((y1 - y0) * s), left : left + round((x1 - x0) * s)]


def resize(pixels: Bytes, size: tuple[int, int], how: str) -> Bytes:
    """(H, W, 3) uint8 to `size` (height, width) by a filter of `FILTERS`."""
    if how not in FILTERS:
        raise BadOption(f"There is no filter {how!r}; {nearest(how, FILTERS)}")
    if pixels.shape[:2] == size:
        return pixels
    if how != "bicubic":
        kind = Image.Resampling.BILINEAR if how == "bilinear" else Image.Resampling.LANCZOS
        image = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(image.resize((size[1], size[0]), kind))
    rows = _taps(pixels.shape[0], size[0])
    columns = _taps(pixels.shape[1], size[1])
    flat = rows @ pixels.reshape(pixels.shape[0], -1).astype(np.float32)
    turned = flat.reshape(size[0], pixels.shape[1], 3).transpose(1, 0, 2)
    out = columns @ turned.reshape(pixels.shape[1], -1)
    out = out.reshape(size[1], size[0], 3).transpose(1, 0, 2)
    return np.asarray(np.clip(np.rint(out), 0, 255), np.uint8)


@lru_cache(maxsize=32)
def _taps(before: int, after: int) -> npt.NDArray[np.float32]:
    """(after, before) weights of the cubic with a = -0.75 around position i * before / after."""
    a, matrix = -0.75, np.zeros((after, before), np.float32)
    for i in range(after):
        at = i * before / after
        for k in range(int(at) - 1, int(at) + 3):
            t = abs(at - k)
            if t <= 1:
                weight = (a + 2) * t**3 - (a + 3) * t**2 + 1
            else:
                weight = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
            matrix[i, min(max(k, 0), before - 1)] += weight if t < 2 else 0
    return matrix
