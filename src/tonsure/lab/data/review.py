"""Where the teacher and the parser before it are of two minds about hair, and what an eye said.

The teacher net calls fur, hats, dogs and dark backgrounds hair, and misses fair hair in the sun and
fringes; a parser trained on its word alone repeats it. Where the two differ over an area an eye has
looked; its verdicts are rows of `hair_review.csv`, a place in the window and what is there. Of 70
areas that the teacher alone called hair one was (`doubts` of the street photos, the largest first):
so there the parser is believed. What the parser alone calls hair teaches nothing, unless there is a
verdict.
"""

from __future__ import annotations

import csv
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tonsure.hair.classes import HAIR
from tonsure.lab.data import wide

Bytes = npt.NDArray[np.uint8]

SILENT = 1 << 15
"""In a set: here the teacher is not asked how much hair it sees."""
TAUGHT = 6.4
"""Eye distances below the eyes to which the parser asked was taught itself."""
_SURE, _NONE = 0.85, 0.06  # of the teacher, as in `wide`
_YES, _NO = 0.7, 0.3  # of the parser
_LEAST = 0.12  # squared eye distances of an area that is doubted
_WITHOUT = np.uint16(wide.ANY ^ (1 << HAIR))
_ROWS = wide.HEIGHT // 32 * 32


@dataclass(frozen=True)
class Doubt:
    """An area of one window: `where` (H, W) bool; `hair`, what the teacher says; `seed` (x, y), a
    pixel well within; `area` in squared eye distances."""

    where: npt.NDArray[np.bool_]
    hair: bool
    seed: tuple[int, int]
    area: float


@cache
def verdicts() -> dict[tuple[str, str], list[tuple[int, int, bool]]]:
    """What an eye said, by set and name: x and y in pixels of the window, whether it is hair."""
    out: dict[tuple[str, str], list[tuple[int, int, bool]]] = {}
    text = resources.files("tonsure.lab.assets").joinpath("hair_review.csv").read_text("utf-8")
    for r in csv.DictReader(text.splitlines()):
        row = (int(r["x"]), int(r["y"]), r["hair"] == "1")
        out.setdefault((r["set"], r["name"]), []).append(row)
    return out


def opinions(folder: Path, kind: str, part: str, workers: int = 2) -> None:
    """Write `opinion-<kind>-<part>.npy` (N, H, W) 0..255: hair by the shipped parser, which looks
    at each window of `wide-<kind>-<part>.npz` and at its mirror image."""
    out = folder / f"opinion-{kind}-{part}.npy"
    if out.exists():
        return
    with np.load(folder / f"wide-{kind}-{part}.npz") as d:
        rgb = d["rgb"]
    with ProcessPoolExecutor(workers) as pool:
        np.save(out, np.stack(list(pool.map(opinion, rgb, chunksize=16))))


def opinion(rgb: Bytes) -> Bytes:
    """How surely the shipped parser calls each pixel of a window (H, W, 3) hair: (H, W) 0..255."""
    from tonsure.models import session

    y = (np.arange(_ROWS, dtype=np.float32) + 0.5) / wide.DENSITY + wide.TOP
    x = (np.arange(wide.WIDTH, dtype=np.float32) + 0.5) / wide.DENSITY + wide.LEFT
    where = np.stack(np.broadcast_arrays(x[None], y[:, None])).clip(-4, 4) / 2
    one = np.concatenate([rgb[:_ROWS].transpose(2, 0, 1) / np.float32(127.5) - 1, where])
    other = one[:, :, ::-1].copy()
    other[3] *= -1
    looks = np.ascontiguousarray(np.stack([one, other]), dtype=np.float32)
    plain, turned = session.open("sight", 1).run(None, {"picture": looks})[0]
    hair = 0.5 * (plain[HAIR] + turned[HAIR][:, ::-1])
    full = np.pad(hair, ((0, wide.HEIGHT - _ROWS), (0, 0)), mode="edge")
    return np.asarray(np.round(255 * full), np.uint8)


def doubts(teacher: Bytes, told: Bytes, inside: Bytes) -> list[Doubt]:
    """Where the two differ, the largest first; all (H, W) 0..255, `told` by the parser."""
    ground = inside > 250
    y = (np.arange(wide.HEIGHT)[:, None] + 0.5) / wide.DENSITY + wide.TOP
    ground &= y < TAUGHT
    t, n = teacher.astype(np.float32) / 255, told.astype(np.float32) / 255
    out = []
    for hair, apart in ((True, (t > _SURE) & (n < _NO)), (False, (t < _NONE) & (n > _YES))):
        core = cv2.morphologyEx(
            (apart & ground).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
        )
        count, parts, stats, _ = cv2.connectedComponentsWithStats(core)
        for k in range(1, count):
            area = float(stats[k, cv2.CC_STAT_AREA]) / wide.DENSITY**2
            if area < _LEAST:
                continue
            where = parts == k
            depth = cv2.distanceTransform(where.astype(np.uint8), cv2.DIST_L2, 3)
            row, column = np.unravel_index(int(depth.argmax()), depth.shape)
            around = cv2.dilate(where.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
            grown = around & (apart | where)
            out.append(Doubt(grown, hair, (int(column), int(row)), area))
    return sorted(out, key=lambda d: -d.area)


def settled(
    sets: wide.Sets,
    teacher: Bytes,
    told: Bytes,
    inside: Bytes,
    said: list[tuple[int, int, bool]],
    *,
    labelled: bool = False,
    alone: bool = False,
) -> tuple[wide.Sets, Bytes]:
    """Sets and the teacher's hair (H, W) of one window, mended.

    What the teacher alone calls hair is none, what the parser alone does teaches nothing, what an
    eye has `said` is so. Where the picture is `labelled` by people, their word stays; where the
    eye's word is wanted `alone`, all else does.
    """
    one = np.uint16(1 << HAIR)
    sets, hair = sets.copy(), teacher.copy()
    for doubt in doubts(teacher, told, inside):
        answer = next((h for x, y, h in said if doubt.where[y, x]), None)
        if answer is None and alone:
            continue
        if answer is None:
            hair[doubt.where] = np.minimum(teacher, told)[doubt.where]
            here = sets[doubt.where]
            if doubt.hair:
                less = here & ~one
                sets[doubt.where] = np.where(less > 0, less, here if labelled else _WITHOUT)
            elif not labelled:
                sets[doubt.where] = wide.ANY | SILENT
        elif answer:
            hair[doubt.where] = 255
            sets[doubt.where] = 1 << HAIR
        else:
            hair[doubt.where] = 0
            known = sets[doubt.where] & _WITHOUT
            sets[doubt.where] = np.where(known > 0, known, _WITHOUT)
    return sets, hair
