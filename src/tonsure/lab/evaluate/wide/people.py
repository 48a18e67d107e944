"""The people of the test parts: photos in natural framing, from tars and their list."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.errors import BadOption

Bytes = npt.NDArray[np.uint8]


class Garment(IntEnum):
    """Those of the 59 labels "ccp59" that are no clothes."""

    NOTHING = 0
    GLASSES = 17
    HAIR = 19
    HAT = 20
    NECKLACE = 29
    SKIN = 41
    SUNGLASSES = 47


@dataclass(frozen=True)
class Person:
    """A photo of the list.

    Attributes
    ----------
    name : set and name, as "eg1800-00012".
    pixels : (H, W, 3) uint8.
    box : (x, y, width, height) of the face in pixels, as the list has it.
    hair : "long", "mid" or "short", by the share of hair below the chin.
    labels : (H, W) uint8 or None: what `kind` says they mean.
    kind : "ccp59" (numbers of garments, see `Garment`), "person" (0/255), or "" without labels.
    """

    name: str
    pixels: Bytes
    box: tuple[float, float, float, float]
    hair: str
    labels: Bytes | None = None
    kind: str = ""

    def labelled(self, *garments: Garment) -> npt.NDArray[np.bool_]:
        """Where the labels are some of these, (H, W); nowhere without labels of this kind."""
        if self.labels is None or self.kind != "ccp59":
            return np.zeros(self.pixels.shape[:2], np.bool_)
        return np.isin(self.labels, garments)


def people(data: Path, part: str = "test") -> Iterator[Person]:
    """The people of `part` in the folder `data`, which holds `wide.csv` and a tar for each set and
    part (SET-PART.tar), in the order of the list. Raises `BadOption`."""
    folder = data if (data / "wide.csv").is_file() else data / "wide"
    try:
        with (folder / "wide.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["part"] == part]
    except OSError as error:
        raise BadOption(f"There is no wide.csv in {data}.") from error
    if not rows:
        raise BadOption(f"{folder / 'wide.csv'} has no part {part!r}.")
    for name in dict.fromkeys(row["set"] for row in rows):
        path = folder / f"{name}-{part}.tar"
        if not path.is_file():
            raise BadOption(f"{path} is missing.")
        with tarfile.open(path) as tar:
            members = {member.name: member for member in tar.getmembers() if member.isfile()}
            for row in (row for row in rows if row["set"] == name):
                yield _person(tar, members, row)


def _person(
    tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], row: dict[str, str]
) -> Person:
    def read(name: str, mode: str) -> Bytes:
        file = tar.extractfile(members[name])
        assert file is not None  # only files are among the members
        with Image.open(io.BytesIO(file.read())) as image:
            return np.asarray(image if image.mode == mode else image.convert(mode))

    kind, labels = "", None
    if f"{row['name']}.png" in members:
        labels = read(f"{row['name']}.png", "L")
        kind = "ccp59" if row["set"] == "ccp" else "person"
    x, y, width, height = (float(row[f"face_{key}"]) for key in "xywh")
    pixels = read(f"{row['name']}.webp", "RGB")
    name = f"{row['set']}-{row['name']}"
    return Person(name, pixels, (x, y, width, height), row["hair_length"], labels, kind)
