"""What a bare face looks like where something hides it: told by the rest of it.

The colours at the mesh's points of people without beards and glasses hang together: a mean and
principal components of their logarithms (`scripts/fit_face_tones.py`). The likeliest face through
what is bare gives shading and lips beneath a beard; met with the skin around, it has no seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..head import grain as quilting
from ..planes import LUMA, Plane, blur, membrane, resize
from ..scene import EYE_DISTANCE, PhotoBox, Scene
from .fine import onto
from .portrait import Portrait

FLOOR = 8.0  # levels added before the logarithm, as fitted
_DENSITY = 24.0  # pixels per eye distance
_SOFT = 0.03  # eye distances, as the fitted pictures were blurred
_SPREAD = (0.07, 0.3)  # eye distances that a point's tone reaches, and where points are few
_DOUBT = 0.10  # of logarithms: detail that the components do not have
_PATCH, _FINER, _PORES, _MOST = 0.15, 0.04, 0.012, 3.2  # as for the bald head's skin


@dataclass(frozen=True)
class Model:
    """`mean` (1404,), `parts` (K, 1404) unit vectors, their `spread` (K,)."""

    mean: npt.NDArray[np.float64]
    parts: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    rest: float

    def likeliest(self, logs: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]) -> Plane:
        """(468, 3) logarithms of all points from those of `known` (468,) ones."""
        where = np.repeat(known, 3)
        base = (self.parts * self.spread[:, None])[:, where]
        off = logs.reshape(-1)[where] - self.mean[where]
        doubt = self.rest**2 + _DOUBT**2
        share = np.linalg.solve(base @ base.T / doubt + np.eye(len(base)), base @ off / doubt)
        whole = self.mean + (share * self.spread) @ self.parts
        return np.asarray(whole.reshape(-1, 3), np.float32)


@lru_cache(maxsize=1)
def model() -> Model:
    """The fitted one."""
    with np.load(Path(__file__).with_name("tones.npz")) as data:
        return Model(
            data["mean"].astype(np.float64), data["parts"].astype(np.float64),
            data["spread"].astype(np.float64), float(data["rest"]),
        )  # fmt: skip


def completed(scene: Scene, clear: Plane) -> Plane:
    """(H, W, 3), 0..255: the face's tones everywhere, from where it is `clear` (H, W) 0..1."""
    factor = min(1.0, _DENSITY / scene.unit)
    height, width = scene.shape
    size = (max(2, round(height * factor)), max(2, round(width * factor)))
    rgb = resize(blur(scene.rgb, _SOFT * scene.unit), size)
    low = resize(clear, size)
    points = scene.to_scene(scene.mesh[:, :2]) * [size[1] / width, size[0] / height]
    xs = np.clip(points[:, 0], 0, size[1] - 1).astype(int)
    ys = np.clip(points[:, 1], 0, size[0] - 1).astype(int)
    known = low[ys, xs] > 0.7
    if known.sum() < 30:
        return np.array(scene.rgb)
    logs = np.log(rgb[ys, xs].astype(np.float64) + FLOOR)
    told = np.exp(model().likeliest(logs, known)) - FLOOR
    mass = np.zeros(size, np.float32)
    tone = np.zeros((*size, 3), np.float32)
    np.add.at(mass, (ys, xs), 1)
    np.add.at(tone, (ys, xs), told)
    near, wide = (s * _DENSITY for s in _SPREAD)
    base = blur(tone, wide) / (blur(mass, wide) + np.float32(1e-5))[..., None]
    weight = blur(mass, near)
    base = (blur(tone, near) + base * np.float32(2e-3)) / (weight + np.float32(2e-3))[..., None]
    out = base + membrane(rgb - base, np.clip(low * low, 0, 1), 8)
    return resize(np.clip(out, 0, 255), scene.shape)


def grain(
    portrait: Portrait, pixels: npt.NDArray[np.uint8], box: PhotoBox, clear: Plane, cover: Plane
) -> Plane:
    """The person's own skin's fine structure, (h, w) levels around 0, where `cover` (h, w) of the
    photo's `box` is; taken from where the scene is `clear` (H, W)."""
    scene = portrait.scene
    unit = EYE_DISTANCE / abs(scene.frame.z)
    # skin is taken from all of the face
    around, _ = scene.reach(np.maximum(portrait.oval, 0), (0, 0, *pixels.shape[1::-1]))
    x0, y0 = min(box[0], around[0]), min(box[1], around[1])
    x1, y1 = max(box[2], around[2]), max(box[3], around[3])
    luma = pixels[y0:y1, x0:x1].astype(np.float32) @ LUMA
    source = onto(scene, clear * portrait.oval, (x0, y0, x1, y1))
    texture = quilting.detail(luma, _FINER * unit)
    texture = quilting.evened(texture, source, _PORES * unit, _MOST)
    wanted = np.zeros_like(luma)
    at = (slice(box[1] - y0, box[3] - y0), slice(box[0] - x0, box[2] - x0))
    wanted[at] = cover
    size, generator = round(_PATCH * unit), np.random.default_rng(7)
    laid = quilting.Quilt(texture, source, wanted, size, generator).part(*at)
    return np.asarray(laid * (cover > 0), np.float32)
