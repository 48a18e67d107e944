"""What the network says of colours: they go on beneath the hair as they are seen beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonsure import faces
from tonsure.make.beneath import BACKGROUND, CLOTH, beneath
from tonsure.scene import look

SLABS = ((0.9, 1.6, 0.2, 4.5), (-1.6, -0.9, 0.2, 4.5))  # of hair, over wall and shoulders


@pytest.mark.parametrize(
    ("wall", "coat"), [((205, 200, 190), (30, 35, 60)), ((40, 45, 50), (210, 205, 200))]
)
def test_what_is_hidden_has_the_colours_beside_it(
    astronaut: np.ndarray, wall: tuple[int, ...], coat: tuple[int, ...]
) -> None:
    (face,) = faces.find(astronaut, threads=1)
    scene = look(astronaut, face, 24.0, 1)
    x, y = scene.face_units()
    body = (y > 1.9) & (np.abs(x) < 0.9 + 1.2 * np.clip(y - 1.9, 0, 1.5))
    head = (np.hypot(x / 1.0, (y - 0.1) / 1.5) < 1) | (
        (np.abs(x) < 0.5) & (y > 1) & ~body & (y < 2)
    )
    hole = np.zeros(scene.shape, bool)
    for left, right, top, low in SLABS:
        hole |= (x > left) & (x < right) & (y > top) & (y < low)
    rgb = np.where(body[..., None], np.float32(coat), np.float32(wall))
    rgb[head] = (200, 160, 140)
    seen = np.stack([~body & ~head, head & ~body, body], -1) & ~hole[..., None]
    flat = replace(scene, rgb=rgb.astype(np.float32))
    found = beneath(flat, seen.astype(np.float32), hole.astype(np.float32), head.astype(np.float32))
    for layer, where, colour in ((BACKGROUND, hole & ~body, wall), (CLOTH, hole & body, coat)):
        told = found.colours[layer][where]
        assert len(told) > 100
        assert np.abs(told.mean(0) - colour).max() < 60
