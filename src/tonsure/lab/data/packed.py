"""A set packed once: cropped, made small, uint8, opened as a memory map.

A pack is a folder of `pictures.npy` (N, H, W, 3) uint8 and `labels.npz` (names, labels, parts, and
how it was made). `pictures.npy` is written under another name and renamed when it is whole.
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
from tonsure.errors import BadOption
from tonsure.lab.config import Config, check_attributes
from tonsure.lab.data import split
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


def recipe(config: Config) -> dict[str, Any]:
    """What decides the pixels of a pack."""
    n, d = config.network, config.data
    return {"height": n.height, "width": n.width, "crop": d.crop, "filter": d.filter}


def is_pack(folder: Path) -> bool:
    return (folder / "pictures.npy").exists() and (folder / "labels.npz").exists()


def pack(
    config: Config, folder: Path, out: Path, *, listed: Path | None = None, tell: Tell = print,
    bar: bool = False,
) -> None:  # fmt: skip
    """Pack the set in `folder` for `config` into `out`: all labels, all parts.

    Lists and names are checked first, then every picture is decoded: whatever is wrong is said
    with file and line before any training.
    """
    source = find(folder, listed)
    check_attributes(config, source.labels.attributes)
    parts = split.parts(config.data.split, source.labels.files, source.numbers, source.partition)
    out.mkdir(parents=True, exist_ok=True)
    size = (config.network.height, config.network.width)
    half, n = out / "pictures.half.npy", len(source)
    pictures = np.lib.format.open_memmap(half, "w+", np.uint8, (n, *size, 3))
    began, last = time.perf_counter(), 0.0

    def one(row: int) -> int:
        pictures[row] = view(source, row, config)
        return row

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, _ in enumerate(pool.map(one, range(n)), 1):
            now = time.perf_counter()
            if bar and (now - last > 0.5 or done == n):
                last = now
                rate = done / (now - began)
                share = "#" * round(30 * done / n)
                tell(
                    f"\r[{share:30}] {done}/{n}, {rate:.0f} pictures/s, "
                    f"{(n - done) / rate:.0f} s left "
                )
    pictures.flush()
    numbers = source.numbers or {}
    np.savez(
        out / "labels.npz",
        attributes=np.array(source.labels.attributes), labels=source.labels.values,
        files=np.array(source.labels.files), parts=parts,
        celeba=np.array([numbers.get(Path(f).stem, -1) for f in source.labels.files]),
        partition=np.array(
            [(source.partition or {}).get(Path(f).stem, -1) for f in source.labels.files]
        ),
        recipe=json.dumps(recipe(config)),
    )  # fmt: skip
    os.replace(half, out / "pictures.npy")
    seconds = time.perf_counter() - began
    shares = ", ".join(
        f"{int((parts == part).sum())} {name}"
        for part, name in enumerate(("train", "val", "test", "unused")) if (parts == part).any()
    )  # fmt: skip
    tell(f"\n{n} pictures ({shares}) packed in {seconds:.0f} s: {out}\n")


def view(source: Source, row: int, config: Config) -> Bytes:
    """One picture as the network sees it, (H, W, 3) uint8."""
    size = (config.network.height, config.network.width)
    try:
        return resize(cut(source.picture(row), config.data.crop), size, config.data.filter)
    except BadOption as error:
        raise BadList(f"{source.labels.place(row)}: {source.labels.files[row]}: {error}") from None


def open(folder: Path, config: Config) -> Packed:
    """A pack, for the attributes and the split of `config`; `BadOption` if it was packed for
    another size or crop."""
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
    return Packed(
        np.load(folder / "pictures.npy", mmap_mode="r"),
        found["labels"][:, columns].astype(np.float32), config.network.attributes,
        split.parts(config.data.split, files, numbers, partition), found["files"],
    )  # fmt: skip
