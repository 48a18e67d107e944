"""What OpenCV decodes better than Pillow: PNG with 16 bits, and WebP in a third of the memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from .photo import Pixels

_STRIP = 256  # rows whose channels are put in order at once


def decode(data: bytes) -> Pixels:
    """(H, W) or (H, W, C), uint8 or uint16: grey, RGB or RGBA. Raises `OSError`."""
    import cv2

    # what it has to say is raised; OpenCV 5 has the switch elsewhere
    getattr(cv2.utils, "logging", cv2).setLogLevel(0)
    values: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype not in (np.uint8, np.uint16):
        raise OSError("its pixels cannot be decoded")
    for top in range(0, len(values) if values.ndim == 3 else 0, _STRIP):
        part = values[top : top + _STRIP]
        part[..., :3] = part[..., 2::-1].copy()  # it calls blue the first
    return values  # type: ignore[no-any-return]
