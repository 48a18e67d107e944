"""How well `tonsure.faces.find` finds faces, and how exactly: CelebA faces on canvases.

    python scripts/measure_faces.py DATA_DIR [--n 30] [--json] [--write docs/faces.md]

DATA_DIR is CelebA as its site ships it: `img_align_celeba/`, `list_attr_celeba.txt` and
`list_eval_partition.txt`; only the validation part is used.  Backgrounds are pictures without
people (`pip install scikit-image`).

Truth is the mesh itself on the untouched upright face, placed by CelebA's own frame (so that no
detector chooses the faces) and mapped along to where the face is pasted.  An error therefore tells
how *consistent* the points are under size, turn and background, not how true to anatomy.  A face
counts as found when both eye centres lie, on average, within a quarter of the eyes' distance of
that truth, which those of a face seen the wrong way up never do.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure import faces
from tonsure.faces import align
from tonsure.faces.detect import Found, Pyramid
from tonsure.faces.landmarks import mesh

SIZES = (40, 64, 100, 200, 400, 800)
ROLLS = (0, 30, 60, 90, 135, 180)
NEAR = 0.25
GROUPS = ("dark skin", "Eyeglasses", "beard", "Wearing_Hat", "Bald")
GROUP_SIZES, GROUP_ROLLS = (64, 200, 400), (0, 45, 180)
FILLS = (2.0, 1.5, 1.0, 0.7)  # side of the picture in face heights
FILL_SIDES = (64, 400)
CHEEKS = (50, 280, 101, 330)

MARKS = ("<!-- measured -->", "<!-- end -->")

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sitter:
    """One face of the validation part with its truth in the pixels of its own picture."""

    name: str
    pixels: Picture
    eyes: npt.NDArray[np.complex128]  # 2
    height: float
    centre: complex
    luminance: float  # of the cheeks, 0..255


def rows(path: Path) -> Iterator[dict[str, str]]:
    """CelebA's attribute list: a count, a line of names, then one line a picture."""
    with path.open() as file:
        file.readline()
        names = ["name", *file.readline().split()]
        for line in csv.reader(file, delimiter=" ", skipinitialspace=True):
            yield dict(zip(names, line, strict=False))


def sitter(path: Path) -> Sitter | None:
    """Read one face; None if even its mesh sees none."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    start = Found(complex(88.8, 131.0), 100.0, 1.0, 1 + 0j)
    (seen,) = mesh(Pyramid(pixels), [start], 1)
    if seen.flag < 0.5:
        return None
    points = seen.points
    at = align.to_complex(points)
    eyes = np.array([at[[33, 133]].mean(), at[[362, 263]].mean()])
    spots = np.clip(points[list(CHEEKS), :2].astype(int), 3, [174, 214])
    cheeks = [pixels[y - 2 : y + 3, x - 2 : x + 3].mean((0, 1)) for x, y in spots]
    light = float(np.mean(cheeks, axis=0) @ [0.299, 0.587, 0.114])
    return Sitter(path.name, pixels, eyes, abs(at[10] - at[152]), (at[10] + at[152]) / 2, light)


def sitters(data: Path, group: str, n: int) -> list[Sitter]:
    """`n` faces of a group, drawn with a fixed seed."""
    partition = dict(line.split()[:2] for line in (data / "list_eval_partition.txt").open())
    wanted = {
        "Eyeglasses": ("Eyeglasses", "1"),
        "beard": ("No_Beard", "-1"),
        "Wearing_Hat": ("Wearing_Hat", "1"),
        "Bald": ("Bald", "1"),
    }.get(group)
    names = [
        row["name"]
        for row in rows(data / "list_attr_celeba.txt")
        if partition.get(row["name"]) == "1" and (not wanted or row[wanted[0]] == wanted[1])
    ]
    random.Random(group).shuffle(names)
    many = 12 * n if group == "dark skin" else n + n // 4 + 2
    read = (sitter(data / "img_align_celeba" / name) for name in names[:many])
    found = [s for s in read if s]
    if group == "dark skin":  # the darkest twelfth
        found.sort(key=lambda s: s.luminance)
    return found[:n]


def backgrounds() -> list[Picture]:
    """Pictures without people."""
    from skimage import data

    chosen = [data.coffee(), data.chelsea(), data.rocket(), data.hubble_deep_field()]
    chosen += [np.repeat(p[..., None], 3, 2) for p in (data.brick(), data.grass(), data.coins())]
    return chosen


def canvas(background: Picture, width: int, height: int) -> Picture:
    """A background cut to shape and enlarged."""
    rows_, columns = background.shape[:2]
    scale = max(width / columns, height / rows_)
    box = (0.0, 0.0, width / scale, height / scale)
    return np.array(Image.fromarray(background).resize((width, height), box=box))


def paste(target: Picture, one: Sitter, at: complex, size: float, roll: float) -> complex:
    """Put a face of `size` px (forehead to chin) on `target`, feathered.

    The factor of the similarity from the face's own picture is returned.
    """
    z = size / one.height * complex(math.cos(math.radians(roll)), math.sin(math.radians(roll)))
    rows_, columns = one.pixels.shape[:2]
    corners = at + z * (np.array([0, columns, 1j * rows_, columns + 1j * rows_]) - one.centre)
    x0, y0 = max(0, int(corners.real.min())), max(0, int(corners.imag.min()))
    x1 = min(target.shape[1], math.ceil(corners.real.max()))
    y1 = min(target.shape[0], math.ceil(corners.imag.max()))
    origin = (complex(x0, y0) - at) / z + one.centre
    patch = align.sample(one.pixels, origin, 1 / z, (x1 - x0, y1 - y0))
    grid = np.arange(x1 - x0)[None, :] + 0.5 + 1j * (np.arange(y1 - y0)[:, None] + 0.5)
    spot = origin + grid / z
    edge = np.minimum.reduce([spot.real, columns - spot.real, spot.imag, rows_ - spot.imag])
    alpha = np.clip(edge / 12, 0, 1)[..., None]
    under = target[y0:y1, x0:x1]
    target[y0:y1, x0:x1] = (under + alpha * (patch - under.astype(float)) + 0.5).astype(np.uint8)
    return z


@dataclass
class Cell:
    """What was seen in one cell of a table."""

    faces: int = 0
    found: int = 0
    false: int = 0
    errors: tuple[float, ...] = ()
    seconds: float = 0.0
    pictures: int = 0

    def add(self, other: Cell) -> None:
        self.faces += other.faces
        self.found += other.found
        self.false += other.false
        self.errors += other.errors
        self.seconds += other.seconds
        self.pictures += other.pictures

    def summary(self) -> dict[str, Any]:
        errors = np.array(self.errors or (math.nan,))
        return {
            "faces": self.faces,
            "recall": round(self.found / max(1, self.faces), 4),
            "eye_error_median": round(float(np.median(errors)), 4),
            "eye_error_p90": round(float(np.quantile(errors, 0.9)), 4),
            "false_alarms": self.false,
            "pictures": self.pictures,
            "seconds": round(self.seconds, 2),
        }


def judge(found: list[faces.Face], truths: list[npt.NDArray[np.complex128]]) -> Cell:
    """Match what was found with what is there."""
    cell = Cell(faces=len(truths), pictures=1)
    left = list(found)
    for truth in truths:
        distance = abs(truth[1] - truth[0])
        best = min(
            ((np.abs(align.to_complex(f.eyes) - truth).mean() / distance, f) for f in left),
            key=lambda pair: float(pair[0]),
            default=(math.inf, None),
        )
        if best[1] is not None and best[0] < NEAR:
            cell.found += 1
            cell.errors += (float(best[0]),)
            left = [f for f in left if f is not best[1]]
        else:  # a face seen the wrong way up is a miss, not a false alarm as well
            middle = complex(truth.mean())
            left = [f for f in left if abs(complex(*f.centre) - middle) > 1.5 * distance]
    cell.false = len(left)
    return cell


def shape(size: int) -> tuple[int, int, int]:
    """Canvas width and height for a size of face, and how many faces are put on one."""
    if size <= 100:
        return 1600, 1200, 6
    return (1600, 1200, 2) if size <= 200 else (3 * size, 9 * size // 4, 1)


def pasted(
    who: list[Sitter], size: int, roll: float, seed: int, grounds: list[Picture]
) -> Iterator[tuple[Picture, list[npt.NDArray[np.complex128]]]]:
    """Canvases with all of `who` at one size and roll, and where their eyes are."""
    chance = random.Random(seed)
    width, height, many = shape(size)
    for start in range(0, len(who), many):
        picture = canvas(chance.choice(grounds), width, height)
        truths = []
        columns = max(1, many // 2)
        for k, one in enumerate(who[start : start + many]):
            x = (k % columns + 0.5) / columns * width
            y = (k // columns + 0.5) / max(1, many // columns) * height
            at = complex(x, y) + complex(chance.uniform(-9, 9), chance.uniform(-9, 9))
            turn = roll + chance.uniform(-4, 4)
            z = paste(picture, one, at, size, turn)
            truths.append(at + z * (one.eyes - one.centre))
        yield picture, truths


def measure(who: list[Sitter], size: int, roll: float, seed: int, grounds: list[Picture]) -> Cell:
    cell = Cell()
    smallest = 0.75 * size if size <= 64 else None
    for picture, truths in pasted(who, size, roll, seed, grounds):
        start = time.process_time()
        found = faces.find(picture, min_face=smallest, threads=1)
        seconds = time.process_time() - start
        one = judge(found, truths)
        one.seconds = seconds
        cell.add(one)
    return cell


def fills(who: list[Sitter], fill: float, side: int) -> Cell:
    """Pictures of `side` px cut so close that they are `fill` face heights wide."""
    cell = Cell()
    for one in who:
        length = fill * one.height
        origin = one.centre - complex(length, length) / 2
        picture = align.sample(one.pixels, origin, length / side, (side, side))
        start = time.process_time()
        found = faces.find(picture, threads=1)
        seconds = time.process_time() - start
        seen = judge(found, [(one.eyes - origin) * side / length])
        seen.seconds = seconds
        cell.add(seen)
    return cell


def alarms(grounds: list[Picture], smallest: float | None) -> Cell:
    """Backgrounds alone, enlarged, in two rotations."""
    cell = Cell()
    for ground in grounds:
        for turn in range(2):
            picture = np.ascontiguousarray(np.rot90(canvas(ground, 1600, 1200), turn))
            start = time.process_time()
            seen = judge(faces.find(picture, min_face=smallest, threads=1), [])
            seen.seconds = time.process_time() - start
            cell.add(seen)
    return cell


def everything(data: Path, n: int) -> dict[str, dict[str, dict[str, Any]]]:
    """All tables: name -> cell -> figures."""
    grounds = backgrounds()
    tables: dict[str, dict[str, dict[str, Any]]] = {}

    def note(table: str, cell: str, seen: Cell) -> None:
        tables.setdefault(table, {})[cell] = seen.summary()
        print(f"{table} / {cell}: {seen.summary()}", file=sys.stderr, flush=True)

    who = sitters(data, "all", n)
    for size in SIZES:
        for roll in ROLLS:
            note(
                "size and roll",
                f"{size} px, {roll}",
                measure(who, size, roll, size + roll, grounds),
            )
    for fill in FILLS:
        for side in FILL_SIDES:
            note("faces that fill the picture", f"{fill}, {side} px", fills(who, fill, side))
    for group in GROUPS:
        who = sitters(data, group, n)
        for size in GROUP_SIZES:
            cell = Cell()
            for roll in GROUP_ROLLS:
                cell.add(measure(who, size, roll, size + roll, grounds))
            note("groups", f"{group}, {size} px", cell)
    note("no face", "default", alarms(grounds, None))
    note("no face", "min_face=24", alarms(grounds, 24))
    return tables


def markdown(tables: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The tables as Markdown."""
    lines = []
    for table, cells in tables.items():
        lines += [f"### {table.capitalize()}", ""]
        if table == "size and roll":
            lines += ["Recall; in brackets the median error of the eyes in eye distances.", ""]
            head = " | ".join(f"{roll}\u00b0" for roll in ROLLS)
            lines += [f"| face | {head} |", "| --- " * (len(ROLLS) + 1) + "|"]
            for size in SIZES:
                row = [cells[f"{size} px, {roll}"] for roll in ROLLS]
                text = [f"{c['recall']:.2f} ({c['eye_error_median']:.3f})" for c in row]
                lines.append(f"| {size} px | " + " | ".join(text) + " |")
            alarms_ = sum(c["false_alarms"] for c in cells.values())
            pictures = sum(c["pictures"] for c in cells.values())
            lines += ["", f"False alarms: {alarms_} in {pictures} pictures.", ""]
            continue
        lines += ["| | faces | recall | eye error median / p90 | false alarms | CPU s a picture |"]
        lines += ["| --- " * 6 + "|"]
        for name, c in cells.items():
            error = f"{c['eye_error_median']:.3f} / {c['eye_error_p90']:.3f}" if c["faces"] else ""
            recall = f"{c['recall']:.3f}" if c["faces"] else ""
            pace = f"{c['seconds'] / max(1, c['pictures']):.2f}"
            alarm = f"{c['false_alarms']} in {c['pictures']}"
            lines.append(f"| {name} | {c['faces']} | {recall} | {error} | {alarm} | {pace} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--n", type=int, default=30, help="faces in each cell")
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    parser.add_argument("--write", type=Path, help="put the tables between this file's marks")
    arguments = parser.parse_args()
    tables = everything(arguments.data, arguments.n)
    if arguments.write:
        before, rest = arguments.write.read_text(encoding="utf-8").split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        text = f"{before}{MARKS[0]}\n\n{markdown(tables)}\n{MARKS[1]}{after}"
        arguments.write.write_text(text, encoding="utf-8")
    print(json.dumps(tables, indent=1) if arguments.json else markdown(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
