"""Whatever the parsers say: a head is made, or nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import faces, head
from tonsure.hair import parse as room
from tonsure.hair.classes import CLASSES


@pytest.mark.parametrize("index", range(len(CLASSES)), ids=CLASSES)
def test_one_class_everywhere(
    astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    def look(net: str, scene: object, box: tuple[float, ...], density: float) -> np.ndarray:
        out = np.zeros((96, 96, len(CLASSES)), np.float32)
        out[..., index] = 1
        return out

    monkeypatch.setattr(room, "_look", look)
    small = np.ascontiguousarray(astronaut[::2, ::2])
    face = max(faces.find(small, threads=1), key=lambda f: f.height)
    found = head.make(small, face, threads=1)
    x0, y0, x1, y1 = found.box
    assert found.colour.shape == (y1 - y0, x1 - x0, 3)
    assert found.mask.shape == (y1 - y0, x1 - x0)
