"""Packing CelebA and CelebAMask-HQ once, landmarks included, for the product's own networks.

`masks` writes what the parser, the hat net and the judge train on, `windows` (after a parser
exists) what the bare net trains on. Everything is uint8 in plain NumPy files that are opened as
memory maps.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure import faces
from tonsure.faces.detect import Found, Pyramid
from tonsure.faces.landmarks import mesh
from tonsure.lab.data import disk
from tonsure.lab.data.labels import BadList

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

MASK_SIDE = 256
_CLASS_OF = np.array([0, 1, 1, 7, 1, 1, 1, 1, 4, 4, 1, 1, 1, 2, 3, 8, 8, 5, 6], np.uint8)
"""CelebAMask-HQ's 19 numbers -> the parser's nine classes."""
_SIZE = (178, 218)


def landmarks(pixels: Bytes) -> tuple[Floats, float]:
    """(468, 3) and flag of an aligned CelebA picture of any scale: no detector is needed."""
    scale = pixels.shape[1] / _SIZE[0]
    found = Found(complex(88.8, 128.0) * scale, 82.0 * scale, 1.0, 1 + 0j)
    one = mesh(Pyramid(pixels), [found], 1)[0]
    return one.points, one.flag


def person(pixels: Bytes) -> Bytes:
    """(H, W) uint8: how surely a pixel belongs to a person."""
    from tonsure.models import session

    small = Image.fromarray(pixels).resize((256, 256), Image.Resampling.BILINEAR)
    batch = np.asarray(small, np.float32)[None] / 255
    mask = session.open("person_mask", 1).run(None, {"image": batch})[0][0]
    size = (pixels.shape[1], pixels.shape[0])
    whole = Image.fromarray((mask * 255).round().astype(np.uint8)).resize(size)
    return np.asarray(whole)


def celeba(folder: Path, out: Path, workers: int, tell: Callable[[str], None]) -> None:
    """`celeba.npz` and `celeba_img.npy` (N, 218, 178, 3) from the tars and lists of `folder`."""
    lines = _lines(folder / "list_attr_celeba.txt")
    names = lines[1].split()
    rows = {line.split()[0][:-4]: line.split()[1:] for line in lines[2:]}
    parts = dict(line.split() for line in _lines(folder / "list_eval_partition.txt"))
    clean = {line[:-4] for line in _lines(folder / "bald-clean.txt")}
    tars = sorted(folder.glob("train-*.tar")) + sorted(folder.glob("val-*.tar"))
    if not tars:
        raise BadList(f"There are no train-*.tar and val-*.tar of CelebA in {folder}.")
    ids = [Path(name).stem for tar in tars for name, _ in _members(tar)]
    unknown = next((i for i in ids if i not in rows or f"{i}.jpg" not in parts), None)
    if unknown is not None:
        raise BadList(f"The lists of {folder} have no line for {unknown}.")
    pictures = (_decode(data) for tar in tars for _, data in _members(tar))
    with disk.array(out / "celeba_img.npy", (len(ids), _SIZE[1], _SIZE[0], 3)) as filled:
        for k, picture in enumerate(pictures):
            filled[k] = picture
    images = np.load(out / "celeba_img.npy", mmap_mode="r")
    attributes = np.array([[int(v) for v in rows[i]] for i in ids], np.int8)
    tell(f"{len(ids)} CelebA pictures; landmarks ...")
    points, flags = _all_landmarks((np.asarray(x) for x in images), workers)
    marked = np.array([i in clean for i in ids])
    bald, hat = (attributes[:, names.index(k)] == 1 for k in ("Bald", "Wearing_Hat"))
    masked = np.nonzero(bald | marked | hat)[0]
    half = [(Path(n).stem, _decode(d)) for n, d in _members(folder / "bald-half-size.tar")]
    meshes, sure = _all_landmarks((p for _, p in half), workers)
    disk.arrays(
        out / "lm_bald_half.npz", names=np.array([n for n, _ in half]), lm=meshes, flag=sure
    )
    disk.arrays(
        out / "celeba.npz", names=np.array(ids), attr_names=np.array(names), attr=attributes,
        part=np.array([int(parts[f"{i}.jpg"]) for i in ids]), lm=points, flag=flags,
        clean=marked, masked=masked, person=np.stack([person(images[k]) for k in masked]),
    )  # fmt: skip


def celebamask(folder: Path, out: Path, tell: Callable[[str], None]) -> None:
    """`cm_train.npz` and `cm_test.npz`: pictures and classes (N, 256, 256), landmarks, flags."""
    for part in ("train", "test"):
        found: dict[str, dict[str, bytes]] = {}
        for name, data in _members(folder / f"{part}.tar"):
            found.setdefault(Path(name).stem, {})[Path(name).suffix] = data
        images, labels, points, flags = [], [], [], []
        for key in sorted(found):
            large = _decode(found[key][".webp"])
            numbers = np.asarray(Image.open(io.BytesIO(found[key][".png"])))
            seen = faces.find(large, threads=1)
            best = max(seen, key=lambda f: f.height) if seen else None
            factor = large.shape[0] // MASK_SIDE
            images.append(np.asarray(Image.fromarray(large).reduce(factor)))
            labels.append(_majority(_CLASS_OF[numbers], factor))
            points.append(best.landmarks / factor if best else np.zeros((468, 3), np.float32))
            flags.append(best.flag if best else 0.0)
        disk.arrays(
            out / f"cm_{part}.npz", ids=np.array(sorted(found)), img=np.stack(images),
            lab=np.stack(labels), lm=np.stack(points), flag=np.array(flags),
        )  # fmt: skip
        tell(f"{len(images)} CelebAMask pictures ({part}), {sum(f <= 0.5 for f in flags)} no face")


def masks(data: Path, out: Path, workers: int = 2, tell: Callable[[str], None] = print) -> None:
    """Both sets, `data/celeba` and `data/celebamask`, into `out`; what is there already stays."""
    out.mkdir(parents=True, exist_ok=True)
    if not all((out / f"cm_{part}.npz").exists() for part in ("train", "test")):
        celebamask(data / "celebamask", out, tell)
    if not (out / "celeba.npz").exists():
        celeba(data / "celeba", out, workers, tell)
    for name in ("identity_CelebA.txt", "bald-half-size.tar"):
        if not (out / name).exists():
            copyfile(data / "celeba" / name, out / name)


def _majority(classes: Bytes, factor: int) -> Bytes:
    """The class most pixels of each `factor` x `factor` block have."""
    height, width = classes.shape[0] // factor, classes.shape[1] // factor
    blocks = classes[: height * factor, : width * factor].reshape(height, factor, width, factor)
    votes = np.stack([(blocks == c).sum((1, 3)) for c in range(9)])
    return np.asarray(votes.argmax(0), np.uint8)


def _all_landmarks(pictures: Iterable[Bytes], workers: int) -> tuple[Floats, Floats]:
    with ProcessPoolExecutor(workers) as pool:
        found: list[Any] = list(pool.map(landmarks, pictures, chunksize=200))
    return np.stack([p for p, _ in found]), np.array([f for _, f in found], np.float32)


def _decode(data: bytes) -> Bytes:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise BadList(f"There is no {path}.")
    return path.read_text().splitlines()


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.is_file():
        raise BadList(f"There is no {path}.")
    with tarfile.open(path) as tar:
        for member in sorted(tar.getmembers(), key=lambda m: m.name):
            file = tar.extractfile(member)
            if file is not None:
                yield member.name, file.read()
