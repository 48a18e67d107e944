"""What there is to know of a person before a case is made of them, or hair of them laid on one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tonsure.editor import Editor
from tonsure.faces import Face
from tonsure.hair.classes import BACKGROUND, CLOTHES, EAR, GLASSES, HAIR, HAT, JEWELLERY, NECK, SKIN
from tonsure.hair.parse import parse
from tonsure.lab.evaluate.wide import teacher
from tonsure.lab.evaluate.wide.cutout import Points
from tonsure.lab.evaluate.wide.left import of_head
from tonsure.lab.evaluate.wide.people import Bytes, Garment, Person
from tonsure.planes import Plane, dilate
from tonsure.scene import look as scene_of

NAMES = ("background", "skin", "clothes")
UNKNOWN = 255
"""Class of pixels that the parser's view does not reach."""
_NOSE, _CHEEKS, _CHIN = 1, (234, 454), 152


@dataclass(frozen=True)
class Sitter:
    """A person, looked at.

    Attributes
    ----------
    person : the photo.
    face : the one that the list means.
    count : faces found in the photo.
    hair, own : (H, W) float32, 0..1, by the teacher: all, and the head's, see `left.of_head`.
    eyes : (2, 2) pixels, the picture's left one first.
    light : (3,) median colour of the cheeks.
    hat : squared eye distances of hat, by the parser or the photo's labels.
    agreed : the share of the head's hair that is hair to the parser, and to the photo's labels
        if they know hair: scarves and glasses are not.
    """

    person: Person
    face: Face
    count: int
    hair: Plane
    own: Plane
    eyes: Points
    light: Plane
    hat: float
    agreed: float

    @property
    def unit(self) -> float:
        """The eye distance in pixels."""
        return self.face.iod

    @property
    def chin(self) -> float:
        """Row of the chin."""
        return float(self.face.landmarks[_CHIN, 1])

    @property
    def turn(self) -> float:
        """How far the face looks to a side, -1 to 1: where the nose is between the cheeks."""
        return turn(self.face)

    @property
    def grey(self) -> bool:
        """Whether the photo has no colours."""
        rgb = self.person.pixels.astype(np.float32)
        return float(np.abs(rgb - rgb.mean(-1, keepdims=True)).mean()) < 2.5

    @property
    def below(self) -> float:
        """Hair below the chin, in squared eye distances."""
        rows = np.arange(self.own.shape[0])[:, None] > self.chin
        return float(((self.own > 0.5) & rows).sum()) / self.unit**2


def turn(face: Face) -> float:
    """See `Sitter.turn`."""
    flat = face.landmarks[:, :2].astype(np.float64)
    left, right = (float(np.linalg.norm(flat[_NOSE] - flat[k])) for k in _CHEEKS)
    return (left - right) / max(float(np.linalg.norm(flat[_CHEEKS[1]] - flat[_CHEEKS[0]])), 1e-6)


def found(faces: list[Face], x: float, y: float) -> int:
    """Number (from 1) of the face whose middle is next to (x, y); 0 without faces."""
    far = [float(np.hypot(face.centre[0] - x, face.centre[1] - y)) for face in faces]
    return int(np.argmin(far)) + 1 if far else 0


def face_of(person: Person, editor: Editor) -> tuple[Face | None, int]:
    """The face that the list means, if there is one, and how many the photo has."""
    x, y, width, height = person.box
    with editor.open(png(person.pixels)) as shot:
        faces = list(shot.faces)
    number = found(faces, x + width / 2, y + height / 2)
    return (faces[number - 1] if number else None), len(faces)


def sitter(person: Person, file: Path, editor: Editor) -> Sitter | None:
    """`person` looked at, with the teacher's net in `file`; None where no face is found."""
    face, count = face_of(person, editor)
    if face is None:
        return None
    eyes = face.eyes
    if eyes[0, 0] > eyes[1, 0]:
        return None  # upside down
    classes, _ = parsed(person.pixels, face, editor.threads)
    hatted = classes[..., HAT] > 0.5
    hatted |= person.labelled(Garment.HAT)
    hat = float(hatted.sum()) / face.iod**2
    hair = teacher.hair(person.pixels, file, editor.threads)
    theirs = classes[..., HAIR] > 0.4
    if person.kind == "ccp59":
        theirs &= person.labelled(Garment.HAIR)
    near = dilate(of_head(hair, face, before_face=True), max(1, round(0.1 * face.iod)))
    own = np.where(near, hair, np.float32(0))
    agreed = float(theirs[own > 0.5].mean()) if (own > 0.5).any() else 0.0
    light = _cheeks(person.pixels, face)
    return Sitter(person, face, count, hair, own, eyes, light, hat, agreed)


def parsed(pixels: Bytes, face: Face, threads: int | None) -> tuple[Plane, npt.NDArray[np.bool_]]:
    """The parser's classes (H, W, 9) of a photo (H, W, 3), and where its view reaches (H, W)."""
    scene = scene_of(pixels, face, min(max(float(face.iod), 24.0), 46.0), threads)
    box = (0, 0, pixels.shape[1], pixels.shape[0])
    classes = scene.to_photo(parse(scene), box)
    return classes, classes.sum(-1) > 0.5


def layout(classes: Plane) -> npt.NDArray[np.uint8]:
    """Of the parser's classes (H, W, 9): 0 background, 1 skin, 2 clothes, 3 hair or hat, (H, W)."""
    return np.asarray(np.argmax(_grouped(classes), -1), dtype=np.uint8)


def truth(person: Person, classes: Plane, seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Numbers of `NAMES` (H, W), or `UNKNOWN`: by the photo's own labels where they say it, else
    by the parser's `classes` (H, W, 9) where it has `seen` anything."""
    three = _grouped(classes)[..., :3]
    out = np.where(seen, np.argmax(three, -1), UNKNOWN).astype(np.uint8)
    if person.labels is None:
        return out
    if person.kind == "ccp59":
        out[person.labelled(Garment.NOTHING)] = 0
        out[person.labelled(Garment.SKIN, Garment.GLASSES, Garment.SUNGLASSES)] = 1
        out[~person.labelled(*Garment)] = 2
        return out
    inside = person.labels > 127
    body = np.where(seen, 1 + np.argmax(three[..., 1:], -1), UNKNOWN).astype(np.uint8)
    return np.where(inside, body, 0).astype(np.uint8)


def _grouped(classes: Plane) -> Plane:
    groups = (
        (BACKGROUND,), (SKIN, EAR, NECK, GLASSES), (CLOTHES, JEWELLERY), (HAIR, HAT),
    )  # fmt: skip
    return np.stack([classes[..., list(group)].sum(-1) for group in groups], -1)


def _cheeks(pixels: Bytes, face: Face) -> Plane:
    patches = []
    reach = max(1, round(0.08 * face.iod))
    for x, y in face.landmarks[[50, 280, 205, 425], :2]:
        rows = slice(max(int(y) - reach, 0), int(y) + reach + 1)
        columns = slice(max(int(x) - reach, 0), int(x) + reach + 1)
        patches.append(pixels[rows, columns].reshape(-1, 3))
    return np.asarray(np.median(np.concatenate(patches), 0), dtype=np.float32)


def png(pixels: Bytes) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
