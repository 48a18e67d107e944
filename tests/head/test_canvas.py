"""Two densities: what is smooth on the canvas comes to the right pixels of the photo."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure.faces import Frame
from tonsure.head.canvas import Canvas
from tonsure.scene import EYE_DISTANCE, Scene


def scene(density: float) -> Scene:
    """Of a photo with `density` pixels per eye distance, turned a little."""
    z = EYE_DISTANCE / density * np.exp(0.1j)
    box = (-60.0, -40.0, 240.0, 280.0)
    height, width = 320 * 2, 300 * 2
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rgb = np.stack([x, y, x + y], -1)
    inside = np.ones((height, width), np.float32)
    return Scene(Frame(complex(z), 3 - 5j), box, 2.0, rgb, inside, np.zeros((468, 3)))


@pytest.mark.parametrize(("density", "step"), [(100.0, 1), (239.0, 1), (500.0, 4), (1000.0, 8)])
def test_places_are_kept(density: float, step: int) -> None:
    seen = scene(density)
    x0, y0 = round(0.7 * density), round(0.5 * density)
    box = (x0, y0, x0 + 2 * int(density) + 3, y0 + int(density) + 5)
    canvas = Canvas.of(seen, box)
    assert canvas.step == step
    assert canvas.shape == (box[3] - box[1], box[2] - box[0])
    wanted = seen.to_photo(seen.rgb, box)
    plane = canvas.on(seen.rgb)
    blocks = list(canvas.blocks())
    assert len(blocks) >= 2
    found = np.full_like(wanted, np.nan)
    for at in blocks:
        found[at] = canvas.part(plane, *at)
    inner = (slice(step, -step), slice(step, -step))
    # a hundredth of a pixel of the scene, to which Pillow's transformation rounds
    assert np.abs(found - wanted)[inner].max() < 0.1
    rows, columns = slice(7, 61), slice(11, 97)
    assert np.allclose(canvas.part(plane, rows, columns), found[rows, columns], atol=1e-3)


def test_a_picture_is_as_large_as_a_plane() -> None:
    seen = scene(500.0)
    pixels = np.random.default_rng(0).integers(0, 255, (1500, 1700, 3), np.uint8)
    canvas = Canvas.of(seen, (301, 207, 1404, 1206))
    assert canvas.picture(pixels).shape[:2] == canvas.on(seen.inside).shape
    first = pixels[207:211, 301:305].reshape(-1, 3).mean(0)
    assert np.abs(canvas.picture(pixels)[0, 0] - first).max() <= 0.5


def test_very_large_boxes_have_a_capped_canvas() -> None:
    canvas = Canvas.of(scene(239.0), (0, 0, 6000, 8000))
    height, width = canvas.on(np.zeros((640, 600), np.float32)).shape
    assert height * width < 2.2e6
