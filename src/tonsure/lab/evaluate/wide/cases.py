"""Made cases: a long-haired person's hair on somebody whose neck and shoulders were seen before."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.errors import BadOption
from tonsure.faces import Face
from tonsure.lab.evaluate.wide.cutout import Cutout, cut, laid, refined, similarity
from tonsure.lab.evaluate.wide.look import UNKNOWN, Sitter, truth
from tonsure.lab.evaluate.wide.people import Bytes, Garment
from tonsure.planes import Plane, grow

AHEAD = 0.42
"""Most that a face of a case may be turned, see `Sitter.turn`."""
_USES = 3  # of one donor at most
_LEAST = 0.4  # squared eye distances hidden below the chin


@dataclass(frozen=True)
class Case:
    """One made case.

    Attributes
    ----------
    name : "TARGET--DONOR", "-m" behind a mirrored donor.
    made, truth : (H, W, 3) uint8, with the donor's hair and before.
    hole : (H, W) bool, where the hair hid what is not the person's own hair.
    classes : (H, W) uint8, numbers of `look.NAMES` or `UNKNOWN`, of the truth.
    face : the person's.
    """

    name: str
    made: Bytes
    truth: Bytes
    hole: npt.NDArray[np.bool_]
    classes: npt.NDArray[np.uint8]
    face: Face

    @property
    def below(self) -> npt.NDArray[np.bool_]:
        """Rows below the chin, (H, 1)."""
        return np.asarray(
            np.arange(self.hole.shape[0])[:, None] > float(self.face.landmarks[152, 1])
        )

    def write(self, folder: Path) -> None:
        """Into `folder`: NAME.made.png, .truth.png, .hole.png, .classes.png and .json."""
        folder.mkdir(parents=True, exist_ok=True)
        hole = self.hole.astype(np.uint8) * 255
        planes = {"made": self.made, "truth": self.truth, "hole": hole, "classes": self.classes}
        for key, plane in planes.items():
            Image.fromarray(plane).save(folder / f"{self.name}.{key}.png")
        face = self.face
        told = {
            "box": [round(float(v), 2) for v in face.box], "score": float(face.score),
            "flag": float(face.flag), "roll": float(face.roll),
            "landmarks": [[round(float(v), 2) for v in row] for row in face.landmarks],
        }  # fmt: skip
        (folder / f"{self.name}.json").write_text(json.dumps(told), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, name: str) -> Case:
        """The case of that name in `folder`. Raises `BadOption`."""

        def plane(key: str) -> npt.NDArray[np.uint8]:
            with Image.open(folder / f"{name}.{key}.png") as image:
                return np.array(image)

        try:
            told = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            made, clean, hole, classes = (plane(k) for k in ("made", "truth", "hole", "classes"))
        except (OSError, ValueError) as error:
            raise BadOption(f"The case {name} in {folder} cannot be read: {error}") from error
        x0, y0, x1, y1 = told["box"]
        landmarks = np.array(told["landmarks"], np.float32)
        face = Face((x0, y0, x1, y1), landmarks, told["score"], told["flag"], told["roll"])
        return cls(name, made, clean, hole > 127, classes, face)


def names(folder: Path) -> list[str]:
    """The cases that lie in `folder`, by name."""
    return sorted(path.name.removesuffix(".truth.png") for path in folder.glob("*.truth.png"))


def is_target(sitter: Sitter) -> bool:
    """Whether a case can be made of this person: alone, looking ahead, bareheaded, no hair below
    the chin, and seen to well below it."""
    rows = sitter.person.pixels.shape[0]
    return (
        sitter.count == 1
        and abs(sitter.turn) < AHEAD
        and sitter.hat < 0.25
        and sitter.below < 0.12
        and rows - sitter.chin > 1.2 * sitter.unit
    )


def is_donor(sitter: Sitter) -> bool:
    """Whether this person's hair can be laid on somebody: looking ahead, bareheaded, hair to the
    shoulders."""
    return (
        sitter.count == 1
        and abs(sitter.turn) < AHEAD
        and sitter.hat < 0.25
        and sitter.below > 0.8
        and sitter.agreed > 0.75
    )


def hair_of(sitter: Sitter) -> Cutout:
    """The person's hair, cut out."""
    alpha = refined(sitter.own, sitter.person.pixels, sitter.unit)
    return cut(sitter.person.pixels, alpha, sitter.eyes, sitter.light)


def make(
    targets: Sequence[Sitter],
    donors: Sequence[Sitter],
    classes: Callable[[Sitter], tuple[Plane, npt.NDArray[np.bool_]]],
    *,
    count: int = 72,
    seed: int = 0,
) -> Iterator[Case]:
    """At most `count` cases, as many of each target as of the others, drawn with `seed`.

    Parameters
    ----------
    targets, donors : see `is_target` and `is_donor`.
    classes : the parser's view of a target, see `look.parsed`.
    """
    if not targets or not donors:
        raise BadOption(
            "No case can be made: the part has nobody with long hair, or nobody to lay it on."
        )
    draw = random.Random(seed)
    uses = dict.fromkeys((donor.person.name for donor in donors), 0)
    cutouts: dict[str, Cutout] = {}
    orders = {target.person.name: draw.sample(range(2 * len(donors)), 2 * len(donors))
              for target in targets}  # fmt: skip
    taken: dict[str, set[str]] = {target.person.name: set() for target in targets}
    made = 0
    for _ in range(-(-count // len(targets))):
        for target in targets:
            if made == count:
                return
            name = target.person.name
            while orders[name]:
                number = orders[name].pop()
                donor, turned = donors[number // 2], number % 2 == 1
                key = donor.person.name
                if uses[key] >= _USES or key in taken[name] or not _fits(target, donor, turned):
                    continue
                if key not in cutouts:
                    cutouts[key] = hair_of(donor)
                case = lay(target, donor, cutouts[key], turned, classes)
                if case is not None:
                    uses[key] += 1
                    taken[name].add(key)
                    made += 1
                    yield case
                    break


def lay(
    target: Sitter,
    donor: Sitter,
    hair: Cutout,
    mirrored: bool,
    classes: Callable[[Sitter], tuple[Plane, npt.NDArray[np.bool_]]],
) -> Case | None:
    """The case of the two, or None where the hair would end in a straight line or hides too little
    below the chin."""
    hair = hair.mirrored() if mirrored else hair
    if _cut_off(hair, target) > 0.2:
        return None
    pixels = target.person.pixels
    made, alpha = laid(hair, pixels, target.eyes, target.light, target.grey)
    own = (target.hair > 0.3) | target.person.labelled(Garment.HAIR)
    own = grow(own.astype(np.float32), 0.1 * target.unit) > 0.5
    hole = (alpha > 0.5) & ~own
    rows = np.arange(pixels.shape[0])[:, None] > target.chin
    if float((hole & rows).sum()) < _LEAST * target.unit**2:
        return None
    clean = truth(target.person, *classes(target))
    hole &= clean != UNKNOWN
    name = f"{target.person.name}--{donor.person.name}{'-m' if mirrored else ''}"
    return Case(name, made, pixels, hole, clean, target.face)


def _fits(target: Sitter, donor: Sitter, mirrored: bool) -> bool:
    """Whether the two look the same way, and the donor's photo is fine enough."""
    turn = -donor.turn if mirrored else donor.turn
    zoom = target.unit / donor.unit
    return abs(turn - target.turn) < 0.25 and zoom < 1.5 and not (donor.grey and not target.grey)


def _cut_off(hair: Cutout, target: Sitter) -> float:
    """Length, in the target's eye distances, of the hair's ends at its photo's border that would
    be seen well within the target's."""
    z, t = similarity(hair.eyes, target.eyes)
    ring = np.zeros_like(hair.alpha, dtype=bool)
    ring[[0, -1]] = ring[:, [0, -1]] = True
    ys, xs = np.nonzero(ring & (np.maximum(hair.alpha, _inner(hair.alpha)) > 0.3))
    there = z * (xs + 0.5 + 1j * (ys + 0.5)) + t
    rows, columns = target.person.pixels.shape[:2]
    margin = 0.1 * target.unit
    inside = (there.real > margin) & (there.real < columns - margin)
    inside &= (there.imag > margin) & (there.imag < rows - margin)
    return float(inside.sum()) * abs(z) / target.unit


def _inner(alpha: Plane) -> Plane:
    """The ring two pixels further in, on the border: mattes are thin at the very edge."""
    out = np.zeros_like(alpha)
    out[0], out[-1] = alpha[2], alpha[-3]
    out[:, 0], out[:, -1] = (
        np.maximum(out[:, 0], alpha[:, 2]), np.maximum(out[:, -1], alpha[:, -3]),
    )  # fmt: skip
    return out
