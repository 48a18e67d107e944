"""Writing samples: strips and single tiles as PNG, with what they show in their metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tonsure.attributes import index
from tonsure.errors import BadOption
from tonsure.lab import sample
from tonsure.lab.data import labels as lists
from tonsure.lab.data import packed

Bytes = npt.NDArray[np.uint8]


def parse_degrees(text: str) -> list[float]:
    """Differences d from "0.60,0.68,0.76"; `BadOption` for what is none."""
    try:
        degrees = [float(part) for part in text.split(",")]
    except ValueError:
        raise BadOption(f"{text!r} is not a list of numbers, as 0.60,0.68,0.76.") from None
    if any(not -2 <= d <= 2 for d in degrees):
        raise BadOption("A degree is a difference d within -2 and 2; 1 is what training showed.")
    return degrees


def png(path: Path, pixels: Bytes, told: dict[str, Any]) -> None:
    """Save (H, W, 3) with `told` as JSON in its text chunk "tonsure"."""
    info = PngInfo()
    info.add_text("tonsure", json.dumps(told))
    Image.fromarray(pixels).save(path, "PNG", pnginfo=info)


def listed(
    pack: packed.Packed, path: Path, names: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Rows of a pack that a list of labels names, and these labels (N, C) of `names`, 0 where the
    list has no such column. `BadList` for a picture that the pack does not have."""
    found = lists.read(path)
    there = {Path(str(file)).stem: row for row, file in enumerate(pack.files)}
    for row, file in enumerate(found.files):
        if Path(file).stem not in there:
            raise lists.BadList(f"{found.place(row)}: {file} is not in the pack.")
    rows = np.array([there[Path(file).stem] for file in found.files])
    labels = np.zeros((len(rows), len(names)), np.float32)
    for k, name in enumerate(names):
        if name in found.attributes:
            labels[:, k] = found.values[:, found.attributes.index(name)]
    return rows, labels


def write(
    run: Path, data: Path, out: Path, *, degrees: str | None, attribute: str, strength: float,
    count: int, single: bool, raw: bool, told_by: Path | None = None,
) -> None:  # fmt: skip
    """Samples of `count` held-out pictures of a pack, by the generator of a run; or of those that
    the list `told_by` names, with its labels in place of the pack's."""
    if count < 1:
        raise BadOption("--count is 1 or more.")
    g, config, step = sample.opened(run, raw=raw)
    pack, c = packed.open(data, config), config.network
    rows, labels = pack.held_out()[:count], pack.labels[pack.held_out()[:count]]
    if told_by is not None:
        rows, labels = listed(pack, told_by, c.attributes)
    pictures = np.asarray(pack.pictures[rows])
    told: dict[str, Any] = {"preset": config.name, "step": step}
    strength = 1.0 if c.system == "stargan" else strength
    columns: list[dict[str, Any]] = [{"shows": "original"}]
    if degrees is None:
        made = sample.tiles(g, c, pictures, labels, strength)
        columns += [{"shows": "as it is", "d": 0.0}]
        columns += [{"attribute": name, "d": strength} for name in c.attributes]
    else:
        index(attribute, c.attributes)
        steps = parse_degrees(degrees)
        made = sample.growing(g, c, pictures, labels, attribute, steps)
        columns += [{"attribute": attribute, "d": d} for d in steps]
    if not single:
        out.parent.mkdir(parents=True, exist_ok=True)
        whole = np.concatenate([sample.strip(row, gap=2) for row in made])
        png(out, whole, told | {"columns": columns})
        return
    out.mkdir(parents=True, exist_ok=True)
    for row, tiles in zip(rows, made, strict=True):
        for column, (tile, shown) in enumerate(zip(tiles, columns, strict=True)):
            name = str(shown.get("attribute", shown.get("shows", ""))).replace(" ", "_")
            stem = Path(str(pack.files[row])).stem
            png(out / f"{stem}.{column:02d}.{name}.png", tile, told | shown)
