"""The ways to a bald head that are compared: the tool's, Telea's on the tool's mask, nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.editor import Editor
from tonsure.errors import BadOption, TonsureError
from tonsure.faces import Face
from tonsure.lab.evaluate.wide.look import found, png
from tonsure.lab.evaluate.wide.people import Bytes

DENSITY = 32.0
"""Pixels per eye distance at which Telea's method fills, whatever the photo's size."""
_RADIUS = 4.0  # pixels there


@dataclass(frozen=True)
class Bald:
    """What came of one photo: `tonsure` and `telea` (H, W, 3) uint8, `mask` (H, W) uint8, the
    tool's; `notes`, codes of warnings or the error's, where there is no result and the photo
    stands in for it."""

    tonsure: Bytes
    telea: Bytes
    mask: Bytes
    notes: tuple[str, ...]
    failed: bool = False


def bald(pixels: Bytes, x: float, y: float, editor: Editor) -> Bald:
    """The face next to (x, y) in `pixels` (H, W, 3) bald, through the public editor."""
    mask = np.zeros(pixels.shape[:2], np.uint8)
    try:
        with editor.open(png(pixels)) as shot:
            number = found(list(shot.faces), x, y)
            if not number:
                return Bald(pixels, pixels, mask, ("no_face",), True)
            result = shot.bald(1.0, face=number)
            codes = tuple(note.code for note in result.remarks)
            if "already_bald" not in codes:
                head = shot.head(number)
                x0, y0, x1, y1 = head.box
                mask[y0:y1, x0:x1] = head.mask
            face = shot.faces[number - 1]
            after = np.asarray(result.photo.pixels, np.uint8)
    except BadOption:
        raise
    except TonsureError as error:
        return Bald(pixels, pixels, mask, (error.code,), True)
    return Bald(after, telea(pixels, mask, face), mask, codes)


def telea(pixels: Bytes, mask: Bytes, face: Face) -> Bytes:
    """Classical inpainting (Telea 2004, by OpenCV) of `pixels` (H, W, 3) where `mask` (H, W) is,
    at `DENSITY`."""
    try:
        import cv2
    except ImportError as error:
        raise BadOption("This needs OpenCV; pip install opencv-python-headless.") from error
    height, width = mask.shape
    zoom = DENSITY / face.iod
    size = (max(8, round(width * zoom)), max(8, round(height * zoom)))
    hole = mask > 0
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    part = Image.fromarray(hole.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    holes: npt.NDArray[np.uint8] = (np.asarray(part) > 0).astype(np.uint8)
    filled = np.asarray(cv2.inpaint(np.ascontiguousarray(small), holes, _RADIUS, cv2.INPAINT_TELEA))
    back = np.asarray(Image.fromarray(filled).resize((width, height), Image.Resampling.BICUBIC))
    return np.where(hole[..., None], back, pixels).astype(np.uint8)
