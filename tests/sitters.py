"""Drawn people to the waist, for the tests of the laboratory."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tonsure.faces import Face
from tonsure.hair.classes import BACKGROUND, CLOTHES, SKIN
from tonsure.lab.evaluate.wide import look, people
from tonsure.scene import OVAL

HEIGHT, WIDTH, UNIT = 200, 160, 24.0
WALL, FLESH, SHIRT, BROWN = (90, 120, 150), (210, 160, 130), (60, 140, 70), (70, 40, 20)


def drawn_face(x: float = 80, y: float = 60, unit: float = UNIT) -> Face:
    """A face looking ahead, between the eyes at (x, y)."""
    mesh = np.zeros((468, 3), np.float32)
    turn = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    mesh[list(OVAL), 0], mesh[list(OVAL), 1] = 1.0 * np.sin(turn), 0.5 - 1.2 * np.cos(turn)
    for numbers, at in {
        (33, 133): (-0.5, 0.0), (362, 263): (0.5, 0.0), (105,): (-0.5, -0.3), (334,): (0.5, -0.3),
        (1, 2): (0.0, 0.6), (61,): (-0.3, 1.0), (291,): (0.3, 1.0), (172,): (-0.7, 1.2),
        (397,): (0.7, 1.2), (234,): (-1.0, 0.4), (454,): (1.0, 0.4),
        (50, 205): (-0.5, 0.6), (280, 425): (0.5, 0.6),
    }.items():  # fmt: skip
        mesh[list(numbers), :2] = at
    mesh = mesh * unit + np.array([x, y, 0], np.float32)
    low, high = mesh[list(OVAL), :2].min(0), mesh[list(OVAL), :2].max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Face(box, mesh, 1.0, 1.0, 0.0)


def grid() -> tuple[np.ndarray, np.ndarray]:
    """x (1, W) and y (H, 1) in eye distances from between the eyes."""
    return (np.arange(WIDTH)[None] + 0.5 - 80) / UNIT, (
        np.arange(HEIGHT)[:, None] + 0.5 - 60
    ) / UNIT


def body() -> np.ndarray:
    """(H, W) of layout: 0 wall, 1 skin, 2 clothes."""
    x, y = grid()
    out = np.zeros((HEIGHT, WIDTH), np.uint8)
    out[(np.abs(x) < 2.2 - 0.4 * (2.6 - y)) & (y > 2.2)] = 2
    out[(np.abs(x) < 0.6) & (y > 1) & (y < 2.6)] = 1
    out[x**2 + ((y - 0.5) / 1.2) ** 2 < 1] = 1
    return out


def portrait(hair: np.ndarray | None = None) -> np.ndarray:
    """(H, W, 3): the body, some grain, and brown hair where told."""
    out = np.array([WALL, FLESH, SHIRT], np.int64)[body()]
    if hair is not None:
        out[hair] = BROWN
    out += np.random.default_rng(3).integers(-3, 4, (HEIGHT, WIDTH, 1))
    return out.clip(0, 255).astype(np.uint8)


def long_hair(low: float = 4.0) -> np.ndarray:
    """(H, W) True beside the face, down to `low`."""
    x, y = grid()
    cap = ((x / 1.5) ** 2 + ((y + 0.1) / 1.6) ** 2 < 1) & (y < 0.2)
    sides = (np.abs(x) > 0.9) & (np.abs(x) < 1.5) & (y > -0.2) & (y < low)
    face = x**2 + ((y - 0.5) / 1.2) ** 2 < 1
    return np.asarray((cap | sides) & ~(face & (y > -0.45)))


def sitter(name: str, hair: np.ndarray | None = None, **changes: Any) -> look.Sitter:
    """A drawn person, looked at."""
    pixels, face = portrait(hair), drawn_face()
    mask = np.zeros((HEIGHT, WIDTH), np.float32) if hair is None else hair.astype(np.float32)
    person = people.Person(name, pixels, (56, 46, 48, 58), "short" if hair is None else "long")
    known = {
        "person": person, "face": face, "count": 1, "hair": mask, "own": mask, "eyes": face.eyes,
        "light": np.array(FLESH, np.float32), "hat": 0.0, "agreed": 1.0,
    }  # fmt: skip
    return look.Sitter(**(known | changes))


def classes(_: look.Sitter) -> tuple[np.ndarray, np.ndarray]:
    """The body as the parser would see it."""
    planes = np.zeros((HEIGHT, WIDTH, 9), np.float32)
    for k, number in enumerate((BACKGROUND, SKIN, CLOTHES)):
        planes[..., number] = body() == k
    return planes, np.ones((HEIGHT, WIDTH), bool)


def packed(folder: Path, **rows: tuple[np.ndarray, np.ndarray | None, str]) -> Path:
    """A folder as the command wants it: `wide.csv` and `eg1800-test.tar`."""
    wide = folder / "wide"
    wide.mkdir()
    fields = [
        "set", "name", "part", "width", "height", "face_x", "face_y", "face_w", "face_h",
        "hair_below_chin", "hair_length", "labels",
    ]  # fmt: skip
    with (wide / "wide.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, fields)
        table.writeheader()
        for name, (pixels, _, hair) in rows.items():
            height, width = pixels.shape[:2]
            box = {"face_x": 0.4 * width, "face_y": 0.2 * height, "face_w": 0.2 * width}
            row = {"set": "eg1800", "name": name, "part": "test", "width": width, "height": height}
            table.writerow(row | box | {"face_h": 0.2 * height, "hair_length": hair})
        table.writerow({"set": "eg1800", "name": "x", "part": "train"})
    with tarfile.open(wide / "eg1800-test.tar", "w") as tar:
        for name, (pixels, labels, _) in rows.items():
            for plane, suffix, format in ((pixels, "webp", "WEBP"), (labels, "png", "PNG")):
                if plane is None:
                    continue
                data = io.BytesIO()
                Image.fromarray(plane).save(data, format, lossless=True)
                info = tarfile.TarInfo(f"{name}.{suffix}")
                info.size = data.tell()
                data.seek(0)
                tar.addfile(info, data)
    return folder
