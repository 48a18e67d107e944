"""Cuts: where one frame has nothing to do with the one before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..planes import Plane

_SIZE = (48, 27)
_STEP = 64  # levels to one bin of colours
_CHANGED, _OTHER = 14.0, 0.62  # mean levels of change, and share of colours that are the same


@dataclass(frozen=True)
class View:
    """A frame from afar: `small` (27, 48, 3), and `colours` (64,), shares that sum to 1."""

    small: Plane
    colours: Plane


def view(pixels: npt.NDArray[np.uint8]) -> View:
    """What is kept of a frame (H, W, 3) uint8 to tell cuts."""
    import cv2

    small = cv2.resize(pixels, _SIZE, interpolation=cv2.INTER_AREA)
    bins = (small // _STEP).astype(np.int32)
    index = (bins[..., 0] * 4 + bins[..., 1]) * 4 + bins[..., 2]
    counts = np.bincount(index.ravel(), minlength=64).astype(np.float32)
    return View(small.astype(np.float32), counts / counts.sum())


def is_cut(before: View, after: View) -> bool:
    """Whether what is seen changed as a whole: in place, and in its colours."""
    changed = float(np.abs(after.small - before.small).mean())
    same = float(np.minimum(before.colours, after.colours).sum())
    return changed > _CHANGED and (same < _OTHER or changed > 3 * _CHANGED)
