"""A keyframe: one frame's bald head, taken apart by what moves on its own.

Three parts move: the head (with its hair, and what it loses when), the body below it, and the wall
behind both. Each is whole where another covers it now, so that it can be uncovered later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from .. import faces, head
from ..faces import Face, Frame
from ..hair.classes import BACKGROUND, CLOTHES, EAR, NECK, SKIN
from ..head import times
from ..head.canvas import Canvas
from ..head.compose import compose
from ..head.layers import Layers, layers
from ..head.make import hole_box, notes
from ..parallel import both
from ..planes import Plane, blur, grow, membrane, resize, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, PhotoBox
from .glance import Glance
from .motion import Grey, Points, corners

Bytes = npt.NDArray[np.uint8]

NETWORKS = (*head.NETWORKS, "face_detector", "face_mesh")

# eye distances from between the eyes, left, up, right, down, that the quick look sees at least
_LOOKED = (-2.8, -2.8, 2.8, 2.8)
_BEYOND = 1.8  # eye distances from between the eyes, within which a head is made whole
APART = 4  # pixels between points of what lay beyond the frame
_AROUND = 0.9  # eye distances of the frame around what changes
_MOST = {"head": 90, "body": 70, "wall": 110}  # points followed
_STEP = 4  # scene pixels to one of the grid on which what is behind a head is led on
_NOSE = 1  # of the mesh: above it faces hardly change their shape


@dataclass(frozen=True)
class Key:
    """A frame taken apart. Planes (h, w) are uint8 and lie on the frame's pixels of `box`
    (x0, y0, x1, y1).

    Attributes
    ----------
    face : as it was found.
    front, alpha : (h, w, 3) the bald head, and where it is.
    back : (h, w, 3) all else as it is without hair and without the head.
    body : which share of `back` moves with the body.
    mask, time, thin : as of `head.Bare`.
    grey : (H, W) uint8 of the whole frame.
    points : of "head", "body" and "wall", (N, 2) in the frame's pixels.
    frame : of the face.
    glance, seen : the quick look that later frames are compared by, and what it saw here.
    warnings : codes.
    """

    face: Face
    box: PhotoBox
    front: Bytes
    alpha: Bytes
    back: Bytes
    body: Bytes
    mask: Bytes
    time: Bytes
    thin: Bytes
    grey: Grey
    points: dict[str, Points]
    frame: Frame
    glance: Glance
    seen: Plane
    warnings: tuple[str, ...]

    @cached_property
    def beyond(self) -> npt.NDArray[np.float64]:
        """(N, 2): points of what changes that lay beyond the frame, in its pixels."""
        ys, xs = np.nonzero(self.mask[::APART, ::APART] > 127)
        at = np.stack([xs, ys], -1) * APART + 0.5 * APART + np.array(self.box[:2])
        height, width = self.grey.shape
        return np.asarray(at[((at < 0) | (at > (width, height))).any(1)], np.float64)

    @property
    def crown(self) -> npt.NDArray[np.float64]:
        """(4, 2): points around the head in the frame's pixels, by which motions are compared."""
        middle = np.array(EYES_MIDDLE)
        ends = np.array([[-1.2, 0], [1.2, 0], [0, -1.7], [0, 1.5]]) * EYE_DISTANCE
        return np.asarray(self.frame.to_photo(middle + ends))


def make(pixels: Bytes, grey: Grey, face: Face, *, threads: int | None = None) -> Key:
    """Take `face` of a frame (H, W, 3) uint8 apart; `grey` (H, W) is the frame's luma.

    Whoever else is in the frame keeps what is theirs: all are looked for here, as a film follows
    only those that it edits. Where the frame cuts the head off, its other half is made before a
    plain wall, so that it is there when it comes in.
    """
    others = faces.find(pixels, threads=threads)
    left, top, right = _cut_off(face, pixels.shape)
    if not left + top + right:
        return _made(pixels, grey, face, others, np.ones(grey.shape, np.bool_), threads)
    height, width = grey.shape
    wide = np.empty((height + top, left + width + right, 3), np.uint8)
    wide[:] = np.median(pixels[:: max(height // 64, 1), :: max(width // 64, 1)], axis=(0, 1))
    wide[top:, left : left + width] = pixels
    luma = np.pad(grey, ((top, 0), (left, right)), mode="edge")
    inside = np.zeros(luma.shape, np.bool_)
    inside[top:, left : left + width] = True
    shifted = [_shifted(one, left, top) for one in others]
    made = _made(wide, luma, _shifted(face, left, top), shifted, inside, threads)
    x0, y0, x1, y1 = made.box
    frame = Frame(made.frame.z, made.frame.t + made.frame.z * complex(left, top))
    points = {
        name: own[((own > (0, 0)) & (own < (width, height))).all(1)]
        for name, own in (
            (n, p - np.array([left, top], np.float32)) for n, p in made.points.items()
        )
    }
    key = replace(
        made, face=face, box=(x0 - left, y0 - top, x1 - left, y1 - top), grey=grey, frame=frame,
        points=points, seen=made.glance.look(pixels, frame),
    )  # fmt: skip
    return replace(key, seen=_trusted(key))


def _cut_off(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """By how many pixels a bald head lies beyond the frame: left, above, right."""
    (x, y), most = face.eyes.mean(0), _BEYOND * face.iod
    over = (most - x, most - y, x + most - shape[1])
    left, top, right = (int(min(max(v, 0.0), most)) for v in over)
    return left, top, right


def _shifted(face: Face, dx: int, dy: int) -> Face:
    x0, y0, x1, y1 = face.box
    points = face.landmarks + np.array([dx, dy, 0], np.float32)
    return replace(face, box=(x0 + dx, y0 + dy, x1 + dx, y1 + dy), landmarks=points)


def _trusted(key: Key) -> Plane:
    """What the quick look saw, but beyond the frame: there what was made is what is known."""
    import cv2

    seen, glance, frame = key.seen.copy(), key.glance, key.frame
    inside = frame.inside(key.grey.shape, glance.scale, glance.box)[
        : seen.shape[0], : seen.shape[1]
    ]
    # pixels of the glance -> frame's pixels -> those of the key's box
    step = 1 / (frame.z * glance.scale)
    start = (complex(*glance.box[:2]) - frame.t) / frame.z + step * (0.5 + 0.5j)
    start -= complex(*key.box[:2]) + (0.5 + 0.5j)
    matrix = np.array([[step.real, -step.imag, start.real], [step.imag, step.real, start.imag]])
    made = cv2.warpAffine(
        key.mask, matrix, seen.shape[1::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    seen[..., 0] = np.where(inside, seen[..., 0], made * np.float32(1 / 255))
    return seen


def _made(
    pixels: Bytes, grey: Grey, face: Face, others: Sequence[Face],
    inside: npt.NDArray[np.bool_], threads: int | None,
) -> Key:  # fmt: skip
    found = layers(pixels, face, others, threads=threads)
    scene, matte = found.scene, found.matte
    high, wide = pixels.shape[:2]
    more = round(_AROUND * EYE_DISTANCE / abs(scene.frame.z))
    x0, y0, x1, y1 = hole_box(scene, matte, pixels.shape)
    box = (max(x0 - more, 0), max(y0 - more, 0), min(x1 + more, wide), min(y1 + more, high))
    weight = scene.to_photo(np.maximum(matte.hole, matte.shade), box)
    mask = _bytes(weight * 255)
    if found.people.others:
        mask *= found.people.mine(box)
    canvas = Canvas.of(scene, box)
    laid, going = both(
        lambda: compose(pixels, found, canvas),
        lambda: times.going(pixels, times.Hair.of(found), box, mask),
        threads,
    )
    time, thin = (_whole(one, mask) for one in times.even(going, laid.colour))
    ahead = canvas.part(laid.front, slice(0, mask.shape[0]), slice(0, mask.shape[1]))
    cut = pixels[box[1] : box[3], box[0] : box[2]]
    unit = EYE_DISTANCE / abs(scene.frame.z)
    # beyond the frame all of the head is made, within it what hair hid
    whole = (weight > 0.02) | ~inside[box[1] : box[3], box[0] : box[2]]
    shown = np.where(whole[..., None], laid.colour, cut)
    front = _led_on(shown, ahead > 0.97, 0.02 * unit)
    behind = scene.to_photo(_behind(found), box)
    # the face, too, is a part of the head: what is behind it is not to be seen
    own = grow(visible_head(found), 0.03 * scene.unit)
    before = np.maximum(ahead, scene.to_photo(own, box))
    throat = found.body.skin * smoothstep(0.4, 0.6, scene.face_units()[1])
    beside = (scene.to_photo(throat, box) > 0.5) & (ahead < 0.02)
    back = _led_on(shown, (before < 0.02) | beside, 0.02 * unit, behind)
    body = scene.to_photo(np.clip(found.body.skin + found.body.cloth, 0, 1), box)
    least = np.array(EYES_MIDDLE) + EYE_DISTANCE * np.array(_LOOKED).reshape(2, 2)
    low, high = np.minimum(least[0], scene.box[:2]), np.maximum(least[1], scene.box[2:])
    glance = Glance((*low.tolist(), *high.tolist()), threads)
    return Key(
        face, box, front, _bytes(ahead * 255), back, _bytes(body * 255), mask, time, thin,
        grey, _points(found, grey, unit), scene.frame, glance, glance.look(pixels, scene.frame),
        notes(scene, matte),
    )  # fmt: skip


def visible_head(found: Layers) -> Plane:
    """(H, W) 0..1 on the scene: the head within its outline, and ears."""
    return np.maximum(found.visible.head, smoothstep(0.3, 0.6, found.classes[..., EAR]))


def _behind(found: Layers) -> Plane:
    """(H, W, 3) on the scene: wall and clothes led on beneath the head, where the net for what lies
    beneath hair has seen nothing and says skin more often than not."""
    scene = found.scene
    size = (max(2, round(scene.shape[0] / _STEP)), max(2, round(scene.shape[1] / _STEP)))
    y = scene.face_units()[1]
    skin = found.body.skin * smoothstep(0.9, 0.5, y)  # the neck goes on behind the jaw
    known = 1 - grow(np.maximum(visible_head(found), smoothstep(0.1, 0.4, skin)), 0.08 * scene.unit)
    weight = resize(known, size)
    rgb = resize(found.body.rgb * known[..., None], size)
    rgb /= np.maximum(weight, np.float32(1e-3))[..., None]
    led = resize(membrane(rgb, smoothstep(0.2, 0.8, weight)), scene.shape)
    share = smoothstep(0.0, 0.5, known)[..., None]
    return np.asarray(led + share * (found.body.rgb - led), dtype=np.float32)


def _whole(going: Bytes, mask: Bytes) -> Bytes:
    """A time map as large as the `mask` (h, w); of a large head it has fewer pixels."""
    if going.shape == mask.shape:
        return going
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(Image.fromarray(going).resize(size, Image.Resampling.BICUBIC))


def _bytes(plane: Plane) -> Bytes:
    return np.asarray(np.clip(plane + np.float32(0.5), 0, 255), np.uint8)


def _led_on(
    rgb: Bytes, sure: npt.NDArray[np.bool_], soft: float, far: Plane | None = None
) -> Bytes:
    """`rgb` (h, w, 3) where it is `sure` (h, w), led on a little way beyond, then `far`."""
    weight = sure.astype(np.float32)
    total = blur(weight, max(soft, 1.0))
    near = blur(rgb * weight[..., None], max(soft, 1.0))
    near /= np.maximum(total, np.float32(1e-3))[..., None]
    if far is None:
        out = near
    else:
        share = smoothstep(0.0, 0.25, total)[..., None]
        out = far + share * (near - far)
    return np.where(sure[..., None], rgb, _bytes(out))


def _points(found: Layers, grey: Grey, unit: float) -> dict[str, Points]:
    """What can be followed of head, body and wall, where no hair is near."""
    scene, classes = found.scene, found.classes
    clear = 1 - grow(found.visible.hole, 0.06 * scene.unit)
    y = scene.face_units()[1]
    nose = float((scene.mesh[_NOSE, 1] - EYES_MIDDLE[1]) / EYE_DISTANCE)
    parts = {
        "head": np.maximum(found.visible.oval * (y < nose + 0.1), classes[..., EAR]),
        "body": np.maximum(classes[..., CLOTHES], classes[..., NECK] * (y > 1.8)),
        "wall": classes[..., BACKGROUND]
        * (1 - grow(1 - classes[..., BACKGROUND], 0.1 * scene.unit)),
    }
    parts["head"] = parts["head"] * (classes[..., [SKIN, EAR]].sum(-1) > 0.5)
    high, wide = grey.shape
    ends = np.array([[x, y] for x in scene.box[::2] for y in scene.box[1::2]], dtype=np.float64)
    at = scene.frame.to_photo(ends)
    (x0, y0), (x1, y1) = np.floor(at.min(0)).astype(int), np.ceil(at.max(0)).astype(int)
    box = (max(int(x0), 0), max(int(y0), 0), min(int(x1), wide), min(int(y1), high))
    out = {}
    for name, plane in parts.items():
        where = np.zeros(grey.shape, np.bool_)
        where[box[1] : box[3], box[0] : box[2]] = scene.to_photo(plane * clear, box) > 0.8
        out[name] = corners(grey, where, _MOST[name], 0.06 * unit)
    return out
