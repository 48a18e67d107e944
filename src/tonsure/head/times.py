"""When hair goes, on one head: the two time maps, from where each pixel lies on the skull.

Pixels of the bare head are placed on a ball that is turned as the head is: the hairline climbs it
from the forehead, temples ahead, and meets the crown; the sides stay longest. Hair that stands off
the head goes from outside in, so that the silhouette sinks to the skull; what hangs below the ears
shortens and narrows towards them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from .. import degree
from ..faces.align import reduced
from ..planes import LUMA, Plane, blur, resize, smoothstep, warp
from ..scene import EYE_DISTANCE, EYES_MIDDLE, PhotoBox, Scene
from . import features

if TYPE_CHECKING:
    from .layers import Layers

Bytes = npt.NDArray[np.uint8]

_DENSITY = 160.0  # pixels per eye distance of the grid that shows strands, at most
_MOST = 0.7e6  # its pixels, at most
_FULL = 2e6  # photo pixels, up to which the maps are as large: then a degree takes less time
_COARSE = 40.0  # pixels per eye distance where only the place counts
_HAIRLINE = 10  # the mesh's point where a hairline is expected


@dataclass(frozen=True)
class Grid:
    """The photo's `box` at a lower density: `step` photo pixels to one."""

    scene: Scene
    box: PhotoBox
    step: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        h, w = self.box[3] - self.box[1], self.box[2] - self.box[0]
        return max(1, round(h / self.step)), max(1, round(w / self.step))

    @property
    def unit(self) -> float:
        """Grid pixels per eye distance."""
        return EYE_DISTANCE / abs(self.scene.frame.z) / self.step

    def units(self) -> tuple[Plane, Plane]:
        """x and y (h, w) in eye distances from between the eyes."""
        h, w = self.shape
        across = self.box[0] + (np.arange(w) + 0.5) * ((self.box[2] - self.box[0]) / w)
        down = self.box[1] + (np.arange(h) + 0.5) * ((self.box[3] - self.box[1]) / h)
        at = (self.scene.frame.z * (across[None] + 1j * down[:, None])) + self.scene.frame.t
        at = (at - complex(*EYES_MIDDLE)) / EYE_DISTANCE
        return at.real.astype(np.float32), at.imag.astype(np.float32)

    def sample(self, plane: Plane) -> Plane:
        """A plane (H, W) of the scene on the grid, edges replicated."""
        scene = self.scene
        h, w = self.shape
        z = scene.frame.z * scene.scale
        start = (
            scene.frame.z * complex(*self.box[:2]) + scene.frame.t - complex(*scene.box[:2])
        ) * scene.scale
        ax, ay = (self.box[2] - self.box[0]) / w, (self.box[3] - self.box[1]) / h
        turn = ((z.real * ax, -z.imag * ay, start.real), (z.imag * ax, z.real * ay, start.imag))
        return warp(plane.astype(np.float32, copy=False), turn, (h, w))


@dataclass(frozen=True)
class Going:
    """Which pixel goes before which, on a grid: `here` (h, w, 3) the photo 0..255, `hole` (h, w)
    0..1 what changes, and the orders `recede` and `thin` (h, w) of any range; `size` the height
    and width in photo pixels."""

    here: Plane
    hole: Plane
    recede: Plane
    thin: Plane
    size: tuple[int, int]


@dataclass(frozen=True)
class Hair:
    """What tells when hair goes: the `scene`, how surely a pixel of it is `hair` (H, W), 0..1, and
    the bare head's outline `rim` (N, 2) in frame units."""

    scene: Scene
    hair: Plane
    rim: npt.NDArray[np.float64]

    @classmethod
    def of(cls, found: Layers) -> Hair:
        """Of a face taken apart, of which nothing else has to be kept."""
        return cls(found.scene, found.matte.hair, found.rim)


class Later:
    """Two time maps that are made when they are first asked for: who wants the head fully bald
    needs none. Usable from several threads."""

    def __init__(self, made: Callable[[], tuple[Bytes, Bytes]]) -> None:
        self._made: Callable[[], tuple[Bytes, Bytes]] | None = made
        self._lock = threading.Lock()
        self._maps: tuple[Bytes, Bytes] | None = None

    @property
    def maps(self) -> tuple[Bytes, Bytes]:
        """Those of "recede" and of "thin"."""
        with self._lock:
            if self._maps is None:
                assert self._made is not None
                self._maps = self._made()
                self._made = None  # what it holds is let go
            return self._maps


def going(pixels: Bytes, found: Hair, box: PhotoBox, mask: Bytes) -> Going:
    """The orders in which hair goes on the photo's pixels of `box`; `mask` (h, w) of the bald
    head."""
    h, w = mask.shape
    unit = EYE_DISTANCE / abs(found.scene.frame.z)
    step = max(1.0, unit / _DENSITY, np.sqrt(h * w / _MOST))
    grid = Grid(found.scene, box, step)
    here = _shrunk(pixels[box[1] : box[3], box[0] : box[2]], grid.shape)
    hole = _shrunk(mask, grid.shape) / np.float32(255)
    hair = np.minimum(grid.sample(found.hair), hole)
    coarse = Grid(found.scene, box, max(step, unit / _COARSE))
    place, zone = (resize(p, grid.shape) for p in _place(coarse, found))
    streaks = degree.strands(here @ LUMA, grid.unit)
    recede = place + zone * hair * streaks
    thin = (0.04 + 0.8 * zone) * hair * streaks + 0.45 * place
    return Going(here, hole, recede, thin, (h, w))


def even(order: Going, colour: Bytes) -> tuple[Bytes, Bytes]:
    """The maps of "recede" and of "thin", uint8: steps are made even by the change that is seen,
    given the bald head's `colour` (h, w, 3). They are as large as that, or of a large head as the
    grid (see `degree.Timed`)."""
    hole = order.hole
    apart = np.abs(order.here - _shrunk(colour, (hole.shape[0], hole.shape[1])))
    seen = (apart[..., 0] + apart[..., 1] + apart[..., 2]) / 3
    mass = hole * (seen + 0.2 * float((hole * seen).sum() / max(float(hole.sum()), 1.0)) + 1)
    recede, thin = (degree.even(value, mass) for value in (order.recede, order.thin))
    return _full(recede, order.size), _full(thin, order.size)


def _shrunk(pixels: Bytes, shape: tuple[int, int]) -> Plane:
    # means of so many pixels are what `reducing_gap` begins with: here strip by strip
    whole = pixels.ndim == 3
    factor = int(min(pixels.shape[k] / shape[k] for k in (0, 1)) / 2) if whole else 1
    image = reduced(pixels, factor) if factor > 1 else Image.fromarray(np.ascontiguousarray(pixels))
    if image.size != shape[::-1]:
        within = (0.0, 0.0, pixels.shape[1] / max(factor, 1), pixels.shape[0] / max(factor, 1))
        image = image.resize(shape[::-1], Image.Resampling.BILINEAR, within, reducing_gap=2.0)
    return np.asarray(image, dtype=np.float32)


def _full(times: Bytes, shape: tuple[int, int]) -> Bytes:
    if times.shape == shape or shape[0] * shape[1] > _FULL:
        return times
    return np.asarray(Image.fromarray(times).resize(shape[::-1], Image.Resampling.BICUBIC))


def _place(grid: Grid, found: Hair) -> tuple[Plane, Plane]:
    """When hair goes by its place alone, about 0..1, and how far strands depart from that."""
    scene = found.scene
    hair = grid.sample(found.hair)
    x, y = grid.units()
    rim = (found.rim - EYES_MIDDLE) / EYE_DISTANCE
    upper = rim[rim[:, 1] < 0.1]
    left, right, top = float(upper[:, 0].min()), float(upper[:, 0].max()), float(rim[:, 1].min())
    half = 0.5 * (right - left)
    cx, cy = 0.5 * (left + right), min(top + 1.05 * half, -0.2)
    dx, dy = x - cx, y - cy
    turn = np.arctan2(dx, -dy)
    radius = np.hypot(dx, dy)
    bounds = np.arctan2(rim[:, 0] - cx, cy - rim[:, 1]), np.hypot(*(rim - (cx, cy)).T)
    s = radius / _around(turn, *bounds)
    silhouette = _silhouette(turn, s, hair)
    rho = np.clip((s - 1) / (silhouette - 1), 0, 1)
    # on the ball, turned so that the middle of the forehead looks ahead
    below = np.minimum(dy, 0.1 * half)  # a pillar below its middle
    around = np.arctan2(dx, -below)
    flat = np.minimum(np.hypot(dx, below) / _around(around, *bounds), 1)
    bx, by = flat * np.sin(around), flat * np.cos(around)
    bz = np.sqrt(np.clip(1 - flat * flat, 0, 1))
    fore = (scene.mesh[_HAIRLINE, :2] - EYES_MIDDLE) / EYE_DISTANCE
    yaw, line = _pose(fore - (cx, cy), half)
    lateral = bx * np.cos(yaw) - bz * np.sin(yaw)
    ahead = bz * np.cos(yaw) + bx * np.sin(yaw)
    ahead = np.maximum(ahead, 0.25)  # at the sides nothing may turn over
    climb = (np.arctan2(by, ahead) - line) / (np.radians(75) - line)
    side = np.degrees(np.arcsin(np.clip(np.abs(lateral), 0, 1)))
    wave = _lumps(x, y, grid.unit)
    temples = 0.34 * np.exp(-(((side - 40) / 15) ** 2)) * np.clip(1.3 - climb, 0.2, 1)
    lock = 0.10 * np.exp(-((side / 17) ** 2)) * np.clip(1.2 - climb, 0, 1)
    front = 0.60 * np.clip(0.2 + 0.8 * (climb - temples + lock + 0.10 * wave), -0.3, 1.0)
    ridge = side + 4 * wave - 26 * np.clip(by - 0.35, 0, 1)
    beside = smoothstep(42, 72, ridge)
    sides = 0.62 + 0.19 * smoothstep(0.75, -0.05, by) + 0.19 * smoothstep(48, 84, side)
    inside = front + beside * (sides - front)
    # off the head: from outside in
    upright = smoothstep(-0.2, 0.95, np.cos(turn))
    above = inside * (1 - (0.6 + 0.37 * upright) * rho**0.8)
    away = np.hypot((np.abs(dx) - half) / 0.8, np.maximum(y - 0.1, 0.5 * (y - 0.1)) / 1.3)
    far = max(float(np.quantile(away[hair > 0.5], 0.98)) if (hair > 0.5).any() else 1.0, 0.8)
    hanging = 1.0 - 0.6 * np.clip(np.maximum(away / far, rho), 0, 1)
    low = smoothstep(-0.5, 0.5, y)
    out = smoothstep(0.97, 1.03, s)
    place = inside * (1 - out) + out * (above * (1 - low) + hanging * low)
    oval = blur(grid.sample(features.oval(scene)), 0.1 * grid.unit)
    place = place * (1 - 0.7 * oval * low)  # what lies over the face goes early
    zone = 0.12 * (1 - out) + out * (0.11 * (1 - low) + 0.07 * low)
    return place.astype(np.float32), zone.astype(np.float32)


def _around(turn: Plane, angles: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> Plane:
    order = np.argsort(angles)
    out = np.interp(turn, angles[order], values[order], period=2 * np.pi)
    return np.asarray(out, dtype=np.float32)


def _silhouette(turn: Plane, s: Plane, hair: Plane) -> Plane:
    """How far the hair reaches in each direction, as a multiple of the bare outline's radius."""
    count = 90
    index = ((turn / (2 * np.pi) + 0.5) * count).astype(np.int32) % count
    sure = hair > 0.5
    reach = np.ones(count)
    np.maximum.at(reach, index[sure], s[sure])
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 2.5) ** 2)
    wrapped = np.concatenate([reach[-6:], reach, reach[:6]])
    smooth = np.convolve(wrapped, kernel / kernel.sum(), "valid")
    smooth = np.maximum(smooth, 1.08)
    angles = (np.arange(count) + 0.5) / count * 2 * np.pi - np.pi
    return _around(turn, angles, smooth)


def _pose(fore: npt.NDArray[np.float64], half: float) -> tuple[float, float]:
    """By how much the forehead's middle `fore`, from the ball's centre, is turned aside, and how
    high it is, in radians."""
    across, up = np.clip(fore / half * (1, -1), -0.75, 0.75)
    depth = np.sqrt(max(1 - across * across - up * up, 0.2))
    return float(np.arctan2(across, depth)), float(np.arctan2(up, depth))


def _lumps(x: Plane, y: Plane, unit: float) -> Plane:
    """A smooth irregularity, about -1..1: no hairline is a curve of geometry."""
    h, w = x.shape
    noise = np.random.default_rng(5).standard_normal((h // 4 + 2, w // 4 + 2)).astype(np.float32)
    small = blur(noise, max(1.0, 0.07 * unit / 4))
    small = small / max(float(small.std()), 1e-6)
    image = Image.fromarray(small).resize((w, h), Image.Resampling.BICUBIC)
    return np.asarray(np.tanh(0.7 * np.asarray(image)), dtype=np.float32)
