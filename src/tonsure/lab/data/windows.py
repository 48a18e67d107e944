"""What the bare net trains on: the tool's own view of every face, as low-resolution planes.

The tool's rooms make them (scene, parser, outline), so that training sees what use will see.
Per set `win_SET_*.npy`: `rgb` (N, 192, 192, 3), `cls` (N, 192, 192) the parser's class or 255
outside the picture, `hair`, `head`, `oval`, `smooth` (N, 192, 192) 0..255, `idx` (N,) the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.faces import Face
from tonsure.hair.classes import HAIR
from tonsure.hair.parse import parse
from tonsure.head import bare, evidence, features, outline
from tonsure.lab.data import disk
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, look

Bytes = npt.NDArray[np.uint8]
Job = tuple[Bytes, npt.NDArray[np.float32]]

_DENSITY = 40.0
OUTSIDE = 255
KINDS = ("rgb", "cls", "hair", "head", "oval", "smooth")


def window(job: Job) -> dict[str, Bytes]:
    """The planes of one picture (H, W, 3) and its mesh (468, 3)."""
    pixels, points = job
    face = Face((0.0, 0.0, 1.0, 1.0), points.astype(np.float32), 1.0, 1.0, 0.0)
    scene = look(pixels, face, _DENSITY, 1)
    classes = parse(scene)
    skull = outline.radii(scene.mesh, *evidence.along(scene, classes))
    rim = outline.contour(scene.mesh, skull, evidence.cheeks(scene, classes))
    oval = features.oval(scene)
    head = np.maximum(scene.polygon(rim), oval)
    smooth = features.smooth_skin(classes, features.interrupted(scene, classes))
    kind = np.where(scene.inside > 0.5, classes.argmax(-1), OUTSIDE).astype(np.uint8)
    out = {
        "rgb": _cut(scene, scene.rgb.round().astype(np.uint8), 0),
        "cls": _cut(scene, kind, OUTSIDE, nearest=True),
    }
    planes = {"hair": classes[..., HAIR], "head": head, "oval": oval, "smooth": smooth}
    for name, plane in planes.items():
        out[name] = _cut(scene, (plane * 255).round().clip(0, 255).astype(np.uint8), 0)
    return out


def _cut(scene: Any, plane: Bytes, outside: int, *, nearest: bool = False) -> Bytes:
    """The bare net's window of a plane of the scene."""
    step = scene.unit / bare.DENSITY
    left = EYES_MIDDLE[0] + (bare.CENTRE[0] - 3.0) * EYE_DISTANCE
    top = EYES_MIDDLE[1] + (bare.CENTRE[1] - 3.0) * EYE_DISTANCE
    x, y = (left - scene.box[0]) * scene.scale, (top - scene.box[1]) * scene.scale
    how = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    size = (bare.SIDE, bare.SIDE)
    image = Image.fromarray(plane)
    data = (step, 0.0, x, 0.0, step, y)
    fill: Any = (outside,) * 3 if plane.ndim == 3 else outside
    return np.asarray(image.transform(size, Image.Transform.AFFINE, data, how, fillcolor=fill))


def windows(
    name: str,
    jobs: Iterable[Job],
    rows: npt.NDArray[np.int64],
    out: Path,
    workers: int = 2,
    tell: Callable[[str], None] = print,
) -> None:
    """Write set `name` of pictures `jobs`, whose rows are `rows`, into folder `out`."""
    count, side = len(rows), bare.SIDE
    with ExitStack() as stack, ProcessPoolExecutor(workers) as pool:
        files = {
            kind: stack.enter_context(
                disk.array(
                    out / f"win_{name}_{kind}.npy",
                    (count, side, side, 3) if kind == "rgb" else (count, side, side),
                )
            )
            for kind in KINDS
        }
        for k, planes in enumerate(pool.map(window, jobs, chunksize=16)):
            for kind in KINDS:
                files[kind][k] = planes[kind]
            if k % 1000 == 999:
                tell(f"{name}: {k + 1} of {count}")
    # the rows come last: with them the set is whole
    np.save(out / f"win_{name}_idx.npy", rows)


def pack(folder: Path, count: int = 7000, workers: int = 2) -> None:
    """The sets `celeba` (all bald of train and `count` others) and `mask` from packed data."""
    packed = np.load(folder / "celeba.npz")
    images = np.load(folder / "celeba_img.npy", mmap_mode="r")
    names = list(packed["attr_names"])
    usable = (packed["part"] == 0) & (packed["flag"] > 0.5)
    usable &= packed["attr"][:, names.index("Wearing_Hat")] != 1
    bald = (packed["attr"][:, names.index("Bald")] == 1) | packed["clean"]
    others = np.random.default_rng(0).permutation(np.nonzero(usable & ~bald)[0])[:count]
    rows = np.concatenate([np.nonzero(usable & bald)[0], np.sort(others)])
    points = packed["lm"]
    windows("celeba", ((np.asarray(images[k]), points[k]) for k in rows), rows, folder, workers)
    masks = np.load(folder / "cm_train.npz")
    pictures, meshes = masks["img"], masks["lm"]
    rows = np.nonzero((masks["flag"] > 0.5) & ((masks["lab"] == 3).mean((1, 2)) < 0.01))[0]
    windows("mask", ((pictures[k], meshes[k]) for k in rows), rows, folder, workers)
