"""The working picture: the photo around one face, upright, at one known density.

All low-frequency work happens here; only the matte, the grain and the blend touch the photo's own
pixels. Frame units are those of `faces.Frame` (eyes 38.4 apart); a face unit is an eye distance,
from between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .faces import Face, Frame
from .planes import Plane, resize, warp

EYE_DISTANCE = 38.4
EYES_MIDDLE = (88.83, 112.675)
EAR_LENGTH = 0.78  # eye distances
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The mesh's outline of the face, from the middle of the forehead clockwise."""
Box = tuple[float, float, float, float]
PhotoBox = tuple[int, int, int, int]

# as far as hair is followed, in eye distances from between the eyes: left, up, right, down
_REACH = (-4.6, -4.0, 4.6, 9.5)


@dataclass(frozen=True)
class Scene:
    """What `look` saw.

    `box` (x0, y0, x1, y1) in frame units; `scale` pixels per frame unit; `rgb` (H, W, 3) float32,
    0..255; `inside` (H, W) 1 where the photo has a pixel, else 0; `mesh` (468, 3) in frame units;
    `threads` for the networks that work on it.
    """

    frame: Frame
    box: Box
    scale: float
    rgb: Plane
    inside: Plane
    mesh: npt.NDArray[np.float64]
    threads: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]

    @property
    def unit(self) -> float:
        """Scene pixels per eye distance."""
        return self.scale * EYE_DISTANCE

    def slices(self, box: Box) -> tuple[slice, slice]:
        """Rows and columns of `box` in frame units, as far as the scene has them."""
        x0, y0 = (round((box[i] - self.box[i]) * self.scale) for i in (0, 1))
        x1, y1 = (round((box[i] - self.box[i - 2]) * self.scale) for i in (2, 3))
        height, width = self.shape
        return slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width))

    def part(self, plane: Plane, box: Box) -> Plane:
        """What a plane (H, W[, C]) holds in a box in frame units."""
        return plane[self.slices(box)]

    def to_scene(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Frame points (N, 2) -> scene pixels (N, 2), continuous: pixel k covers k..k+1."""
        return np.asarray((points - np.array(self.box[:2])) * self.scale)

    def polygon(self, points: npt.NDArray[np.float64]) -> Plane:
        """A polygon (N, 2) in frame units, filled, antialiased: (H, W) 0..1."""
        height, width = self.shape
        zoom = 3
        corners = self.to_scene(np.asarray(points, dtype=np.float64))
        # only around the polygon: most are small
        x0, y0 = np.clip(np.floor(corners.min(0)) - 1, 0, (width, height)).astype(int).tolist()
        x1, y1 = np.clip(np.ceil(corners.max(0)) + 2, 0, (width, height)).astype(int).tolist()
        out = np.zeros((height, width), np.float32)
        if x0 < x1 and y0 < y1:
            image = Image.new("L", ((x1 - x0) * zoom, (y1 - y0) * zoom))
            outline = [(float(x), float(y)) for x, y in (corners - (x0, y0)) * zoom]
            ImageDraw.Draw(image).polygon(outline, fill=255)
            np.multiply(np.asarray(image.reduce(zoom)), np.float32(1 / 255), out=out[y0:y1, x0:x1])
        return out

    def mesh_polygon(self, numbers: tuple[int, ...]) -> Plane:
        """The polygon through these points of the mesh, as `polygon`."""
        return self.polygon(self.mesh[list(numbers), :2])

    def face_units(self) -> tuple[Plane, Plane]:
        """x and y (H, W) of every pixel in eye distances from between the eyes; read-only."""
        height, width = self.shape
        x = (self.box[0] + (np.arange(width) + 0.5) / self.scale - EYES_MIDDLE[0]) / EYE_DISTANCE
        y = (self.box[1] + (np.arange(height) + 0.5) / self.scale - EYES_MIDDLE[1]) / EYE_DISTANCE
        across = np.broadcast_to(x.astype(np.float32), self.shape)
        return across, np.broadcast_to(y.astype(np.float32)[:, None], self.shape)

    def reach(self, where: Plane, box: PhotoBox) -> tuple[PhotoBox, tuple[slice, slice]]:
        """The photo's pixels within `box` on which anything of `where` (H, W) falls: as a box of
        the photo, and as rows and columns of `box`. Both are empty where nothing does."""
        ys, xs = np.nonzero(where > 0)
        if len(ys) == 0:
            return (box[0], box[1], box[0], box[1]), (slice(0, 0), slice(0, 0))
        ends = [(x, y) for x in (xs.min() - 1, xs.max() + 2) for y in (ys.min() - 1, ys.max() + 2)]
        points = self.frame.to_photo(np.array(ends) / self.scale + np.array(self.box[:2]))
        x0, y0 = np.clip(np.floor(points.min(0)), box[:2], box[2:]).astype(int).tolist()
        x1, y1 = np.clip(np.ceil(points.max(0)), box[:2], box[2:]).astype(int).tolist()
        return (x0, y0, x1, y1), (slice(y0 - box[1], y1 - box[1]), slice(x0 - box[0], x1 - box[0]))

    def to_photo(self, plane: Plane, box: PhotoBox) -> Plane:
        """A plane of the scene on the photo's pixels of `box` (x0, y0, x1, y1).

        The plane (h, w[, C]) shows all of the scene, at its density or any other.  Returns
        (y1 - y0, x1 - x0[, C]) float32, bilinear.  Beyond the scene its border goes on for at least
        half a pixel, then there are zeros.
        """
        # where the photo is much finer, the plane is turned on a grid of `step` photo pixels and
        # enlarged: that costs half of turning it on every pixel
        across, down = plane.shape[1] / self.shape[1], plane.shape[0] / self.shape[0]
        finer = 1 / abs(self.frame.z * self.scale * max(across, down))
        step = max(1, int(finer / 1.3))
        rim = 0 if step == 1 else 1  # of the grid, around the box
        width, height = box[2] - box[0], box[3] - box[1]
        size = (-(-height // step) + 2 * rim, -(-width // step) + 2 * rim)
        z, t, pad = self.frame.z, self.frame.t, 1 + rim
        corner = complex(box[0] - rim * step, box[1] - rim * step)
        start = (z * corner + t - complex(self.box[0], self.box[1])) * self.scale
        turn = z * self.scale * step
        matrix = (
            (turn.real * across, -turn.imag * across, start.real * across + pad),
            (turn.imag * down, turn.real * down, start.imag * down + pad),
        )
        around = ((pad, pad), (pad, pad), (0, 0))[: plane.ndim]
        padded = np.pad(plane, around, mode="edge").astype(np.float32, copy=False)
        turned = warp(padded, matrix, size, beyond=0.0)
        if step == 1:
            return turned
        large = resize(turned, (size[0] * step, size[1] * step))
        return large[step : step + height, step : step + width]


def look(
    pixels: npt.NDArray[np.uint8],
    face: Face,
    density: float,
    threads: int | None = None,
    box: Box | None = None,
) -> Scene:
    """The scene of `face`: all of the photo that its hair could reach, upright.

    Parameters
    ----------
    pixels : (H, W, 3) uint8, the photo.
    density : pixels of the scene per eye distance.
    threads : of the networks that will look at the scene.
    box : in frame units, a smaller part of that.
    """
    frame = Frame.of(face)
    height, width = pixels.shape[:2]
    corners = frame.to_frame(
        np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    )
    middle = np.array(EYES_MIDDLE)
    low = np.maximum(corners.min(0), middle + np.array(_REACH[:2]) * EYE_DISTANCE)
    high = np.minimum(corners.max(0), middle + np.array(_REACH[2:]) * EYE_DISTANCE)
    scale = density / EYE_DISTANCE
    if box is not None:
        low, high = np.maximum(low, box[:2]), np.minimum(high, box[2:])
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    rgb = frame.cut(pixels, scale=scale, box=box).astype(np.float32)
    h, w = rgb.shape[:2]
    photo = (complex(box[0], box[1]) - frame.t) / frame.z
    step = 1 / (frame.z * scale)
    right, lower = (np.arange(w) + 0.5)[None], (np.arange(h) + 0.5)[:, None]
    x = photo.real + step.real * right - step.imag * lower
    y = photo.imag + step.imag * right + step.real * lower
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    flat = frame.to_frame(np.asarray(face.landmarks[:, :2], dtype=np.float64))
    mesh = np.column_stack([flat, face.landmarks[:, 2] * abs(frame.z)])
    return Scene(frame, box, scale, rgb, inside.astype(np.float32), mesh, threads)
