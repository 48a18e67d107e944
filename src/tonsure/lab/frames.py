"""The aligned frame in torch: the same similarity as `tonsure.faces.Frame`, for batches.

Units are those of the frame (178 x 218, eyes 38.4 apart). A similarity is one pair of complex
numbers (z, t): frame = z * picture + t.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

EYE_DISTANCE = 38.4
EYES_MIDDLE = (88.83, 112.675)
TEMPLATE = np.array([69.63 + 112.59j, 108.03 + 112.76j, 88.96 + 152.74j])


def similarity(landmarks: npt.NDArray[np.float32]) -> tuple[complex, complex]:
    """Least-squares similarity (z, t) picture -> frame.

    From mesh landmarks (468, 2 or 3) in pixels, over the middles of eyes and mouth.
    """
    p = landmarks[:, 0].astype(np.float64) + 1j * landmarks[:, 1]
    a = np.array([(p[33] + p[133]) / 2, (p[362] + p[263]) / 2, (p[61] + p[291]) / 2])
    ac, bc = a - a.mean(), TEMPLATE - TEMPLATE.mean()
    z = complex((np.conj(ac) * bc).sum() / (np.abs(ac) ** 2).sum())
    return z, complex(TEMPLATE.mean() - z * a.mean())
