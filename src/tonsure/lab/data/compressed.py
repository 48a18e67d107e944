"""Pictures of a pack as WebP in one file, to take a set to a machine that is rented for minutes.

14,500 pictures of 128 px are 713 MB as numbers, and some 50 MB so at quality 85. They are decoded
into memory when the pack is opened; what the compression takes (38 dB are left) is a loss: figures
are measured on a pack of numbers.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.errors import BadOption
from tonsure.lab.data import disk

Bytes = npt.NDArray[np.uint8]

NAME = "pictures.npz"


def write(
    path: Path, count: int, picture: Callable[[int], Bytes], quality: int,
    done: Callable[[int], None],
) -> None:  # fmt: skip
    """`count` pictures (H, W, 3), told by their number, into one file; whole or not at all.

    `quality` is WebP's, 1 to 100; `done` hears how many are.
    """
    if not 1 <= quality <= 100:
        raise BadOption(f"--quality is 1 to 100, not {quality}.")

    def encoded(row: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(picture(row)).save(buffer, "WEBP", quality=quality, method=4)
        return buffer.getvalue()

    parts = []
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        for data in pool.map(encoded, range(count)):
            parts.append(data)
            done(len(parts))
    finally:
        pool.shutdown(cancel_futures=True)
    ends = np.cumsum([len(data) for data in parts])
    disk.arrays(path, bytes=np.frombuffer(b"".join(parts), np.uint8), ends=ends)


def read(path: Path) -> Bytes:
    """All pictures, (N, H, W, 3), in memory. `BadOption` for a file that is damaged."""
    try:
        # opened here: numpy leaves a damaged file open
        with path.open("rb") as file, np.load(file) as found:
            data, ends = found["bytes"].tobytes(), found["ends"].tolist()
        if ends[-1] != len(data):
            raise ValueError("it is cut off")
        starts = [0, *ends[:-1]]

        def decoded(k: int) -> Bytes:
            with Image.open(io.BytesIO(data[starts[k] : ends[k]])) as opened:
                return np.asarray(opened.convert("RGB"))

        out = np.empty((len(ends), *decoded(0).shape), np.uint8)

        def place(k: int) -> None:
            out[k] = decoded(k)

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for _ in pool.map(place, range(len(ends))):
                pass
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise BadOption(f"{path} is damaged ({error}); pack the set anew.") from None
    return out
