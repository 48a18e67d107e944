"""Where photos come from: single files, Parquet, WebDataset; cut into units that are read alone."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import BadOption, ModelMissing, UnreadableInput
from ..photo.formats import SUFFIXES, may_be_photo
from .store import Store

Kind = Literal["photos", "parquet", "webdataset"]
KINDS: tuple[Kind, ...] = ("photos", "parquet", "webdataset")
Unit = dict[str, Any]
"""What one worker reads at a time, of plain values: files' names, a row group, a tar."""

COLUMNS = ("image", "bytes", "photo", "jpg", "picture", "content", "data")
_KEYS = ("path", "key", "__key__", "name", "file_name", "id")


@dataclass
class Item:
    """A photo of a unit: what reports call it, how to get its bytes, and what came with it."""

    name: str
    load: Callable[[], bytes | None]
    rest: dict[str, Any] = field(default_factory=dict)


def pyarrow() -> Any:
    """The library; raises `ModelMissing` where it is not installed."""
    try:
        import pyarrow as library
        import pyarrow.parquet
    except ImportError as error:
        raise ModelMissing(
            "Parquet needs pyarrow; 'pip install pyarrow' installs it (from the source: "
            "'pip install .[batch]')."
        ) from error
    return library


def kind_of(store: Store) -> Kind:
    """What a source is, by its files' names. Raises `BadOption` where nothing fits."""
    if not store.exists():
        raise BadOption(f"There is nothing at {store.address}.")
    names = store.names() if store.is_folder() else iter([store.root])
    for name in names:
        if name.lower().endswith(".parquet"):
            return "parquet"
        if name.lower().endswith(".tar"):
            return "webdataset"
        if may_be_photo(name):
            return "photos"
    raise BadOption(f"There are no photos, .parquet or .tar files in {store.address}.")


def units(store: Store, kind: Kind, size: int | None, column: str | None) -> Iterator[Unit]:
    """The units of a source, in order; single files go together by `size` (default: by how many
    there are)."""
    names = list(_files(store, kind))
    if not names:
        raise BadOption(f"There are no files of the kind {kind} in {store.address}.")
    if kind == "photos":
        step = size or min(max(len(names) // 256, 8), 64)
        for start in range(0, len(names), step):
            yield {"kind": kind, "names": names[start : start + step]}
    elif kind == "webdataset":
        for name in names:
            yield {"kind": kind, "file": name}
    else:
        for name in names:
            with store.open(name) as file:
                held = pyarrow().parquet.ParquetFile(file)
                wanted = _column(held.schema_arrow.names, column, name)
                for group in range(held.num_row_groups):
                    rows = held.metadata.row_group(group).num_rows
                    yield {"kind": kind, "file": name, "group": group, "column": wanted,
                           "photos": rows}  # fmt: skip


def items(store: Store, unit: Unit) -> Iterator[Item]:
    """The photos of a unit, in the same order every time. Raises `UnreadableInput`."""
    if unit["kind"] == "photos":
        for name in unit["names"]:
            yield Item(name, lambda name=name: store.read(name))  # type: ignore[misc]
        return
    place = unit["file"] or store.root.rsplit("/", 1)[-1]
    with store.open(unit["file"]) as file:
        try:
            if unit["kind"] == "parquet":
                yield from _rows(file, unit, place)
            else:
                yield from _samples(file, place)
        except (tarfile.TarError, ValueError) as error:  # an OSError may be gone next time
            raise UnreadableInput(f"{place} cannot be read ({error}).") from error


def schema(store: Store, unit: Unit) -> Any:
    """The columns of a Parquet file and their types; None for other kinds."""
    if unit["kind"] != "parquet":
        return None
    with store.open(unit["file"]) as file:
        return pyarrow().parquet.read_schema(file)


def _files(store: Store, kind: Kind) -> Iterator[str]:
    if not store.is_folder():
        yield ""
        return
    ending = {"parquet": ".parquet", "webdataset": ".tar"}.get(kind)
    for name in store.names():
        if name.lower().endswith(ending) if ending else may_be_photo(name):
            yield name


def _column(names: list[str], wanted: str | None, file: str) -> str:
    found = [name for name in ([wanted] if wanted else COLUMNS) if name in names]
    if not found:
        what = f"no column {wanted!r}" if wanted else "no column that is known to hold photos"
        raise BadOption(
            f"{file or 'The file'} has {what}; its columns are {', '.join(names)}.",
            cli=f"{file or 'The file'} has {what}; give --column, one of {', '.join(names)}.",
        )
    return found[0]


def _rows(file: Any, unit: Unit, place: str) -> Iterator[Item]:
    held, column, number = pyarrow().parquet.ParquetFile(file), unit["column"], 0
    for batch in held.iter_batches(batch_size=16, row_groups=[unit["group"]]):
        for row in batch.to_pylist():
            photo = row.pop(column)
            named = next((str(row[key]) for key in _KEYS if row.get(key) is not None), "")
            if isinstance(photo, dict):  # as Hugging Face's datasets keep pictures
                row["__path"] = photo.get("path")
                named, photo = named or photo.get("path") or "", photo.get("bytes")
            own = f"{place}#{unit['group']}.{number} {named}".rstrip()
            yield Item(own, lambda photo=photo: photo, row)  # type: ignore[misc]
            number += 1


def _samples(file: Any, place: str) -> Iterator[Item]:
    """Members of a tar with the same name up to the first dot of its last part go together."""
    with tarfile.open(fileobj=file, mode="r|") as tar:
        key = ""
        parts: dict[str, bytes] = {}
        for member in tar:
            if not member.isfile():
                continue
            folder, _, last = member.name.rpartition("/")
            stem, _, ending = last.partition(".")
            own = f"{folder}/{stem}" if folder else stem
            if own != key and parts:
                yield _sample(place, key, parts)
                parts = {}
            key = own
            content = tar.extractfile(member)
            parts[ending] = content.read() if content is not None else b""
        if parts:
            yield _sample(place, key, parts)


def _sample(place: str, key: str, parts: dict[str, bytes]) -> Item:
    photo = next((ending for ending in parts if f".{ending.lower()}" in SUFFIXES), None)
    data = parts.pop(photo) if photo is not None else None
    rest: dict[str, Any] = {**parts, "__key": key}
    return Item(f"{place}#{key}", lambda: data, rest)
