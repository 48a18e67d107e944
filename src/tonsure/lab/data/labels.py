"""Lists of labels: CelebA's form, which CelebA-HQ's, Paddle's and the ports' lists share, and CSV.

Every fault is a sentence with file and line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tonsure.errors import UnreadableInput

_VALUES = {"1": 1, "+1": 1, "1.0": 1, "-1": 0, "0": 0, "-1.0": 0, "0.0": 0}


class BadList(UnreadableInput):
    """A list of labels, or a file it names, is not as it should be."""

    code = "bad_list"


@dataclass(frozen=True)
class Labels:
    """`files` as the list names them, `values` (N, A) of 0/1, `lines` (N,) where each stood."""

    path: Path
    attributes: tuple[str, ...]
    files: tuple[str, ...]
    values: npt.NDArray[np.int8]
    lines: npt.NDArray[np.int64]

    def place(self, row: int) -> str:
        """ "file:line" of a row, for messages."""
        return f"{self.path.name}:{self.lines[row]}"


def read(path: Path) -> Labels:
    """CSV by its ending, else CelebA's form."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadList(f"The list {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadList(f"The list {path} is not text in UTF-8.") from None
    return _csv(path, text) if path.suffix.lower() == ".csv" else _celeba(path, text)


def _celeba(path: Path, text: str) -> Labels:
    """Line 1 the number of pictures, line 2 the names, then a file and its values a line."""
    lines = text.splitlines()
    if len(lines) < 2 or not lines[0].strip().isdigit():
        raise BadList(f"{path.name}:1: the number of pictures was expected, alone on the line.")
    names = tuple(lines[1].split())
    told = int(lines[0])
    rows = ((n, line.split()) for n, line in enumerate(lines[2:], 3) if line.strip())
    found = _rows(path, names, rows)
    if len(found.files) != told:
        raise BadList(
            f"{path.name}:1: {told} pictures are announced, {len(found.files)} follow; "
            "the list is cut off, or its first line is wrong."
        )
    return found


def _csv(path: Path, text: str) -> Labels:
    """A header (first column the file), then a file and its values a line."""
    reader = csv.reader(text.splitlines())
    header = next(reader, [])
    if len(header) == 1 and (header[0].count(";") or header[0].count("\t")):
        mark = ";" if ";" in header[0] else "tab"
        raise BadList(f"{path.name}:1: values are parted by {mark}; a comma was expected.")
    if len(header) < 2:
        raise BadList(f"{path.name}:1: a header was expected: file, then names of labels.")
    rows = ((reader.line_num, [v.strip() for v in row]) for row in reader if any(row))
    return _rows(path, tuple(name.strip() for name in header[1:]), rows)


def _rows(path: Path, names: tuple[str, ...], rows: Iterator[tuple[int, list[str]]]) -> Labels:
    twice = {name for name in names if names.count(name) > 1}
    if not names or twice:
        said = f"{min(twice)} is named twice" if twice else "names of labels were expected"
        raise BadList(f"{path.name}:2: {said}.")
    files, values, numbers = [], [], []
    seen: dict[str, int] = {}
    for number, row in rows:
        if len(row) != len(names) + 1:
            raise BadList(
                f"{path.name}:{number}: {len(row) - 1} values were found, {len(names)} expected."
            )
        wrong = next((v for v in row[1:] if v not in _VALUES), None)
        if wrong is not None:
            raise BadList(f"{path.name}:{number}: {wrong!r} is not a label; they are 1, -1 or 0.")
        if row[0] in seen:
            raise BadList(f"{path.name}:{number}: {row[0]} stands in line {seen[row[0]]} already.")
        seen[row[0]] = number
        files.append(row[0])
        values.append([_VALUES[v] for v in row[1:]])
        numbers.append(number)
    if not files:
        raise BadList(f"{path.name}: there is no picture in the list.")
    array = np.array(values, np.int8)
    return Labels(path, names, tuple(files), array, np.array(numbers))


def partition(path: Path) -> dict[str, int]:
    """CelebA's `list_eval_partition.txt` (or its CSV): the stem of a file -> 0, 1, 2."""
    out = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        row = line.replace(",", " ").split()
        if not row or (number == 1 and row[-1] not in "012"):
            continue
        if len(row) != 2 or row[1] not in ("0", "1", "2"):
            raise BadList(f"{path.name}:{number}: a file and 0, 1 or 2 were expected.")
        out[Path(row[0]).stem] = int(row[1])
    return out


def mapping(path: Path) -> dict[str, int]:
    """CelebA-HQ's `CelebA-HQ-to-CelebA-mapping.txt`: the stem of a file -> CelebA's number."""
    out = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        row = line.split()
        if number == 1 or not row:
            continue
        if len(row) != 3 or not row[0].isdigit() or not Path(row[2]).stem.isdigit():
            raise BadList(f"{path.name}:{number}: index, old index and file were expected.")
        out[row[0]] = int(Path(row[2]).stem)
    return out
