"""How far apart two faces are as persons: dlib's face recognition network, ported to ONNX.

The network is not shipped; `scripts/convert_identity.py` fetches and converts it once. It is used
to measure, never to train. dlib's own threshold for "the same person" is a distance of 0.6.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tonsure.errors import ModelMissing
from tonsure.faces.align import sample, to_complex

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from tonsure.faces import Face

Bytes = npt.NDArray[np.uint8]

SIDE = 150
# mesh points and dlib's five template points (eye corners from the picture's right, base of the
# nose), there with 0.25 of the inner square around it on every side
_POINTS = (263, 362, 33, 133, 2)
_TEMPLATE = np.array(
    [0.8596 + 0.2135j, 0.6461 + 0.2290j, 0.1206 + 0.2137j, 0.3341 + 0.2291j, 0.4901 + 0.6278j]
)
_TARGET = (_TEMPLATE + 0.25 + 0.25j) / 1.5 * SIDE


def path() -> Path:
    """Where the converted network lies: `identity.onnx` in the user's cache."""
    folder = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(folder) / "tonsure" / "identity.onnx"


def check(file: Path | None = None) -> None:
    """Raise `ModelMissing` unless the network is there."""
    file = file or path()
    if not file.is_file():
        raise ModelMissing(
            f"The identity network {file} is missing; python scripts/convert_identity.py makes it."
        )


@lru_cache(maxsize=4)
def _session(file: Path, threads: int | None) -> InferenceSession:
    from tonsure.models import session

    check(file)
    return session.open_path(file, threads=threads)


def chip(pixels: Bytes, face: Face) -> Bytes:
    """The face as dlib's network wants to see it, (150, 150, 3); `pixels` (H, W, 3)."""
    return chip_at(pixels, face.landmarks)


def chip_at(pixels: Bytes, landmarks: npt.NDArray[np.float32]) -> Bytes:
    """As `chip`, of a mesh (468, 2 or 3) in pixels."""
    here = to_complex(landmarks)[list(_POINTS)]
    a, b = here - here.mean(), _TARGET - _TARGET.mean()
    z = complex((np.conj(a) * b).sum() / (np.abs(a) ** 2).sum())
    t = complex(_TARGET.mean() - z * here.mean())
    return sample(pixels, -t / z, 1 / z, (SIDE, SIDE))


def descriptors(
    chips: npt.NDArray[np.uint8], *, file: Path | None = None, threads: int | None = None
) -> npt.NDArray[np.float32]:
    """(N, 128) of (N, 150, 150, 3). Raises `ModelMissing` where the network was never made."""
    opened = _session(file or path(), threads)
    parts = [
        opened.run(None, {"chips": chips[k : k + 16].astype(np.float32)})[0]
        for k in range(0, len(chips), 16)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 128), np.float32)


def distance(
    pixels_a: Bytes,
    face_a: Face,
    pixels_b: Bytes,
    face_b: Face,
    *,
    file: Path | None = None,
    threads: int | None = None,
) -> float:
    """Distance of two faces as persons: 0 the same picture, about 0.4 another photo of the same
    person, 0.8 a stranger. Raises `ModelMissing`."""
    both = np.stack([chip(pixels_a, face_a), chip(pixels_b, face_b)])
    a, b = descriptors(both, file=file, threads=threads)
    return float(np.linalg.norm(a - b))
