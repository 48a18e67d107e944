"""Portraits of many kinds of people, and what is measured of the bald heads that they get."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from tonsure import faces
from tonsure.hair.classes import BACKGROUND, CLOTHES, HAIR
from tonsure.head.layers import Layers, layers
from tonsure.head.make import Bare, _made
from tonsure.planes import LUMA, blur
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE

FOLDER = Path(__file__).parent / "data" / "people"
FIGURES = FOLDER / "figures.json"

SINGLES = (
    "admiral", "astronaut", "blonde", "brunette", "camera", "hill", "president", "stairs", "vice",
)  # fmt: skip
"""People alone: with a hat and glasses, curls, long fair hair, long brown hair, from the side in
grey, short black hair, dark skin, long hair in the shade, white hair."""
GROUPS = ("hug", "stage", "three")
"""Heads that touch, a hug and a row; and three in dark light, one with something in her hair."""

LOOSE = {
    "hair": 0.2, "hole": 0.2, "left": 0.02, "dome": 0.08, "hue": 0.025, "crown": 0.1, "width": 0.1,
    "ears": 0.5, "skin": 0.12, "cloth": 0.12, "wall": 12.0, "low": 12.0, "grain": 0.2, "front": 0.1,
    "sides": 0.1,
}  # fmt: skip
"""How far a figure may be from the one written down: `hair`, `hole` and `grain` as a share of it,
the others as they are."""
_SHARES = ("hair", "hole", "grain")


@dataclass(frozen=True)
class Head:
    """A face of a portrait, taken apart and made bald."""

    pixels: np.ndarray
    found: Layers
    bare: Bare


def pixels(name: str) -> np.ndarray:
    """(H, W, 3) uint8."""
    path = FOLDER / f"{name}.webp"
    if name == "astronaut":
        path = FOLDER.parent / "astronaut.jpg"
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@cache
def people(name: str) -> tuple[faces.Face, ...]:
    """The faces of a portrait, from left to right: networks disturb them not."""
    return tuple(sorted(faces.find(pixels(name), threads=1), key=lambda face: face.centre[0]))


def head(name: str, number: int = 0) -> Head:
    """Face `number` (from the left, 0 the first) of a portrait, made bald."""
    picture, found = pixels(name), people(name)
    taken = layers(picture, found[number], found, threads=1)
    return Head(picture, taken, _made(picture, taken))


def moved(face: faces.Face, z: complex, t: complex) -> faces.Face:
    """The same face elsewhere: photo points become z * point + t."""
    points = face.landmarks.copy()
    at = z * (points[:, 0] + 1j * points[:, 1]) + t
    points[:, 0], points[:, 1] = at.real, at.imag
    points[:, 2] *= abs(z)
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return replace(face, landmarks=points, box=(*low.tolist(), *high.tolist()))


def figures(made: Head) -> dict[str, float]:
    """What is measured of a bald head.

    hair, hole : what is taken for hair, what is replaced: squared eye distances.
    left : the share of the sure hair that is not replaced.
    dome, hue : the new scalp's brightness over that of the skin seen, and how far its colour is
        from that, in shares of the three channels.
    crown, width : the bare head's height above the eyes and its half width: eye distances.
    ears : how many are drawn.
    skin, cloth, low : shares of both in what is replaced below the chin, and its brightness.
    wall : beside the head, how far what is put there is from what is seen there: levels.
    grain : the new scalp's fine structure over that of the skin.
    front, sides : when the hairline and the sides go, 0 first, 1 last.
    """
    found, bare = made.found, made.bare
    scene, box = found.scene, bare.box
    x0, y0, x1, y1 = box
    new = bare.colour.astype(np.float32)
    unit = EYE_DISTANCE / abs(scene.frame.z)
    across, down = np.meshgrid(x0 + np.arange(x1 - x0) + 0.5, y0 + np.arange(y1 - y0) + 0.5)
    at = (
        scene.frame.z * (across + 1j * down) + scene.frame.t - complex(*EYES_MIDDLE)
    ) / EYE_DISTANCE
    x, y = at.real, at.imag

    def on(plane: np.ndarray) -> np.ndarray:
        return scene.to_photo(np.ascontiguousarray(plane, np.float32), box)

    hole = bare.mask > 200
    head = on(found.visible.head) > 0.9
    dome = hole & head & (y < -0.5)
    bare_skin = found.visible.smooth > 0.8
    out = {
        "hair": float(found.matte.hair.sum()) / scene.unit**2,
        "hole": float(hole.sum()) / unit**2,
    }
    sure = (on(found.classes[..., HAIR]) > 0.9) & ((y < 0) | (np.abs(x) > 1))
    sure &= on(found.people.on(scene)) > 0.5
    out["left"] = float((sure & (bare.mask < 128)).sum()) / max(float(sure.sum()), 1.0)
    tone = scene.rgb[bare_skin].mean(0)
    if dome.sum() > 50:
        top = new[dome].mean(0)
        out["dome"] = float(top @ LUMA) / float(tone @ LUMA)
        out["hue"] = float(np.abs(top / top.sum() - tone / tone.sum()).max())
        fine = np.abs(new @ LUMA - blur(new @ LUMA, 0.03 * unit))
        seen = np.abs(scene.rgb @ LUMA - blur(scene.rgb @ LUMA, 0.03 * scene.unit))
        out["grain"] = float(fine[dome].mean()) / max(float(seen[bare_skin].mean()), 0.1)
    rim = (found.rim - EYES_MIDDLE) / EYE_DISTANCE
    upper = rim[rim[:, 1] < 0.1]
    out["crown"] = -float(rim[:, 1].min())
    out["width"] = 0.5 * float(np.ptp(upper[:, 0]))
    out["ears"] = float(len(found.hidden_ears))
    low = hole & (y > 1.6)
    if low.sum() > 0.3 * unit**2:
        out["skin"] = float(on(found.body.skin)[low].mean())
        out["cloth"] = float(on(found.body.cloth)[low].mean())
        out["low"] = float((new @ LUMA)[low].mean())
    beside = hole & ~(on(found.visible.head) > 0.02) & (y < 0.5)
    wall = (found.classes[..., BACKGROUND] > 0.95) & (found.visible.hole < 0.02)
    wall &= (scene.face_units()[1] < 1.0) & (scene.inside > 0.5)
    wall &= found.classes[..., CLOTHES] < 0.02
    if beside.sum() > 0.2 * unit**2 and wall.sum() > 0.2 * scene.unit**2:
        out["wall"] = float(np.abs(new[beside].mean(0) - scene.rgb[wall].mean(0)).max())
    times = np.asarray(Image.fromarray(bare.time).resize((x1 - x0, y1 - y0)), np.float32) / 255
    going = hole & head
    front = going & (np.abs(x) < 0.35) & (y < np.quantile(y[going], 0.9) if going.any() else False)
    sides = going & (np.abs(x) > 0.9) & (y > -0.6)
    for name, where in (("front", front), ("sides", sides)):
        if where.sum() > 0.05 * unit**2:
            out[name] = float(times[where].mean())
    return out


def written() -> dict[str, dict[str, float]]:
    """The figures of each portrait, as `scripts/measure_portraits.py` saw them."""
    return dict(json.loads(FIGURES.read_text()))


def departures(name: str, seen: dict[str, float], wanted: dict[str, float]) -> list[str]:
    """A sentence for each figure that is not what it was."""
    out = []
    for key, goal in wanted.items():
        value, most = seen.get(key), LOOSE[key]
        if value is None:
            out.append(f"{name}: {key} cannot be measured any more")
            continue
        off = abs(value - goal) / (max(abs(goal), 0.1) if key in _SHARES else 1)
        if off > most:
            out.append(f"{name}: {key} is {value:.3f}, was {goal:.3f}")
    return out
