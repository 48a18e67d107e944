"""How different two pictures look to a net that was trained on something else altogether.

EfficientNet-Lite0 (Tan and Le 2019; Google, Apache-2.0), trained to name ImageNet's things: no
editor was trained on its features. It is not shipped; `scripts/convert_features.py` fetches and
converts it once. The distance is made like LPIPS (Zhang et al. 2018), without learned weights.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tonsure.errors import ModelMissing
from tonsure.faces import Face, Frame
from tonsure.lab.evaluate.wide.people import Bytes
from tonsure.planes import resize
from tonsure.scene import EYE_DISTANCE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Mask = npt.NDArray[np.bool_]

OUTPUTS = ("half", "quarter", "eighth", "sixteenth")
"""Features (N, C, h, w) of the net, by the share of the picture's height."""
DENSITY = 40.0
"""Pixels per eye distance at which the net looks."""
_MARGIN = 0.6  # eye distances around the hole


def path() -> Path:
    """Where the converted network lies: `features.onnx` in the user's cache."""
    folder = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(folder) / "tonsure" / "features.onnx"


def check(file: Path | None = None) -> None:
    """Raise `ModelMissing` unless the network is there."""
    file = file or path()
    if not file.is_file():
        raise ModelMissing(
            f"The features' network {file} is missing; python scripts/convert_features.py makes it."
        )


@lru_cache(maxsize=2)
def _session(file: Path, threads: int | None) -> InferenceSession:
    from tonsure.models import session

    check(file)
    return session.open_path(file, threads=threads)


def distance(
    result: Bytes,
    truth: Bytes,
    hole: Mask,
    face: Face,
    *,
    file: Path | None = None,
    threads: int | None = None,
) -> float:
    """Distance, 0 (the same) to 2, of two pictures (H, W, 3) within `hole` (H, W): features of unit
    length at each place, half their mean square difference over channels summed, mean of depths.

    Outside of the hole both are the `truth`. Raises `ModelMissing`.
    """
    ys, xs = np.nonzero(hole)
    if len(ys) == 0:
        return 0.0
    frame = Frame.of(face)
    ends = frame.to_frame(
        np.array([[x, y] for x in (xs.min(), xs.max() + 1) for y in (ys.min(), ys.max() + 1)])
    )
    low, high = ends.min(0) - _MARGIN * EYE_DISTANCE, ends.max(0) + _MARGIN * EYE_DISTANCE
    scale = DENSITY / EYE_DISTANCE
    size = np.ceil((high - low) * scale / 32) * 32 / scale
    box = (float(low[0]), float(low[1]), float(low[0] + size[0]), float(low[1] + size[1]))
    mixed = np.where(hole[..., None], result, truth)
    seen = np.stack([frame.cut(pixels, scale, box) for pixels in (mixed, truth)])
    marks = np.repeat((hole.astype(np.uint8) * 255)[..., None], 3, -1)
    weight = frame.cut(marks, scale, box)[..., 0].astype(np.float32) / np.float32(255)
    weight *= frame.inside(hole.shape, scale, box).astype(np.float32)
    found = _session(file or path(), threads).run(
        list(OUTPUTS), {"pictures": seen.astype(np.float32)}
    )
    parts = []
    for planes in found:
        unit = planes / np.sqrt((planes**2).sum(1, keepdims=True) + 1e-8)
        apart = ((unit[0] - unit[1]) ** 2).sum(0)
        where = resize(weight, apart.shape)
        parts.append(float((apart * where).sum() / max(float(where.sum()), 1e-6)))
    return float(np.mean(parts))
