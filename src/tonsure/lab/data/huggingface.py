"""Folders of Hugging Face's `datasets`, without that package.

    what `save_to_disk` wrote      dataset_info.json and *.arrow, or dataset_dict.json and a folder
                                   for each split
    a snapshot of a hub's set      *.parquet, or data/*.parquet, named by their split
    an ImageFolder                 metadata.csv or .jsonl with a column file_name, or such a folder
                                   for each split

Arrow and Parquet are read by pyarrow, if it is installed. The picture is the column of bytes and
path; every column of true and false, or of 1, 0 and -1, is a label.
"""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tonsure.errors import BadOption
from tonsure.lab.data.labels import BadList, Labels

Read = Callable[[], bytes]

SPLITS = {"train": 0, "validation": 1, "valid": 1, "val": 1, "test": 2}
_METADATA = ("metadata.csv", "metadata.jsonl")
# true and false are 1 and 0 to a dictionary
_VALUES: dict[int | str, int] = {1: 1, 0: 0, -1: 0, "1": 1, "0": 0, "-1": 0, "True": 1, "False": 0}


@dataclass
class _Split:
    """One split: its name, a name and a reader for each picture, columns of values by name."""

    name: str
    files: list[str]
    reads: list[Read]
    columns: dict[str, list[Any]]


def is_one(folder: Path) -> bool:
    """Whether a folder is laid out as one of these."""
    if (folder / "dataset_dict.json").exists() or (folder / "dataset_info.json").exists():
        return True
    return bool(_parquets(folder)) or bool(_folders(folder))


def find(folder: Path) -> tuple[Labels, tuple[Read, ...], dict[str, int] | None]:
    """Labels, a reader for each row's picture, and the part of each file's stem, if the set has
    several splits. Raises `BadList` for what is no set of pictures with labels, `BadOption` where
    pyarrow is missing."""
    splits = list(_splits(folder))
    names = _labels(folder, splits)
    # a name that comes twice, or none, gives way to split and row
    told = [file for one in splits for file in one.files]
    own = len({Path(file).stem for file in told}) == len(told) and all(told)
    files, values = [], []
    for one in splits:
        files += one.files if own else [f"{one.name}-{k:06d}.png" for k in range(len(one.files))]
        if one.files:
            values.append(
                np.array([[_VALUES[v] for v in one.columns[n]] for n in names], np.int8).T
            )
    labels = Labels(
        folder / "dataset", names, tuple(files), np.concatenate(values),
        np.arange(1, len(files) + 1),
    )  # fmt: skip
    parts = None
    if len(splits) > 1:
        stems = iter(Path(file).stem for file in files)
        parts = {next(stems): SPLITS.get(one.name, 3) for one in splits for _ in one.files}
    return labels, tuple(read for one in splits for read in one.reads), parts


def _labels(folder: Path, splits: list[_Split]) -> tuple[str, ...]:
    if not any(one.files for one in splits):
        raise BadList(f"There are no pictures in {folder}.")
    common = [name for name in splits[0].columns if all(name in one.columns for one in splits)]
    names = tuple(
        name for name in common
        if all(_is_label(one.columns[name]) for one in splits)
    )  # fmt: skip
    if not names:
        raise BadList(
            f"No column of {folder} is a label: true and false, or 1, 0 and -1; it has "
            f"{', '.join(common) or 'none'}."
        )
    return names


def _is_label(column: list[Any]) -> bool:
    return all(isinstance(v, bool | int | str) and v in _VALUES for v in column)


def _splits(folder: Path) -> Iterator[_Split]:
    if (folder / "dataset_dict.json").exists():
        told = json.loads((folder / "dataset_dict.json").read_text(encoding="utf-8"))
        for name in told["splits"]:
            yield _arrow(folder / name, name)
    elif (folder / "dataset_info.json").exists():
        yield _arrow(folder, "train")
    elif files := _parquets(folder):
        by: dict[str, list[Path]] = {}
        for file in files:
            by.setdefault(file.stem.split("-")[0], []).append(file)
        for name, own in sorted(by.items(), key=lambda pair: SPLITS.get(pair[0], 3)):
            yield _parquet(name, own)
    else:
        for name, place in _folders(folder):
            yield _image_folder(place, name)


def _parquets(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")])


def _folders(folder: Path) -> list[tuple[str, Path]]:
    """Splits of an ImageFolder by name."""
    if _metadata(folder):
        return [("train", folder)]
    return [(name, folder / name) for name in SPLITS if _metadata(folder / name)]


def _metadata(folder: Path) -> Path | None:
    """The list of an ImageFolder; a metadata.csv without its column is another kind of list."""
    for name in _METADATA:
        try:
            with (folder / name).open(encoding="utf-8-sig") as file:
                if name.endswith(".jsonl") or "file_name" in file.readline():
                    return folder / name
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _image_folder(folder: Path, name: str) -> _Split:
    path = _metadata(folder)
    assert path is not None
    text = path.read_text(encoding="utf-8-sig")
    try:
        if path.suffix == ".csv":
            rows = list(csv.DictReader(text.splitlines()))
        else:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        files = [str(row["file_name"]) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise BadList(f"{path}: a column file_name was expected in every row ({error}).") from None
    for number, file in enumerate(files, 2 if path.suffix == ".csv" else 1):
        if not (folder / file).is_file():
            raise BadList(f"{path.name}:{number}: {file} is not in {folder}.")
    columns = {
        k: [row.get(k) for row in rows] for k in (rows[0] if rows else ()) if k != "file_name"
    }
    return _Split(name, files, [(folder / file).read_bytes for file in files], columns)


def _pyarrow(folder: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BadOption(f"{folder} holds Arrow files, which need 'pip install pyarrow'.") from None
    return pyarrow


def _arrow(folder: Path, name: str) -> _Split:
    """What `save_to_disk` wrote, left on disk and mapped."""
    arrow = _pyarrow(folder)
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        paths = [folder / told["filename"] for told in state["_data_files"]]
    except (OSError, ValueError, KeyError):
        paths = sorted(folder.glob("*.arrow"))
    try:
        tables = [arrow.ipc.open_stream(arrow.memory_map(str(path))).read_all() for path in paths]
        table = arrow.concat_tables(tables)
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise BadList(f"{folder} is damaged, or no set that was saved to disk ({error}).") from None
    column = _picture(table.schema, arrow, folder)
    pictures = table.column(column)
    reads = [_row(pictures, k, folder) for k in range(len(pictures))]
    return _Split(name, _files(pictures, arrow), reads, _columns(table, arrow))


def _row(pictures: Any, row: int, folder: Path) -> Read:
    def read() -> bytes:
        return _bytes(pictures[row].as_py(), folder)

    return read


def _bytes(told: dict[str, Any] | None, folder: Path) -> bytes:
    if told and told.get("bytes"):
        return bytes(told["bytes"])
    if told and told.get("path"):
        return Path(folder, str(told["path"])).read_bytes()
    raise OSError("the row has no picture")


def _parquet(name: str, paths: list[Path]) -> _Split:
    """Labels at once, pictures by row group when they are asked for."""
    arrow = _pyarrow(paths[0].parent)
    out = _Split(name, [], [], {})
    for path in paths:
        try:
            file = arrow.parquet.ParquetFile(path)
            column = _picture(file.schema_arrow, arrow, path)
            rest = [n for n in file.schema_arrow.names if n != column]
            values = _columns(file.read(columns=rest), arrow)
            names = file.read(columns=[f"{column}.path"]).column(column)
        except (OSError, arrow.ArrowException) as error:
            raise BadList(f"{path} is damaged, or no Parquet file ({error}).") from None
        groups = _Groups(file, column)
        out.files += _files(names, arrow)
        out.reads += [groups.reader(k, path.parent) for k in range(file.metadata.num_rows)]
        for key, told in values.items():
            out.columns.setdefault(key, []).extend(told)
    return out


class _Groups:
    """Pictures of a Parquet file; the row group that was asked for last is kept."""

    def __init__(self, file: Any, column: str) -> None:
        self.file, self.column, self.lock = file, column, threading.Lock()
        counts = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        self.starts = np.cumsum([0, *counts])
        self.number, self.pictures = -1, None

    def reader(self, row: int, folder: Path) -> Read:
        def read() -> bytes:
            group = int(np.searchsorted(self.starts, row, side="right")) - 1
            with self.lock:
                if group != self.number:
                    read_ = self.file.read_row_group(group, columns=[self.column])
                    self.pictures, self.number = read_.column(self.column), group
                told: Any = self.pictures
                return _bytes(told[row - int(self.starts[group])].as_py(), folder)

        return read


def _picture(schema: Any, arrow: Any, place: Path) -> str:
    """The column of pictures: a struct of bytes and path."""
    for field in schema:
        if arrow.types.is_struct(field.type):
            inner = {field.type.field(k).name for k in range(field.type.num_fields)}
            if inner == {"bytes", "path"}:
                return str(field.name)
    raise BadList(f"{place} has no column of pictures; it has {', '.join(schema.names)}.")


def _columns(table: Any, arrow: Any) -> dict[str, list[Any]]:
    """Columns that may be labels."""
    kinds = (arrow.types.is_boolean, arrow.types.is_integer)
    return {
        field.name: table.column(field.name).to_pylist() for field in table.schema
        if any(kind(field.type) for kind in kinds)
    }  # fmt: skip


def _files(pictures: Any, arrow: Any) -> list[str]:
    """The name of each row's file, or ""."""
    flat = arrow.concat_tables([arrow.table({"p": pictures})]).flatten()
    paths = flat.column("p.path").to_pylist()
    return [Path(path).name if path else "" for path in paths]
