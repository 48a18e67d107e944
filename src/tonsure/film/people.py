"""Who is who: people of a film are known again by place, and after a cut by what they look like."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .. import crops
from ..attributes import STANDARD
from ..faces import Face, Frame
from ..models import session
from ..planes import Plane

_SIDE = 64
_CHANGING = ("Mouth_Slightly_Open",)
_STEADY = [k for k, name in enumerate(STANDARD) if name not in _CHANGING]
_ALIKE = 0.2  # mean difference of traits up to which two faces may be one person's
_COLOUR = 1.0  # weight of the colours of hair, skin and what is around the face


@dataclass
class Person:
    """`number` from 1 in the order in which they came, and of each frame's size; `traits` (T,) as
    of `traits`, a mean over all times that they were found."""

    number: int
    traits: Plane
    times: int = field(default=1)

    def again(self, traits: Plane) -> None:
        """Found once more."""
        self.times += 1
        step = (traits - self.traits) * np.float32(1 / min(self.times, 8))
        self.traits = np.asarray(self.traits + step, np.float32)


def traits(pixels: npt.NDArray[np.uint8], face: Face, threads: int | None = None) -> Plane:
    """What a face looks like, (T,) 0..1: attributes as the labels net tells them, and the colours
    of a coarse grid over face and hair, without the light of the whole."""
    frame = Frame.of(face)
    box = crops.box("official")
    cut = frame.cut(pixels, _SIDE / (box[2] - box[0]), tuple(float(v) for v in box))  # type: ignore[arg-type]
    picture = cut.astype(np.float32).transpose(2, 0, 1) / np.float32(127.5) - np.float32(1)
    net = session.open("celeba_labels", threads)
    told = net.run(None, {"picture": picture[None]})[0][0][_STEADY]
    cells = cut.reshape(4, _SIDE // 4, 4, _SIDE // 4, 3).mean((1, 3)).astype(np.float32)
    cells /= max(float(cells.mean()), 1.0)
    return np.concatenate([told, _COLOUR * np.clip(cells, 0, 2).ravel() / 2]).astype(np.float32)


def unlike(a: Plane, b: Plane) -> float:
    """How different two faces' traits are; up to 0.2 they may be one person's."""
    count = len(_STEADY)
    named, colours = np.abs(a[:count] - b[:count]), np.abs(a[count:] - b[count:])
    return float(0.5 * named.mean() + 0.5 * colours.mean())


def known(people: list[Person], found: list[Plane]) -> list[Person | None]:
    """For the traits of each face of a frame the person, or None for somebody new; nobody twice."""
    pairs = sorted(
        (unlike(person.traits, one), i, k)
        for i, one in enumerate(found)
        for k, person in enumerate(people)
    )
    out: list[Person | None] = [None] * len(found)
    taken: set[int] = set()
    for apart, i, k in pairs:
        if apart <= _ALIKE and out[i] is None and k not in taken:
            out[i] = people[k]
            taken.add(k)
    return out


def beside(face: Face, other: Face) -> float:
    """How far two faces are apart, in eye distances; infinite where their sizes cannot be one's."""
    ratio = face.iod / max(other.iod, 1e-6)
    if not 0.6 < ratio < 1.67:
        return math.inf
    return math.dist(face.centre, other.centre) / max(face.iod, other.iod)
