"""Editing a photo's face through a StyleGAN2: found in w+, moved along a direction, laid back.

For the editor this is a generator like any other (`tonsure.generator`): it sees the aligned crop,
and the change between the found face and the moved one is warped into the photo, so that what the
network cannot make stays as the photo has it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure import crops
from tonsure.attributes import index
from tonsure.editor import Editor
from tonsure.errors import BadOption, OutputExists
from tonsure.faces import Face, Frame, choose
from tonsure.generator import MOST, Generator, View
from tonsure.lab import accuracy, identity, latent, sample
from tonsure.lab.directions import Direction
from tonsure.lab.evaluate import judge as judges
from tonsure.lab.latent import Faces, Inverted, Made
from tonsure.lab.tasks.stylegan import to_bytes
from tonsure.photo.formats import of_path
from tonsure.planes import Plane

Bytes = npt.NDArray[np.uint8]

_STRIP = 256  # px of a strip's tiles


@dataclass(frozen=True, eq=False)
class Found(View):
    """A face of a photo as StyleGAN2 has found it."""

    crop: Bytes
    inverted: Inverted


class Latent(Generator):
    """A StyleGAN2 and one direction, for `Editor.generator`."""

    def __init__(self, faces: Faces, known: Made, towards: Direction, steps: int) -> None:
        side = faces.net.shape.size
        super().__init__(
            faces.file, (towards.name,), "w", 1.0, faces.crop, faces.filter, (side, side), {}, None,
            None,  # torch runs it
        )  # fmt: skip
        self.faces, self.known, self.towards, self.steps = faces, known, towards, steps

    def look(self, pixels: Bytes, face: Face, source: Plane | None = None) -> Found:
        frame = Frame.of(face)
        crop = cut(pixels, frame, self.crop, self.filter, self.size[0])
        inverted = latent.inverted(self.faces, self.known, crop, steps=self.steps)
        picture = crop.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
        same = inverted.picture.astype(np.float32)
        return Found(frame, picture, np.zeros(1, np.float32), same, crop, inverted)

    def edit(self, view: View, d: npt.ArrayLike) -> Plane:
        assert isinstance(view, Found)
        degree = float(np.asarray(d).ravel()[0])
        made = latent.moved(self.faces, view.inverted.ws, self.towards.vector, degree)
        return np.asarray(to_bytes(made)[0], np.float32)

    def difference(self, view: View, changes: Mapping[str, float]) -> Plane:
        return np.array([changes.get(self.towards.name, 0.0)], np.float32)


def cut(pixels: Bytes, frame: Frame, crop: str, resampling: str, size: int) -> Bytes:
    """A face as the network has learnt it, (size, size, 3)."""
    x0, y0, x1, y1 = (float(v) for v in crops.box(crop))
    # as CelebA's pictures were made small; beyond their size, from the photo itself
    scale = max(1.0, size / (x1 - x0))
    return crops.resize(frame.cut(pixels, scale, (x0, y0, x1, y1)), (size, size), resampling)


def edit(
    photo: Path, run: Path, out: Path, *, name: str, degree: float, keeping: Sequence[str] = (),
    steps: int = 400, count: int = 2000, strip: Path | None = None, overwrite: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Change one attribute of the largest face of `photo` by `degree`, and write it to `out`.

    `strip` gets the aligned face, the face as it was found, and the changed one side by side.
    Returns what was measured. Raises what `Editor.open` and `Shot.edit` do, and `BadOption`.
    """
    if not -MOST <= degree <= MOST:
        raise BadOption(f"--degree is {degree:g}; it goes from -{MOST:g} to {MOST:g}.")
    sees = judges.open()
    for one in (name, *keeping):
        index(one, sees.names)
    if name in keeping:
        raise BadOption(f"{name} cannot change and be kept.")
    if not overwrite and os.path.lexists(out):
        raise OutputExists(f"{out} exists; --overwrite replaces it.")
    of_path(out)
    network = latent.opened(run)
    editor = Editor()
    with editor.open(photo) as shot:
        choose(shot.faces, "largest")  # before the long work
        known = latent.made(network, count)
        towards = known.direction(name, keeping)
        editor.generator = model = Latent(network, known, towards, steps)
        result = shot.edit({name: degree})
        view = shot.view(1)
        assert isinstance(view, Found)
        after = np.clip(model.edit(view, [degree]), 0, 255).astype(np.uint8)
        result.save(out, overwrite=overwrite)
        if strip is not None:
            _strip(strip, [view.crop, view.inverted.picture, after])
        told: dict[str, Any] = {
            "file": str(out), "direction": name, "degree": degree, "step": network.step,
            "boundary_auc": round(towards.auc, 3), "seen_in": towards.seen, "of": count,
            "doubtful": towards.doubtful, "psnr": round(view.inverted.psnr, 2),
        }  # fmt: skip
        column = sees.names.index(name)
        seen = np.stack([view.crop, view.inverted.picture, after])
        views = accuracy.views(accuracy.framed(seen, network.crop), sees)
        likely = sees.balanced(sees.probabilities(views))[:, column]
        told["judge"] = {
            key: round(float(value), 3)
            for key, value in zip(("photo", "found", "changed"), likely, strict=True)
        }
        told["warnings"] = [note.code for note in result.warnings]
        told["identity"] = _drift(shot.photo.eight(), shot.faces[0], view, after, network.crop)
    return told


def _strip(path: Path, tiles: list[Bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    large = [
        np.asarray(Image.fromarray(tile).resize((_STRIP, _STRIP), Image.Resampling.BICUBIC))
        for tile in tiles
    ]
    Image.fromarray(sample.strip(np.stack(large), gap=4)).save(path, "PNG")


def _drift(
    pixels: Bytes, face: Face, view: Found, after: Bytes, crop: str
) -> dict[str, float] | None:
    """Distances between persons (0.6 is dlib's border): the crop as the network sees it to the
    found face, and to the changed one; None where the identity network was never made.

    All three are as small as the network's pictures, so that smallness itself is no difference.
    """
    if not identity.path().is_file():
        return None
    chips = np.stack([_chip(tile, view.frame, face, crop) for tile in
                      (view.crop, view.inverted.picture, after)])  # fmt: skip
    chips = np.concatenate([chips, identity.chip(pixels, face)[None]])
    seen = identity.descriptors(chips)

    def far(a: int, b: int) -> float:
        return round(float(np.linalg.norm(seen[a] - seen[b])), 3)

    return {"photo_small": far(3, 0), "found": far(0, 1), "changed": far(0, 2)}


def _chip(tile: Bytes, frame: Frame, face: Face, crop: str) -> Bytes:
    """A crop's picture as dlib's network wants to see it, by the photo's own landmarks."""
    x0, y0, x1, _ = crops.box(crop)
    scale = tile.shape[1] / (x1 - x0)
    points = (frame.to_frame(face.landmarks) - (x0, y0)) * scale
    return identity.chip(tile, replace(face, landmarks=points.astype(np.float32)))
