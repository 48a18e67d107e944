"""A pair of glasses as an optician would fit it: in eye distances, in space, on the mesh.

Millimetres of a common pair (lens 50 by 40, bridge 18, whole front 138) by a pupil distance of 63.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..faces.align import EYE_LEFT, EYE_RIGHT
from ..planes import Plane

Points = npt.NDArray[np.float64]

_TOP, _CHIN, _BRIDGE = 10, 152, 168  # of the mesh
_TEMPLES = (127, 356)  # where arms reach the hair, left and right in the picture


@dataclass(frozen=True)
class Style:
    """Sizes in eye distances: half `width` and half `height` of a lens, half the `gap` between
    lenses, thickness of the rim `above` and `below`, `power` of the lens' superellipse (2 round,
    higher squarer), `drop` of its middle below the pupils."""

    width: float = 0.385
    height: float = 0.315
    gap: float = 0.15
    above: float = 0.075
    below: float = 0.05
    power: float = 3.2
    drop: float = 0.07


@dataclass(frozen=True)
class Fitted:
    """Polygons (N, 2) in frame units: `outer` and `inner` edges of the two rims, the `bridge`, the
    two `arms`."""

    outer: tuple[Points, ...]
    inner: tuple[Points, ...]
    bridge: Points
    arms: tuple[Points, ...]


def fitted(mesh: Points, style: Style) -> Fitted:
    """The glasses on a face with this `mesh` (468, 3), frame units."""
    eyes = np.stack([mesh[list(EYE_LEFT)].mean(0), mesh[list(EYE_RIGHT)].mean(0)])
    across = eyes[1] - eyes[0]
    unit = float(np.linalg.norm(across))
    across /= unit
    down = mesh[_CHIN] - mesh[_TOP]
    down -= across * (down @ across)
    down /= np.linalg.norm(down)
    ahead = np.cross(down, across)  # towards the camera: z is negative there
    if ahead[2] > 0:
        ahead = -ahead
    middle = eyes.mean(0)
    out = (mesh[_BRIDGE] - middle) @ ahead + 0.10 * unit

    def at(x: Points, y: Points, back: Points | float = 0.0) -> Points:
        """Places of the front, in eye distances from between the pupils, as seen."""
        bend = 0.10 * x**2 + back  # a front is curved around the face
        place = middle + unit * (x[:, None] * across + y[:, None] * down)
        place = place + (out - unit * bend)[:, None] * ahead
        return np.asarray(place[:, :2])

    turn = np.linspace(0, 2 * np.pi, 97)[:-1]
    c, s = np.cos(turn), np.sin(turn)
    x = np.sign(c) * np.abs(c) ** (2 / style.power)
    y = np.sign(s) * np.abs(s) ** (2 / style.power)
    x = x * (1 - 0.07 * y)  # lenses narrow downwards
    thick = np.where(y < 0, style.above, style.below) * np.abs(y) + style.below * (1 - np.abs(y))
    outer, inner = [], []
    for side in (-1, 1):
        centre = side * (style.gap + style.width)
        inner.append(at(centre + style.width * x, style.drop + style.height * y))
        wide, tall = style.width + thick, style.height + thick
        outer.append(at(centre + wide * x, style.drop + tall * y))
    inside = style.gap + 0.06
    xs = np.linspace(-inside, inside, 9)
    arch = style.drop - 0.36 * style.height + 0.05 * (xs / inside) ** 2
    bridge = np.concatenate([at(xs, arch - 0.035), at(xs[::-1], arch[::-1] + 0.035)])
    arms = []
    hinge = style.gap + 2 * style.width + 0.5 * style.below
    for side, end in zip((-1, 1), _TEMPLES, strict=True):
        start = at(np.array([side * hinge] * 2), np.array([-0.17, -0.07]) + style.drop)
        goal = mesh[end, :2] + np.array([[0, -0.045], [0, 0.03]]) * unit
        arms.append(np.stack([start[0], goal[0], goal[1], start[1]]))
    return Fitted(tuple(outer), tuple(inner), bridge, tuple(arms))


def filled(polygons: list[tuple[Points, int]], size: tuple[int, int], zoom: int = 4) -> Plane:
    """Polygons (N, 2) in pixels of a grid of `size` (height, width), drawn in turn with their
    values 0..255: (H, W) 0..1, smooth at the edges."""
    image = Image.new("L", (size[1] * zoom, size[0] * zoom))
    pen = ImageDraw.Draw(image)
    for points, value in polygons:
        pen.polygon([(float(px), float(py)) for px, py in points * zoom], fill=value)
    return np.asarray(image.reduce(zoom), np.float32) / np.float32(255)
