"""People to the waist with their labels mended, as the parser is trained on them: files to map.

Several processes that train together read the same pages of `sight-<plane>.npy`: all windows of all
sets one after the other; `sight.npz` has a row for each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tonsure.hair.classes import HAIR, HAT
from tonsure.lab.data import areas, disk, review, wide

PLANES = ("rgb", "sets", "hair")
_LITTLE = 1.5  # squared eye distances
_LABELLED = ("ccp59", "hair_skin")


def pack(folder: Path, kinds: tuple[str, ...]) -> None:
    """Write `sight-rgb.npy` (N, H, W, 3), `sight-sets.npy` uint16 and `sight-hair.npy` (N, H, W) of
    the train windows of `kinds`, and `sight.npz`: of each kind, name, labels, length, mesh, `floor`
    (eye distances below the eyes where its photo ends) and `hat`, the share of it that is one."""
    if (folder / "sight.npz").exists():
        return
    rows: dict[str, list[Any]] = {}
    counts = []
    for kind in kinds:
        with np.load(folder / f"wide-{kind}-train.npz") as d:
            counts.append(len(d["names"]))
    shape = (sum(counts), wide.HEIGHT, wide.WIDTH)
    with (
        disk.array(folder / "sight-rgb.npy", (*shape, 3)) as rgb,
        disk.array(folder / "sight-sets.npy", shape, np.uint16) as sets,
        disk.array(folder / "sight-hair.npy", shape) as hair,
    ):
        at = 0
        for kind in kinds:
            with np.load(folder / f"wide-{kind}-train.npz") as d:
                part = {k: d[k] for k in d.files}
            told = np.load(folder / f"opinion-{kind}-train.npy", mmap_mode="r")
            for k, name in enumerate(part["names"]):
                one = {key: part[key][k] for key in part}
                rgb[at], sets[at], hair[at] = one["rgb"], *window(kind, one, told[k])
                inside = (one["inside"] > 250).any(1)
                last = wide.HEIGHT - int(inside[::-1].argmax())
                row = {
                    "kind": kind, "name": str(name), "labels": str(one["labels"]),
                    "length": str(one["length"]), "mesh": one["mesh"],
                    "floor": np.float32(last / wide.DENSITY + wide.TOP),
                    "hat": np.float32((sets[at] == wide.some(HAT)).mean()),
                }  # fmt: skip
                for key, value in row.items():
                    rows.setdefault(key, []).append(value)
                at += 1
    disk.arrays(folder / "sight.npz", **{k: np.array(v) for k, v in rows.items()})


def window(kind: str, one: dict[str, Any], told: Any) -> tuple[Any, Any]:
    """Sets and the teacher's hair (H, W) of one packed window, mended; `told` (H, W) 0..255 is the
    parser's opinion."""
    said = review.verdicts().get((kind, str(one["names"])), [])
    known = _doubted(one["sets"], one["hair"])
    labelled = one["labels"] in _LABELLED
    sets, hair = review.settled(known, one["hair"], told, one["inside"], said, labelled=labelled)
    sets, hair = areas.painted(sets, hair, areas.seen().get((kind, str(one["names"])), []))
    wide.shave(sets, hair, one["mesh"])
    outside = one["inside"] < 250
    sets[outside] = wide.ANY | review.SILENT
    return sets, np.where(outside, 0, hair).astype(np.uint8)


def truth(folder: Path, kind: str) -> tuple[Any, Any, Any, list[list[tuple[str, areas.Outline]]]]:
    """Pictures (N, H, W, 3), the teacher's hair as an eye has mended it and where it counts
    (N, H, W) 0..255, and the areas labelled by eye, of a test part."""
    with np.load(folder / f"wide-{kind}-test.npz") as d:
        rgb, sets, hair, inside, names = (d[k] for k in ("rgb", "sets", "hair", "inside", "names"))
    told = np.load(folder / f"opinion-{kind}-test.npy")
    for k, name in enumerate(names):
        said = review.verdicts().get((kind, str(name)), [])
        _, hair[k] = review.settled(sets[k], hair[k], told[k], inside[k], said, alone=True)
    return rgb, hair, inside, [areas.seen().get((kind, str(name)), []) for name in names]


def _doubted(sets: wide.Sets, hair: npt.NDArray[np.uint8]) -> wide.Sets:
    """Sets (H, W) without the teacher's word that there is no hair, where it saw hardly any hair
    (H, W) at all: it slips on fair hair before a light wall, and on dark grey photos."""
    if (hair > 127).sum() >= _LITTLE * wide.DENSITY**2:
        return sets
    without = wide.ANY ^ wide.some(HAIR)
    silent = np.uint16(wide.ANY | review.SILENT)
    return np.where(np.isin(sets, (without, wide.ANY)), silent, sets).astype(np.uint16)
