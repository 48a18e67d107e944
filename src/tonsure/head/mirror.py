"""The brow or the corner of an eye that a fringe hides, taken from the face's other side.

Nothing else shows this person's brow. The mesh tells where the same spot lies on the other side;
the photo's own pixels come from there, with the light of here. Where the other side is hidden too,
bare skin is all there is (and `brows` draws on it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import brow
from ..hair.person import alike
from ..planes import Plane, grow, resize, smoothstep, warp
from ..scene import PhotoBox, Scene

Pixels = npt.NDArray[np.uint8]

# points around brow and eye, of the picture's left side and their partners
_PAIRS = (
    (70, 300), (63, 293), (105, 334), (66, 296), (107, 336), (55, 285), (65, 295), (52, 282),
    (53, 283), (46, 276), (33, 263), (133, 362), (226, 446), (31, 261), (35, 265), (143, 372),
    (156, 383), (159, 386), (145, 374), (124, 353),
)  # fmt: skip
_AROUND = (
    (46, 70, 63, 105, 66, 107, 55, 189, 244, 233, 232, 231, 230, 229, 228, 31, 35, 124),
    (276, 300, 293, 334, 296, 336, 285, 413, 464, 453, 452, 451, 450, 449, 448, 261, 265, 353),
)
_EYES = ((33, 160, 158, 133, 153, 144), (263, 387, 385, 362, 380, 373))
_LEAST, _CLEAR, _HIDDEN = 0.004, 0.65, 0.45


@dataclass(frozen=True)
class Mirrored:
    """`where` (H, W) 0..1 on the scene; `across` (2, 3) from frame points there to those of the
    other side, nothing if they are hidden as well; `side` 0 left in the picture, 1 right."""

    where: Plane
    across: npt.NDArray[np.float64] | None
    side: int


def mirrored(
    scene: Scene, head: Plane, hair: Plane, hole: Plane, solid: Plane
) -> tuple[Mirrored, ...]:
    """What can be had from the other side, for each side whose brow or eye the `hair` covers.

    `head` is the bare head: beside it nothing is wanted. `hole` is what will be replaced around the
    hair too, `solid` what lies over hair and face and stays (glasses); all (H, W), 0..1.
    """
    found = []
    brows = [brow.area(scene, side) for side in (0, 1)]
    eyes = [scene.mesh_polygon(polygon) for polygon in _EYES]
    needs = [np.maximum(*pair) for pair in zip(brows, eyes, strict=True)]
    # brow and eye are worth taking up to the hair itself, bare skin is not
    close = smoothstep(0.3, 0.1, grow(hair, 0.04 * scene.unit)) * np.maximum(*needs)
    free = np.maximum(smoothstep(0.3, 0.1, hole), close) * scene.inside
    for side in (0, 1):
        zone = grow(scene.mesh_polygon(_AROUND[side]), 0.1 * scene.unit) * head
        lost = zone * hair
        if float(lost.sum()) < _LEAST * scene.unit**2:
            continue
        where = grow(lost, 0.14 * scene.unit) * zone * (1 - solid)
        here = scene.mesh[[pair[side] for pair in _PAIRS], :2]
        there = scene.mesh[[pair[1 - side] for pair in _PAIRS], :2]
        solved = np.linalg.lstsq(np.column_stack([here, np.ones(len(here))]), there, rcond=None)
        across = np.asarray(solved[0].T, dtype=np.float64)
        near = grow(lost, 0.05 * scene.unit)
        eye = eyes[side]
        # a brow from a side turned away does not suit; half an eye is worse than one that does not
        blind = float((eye * near).sum()) > 0.25 * float(eye.sum())
        least = 0.45 if blind else 0.65
        similar = least < abs(float(np.linalg.det(across[:, :2]))) < 1 / least
        clear = np.clip(_fetch(scene, free, across), 0, 1)
        needed = needs[side] * where
        covered = brows[side] * near
        if similar and float((clear * needed).sum()) > _CLEAR * float(needed.sum()):
            found.append(Mirrored(where * smoothstep(0.3, 0.9, clear), across, side))
        elif float(covered.sum()) > _HIDDEN * float(brows[side].sum()):
            eye = grow(eye, 0.06 * scene.unit)
            # ends of the fringe that the parser took for brow or lid
            ends = zone * smoothstep(0.3, 0.6, alike(scene, hair > 0.8)) * (1 - solid)
            where = np.maximum(where, grow(ends, 0.05 * scene.unit))
            found.append(Mirrored(where * (1 - eye), None, side))
    return tuple(found)


def _fetch(scene: Scene, plane: Plane, across: npt.NDArray[np.float64]) -> Plane:
    """A plane (H, W[, C]) of the scene as seen through `across`."""
    offset = np.array(scene.box[:2])
    start = (across[:, :2] @ offset + across[:, 2] - offset) * scene.scale
    return _warp(plane, across[:, :2], start, scene.shape)


def _warp(
    plane: Plane,
    turn: npt.NDArray[np.float64],
    start: npt.NDArray[np.float64],
    size: tuple[int, int],
) -> Plane:
    matrix = np.column_stack([turn, start])
    return warp(plane.astype(np.float32, copy=False), matrix, size, cubic=True, beyond=0.0)


class Fetched:
    """The other side's pixels, with the light of here.

    `tone` (h, w, 3) is the bare skin's on all of the scene, at any density: the light of here comes
    from it. `one` has an `across`.
    """

    def __init__(self, scene: Scene, tone: Plane, one: Mirrored) -> None:
        assert one.across is not None
        self._scene, self._where, self._across = scene, one.where, one.across
        tone = resize(tone, scene.shape)
        light = _fetch(scene, tone, one.across)
        self._ratio = np.clip(tone / np.maximum(light, 4), 0.5, 2).astype(np.float32)
        self._plain = tone @ np.ones(3, np.float32)
        own = np.maximum(brow.area(scene, one.side, 1.5, 1.5), scene.mesh_polygon(_EYES[one.side]))
        self._own = grow(own, 0.09 * scene.unit)

    def on(self, pixels: Pixels, box: PhotoBox) -> tuple[tuple[slice, slice], Plane, Plane]:
        """On the photo's `box`: their place on it, they themselves (h, w, 3), their weight
        (h, w); all empty if there is nothing of them."""
        scene, across = self._scene, self._across
        part, at = scene.reach(self._where, box)
        x0, y0, x1, y1 = part
        if x1 <= x0 or y1 <= y0:
            none = np.zeros((y1 - y0, x1 - x0, 3), np.float32)
            return at, none, none[..., 0]
        z, t = scene.frame.z, scene.frame.t
        forth = np.array([[z.real, -z.imag], [z.imag, z.real]])
        back = np.linalg.inv(forth)
        shift = np.array([t.real, t.imag])
        # photo -> frame -> other side -> photo
        turn = back @ across[:, :2] @ forth
        moved = back @ (across[:, :2] @ shift + across[:, 2] - shift)
        # of the photo only what is looked at
        ends = np.array([[part[i], part[j]] for i in (0, 2) for j in (1, 3)]) @ turn.T + moved
        high = np.array(pixels.shape[1::-1])
        left, top = np.clip(np.floor(ends.min(0)) - 3, 0, high - 1).astype(int)
        right, bottom = np.clip(np.ceil(ends.max(0)) + 3, (left + 1, top + 1), high).astype(int)
        piece = pixels[top:bottom, left:right].astype(np.float32)
        start = turn @ np.array(part[:2], dtype=np.float64) + moved - (left, top)
        laid = _warp(piece, turn, start, (y1 - y0, x1 - x0))
        laid *= scene.to_photo(self._ratio, part)
        # beside brow and eye nothing dark is skin: it is hair of the other side
        plain = np.maximum(scene.to_photo(self._plain, part), 4)
        ratio = np.asarray(laid @ np.ones(3, np.float32) / plain, np.float32)
        dark = smoothstep(0.8, 0.65, ratio)
        free = 1 - dark * (1 - scene.to_photo(self._own, part))
        return at, laid, scene.to_photo(self._where, part) * free
