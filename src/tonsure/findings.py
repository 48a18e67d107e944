"""What a head wears, by the parser: for `tonsure inspect`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .faces import Face
from .hair import hat
from .hair.classes import CLASSES
from .hair.parse import parse
from .scene import look

_DENSITY = 46.0  # pixels per eye distance: the finer of the parser's two looks
_TOLD = ("hair", "hat", "glasses")


def of(
    pixels: npt.NDArray[np.uint8], face: Face, *, threads: int | None = None
) -> dict[str, float]:
    """Areas of hair, hat and glasses of `face` in `pixels` (H, W, 3), in squared eye distances.

    A short haircut has about 3, long hair 10 and more; below 0.25 a head counts as bald.
    """
    scene = look(pixels, face, min(float(face.iod), _DENSITY), threads)
    classes = parse(scene)
    worn = hat.worn(pixels, scene.frame, threads)
    classes = hat.believed(classes, hat.likely(scene, classes, worn))
    inside = scene.inside / scene.unit**2
    return {
        name: round(float((classes[..., CLASSES.index(name)] * inside).sum()), 2) for name in _TOLD
    }
