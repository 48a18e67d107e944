"""Targets (`data.targets`) in one small file, for a machine that is rented for minutes.

A zip, nothing in it compressed again: `index.json` (the grid, by part the windows' lengths in bytes
and their chances as target and as donor), `PART.rgb` and `PART.planes`, the windows' pictures one
after the other. A window's `rgb` is a WebP, its `planes` a lossless one: red is the label's number
in `LABELS`, plus 8 inside the photo; green the own hair in 16 steps, blue the head in 4.
Read with the standard library, NumPy and Pillow.
"""

from __future__ import annotations

import io
import json
import mmap
import multiprocessing
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]

KINDS = ("ccp", "eg1800", "lfw", "figaro", "mask", "celeba")
"""Sets that targets are made of."""
LABELS = (0, 1, 2, 3, 255)
"""Background, skin, clothes, what else is worn, nobody knows."""
CHANNELS = 7
"""Of a decoded window: RGB, inside, own hair, head, labels."""


@dataclass(frozen=True)
class Grid:
    """Where a packed window's pixels lie: px per eye distance, its corner in eye distances from
    between the eyes, its size in px."""

    density: float
    left: float
    top: float
    width: int
    height: int


WIDE = Grid(30.0, -4.267, -3.6, 256, 400)
"""That of `data.wide`, said again here because this module has to do without its libraries."""
SMALL = Grid(20.0, WIDE.left, WIDE.top, 170, 266)


@dataclass
class _Window:
    rgb: bytes
    planes: bytes
    as_target: float
    as_donor: float


def members(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an uncompressed npz as memory maps. Raises `ValueError` for another."""
    out: dict[str, npt.NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{path}: {entry.filename} is compressed and cannot be mapped")
            file.seek(entry.header_offset + 26)
            lengths = np.frombuffer(file.read(4), "<u2")
            file.seek(entry.header_offset + 30 + int(lengths.sum()))
            version = np.lib.format.read_magic(file)
            header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = header(file)
            if fortran or dtype.hasobject:
                raise ValueError(f"{path}: {entry.filename} cannot be mapped")
            out[entry.filename.removesuffix(".npy")] = np.memmap(
                path, dtype, "r", file.tell(), shape
            )
    return out


def encode(window: dict[str, Any], quality: int = 80) -> tuple[bytes, bytes, float]:
    """A window of `WIDE`'s grid as `SMALL`'s two pictures, and what the first's WebP costs: the
    mean absolute difference, 0..255."""
    step = WIDE.density / SMALL.density
    box = (0.0, 0.0, SMALL.width * step, SMALL.height * step)

    def small(plane: npt.NDArray[Any], how: Image.Resampling) -> Image.Image:
        image = Image.fromarray(np.ascontiguousarray(plane))
        return image.resize((SMALL.width, SMALL.height), how, box=box)

    rgb = small(window["rgb"], Image.Resampling.BICUBIC)
    one = io.BytesIO()
    rgb.save(one, "WEBP", quality=quality, method=4)
    told = np.asarray(Image.open(one).convert("RGB"), np.float32)
    cost = float(np.abs(told - np.asarray(rgb, np.float32)).mean())
    labels = np.asarray(small(window["labels"], Image.Resampling.NEAREST))
    inside, own, head = (
        np.asarray(small(window[k], Image.Resampling.BILINEAR), np.float32)
        for k in ("inside", "own", "head")
    )
    code = np.minimum(labels, len(LABELS) - 1) + np.where(inside >= 250, 8, 0)
    planes = np.stack([code, np.round(own / 17), np.round(head / 85)], -1).astype(np.uint8)
    two = io.BytesIO()
    Image.fromarray(planes).save(two, "WEBP", lossless=True, quality=25, method=3)
    return one.getvalue(), two.getvalue(), cost


def decode(rgb: bytes, planes: bytes) -> Bytes:
    """(`CHANNELS`, H, W) uint8 of a window: RGB, inside, own hair and head 0..255, labels."""
    colour = np.asarray(Image.open(io.BytesIO(rgb)).convert("RGB"))
    told = np.asarray(Image.open(io.BytesIO(planes)).convert("RGB"))
    code = told[..., 0]
    labels = np.array(LABELS, np.uint8)[code & 7]
    rest = (np.where(code & 8, 255, 0), told[..., 1] * 17, told[..., 2] * 85, labels)
    return np.concatenate([colour, np.stack(rest, -1).astype(np.uint8)], -1).transpose(2, 0, 1)


def write(
    folder: Path,
    path: Path,
    *,
    most: int = 60_000_000,
    quality: int = 80,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Pack `targets-*.npz` of `folder` into the file `path` of at most `most` bytes.

    The test windows go in whole; of the train windows the most useful come first (chance as target
    plus chance as donor), and those that no longer fit are left out. Returns what was written.
    """
    found: dict[str, list[_Window]] = {"test": [], "train": []}
    costs: list[float] = []
    for part, windows in found.items():
        for source in sorted(folder.glob(f"targets-*-{part}.npz")):
            arrays = members(source)
            for k in range(len(arrays["rgb"])):
                rgb, planes, cost = encode(
                    {n: v[k] for n, v in arrays.items() if v.ndim > 1}, quality
                )
                chances = float(arrays["as_target"][k]), float(arrays["as_donor"][k])
                windows.append(_Window(rgb, planes, *chances))
                costs.append(cost)
            tell(f"{source.name}: {len(arrays['rgb'])} windows")
    found["train"].sort(key=lambda w: w.as_target + w.as_donor, reverse=True)
    # some 40 bytes of index a window
    sizes = {p: [len(w.rgb) + len(w.planes) + 40 for w in ws] for p, ws in found.items()}
    room = most - sum(sizes["test"]) - 10_000
    fits = sum(total <= room for total in accumulate(sizes["train"]))
    left_out = len(found["train"]) - fits
    del found["train"][fits:]
    index: dict[str, Any] = {"grid": asdict(SMALL), "quality": quality, "parts": {}}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for part, windows in found.items():
            archive.writestr(f"{part}.rgb", b"".join(w.rgb for w in windows))
            archive.writestr(f"{part}.planes", b"".join(w.planes for w in windows))
            index["parts"][part] = {
                "rgb": [len(w.rgb) for w in windows],
                "planes": [len(w.planes) for w in windows],
                "as_target": [round(w.as_target, 3) for w in windows],
                "as_donor": [round(w.as_donor, 3) for w in windows],
            }
        archive.writestr("index.json", json.dumps(index, separators=(",", ":")))
    return {
        "bytes": path.stat().st_size,
        "rgb_bytes": sum(len(w.rgb) for ws in found.values() for w in ws),
        "planes_bytes": sum(len(w.planes) for ws in found.values() for w in ws),
        "windows": {p: len(ws) for p, ws in found.items()},
        "left_out": left_out,
        "webp_cost": round(float(np.mean(costs)), 2),
        "webp_cost_p95": round(float(np.quantile(costs, 0.95)), 2),
    }


@dataclass
class Part:
    """Decoded windows (N, `CHANNELS`, H, W) and their chances as target and as donor (N,)."""

    grid: Grid
    windows: Bytes
    as_target: npt.NDArray[np.float32]
    as_donor: npt.NDArray[np.float32]


def read(path: Path, part: str, *, workers: int = 1, most: int | None = None) -> Part:
    """Decode a part of what `write` wrote, at most its first `most` windows."""
    with zipfile.ZipFile(path) as archive:
        index = json.loads(archive.read("index.json"))
        told = index["parts"][part]
        blobs = archive.read(f"{part}.rgb"), archive.read(f"{part}.planes")
    grid = Grid(**index["grid"])
    count = len(told["rgb"]) if most is None else min(most, len(told["rgb"]))
    ends = [list(accumulate(told[k], initial=0)) for k in ("rgb", "planes")]
    shape = (count, CHANNELS, grid.height, grid.width)
    # anonymous memory, which forked workers share whatever the size of /dev/shm
    held = mmap.mmap(-1, max(1, int(np.prod(shape))))
    out = np.frombuffer(held, np.uint8, int(np.prod(shape))).reshape(shape)

    def some(first: int, last: int) -> None:
        for k in range(first, last):
            rgb, planes = (b[e[k] : e[k + 1]] for b, e in zip(blobs, ends, strict=True))
            out[k] = decode(rgb, planes)

    if workers <= 1:
        some(0, count)
    else:
        _spread(some, count, workers)
    chances = (np.array(told[k][:count], np.float32) for k in ("as_target", "as_donor"))
    return Part(grid, out, *chances)


_job: Callable[[int, int], None] | None = None


def _run(span: tuple[int, int]) -> None:
    assert _job is not None
    _job(*span)


def _spread(job: Callable[[int, int], None], count: int, workers: int) -> None:
    """Run `job` on spans of `range(count)` in forked processes, which see the same memory."""
    global _job
    _job = job
    try:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
            list(pool.map(_run, _spans(count, 64)))
    finally:
        _job = None


def _spans(count: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, count, size):
        yield first, min(first + size, count)
