"""Ways to make a person bald: the tool's, and two that anything must beat."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tonsure.editor import Shot
from tonsure.errors import BadOption, nearest

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Edit:
    """An edited photo.

    Attributes
    ----------
    after : (H, W, 3) uint8 or uint16, as the photo was.
    touched : (H, W) True where the method claims to have worked.
    seconds : that it took, reading and finding faces included (Telea: the filling alone).
    notes : codes of warnings.
    """

    after: Pixels
    touched: Mask
    seconds: float
    notes: tuple[str, ...] = ()


Method = Callable[[Shot], Edit]


def tonsure(shot: Shot) -> Edit:
    """The tool's own: the largest face, fully bald."""
    result = shot.bald(1.0, face="largest")
    codes = tuple(note.code for note in result.remarks)
    touched = np.zeros(shot.photo.pixels.shape[:2], np.bool_)
    if "already_bald" not in codes:
        touched = _mask(shot) > 0
    return Edit(result.photo.pixels, touched, sum(result.seconds.values()), codes)


def telea(shot: Shot) -> Edit:
    """Classical inpainting (Telea, 2004, by OpenCV) of the very pixels that the tool replaces."""
    try:
        import cv2
    except ImportError as error:
        raise BadOption(
            "The method telea needs OpenCV; pip install opencv-python-headless."
        ) from error
    pixels, mask = shot.photo.eight(), _mask(shot)
    began = time.perf_counter()
    hole = (mask > 0).astype(np.uint8)
    filled = np.asarray(cv2.inpaint(np.ascontiguousarray(pixels), hole, 5.0, cv2.INPAINT_TELEA))
    after = np.where(hole[..., None] > 0, filled, pixels).astype(np.uint8)
    seconds = time.perf_counter() - began
    if shot.photo.pixels.dtype == np.uint16:
        deep = after.astype(np.uint16) * 257
        return Edit(np.where(hole[..., None] > 0, deep, shot.photo.pixels), hole > 0, seconds)
    return Edit(after, hole > 0, seconds)


def unchanged(shot: Shot) -> Edit:
    """Nothing at all."""
    pixels = shot.photo.pixels
    return Edit(pixels, np.zeros(pixels.shape[:2], np.bool_), 0.0)


METHODS: dict[str, Method] = {"tonsure": tonsure, "telea": telea, "unchanged": unchanged}


def method(name: str) -> Method:
    """The method called `name`; raises `BadOption`."""
    if name not in METHODS:
        raise BadOption(f"There is no method {name!r}; {nearest(name, METHODS)}")
    return METHODS[name]


def _mask(shot: Shot) -> npt.NDArray[np.uint8]:
    """The tool's mask of the largest face, on the whole photo."""
    bare = shot.head(1)
    out = np.zeros(shot.photo.pixels.shape[:2], np.uint8)
    x0, y0, x1, y1 = bare.box
    out[y0:y1, x0:x1] = bare.mask
    return out
