"""Arrays on disk that fit or leave nothing: reserved before they are filled, named when whole.

A memory map of a file with holes ends the process with a bus error where the disk is full; these
have none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tonsure.errors import UnwritableOutput


@contextmanager
def array(
    path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8
) -> Iterator[npt.NDArray[Any]]:
    """A new .npy to fill, of `shape` and `dtype`. Under another name until the block ends, gone if
    it fails. `UnwritableOutput` where the disk has no room for it."""
    half = path.with_name(f"{path.stem}.half.npy")
    try:
        with _told(path):
            made: Any = np.lib.format.open_memmap(str(half), "w+", np.dtype(dtype), shape)
            with half.open("rb+") as file:
                size = os.fstat(file.fileno()).st_size
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                elif shutil.disk_usage(path.parent).free < size:
                    raise OSError("the disk is full")
        yield made
        with _told(path):
            made.flush()
            del made
            os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def arrays(path: Path, **values: npt.ArrayLike) -> None:
    """An .npz, whole or not at all. `UnwritableOutput` where it does not fit."""
    half = path.with_name(f"{path.stem}.half.npz")
    try:
        with _told(path):
            with half.open("wb") as file:
                np.savez(file, **values)  # type: ignore[arg-type]  # numpy names its own option
            os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Another name to write a file under: its own when the block ends, gone if it fails.
    `UnwritableOutput` where it does not fit."""
    half = path.with_name(f"{path.stem}.half{path.suffix}")
    try:
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield half
            os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableOutput(f"{path} cannot be written: {error.strerror or error}.") from None
