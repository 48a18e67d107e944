"""What an edit costs besides: how real it looks, how far it goes, who it shows, what lies behind.

None of it is the papers' protocol; each figure names the net that it rests on. FID (Heusel et al.
2017) and KID (Binkowski et al. 2018) are of EfficientNet-Lite0's features, not of Inception's, and
the real pictures are the originals of the same people: read them side by side, never beside
published ones. The perceptual distance is made like LPIPS (Zhang et al. 2018), without learned
weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tonsure.errors import ModelMissing
from tonsure.lab import identity
from tonsure.lab.accuracy import by_name
from tonsure.lab.data.pack import landmarks, person
from tonsure.lab.evaluate.wide import features
from tonsure.models import session

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

SIDE = 128
"""Pixels to which pictures are enlarged for the features' net, if they are smaller."""
NETS = {
    "fid": "EfficientNet-Lite0 (ImageNet), 112 features at a sixteenth, mean over places, each by "
    "its spread over the originals",
    "kid": "the same; polynomial kernel of degree 3",
    "perceptual": "EfficientNet-Lite0, four depths, unit features, as LPIPS without weights",
    "identity": "dlib's face recognition net; 0.6 is another person",
    "background": "person_mask of the original; mean change in grey levels of 255",
}
SAME_PERSON = 0.6
_PERSON = 26  # of 255: surely no person below
_LEAST = 0.01  # of the picture, to count as a background at all


def frechet(a: Doubles, b: Doubles) -> float:
    """Frechet distance of two sets of features, (N, F) and (M, F), taken as normal."""
    # atleast_2d: a single feature has a variance, not a matrix
    sa, sb = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    values, vectors = np.linalg.eigh(sa)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ sb @ root), 0, None)).sum()
    apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(apart + np.trace(sa) + np.trace(sb) - 2 * cross)


def kernel_distance(a: Doubles, b: Doubles) -> float:
    """Unbiased squared maximum mean discrepancy of two sets of features, (N, F) and (M, F), with
    the kernel (x y / F + 1)^3; may be a little below 0."""

    def kernel(x: Doubles, y: Doubles) -> Doubles:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    def within(x: Doubles) -> float:
        k = kernel(x, x)
        return float((k.sum() - np.trace(k)) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2 * float(kernel(a, b).mean())


class Looks:
    """FID, KID and perceptual distance, block after block."""

    def __init__(self) -> None:
        features.check()
        self.net = session.open_path(features.path())
        self.pooled: list[Floats] = []
        self.apart: list[Floats] = []

    def add(self, tiles: Bytes, frames: Bytes) -> None:
        """`tiles` (n, T, H, W, 3), the original first."""
        del frames
        for row in tiles:
            seen = row
            if row.shape[1] < SIDE:
                size = (SIDE * row.shape[2] // row.shape[1] // 32 * 32, SIDE)
                seen = np.stack([cv2.resize(x, size, interpolation=cv2.INTER_CUBIC) for x in row])
            found = self.net.run(list(features.OUTPUTS), {"pictures": seen.astype(np.float32)})
            self.pooled.append(found[-1].mean((2, 3)))
            units = [x / np.sqrt((x**2).sum(1, keepdims=True) + 1e-8) for x in found]
            self.apart.append(
                np.mean([((u - u[:1]) ** 2).sum(1).mean((1, 2)) for u in units], axis=0)
            )

    def distances(self) -> dict[str, tuple[list[float], float | None]]:
        """`fid` and `kid` of each further tile, and what two halves of the originals have between
        them, the floor, of four pictures or more. Nothing of fewer than two: one has no spread."""
        pooled = np.stack(self.pooled).astype(np.float64)
        # each feature by its own spread: else the few that are large would be all that counts
        pooled = (pooled - pooled[:, 0].mean(0)) / (pooled[:, 0].std(0) + 1e-8)
        real, n = pooled[:, 0], len(pooled)
        found: dict[str, tuple[list[float], float | None]] = {}
        for key, measure in (("fid", frechet), ("kid", kernel_distance)):
            if n >= 2:
                each = [measure(real, pooled[:, k]) for k in range(1, pooled.shape[1])]
                floor = measure(real[: n // 2], real[n // 2 :]) if n >= 4 else None
                found[key] = each, floor
        return found

    def told(self, names: tuple[str, ...]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for key, (each, floor) in self.distances().items():
            told[key] = _named(names, each)
            if floor is not None:
                told[key]["halves"] = round(floor, 4)
        return told | {"perceptual": _named(names, np.stack(self.apart)[:, 1:].mean(0))}


class Persons:
    """Distance as persons from the original, block after block."""

    def __init__(self) -> None:
        identity.check()
        self.apart: list[Floats] = []

    def add(self, tiles: Bytes, frames: Bytes) -> None:
        """`frames` (n, T, 218, 178, 3) of the tiles, the original first. Where the mesh finds no
        face in the original, the picture is left out."""
        del tiles
        for row in frames:
            points, flag = landmarks(row[0])
            if flag > 0.5:
                found = identity.descriptors(np.stack([identity.chip_at(x, points) for x in row]))
                self.apart.append(np.linalg.norm(found - found[:1], axis=1))

    def told(self, names: tuple[str, ...]) -> dict[str, Any]:
        if not self.apart:
            return {}
        apart = np.stack(self.apart)[:, 1:]
        return {
            "identity": _named(names, apart.mean(0)),
            "other_person": _named(names, (apart > SAME_PERSON).mean(0)),
        }


class Backgrounds:
    """How much changes where the original shows no person, block after block."""

    def __init__(self) -> None:
        self.change: list[Doubles] = []

    def add(self, tiles: Bytes, frames: Bytes) -> None:
        """`tiles` (n, T, H, W, 3), the original first. Pictures without a background do not
        count."""
        del frames
        for row in tiles:
            side = row.shape[1]
            large = cv2.resize(row[0], (256, 256), interpolation=cv2.INTER_CUBIC)
            free: Any = (person(large) < _PERSON).astype(np.uint8)
            free = cv2.erode(free, np.ones((13, 13), np.uint8))  # strands at the rim are no wall
            mask = cv2.resize(free, (row.shape[2], side), interpolation=cv2.INTER_NEAREST) > 0
            if mask.mean() >= _LEAST:
                off = np.abs(row[1:, mask].astype(np.float64) - row[:1, mask])
                self.change.append(off.mean((1, 2)))

    def told(self, names: tuple[str, ...]) -> dict[str, Any]:
        if not self.change:
            return {}
        told = _named(names, np.stack(self.change).mean(0))
        return {"background": told | {"pictures": len(self.change)}}


class Likeness:
    """All of it; what needs a net that is not here is left out, with a sentence."""

    def __init__(self) -> None:
        kinds: dict[str, Callable[[], Looks | Persons | Backgrounds]] = {
            "fid, kid, perceptual": Looks, "identity": Persons, "background": Backgrounds,
        }  # fmt: skip
        self.parts: list[Looks | Persons | Backgrounds] = []
        self.left_out: dict[str, str] = {}
        for name, kind in kinds.items():
            try:
                self.parts.append(kind())
            except ModelMissing as error:
                self.left_out[name] = str(error)

    def add(self, tiles: Bytes, frames: Bytes) -> None:
        """`tiles` (n, 2 + C, H, W, 3): originals, reconstructions and edits; `frames` the same in
        CelebA's frame, (n, 2 + C, 218, 178, 3)."""
        for part in self.parts:
            part.add(tiles, frames)

    def told(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Figures by name: the reconstruction's, the mean of the C edits, each edit's."""
        found: dict[str, Any] = {}
        for part in self.parts:
            found |= part.told(names)
        nets = {name: net for name, net in NETS.items() if name in found}
        out: dict[str, Any] = {**found, "nets": nets}
        return out | ({"left_out": self.left_out} if self.left_out else {})


def _named(names: tuple[str, ...], values: Any) -> dict[str, float]:
    """Of T - 1 tiles: the reconstruction's apart, then the edits by name."""
    first, *rest = (float(v) for v in values)
    return {"reconstruction": round(first, 4)} | by_name(names, rest)
