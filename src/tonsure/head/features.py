"""Where on a scene the face's own parts are: its oval, and the skin that shows its own tone."""

from __future__ import annotations

import numpy as np

from ..hair.parse import GLASSES, SKIN
from ..planes import Plane, grow, smoothstep
from ..scene import Scene
from .outline import OVAL

# what interrupts the skin's tone: brows, eyes with their lids, lips, nostrils
_ROUGH = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    (226, 113, 224, 223, 222, 221, 189, 244, 233, 232, 231, 230, 229, 228, 31),
    (446, 342, 444, 443, 442, 441, 413, 464, 453, 452, 451, 450, 449, 448, 261),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
    (98, 97, 2, 326, 327, 278, 4, 48),
)


def oval(scene: Scene) -> Plane:
    """The face as the mesh bounds it, from the hairline to the chin: (H, W) 0..1."""
    return scene.mesh_polygon(OVAL)


def smooth_skin(scene: Scene, classes: Plane) -> Plane:
    """Where skin shows its own tone: no brows, eyes, lips, nostrils, beard, glasses; 0..1."""
    rough = np.zeros(scene.shape, np.float32)
    for polygon in _ROUGH:
        rough = np.maximum(rough, scene.mesh_polygon(polygon))
    rough = grow(rough, 0.05 * scene.unit)
    clean = classes[..., SKIN] * (1 - grow(classes[..., GLASSES], 0.06 * scene.unit))
    out: Plane = np.clip(smoothstep(0.7, 0.95, clean) * (1 - rough), 0, 1)
    return out
