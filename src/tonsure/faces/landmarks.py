"""The mesh: 468 points of each face, in two passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..models import session
from .align import to_complex
from .detect import Found, Pyramid

SIDE = 192
_ROOM = 1.5  # side of the crop, in sizes of the face's square
_BATCH = 8
_OUTER_LEFT, _OUTER_RIGHT = 33, 263


class Mesh(NamedTuple):
    """`points` (468, 3) float32 in photo pixels; `logit`: the net's belief that it is a face."""

    points: npt.NDArray[np.float32]
    logit: float

    @property
    def flag(self) -> float:
        """The same from 0 to 1."""
        return 1 / (1 + math.exp(-max(-80.0, min(80.0, self.logit))))


def mesh(pyramid: Pyramid, founds: Sequence[Found], threads: int | None) -> list[Mesh]:
    """The mesh of each detection.

    The first pass looks where the detector points; the second where the points of the first are,
    along the line of the outer corners of the eyes.
    """
    first = look(pyramid, [(f.centre, f.up * f.size) for f in founds], threads)
    return look(pyramid, [square(one.points) for one in first], threads)


def square(points: npt.NDArray[np.float32]) -> tuple[complex, complex]:
    """Centre of the points, and a side of their square along the eyes as a vector."""
    flat = to_complex(points)
    across = complex(flat[_OUTER_RIGHT] - flat[_OUTER_LEFT])
    up = across / abs(across) if across else 1 + 0j
    own = flat / up
    low = complex(own.real.min(), own.imag.min())
    high = complex(own.real.max(), own.imag.max())
    span = high - low
    return (low + high) / 2 * up, up * max(span.real, span.imag, 1e-3)


def look(
    pyramid: Pyramid, squares: Sequence[tuple[complex, complex]], threads: int | None
) -> list[Mesh]:
    """The mesh in each square: its centre, and a side along the eyes as a vector."""
    net = session.open("face_mesh", threads)
    out: list[Mesh] = []
    for start in range(0, len(squares), _BATCH):
        part = squares[start : start + _BATCH]
        places = [(c - v * _ROOM * (0.5 + 0.5j), v * (_ROOM / SIDE)) for c, v in part]
        crops = [pyramid.cut(origin, step, SIDE) for origin, step in places]
        batch = np.stack(crops).astype(np.float32) * np.float32(1 / 255)
        points, flags = net.run(["landmarks", "flag"], {"image": batch})
        for (origin, step), crop, flag in zip(places, points, flags, strict=True):
            flat = origin + step * to_complex(crop)
            depth = crop[:, 2] * abs(step)
            result = np.stack([flat.real, flat.imag, depth], axis=1).astype(np.float32)
            out.append(Mesh(result, float(flag)))
    return out
