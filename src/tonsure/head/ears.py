"""Ears where hair hides them: an average ear, placed by the face mesh and lit by the face's own
light.

``ears.npz`` (made by ``scripts/fit_ears.py``) holds a picture of an ear in its own units, 56 x 96,
that of a face to
its left: the logarithm of its linear light relative to the skin of the cheek beside it, how that
changes with the
head's turn and the side the light comes from, its redness, and the signed distance to its edge. A
ridge regression
on the face mesh tells the affine map into the frame. Nothing in it shows a person: all are means
over 171 ears.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..planes import Plane, blur, resize, smoothstep, warp
from ..scene import EYE_DISTANCE
from .outline import CENTRE, Points

PICTURE = (56, 96)
"""Width and height of the ear's own picture."""
ACROSS, DOWN = 40.0, 80.0
"""Its pixels per width and per height of an ear; the ear's middle is the picture's."""

_PAIRS = ((234, 454), (127, 356), (93, 323), (132, 361), (58, 288), (172, 397), (54, 284),
          (162, 389), (33, 263))  # fmt: skip
_MIDDLE = (10, 152, 4, 168)
_GAMMA = 2.2
_WARMTH = (0.05, 0.0)  # log of red and blue against luminance
_LUMA = (0.2126, 0.0722, 0.7152)  # red, blue, green
_MARGIN = 0.3  # around the ear, eye distances: room for the shadow
_REST = 0.3  # how far the ear goes on beneath the head, eye distances


@dataclass(frozen=True)
class Ear:
    """One ear on the pixels ``at`` (rows, columns) of the plane it was asked for.

    ``shade`` (h, w, 3) multiplies the local skin tone in *display* light (0..255 values as they
    are): that skin times
    ``shade`` is the ear's colour. ``alpha`` (h, w) 0..1 lays it over everything: crisp at the
    outer rim, fading into
    the cheek at the inner. ``under`` (h, w) is the same with the inner side led on beneath the
    head: lay it on before
    the head, so that no gap shows. ``shadow`` (h, w) 0..1 is how much of its light the neck and
    the head behind lose.
    """

    at: tuple[slice, slice]
    alpha: Plane
    under: Plane
    shade: Plane
    shadow: Plane
    visibility: float


@cache
def model() -> dict[str, Points]:
    """``shade`` (4, 96, 56), ``tint`` (96, 56, 2), ``edge`` (96, 56), ``fade`` (96, 56);
    ``feature_mean``,
    ``feature_sd``, ``regression`` (features + 1, 6); ``turn`` (2,) where an ear vanishes and where
    it is whole."""
    with np.load(Path(__file__).with_name("ears.npz")) as f:
        return {k: f[k].astype(np.float64) for k in f.files}


def features(mesh: Points, side: int) -> Points:
    """What of the mesh (468, 3), in frame pixels, foretells the ear of a ``side`` (-1 left, 1
    right in the picture).

    Mirrored for the left one, so that both sides share one regression.
    """
    q = (mesh - [*CENTRE, 0.0]) / EYE_DISTANCE * [side, 1.0, 1.0]
    near = q[[b if side > 0 else a for a, b in _PAIRS]]
    far = q[[a if side > 0 else b for a, b in _PAIRS]]
    middle = q[list(_MIDDLE)]
    depths = [
        middle[0, 2] - middle[1, 2],
        middle[2, 2] - 0.5 * (near[0, 2] + far[0, 2]),
    ]
    return np.concatenate([
        near[:, 0], near[:, 1], far[:, 0], far[:4, 1], near[:4, 2] - far[:4, 2],
        middle[:, 0], middle[:, 1], depths,
    ])  # fmt: skip


def turn(mesh: Points, side: int) -> float:
    """Radians that the head is turned so that the ear of ``side`` comes to the front."""
    across = mesh[454] - mesh[234]
    return float(-side * math.atan2(across[2], across[0]))


def visibility(mesh: Points, side: int) -> float:
    """0 where the cheek hides the ear of ``side``, 1 where it is wholly to be seen."""
    gone, whole = model()["turn"]
    return float(smoothstep(gone, whole, np.float32(turn(mesh, side))))  # type: ignore[arg-type]


def place(mesh: Points, side: int) -> Points:
    """(2, 3) affine map of the ear's own units (one wide, one high, around its middle) into the
    mirrored frame.

    Its results are eye distances from ``outline.CENTRE``, x towards the ear.
    """
    m = model()
    seen = np.clip((features(mesh, side) - m["feature_mean"]) / m["feature_sd"], -2.5, 2.5)
    affine: Points = (np.append(seen, 1.0) @ m["regression"]).reshape(2, 3)
    # the far ear withdraws behind the cheek
    slim = 0.25 + 0.75 * visibility(mesh, side)
    affine[:, 2] -= 0.5 * (1.0 - slim) * affine[:, 0]
    affine[:, 0] *= slim
    return affine


def draw(
    mesh: Points,
    side: int,
    size: tuple[int, int],
    origin: complex,
    step: complex,
    *,
    light: float = 1.0,
    scale: float = 1.0,
) -> Ear | None:
    """The ear of one side of a face.

    Parameters
    ----------
    mesh : (468, 3) in frame pixels, as `Scene.mesh`.
    side : -1 for the ear at the picture's left, 1 for the right one.
    size : (height, width) of the plane to draw for.
    origin, step : where the plane's top left corner lies in the frame, and what one column to the
    right is there
        (as of `faces.align.sample`): of a scene ``complex(*box[:2])`` and ``1 / scale``; of the
        photo's pixels from
        (x, y) on ``z * complex(x, y) + t`` and ``z`` of the `Frame`.
    light : linear light of the left cheek divided by that of the right one.
    scale : of the ear's size, around the place where it grows.

    None if the ear cannot be seen, or not on this plane.
    """
    seen = visibility(mesh, side)
    if seen <= 0.02:
        return None
    affine = place(mesh, side)
    root = affine @ [-0.4, 0.1, 1.0]
    affine = np.column_stack([affine[:, :2] * scale, root + (affine[:, 2] - root) * scale])
    unit = EYE_DISTANCE / abs(step)  # plane px per eye distance
    at = _window(affine, side, size, origin, step)
    if at is None:
        return None
    rows, columns = at
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    start = origin + step * complex(columns.start, rows.start)
    log, edge, fade = _own(turn(mesh, side), -side * math.log(max(light, 1e-3)))
    # from plane pixels to the ear's own
    inverse = np.linalg.inv(affine[:, :2])
    to_own = np.diag([ACROSS, DOWN]) @ inverse @ np.diag([side, 1.0]) / EYE_DISTANCE
    turned = to_own @ np.array([[step.real, -step.imag], [step.imag, step.real]])
    zero = to_own @ (np.array([start.real, start.imag]) - CENTRE)
    zero += np.array(PICTURE) / 2 - np.diag([ACROSS, DOWN]) @ inverse @ affine[:, 2]
    parts = np.concatenate([log, edge[..., None], fade[..., None]], -1).astype(np.float32)
    warped = _warp(parts, turned, zero, shape)
    pixel = 1.0 / math.sqrt(abs(float(np.linalg.det(turned))))  # plane px per own px
    distance = warped[..., 3] * pixel
    crisp = max(0.7, 0.011 * unit)
    rim = smoothstep(-crisp, crisp, distance)
    soft = 0.10 * unit
    inner = np.clip(warped[..., 4], 0, 1)
    melting = smoothstep(0.0, soft, distance)
    there = float(np.clip(seen / 0.3, 0, 1))
    alpha = (rim + inner * (melting - rim)) * there
    under = _led_on(warped[..., 3], turned, pixel, crisp, side, unit, step) * there
    under = np.maximum(under, alpha)
    shade = np.exp(warped[..., :3] / _GAMMA)
    shadow = _shadow(under, unit, side, step)
    return Ear(at, alpha, under, shade, shadow, seen)


def _own(turned: float, light: float) -> tuple[Points, Points, Points]:
    """The ear's own picture: log of linear light (96, 56, 3), signed distance to its edge, share
    of the inner side."""
    m = model()
    t, side_light = float(np.clip(turned, -0.3, 0.5)), float(np.clip(light, -1.0, 1.0))
    luma = np.tensordot([1.0, t, t * t, side_light], m["shade"], 1)
    # by eye: a mean over all lights glares on a pale face, and its blue is the warmth of cheeks
    luma = luma - 0.08
    luma = np.where(luma > 0.1, 0.1 + 0.3 * np.tanh((luma - 0.1) / 0.3), luma)
    inside = m["edge"] > 1
    tint = m["tint"] - m["tint"][inside].mean(0) + _WARMTH
    red, blue = (luma + tint[..., k] for k in (0, 1))
    green = (luma - _LUMA[0] * red - _LUMA[1] * blue) / _LUMA[2]
    return np.stack([red, green, blue], -1), m["edge"], m["fade"]


def _window(
    affine: Points, side: int, size: tuple[int, int], origin: complex, step: complex
) -> tuple[slice, slice] | None:
    corners = np.array([[-0.5, -0.5, 1], [0.5, -0.5, 1], [0.5, 0.5, 1], [-0.5, 0.5, 1]]) @ affine.T
    low, high = corners.min(0) - _MARGIN, corners.max(0) + _MARGIN
    x = CENTRE[0] + side * EYE_DISTANCE * np.array([low[0], high[0], high[0], low[0]])
    y = CENTRE[1] + EYE_DISTANCE * np.array([low[1], low[1], high[1], high[1]])
    plane = (x + 1j * y - origin) / step
    x0, x1 = max(math.floor(plane.real.min()), 0), min(math.ceil(plane.real.max()), size[1])
    y0, y1 = max(math.floor(plane.imag.min()), 0), min(math.ceil(plane.imag.max()), size[0])
    return (slice(y0, y1), slice(x0, x1)) if x1 - x0 > 1 and y1 - y0 > 1 else None


def _warp(parts: Plane, turned: Points, zero: Points, shape: tuple[int, int]) -> Plane:
    """The own picture's planes (96, 56, n) on the plane's pixels, bicubic, edges going on."""
    pad = 24
    parts = np.pad(parts, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    outside = np.hypot(*_beyond())  # the distance to the edge goes on growing out there
    parts[..., 3] -= outside
    height, width = parts.shape[:2]
    shrink = max(1.0, math.sqrt(abs(float(np.linalg.det(turned)))))
    small = (max(8, round(height / shrink)), max(8, round(width / shrink)))
    parts = resize(parts, small)
    ratio = np.diag([small[1] / width, small[0] / height])
    a, b = ratio @ turned, ratio @ (zero + pad)
    # edges go on where the plane's pixels lie beyond: never asked for further than the pad
    matrix = np.column_stack([a, b])
    rest = [0, 1, 2, 4]
    out = np.empty((*shape, parts.shape[2]), np.float32)
    out[..., rest] = warp(parts[..., rest], matrix, shape, cubic=True, beyond=0.0)
    out[..., 3] = warp(parts[..., 3], matrix, shape, cubic=True, beyond=-99.0)
    return out


def _beyond(pad: int = 24) -> tuple[Plane, Plane]:
    """How far every pixel of the padded picture lies beyond the picture, across and down."""
    width, height = PICTURE
    x, y = np.arange(-pad, width + pad), np.arange(-pad, height + pad)
    dx = np.maximum(np.maximum(-x, x - width + 1), 0)
    dy = np.maximum(np.maximum(-y, y - height + 1), 0)
    across, down = np.broadcast_arrays(dx[None].astype(np.float32), dy[:, None].astype(np.float32))
    return across, down


def _shifted(plane: Plane, dx: float, dy: float, fill: float) -> Plane:
    """``plane`` moved by whole pixels."""
    x, y = round(dx), round(dy)
    height, width = plane.shape
    out = np.full_like(plane, fill)
    if abs(x) < width and abs(y) < height:
        out[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)] = plane[
            max(-y, 0) : height + min(-y, 0), max(-x, 0) : width + min(-x, 0)
        ]
    return out


def _led_on(
    edge: Plane, turned: Points, pixel: float, crisp: float, side: int, unit: float, step: complex
) -> Plane:
    """The ear's shape swept inwards, ever smaller."""
    way = -side * abs(step) / step * unit * _REST  # plane px towards the head
    out = edge * pixel
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        moved = _shifted(edge, way.real * share, way.imag * share, -99.0) * pixel
        out = np.maximum(out, moved - 0.35 * share * _REST * unit)
    return smoothstep(-crisp, crisp, out)


def _shadow(alpha: Plane, unit: float, side: int, step: complex) -> Plane:
    """A soft contact shadow below and behind."""
    down = 1j * abs(step) / step
    near = blur(
        _shifted(alpha, (down * 0.04 * unit).real, (down * 0.04 * unit).imag, 0.0), 0.045 * unit
    )
    wide = blur(
        _shifted(alpha, (down * 0.10 * unit).real, (down * 0.10 * unit).imag, 0.0), 0.11 * unit
    )
    return np.clip(0.30 * near + 0.25 * wide, 0, 1)
