"""Memory that is free, given back to the system.

The C library keeps what was freed for later; beside a photo of 48 megapixels that is as much as
the photo itself.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_WORTH = 60e6  # bytes of pixels from which on it is worth some milliseconds


def give_back(pixels: int) -> None:
    """Give free memory back, if a photo's `pixels` have so many bytes that it matters.

    Only glibc has to be told; elsewhere nothing is done.
    """
    if pixels > _WORTH and sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
