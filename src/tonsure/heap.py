"""Memory that is free, given back to the system.

The C library keeps what was freed for later; beside a photo of 48 megapixels that is as much as
the photo itself.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Any

import numpy.typing as npt

_WORTH = 60e6  # bytes of pixels from which on it is worth some milliseconds


def scarce(pixels: npt.NDArray[Any]) -> bool:
    """Whether a photo's `pixels` are so many that memory counts more than time."""
    return pixels.nbytes > _WORTH


def give_back(pixels: npt.NDArray[Any]) -> None:
    """Give free memory back, if it is scarce beside a photo's `pixels`.

    Only glibc has to be told; elsewhere nothing is done.
    """
    if scarce(pixels) and sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
