"""One face, as the rest of the house sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .align import EYE_LEFT, EYE_RIGHT

FOREHEAD, CHIN = 10, 152


def log_odds(logit: float, score: float) -> float:
    """That something is a face, by the mesh's `logit` and twice those of the detector's `score`."""
    score = min(score, 0.999)
    return logit + 2 * math.log(score / (1 - score))


@dataclass(frozen=True, eq=False)
class Face:
    """A face of a photo; all lengths are photo pixels.

    Attributes
    ----------
    box : (x0, y0, x1, y1), the upright rectangle around the landmarks: forehead to chin, no hair.
        It may reach beyond the photo.
    landmarks : (468, 3) float32, MediaPipe's mesh; z in pixels of the same scale, towards the
        camera negative.
    score : the detector's, 0.5..1.
    flag : the mesh's own opinion whether this is a face, 0..1.
    roll : degrees, clockwise positive, -180..180: 0 is upright, 90 has the forehead to the right.
    """

    box: tuple[float, float, float, float]
    landmarks: npt.NDArray[np.float32]
    score: float
    flag: float
    roll: float

    def __repr__(self) -> str:
        x0, y0, x1, y1 = (round(value) for value in self.box)
        roll = round(self.roll) or 0  # never -0
        return f"<Face {x0},{y0} to {x1},{y1}, {self.height:.0f} px high, turned {roll}°>"

    @property
    def odds(self) -> float:
        """`log_odds` that this is a face at all."""
        flag = min(max(self.flag, 1e-9), 1 - 1e-9)
        return log_odds(math.log(flag / (1 - flag)), self.score)

    @property
    def eyes(self) -> npt.NDArray[np.float64]:
        """(2, 2): centres of the two eyes (picture's left one of an upright face first)."""
        flat = self.landmarks[:, :2].astype(np.float64)
        return np.array([flat[list(EYE_LEFT)].mean(0), flat[list(EYE_RIGHT)].mean(0)])

    @property
    def iod(self) -> float:
        """Inter-ocular distance: between the centres of the eyes."""
        left, right = self.eyes
        return math.dist(left, right)

    @property
    def height(self) -> float:
        """From the top of the forehead to the chin."""
        return math.dist(self.landmarks[FOREHEAD, :2], self.landmarks[CHIN, :2])

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box."""
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2
