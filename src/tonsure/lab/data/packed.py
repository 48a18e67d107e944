"""A set packed once: cropped, made small, uint8, opened as a memory map.

A pack is a folder of `pictures.npy` (N, H, W, 3) uint8 and `labels.npz` (names, labels, parts, and
how it was made). `pictures.npy` is written under another name and renamed when it is whole. In its
place there may be a `pictures.npz` of compressed ones (`data.compressed`).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tonsure.crops import cut, resize
from tonsure.errors import BadOption, UnwritableOutput
from tonsure.lab.config import Config, check_attributes
from tonsure.lab.data import compressed, disk, split
from tonsure.lab.data.labels import BadList
from tonsure.lab.data.source import Source, find

Bytes = npt.NDArray[np.uint8]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Packed:
    """`pictures` (N, H, W, 3) uint8, a memory map; `labels` (N, C) float32 of 0/1 for `attributes`;
    `parts` (N,) of the split; `files` (N,) names."""

    pictures: Bytes
    labels: npt.NDArray[np.float32]
    attributes: tuple[str, ...]
    parts: npt.NDArray[np.int8]
    files: npt.NDArray[np.str_]

    def rows(self, part: int) -> npt.NDArray[np.int64]:
        """Rows of a part of the split."""
        return np.nonzero(self.parts == part)[0]

    def held_out(self) -> npt.NDArray[np.int64]:
        """Rows to look at: validation, else test, else the last ones of all."""
        for part in (split.VAL, split.TEST):
            if len(rows := self.rows(part)):
                return rows
        return np.arange(max(0, len(self.parts) - 64), len(self.parts))

    def examined(self) -> tuple[str, npt.NDArray[np.int64]]:
        """Which part published figures are measured on, and its rows: test, else `held_out`."""
        if len(rows := self.rows(split.TEST)):
            return "test", rows
        return ("val" if len(self.rows(split.VAL)) else "the last rows"), self.held_out()


def recipe(config: Config) -> dict[str, Any]:
    """What decides the pixels of a pack."""
    n, d = config.network, config.data
    return {"height": n.height, "width": n.width, "crop": d.crop, "filter": d.filter}


def is_pack(folder: Path) -> bool:
    there = any((folder / name).exists() for name in ("pictures.npy", compressed.NAME))
    return there and (folder / "labels.npz").exists()


def pack(
    config: Config, folder: Path, out: Path, *, listed: Path | None = None,
    quality: int | None = None, tell: Tell = print, bar: bool = False,
) -> None:  # fmt: skip
    """Pack the set in `folder` for `config` into `out`: all labels, all parts; with a `quality`, as
    WebP.

    Lists and names are checked first, then every picture is decoded: whatever is wrong is said
    with file and line before any training.
    """
    source = find(folder, listed)
    check_attributes(config, source.labels.attributes)
    parts = split.parts(config.data.split, source.labels.files, source.numbers, source.partition)
    n, began, fresh = len(source), time.perf_counter(), not out.exists()
    size = config.network.height, config.network.width
    try:
        out.mkdir(parents=True, exist_ok=True)
        progress = _Progress(n, tell if bar else None)
        if quality is not None:
            compressed.write(
                out / compressed.NAME, n, lambda row: view(source, row, config), quality,
                progress.at,
            )  # fmt: skip
            _write_labels(out / "labels.npz", source, parts, config)
        else:
            with disk.array(out / "pictures.npy", (n, *size, 3)) as pictures:
                _fill(pictures, source, config, progress)
                _write_labels(out / "labels.npz", source, parts, config)
    except OSError as error:
        raise UnwritableOutput(f"{out} cannot be written: {error.strerror or error}.") from None
    finally:
        if not is_pack(out):
            (out / "labels.npz").unlink(missing_ok=True)
            if fresh and out.is_dir() and not any(out.iterdir()):
                out.rmdir()
    seconds = time.perf_counter() - began
    shares = ", ".join(
        f"{int((parts == part).sum())} {name}"
        for part, name in enumerate(("train", "val", "test", "unused")) if (parts == part).any()
    )  # fmt: skip
    tell(f"\n{n} pictures ({shares}) packed in {seconds:.0f} s: {out}\n")


class _Progress:
    """A bar, a few times a second; `tell` gets it, or nobody."""

    def __init__(self, count: int, tell: Tell | None) -> None:
        self.count, self.tell = count, tell
        self.began, self.last = time.perf_counter(), 0.0

    def at(self, done: int) -> None:
        now = time.perf_counter()
        if self.tell is None or (now - self.last <= 0.5 and done < self.count):
            return
        self.last, rate = now, done / (now - self.began)
        self.tell(
            f"\r[{'#' * round(30 * done / self.count):30}] {done}/{self.count}, {rate:.0f} "
            f"pictures/s, {(self.count - done) / rate:.0f} s left "
        )


def _fill(pictures: Bytes, source: Source, config: Config, progress: _Progress) -> None:
    """Decode all pictures, several at a time."""

    def one(row: int) -> int:
        pictures[row] = view(source, row, config)
        return row

    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        for done, _ in enumerate(pool.map(one, range(len(source))), 1):
            progress.at(done)
    finally:
        pool.shutdown(cancel_futures=True)


def _write_labels(path: Path, source: Source, parts: npt.NDArray[np.int8], config: Config) -> None:
    numbers, partition = source.numbers or {}, source.partition or {}
    stems = [Path(name).stem for name in source.labels.files]
    disk.arrays(
        path,
        attributes=np.array(source.labels.attributes), labels=source.labels.values,
        files=np.array(source.labels.files), parts=parts,
        celeba=np.array([numbers.get(stem, -1) for stem in stems]),
        partition=np.array([partition.get(stem, -1) for stem in stems]),
        recipe=json.dumps(recipe(config)),
    )  # fmt: skip


def view(source: Source, row: int, config: Config) -> Bytes:
    """One picture as the network sees it, (H, W, 3) uint8."""
    size = (config.network.height, config.network.width)
    try:
        return resize(cut(source.picture(row), config.data.crop), size, config.data.filter)
    except BadOption as error:
        raise BadList(f"{source.labels.place(row)}: {source.labels.files[row]}: {error}") from None


def open(folder: Path, config: Config) -> Packed:
    """A pack, for the attributes and the split of `config`; `BadOption` if it was packed for
    another size or crop, or that is none."""
    if not is_pack(folder):
        raise BadOption(
            f"{folder} is no pack (it has no {'labels.npz' if folder.is_dir() else 'files'}); "
            "tonsure lab prepare makes one."
        )
    found = np.load(folder / "labels.npz")
    made, wanted = json.loads(str(found["recipe"])), recipe(config)
    other = [f"{key} {made[key]}, not {wanted[key]}" for key in wanted if made[key] != wanted[key]]
    if other:
        raise BadOption(
            f"{folder} was packed with {'; '.join(other)}; pack the set anew for this preset."
        )
    names: Sequence[str] = [str(name) for name in found["attributes"]]
    check_attributes(config, names)
    columns = [list(names).index(name) for name in config.network.attributes]
    files = [str(name) for name in found["files"]]
    stems = [Path(name).stem for name in files]
    partition = (
        dict(zip(stems, found["partition"].tolist(), strict=True))
        if found["partition"].min() >= 0 else None
    )  # fmt: skip
    numbers = (
        dict(zip(stems, found["celeba"].tolist(), strict=True))
        if found["celeba"].min() >= 0 else None
    )  # fmt: skip
    pictures = (
        np.load(folder / "pictures.npy", mmap_mode="r")
        if (folder / "pictures.npy").exists() else compressed.read(folder / compressed.NAME)
    )  # fmt: skip
    return Packed(
        pictures,
        found["labels"][:, columns].astype(np.float32), config.network.attributes,
        split.parts(config.data.split, files, numbers, partition), found["files"],
    )  # fmt: skip
