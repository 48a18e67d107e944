"""How faces differ by sex and age, laid on one face: shape, tones, roughness.

Rowland and Perrett's prototypes (1995): the difference between the mean face of one kind and that
of another is added to a person, who stays that person. The means here are a regression on the
labels of CelebA (`scripts/fit_face_prototypes.py`), in space, so that they may be turned as the
face is. The photo's own pixels are moved and multiplied; nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..hair.classes import GLASSES
from ..planes import LUMA, Plane, blur, grow, resize, smoothstep
from ..scene import EYE_DISTANCE, Scene
from .fine import Patch, Pixels, moved, onto, patch, place
from .mouth import LOWER, UPPER
from .portrait import Portrait

Points = npt.NDArray[np.float64]

# how much of the step between the means d = 1 takes: a label is no more than a mean of many
_SHAPE = {"male": 1.3, "young": 1.5}
_TONE = {"male": 1.0, "young": 1.2}
_ROUGH = {"male": 1.0, "young": 1.5}
_MOST = (-0.5, 0.2)  # of logarithms: what grows brighter without a lamp looks painted
_BEYOND = 0.25  # eye distances around the face that give way to it
_DENSITY = 24.0  # pixels per eye distance
_NEAR = (0.06, 0.3)  # eye distances that a point reaches, and where points are few
_FINE = 0.03  # eye distances: what is finer is the skin's roughness
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
MOUTH = (*UPPER, *LOWER[-2:0:-1])


@dataclass(frozen=True)
class Step:
    """From one kind of face to another: `shape` (468, 3) in eye distances of the mean mesh,
    `tone` (468, 3) and `rough` (468,) of logarithms."""

    shape: Points
    tone: Points
    rough: Points


@dataclass(frozen=True)
class Model:
    """`mean` (468, 3), eye distances around 0; the steps to men, and to the young."""

    mean: Points
    male: Step
    young: Step


@lru_cache(maxsize=1)
def model() -> Model:
    """The fitted one."""
    with np.load(Path(__file__).with_name("prototypes.npz")) as data:
        steps = {name: data[name].astype(np.float64) for name in ("male", "young")}
        mean = data["mean"].astype(np.float64)
    male, young = (Step(s[:, :3], s[:, 3:6], s[:, 6]) for s in (steps["male"], steps["young"]))
    return Model(mean, male, young)


def turned(mesh: Points, mean: Points) -> tuple[Points, Points]:
    """A mesh (468, 3) on the `mean` (468, 3), and what brings a vector of the mean's space back:
    (3, 3), scale included. Least squares over turns, one scale and shifts (Umeyama 1991)."""
    own = mesh - mesh.mean(0)
    left, size, right = np.linalg.svd(own.T @ mean)
    keep = np.ones(3)
    keep[2] = np.sign(np.linalg.det(left @ right))
    turn = (left * keep) @ right
    scale = float((size * keep).sum() / (own * own).sum())
    return scale * own @ turn, turn.T / scale


def step(portrait: Portrait, pixels: Pixels, which: str, degree: float) -> Patch | None:
    """One face moved towards men (`which` "male") or the young ("young") by `degree`, or away from
    them. Points, tones and roughness move together; hair, hat and what is around stay."""
    scene, unit = portrait.scene, portrait.scene.unit
    kind: Step = getattr(model(), which)
    _, back = turned(scene.mesh, model().mean)
    away = (kind.shape @ back)[:, :2] * (degree * _SHAPE[which])  # frame units
    planes = _spread(scene, np.concatenate([away, kind.tone, kind.rough[:, None]], 1))
    face = blur(portrait.oval, 0.06 * unit)
    near = smoothstep(0.02, 1.0, blur(grow(portrait.oval, _BEYOND * unit), 0.35 * unit))
    across, down = (-planes[..., k] * near for k in (0, 1))
    box = place(scene, near, pixels)
    if box is None:
        return None
    # nothing but skin, lips and brows takes tones
    bare = face * (1 - smoothstep(0.3, 0.8, portrait.hair)) * (1 - _covered(portrait))
    tone = np.clip(planes[..., 2:5] * (degree * _TONE[which]), *_MOST) * bare[..., None]
    rough = np.clip(planes[..., 5] * (degree * _ROUGH[which]), -0.7, 0.5) * bare
    x0, y0, x1, y1 = box
    photo = pixels[y0:y1, x0:x1].astype(np.float32)
    luma = photo @ LUMA
    fine = EYE_DISTANCE / abs(scene.frame.z) * _FINE
    detail = luma - blur(luma, fine)
    photo += (detail * (np.exp(onto(scene, rough, box)) - 1))[..., None]
    photo *= np.exp(onto(scene, tone, box))
    toned = pixels.copy()
    toned[y0:y1, x0:x1] = np.clip(photo + np.float32(0.5), 0, 255).astype(np.uint8)
    out = moved(scene, across.astype(np.float32), down.astype(np.float32), toned, box)
    weight = onto(scene, (near > 0.004).astype(np.float32), box)
    return patch(box, out, smoothstep(0.0, 1.0, weight))


def _spread(scene: Scene, values: Points) -> Plane:
    """(H, W, C): what holds at the mesh's points (468, C), everywhere: the smoothest between them,
    and less and less beyond the outermost."""
    factor = min(1.0, _DENSITY / scene.unit)
    height, width = scene.shape
    size = (max(2, round(height * factor)), max(2, round(width * factor)))
    points = scene.to_scene(scene.mesh[:, :2]) * [size[1] / width, size[0] / height]
    inside = ((points >= 0) & (points < [size[1], size[0]])).all(1)
    xs, ys = points[inside].astype(int).T
    mass = np.zeros(size, np.float32)
    sums = np.zeros((*size, values.shape[1]), np.float32)
    np.add.at(mass, (ys, xs), 1)
    np.add.at(sums, (ys, xs), values[inside].astype(np.float32))
    near, wide = (s * _DENSITY for s in _NEAR)
    base = blur(sums, wide) / (blur(mass, wide) + np.float32(1e-5))[..., None]
    weight = blur(mass, near)[..., None]
    out = (blur(sums, near) + base * np.float32(2e-3)) / (weight + np.float32(2e-3))
    return resize(out, scene.shape)


def _covered(portrait: Portrait) -> Plane:
    """Eyes, teeth and glasses, which have tones of their own."""
    scene = portrait.scene
    rings = [scene.mesh_polygon(ring) for ring in (*EYES, MOUTH)]
    glasses = np.clip(portrait.classes[..., GLASSES], 0, 1)
    return blur(np.maximum(np.maximum.reduce(rings), glasses), 0.02 * scene.unit)
