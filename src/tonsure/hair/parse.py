"""Where is hair, face, ear, neck, hat, clothes: the parsers' soft classes on a scene.

The net `sight` sees each scene twice as a whole (as it is and mirrored) at a coarse scale and
knows people to the waist; `hair_parser` looks twice around the head at a finer one and knows the
hairline. The four opinions are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models import session
from ..planes import Plane, grow, resize, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Box, Scene
from .classes import EAR, HAIR, HAT, JEWELLERY
from .person import person, settle, whole_ears
from .tufts import tufts

COARSE = 64.0
"""Pixels per eye distance of a scene that is fine enough for a survey: the person mask, too, looks
more closely where the scene is small."""
_STRIDE = 32
_WHOLE, _FINE = 30.0, 46.0  # px per eye distance; trained from 19 to 36 and from 24 to 60
# eye distances from between the eyes, left, up, right, down: the finer look, and what a head needs
# around it however short its hair is
_HEAD, _LEAST = (-2.3, -2.5, 2.3, 2.1), (-3.2, -3.4, 3.2, 3.6)
_TAUGHT = (-4.25, -3.6, 4.25, 9.7)  # the windows of the wide net's training, likewise
_SWING = 0.6  # eye distances that hair moves sideways below them
_SOME = 0.2  # hair or hat is followed
_MARGIN = 1.3  # eye distances around the hair: what goes with it, and what is put in its place


@dataclass(frozen=True)
class Survey:
    """The first look at all that hair could reach.

    `box` in frame units; `classes` (h, w, 9) and `person` (h, w) of it, 0..1, at a low density.
    """

    box: Box
    classes: Plane
    person: Plane

    @property
    def reach(self) -> Box:
        """The part, in frame units, that an edit has to do with: the head, its hair, a margin."""
        found = self.classes[..., [HAIR, HAT]].max(-1) > _SOME
        low, high = _around(_LEAST)
        for axis in (0, 1):
            places = np.flatnonzero(found.any(axis))
            if len(places):
                per = (self.box[axis + 2] - self.box[axis]) / found.shape[1 - axis]
                start = self.box[axis] + per * places[0] - _MARGIN * EYE_DISTANCE
                stop = self.box[axis] + per * (places[-1] + 1) + _MARGIN * EYE_DISTANCE
                low[axis], high[axis] = min(low[axis], start), max(high[axis], stop)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    def on(self, scene: Scene, plane: Plane) -> Plane:
        """`plane`, one of this survey's, on the grid of a scene that lies within it."""
        height, width = plane.shape[:2]
        x0, y0, x1, y1 = self.box
        a = np.array([width / (x1 - x0), height / (y1 - y0)] * 2)
        part = (np.array(scene.box) - (x0, y0, x0, y0)) * a
        part = np.clip(part, 0, [width, height, width, height])
        left, top, right, bottom = part.tolist()
        return _resized(plane, scene.shape, (left, top, right, bottom))


def survey(scene: Scene) -> Survey:
    """The first look, at a scene of `COARSE` or more pixels per eye distance.

    Raises `ModelError` when a net's file is missing or damaged.
    """
    return Survey(scene.box, _known(scene), person(scene))


def _known(scene: Scene) -> Plane:
    """The wide net's classes (h, w, 9) of a scene: what it says where it was taught, and what lies
    at that border beyond it; but no hair goes on far."""
    low, high = _around(_TAUGHT)
    low, high = np.maximum(low, scene.box[:2]), np.minimum(high, scene.box[2:])
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    seen = _look("sight", scene, box, _WHOLE)
    per = [seen.shape[1 - axis] / (box[axis + 2] - box[axis]) for axis in (0, 1)]
    before = [round((box[axis] - scene.box[axis]) * per[axis]) for axis in (0, 1)]
    after = [round((scene.box[axis + 2] - box[axis + 2]) * per[axis]) for axis in (0, 1)]
    reach = ((0, 0), (before[1], after[1]), (before[0], after[0]))
    out = np.pad(seen.transpose(2, 0, 1), reach, mode="edge").transpose(1, 2, 0)
    if after[1] > 0:
        _lower(scene, out, before[1] + len(seen))
    return out


def _lower(scene: Scene, classes: Plane, start: int) -> None:
    """No hair from row `start` of a scene's `classes` (h, w, 9) on but what goes on from above it:
    of that a look at the whole scene tells how far; changes `classes`."""
    ends = classes[start - 1, :, HAIR]
    hair = np.zeros_like(classes[start:, :, HAIR])
    if float(ends.max()) > 0.5:
        whole = resize(_look("sight", scene, scene.box, _WHOLE)[..., HAIR], classes.shape[:2])
        # hair goes straight down, more or less
        hanging = grow(np.repeat(ends[None], 3, 0), _SWING * _WHOLE)[1]
        hair = whole[start:] * smoothstep(0.2, 0.5, hanging)
    below = classes[start:]
    below[..., JEWELLERY] += below[..., HAIR]  # it stays, and tells nothing of clothes
    below[..., HAIR] = 0
    below *= (1 - hair)[..., None]
    below[..., HAIR] = hair


def parse(scene: Scene, first: Survey | None = None) -> Plane:
    """Soft classes (H, W, 9) of a scene, float32 0..1, summing to 1; see `classes`.

    `first` is a survey of this scene or of a larger one. Raises `ModelError` as `survey`.
    """
    first = first or survey(scene)
    out = first.on(scene, first.classes)
    low, high = _around(_HEAD)
    low, high = np.maximum(low, scene.box[:2]), np.minimum(high, scene.box[2:])
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    rows, columns = scene.slices(box)
    part = out[rows, columns]
    height, width = part.shape[:2]
    fine = _resized(_look("hair_parser", scene, box, _FINE), (height, width))
    edge = 0.3 * EYE_DISTANCE * scene.scale
    ys, xs = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    # the finer look fades out where it ends, except where the scene ends too
    far = np.float32(1e9)
    from_top = ys if rows.start > 0 else ys + far
    from_left = xs if columns.start > 0 else xs + far
    from_bottom = ys[::-1] if rows.stop < scene.shape[0] else ys + far
    from_right = xs[::-1] if columns.stop < scene.shape[1] else xs + far
    inside_y, inside_x = np.minimum(from_top, from_bottom), np.minimum(from_left, from_right)
    x, y = scene.face_units()
    # a beard is hair to the wide net's teacher: around the jaw it has no word
    jaw = (smoothstep(0.2, 0.5, y) * smoothstep(1.5, 1.1, np.abs(x)))[rows, columns]
    share = smoothstep(0, edge, np.minimum.outer(inside_y, inside_x)) * (0.65 + 0.35 * jaw)
    part += share[..., None] * (fine - part)
    # no ear begins above the brows
    high_up = out[..., EAR] * smoothstep(-0.2, -0.35, y)
    mask = first.on(scene, first.person)
    out = settle(scene, _moved(out, high_up), mask)
    out = _moved(out, tufts(scene, out[..., EAR], out[..., HAIR] > 0.8))
    whole_ears(scene, out, mask)
    return out


def _around(reach: Box) -> tuple[np.ndarray, np.ndarray]:
    """Upper left and lower right corner, in frame units, of eye distances from between the eyes."""
    corners = np.array(EYES_MIDDLE) + EYE_DISTANCE * np.array(reach).reshape(2, 2)
    return corners[0], corners[1]


def _look(net: str, scene: Scene, box: Box, density: float) -> Plane:
    """A net's classes (h, w, 9) of `box` in frame units, at about `density` pixels per eye
    distance."""
    width = -(-int((box[2] - box[0]) / EYE_DISTANCE * density) // _STRIDE) * _STRIDE
    height = -(-int((box[3] - box[1]) / EYE_DISTANCE * density) // _STRIDE) * _STRIDE
    picture = resize(scene.part(scene.rgb, box), (height, width)) / 127.5 - 1.0
    x = (
        box[0] + (np.arange(width) + 0.5) / width * (box[2] - box[0]) - EYES_MIDDLE[0]
    ) / EYE_DISTANCE
    y = (
        box[1] + (np.arange(height) + 0.5) / height * (box[3] - box[1]) - EYES_MIDDLE[1]
    ) / EYE_DISTANCE
    where = np.stack(np.broadcast_arrays(x[None], y[:, None]), -1).clip(-4, 4) / 2
    seen = np.concatenate([picture, where.astype(np.float32)], -1).transpose(2, 0, 1)
    mirrored = seen[:, :, ::-1].copy()
    mirrored[3] *= -1.0
    batch = np.ascontiguousarray(np.stack([seen, mirrored]), dtype=np.float32)
    plain, turned = session.open(net, scene.threads).run(None, {"picture": batch})[0]
    return np.asarray((0.5 * (plain + turned[:, :, ::-1])).transpose(1, 2, 0))


def _resized(
    plane: Plane, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Plane:
    """As `resize`; but each class lies unbroken in memory, as each is worked on by itself."""
    if plane.ndim == 2:
        return resize(plane, size, box=box)
    many = [resize(plane[..., k], size, box=box) for k in range(plane.shape[2])]
    return np.stack(many).transpose(1, 2, 0)


def _moved(classes: Plane, share: Plane) -> Plane:
    """`share` (H, W) of the ears given to the hair; changes `classes`."""
    classes[..., EAR] -= share
    classes[..., HAIR] += share
    return classes
