"""Where hair is, by a net that is no part of the tool: it judges what is left, and cuts donors.

MediaPipe's hair segmenter (Apache-2.0), converted for ONNX Runtime: 512 x 512, good on long hair
in ordinary framing, without strands; it slips on very dark grey photos.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.errors import ModelMissing

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Bytes = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

NAME = "hair_segmenter.onnx"
SIDE = 512


@lru_cache(maxsize=2)
def _session(file: Path, threads: int | None) -> InferenceSession:
    from tonsure.models import session

    if not file.is_file():
        raise ModelMissing(f"The teacher net for hair {file} is missing.")
    return session.open_path(file, threads=threads)


def hair(pixels: Bytes, file: Path, threads: int | None = None) -> Plane:
    """How surely each pixel of `pixels` (H, W, 3) is hair: (H, W) float32, 0..1. Raises
    `ModelMissing`."""
    height, width = pixels.shape[:2]
    zoom = SIDE / max(height, width)
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
    seen = np.zeros((1, SIDE, SIDE, 4), np.float32)
    seen[0, top : top + size[1], left : left + size[0], :3] = small.astype(np.float32) / 255
    found = _session(file, threads).run(None, {"input": seen})[0][0, 0]
    part = np.ascontiguousarray(found[top : top + size[1], left : left + size[0]], np.float32)
    back = Image.fromarray(part).resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(back, dtype=np.float32), 0, 1)
