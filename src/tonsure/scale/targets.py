"""Where results go: single files, Parquet, WebDataset. The same photos give the same bytes."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import PurePosixPath
from typing import Any

from ..photo.formats import of_path, result_suffix
from .order import Made
from .sources import Item, Kind, Unit, pyarrow
from .store import Store

Done = list[tuple[Item, Made]]

NOTES = "_tonsure"
"""The folder of the plan and the report; readers of Parquet leave such names out."""


def name_of(source: str) -> str:
    """A single file's result: a/me.jpg becomes a/me.bald.jpg, a/me.gif a/me.gif.bald.png."""
    path = PurePosixPath(source)
    suffix = result_suffix(path)
    stem = path.stem if suffix == path.suffix else path.name
    return str(path.with_name(f"{stem}.bald{suffix}"))


def format_of(source: str) -> str:
    """The format of a single file's result, which its name has promised."""
    return of_path(name_of(source)).name


def write(
    store: Store, kind: Kind, unit: Unit, part: str, done: Done, schema: Any = None
) -> list[dict[str, Any]]:
    """Write the results of one part and give the report's rows, with where each result is.

    `schema` is that of a Parquet source. Raises `UnwritableOutput`.
    """
    if kind == "photos":
        return [_file(store, unit, part, k, item, made) for k, (item, made) in enumerate(done)]
    suffix = "parquet" if kind == "parquet" else "tar"
    name = f"part-{part}.{suffix}"
    store.write(name, _parquet(unit, done, schema) if kind == "parquet" else _tar(part, done))
    return [made.row | _places(made, store.shown(name)) for _, made in done]


def _places(made: Made, *paths: str) -> dict[str, Any]:
    return {"outputs": list(paths)} if made.data is not None else {}


def _file(
    store: Store, unit: Unit, part: str, number: int, item: Item, made: Made
) -> dict[str, Any]:
    if made.data is None:
        return made.row
    own = name_of(item.name or "photo") if unit["kind"] == "photos" else ""
    name = own or f"{part}/{number:05}.bald{made.suffix}"
    store.write(name, made.data)
    return made.row | _places(made, store.shown(name))


def _told(made: Made) -> str:
    """A row without what differs from run to run."""
    return json.dumps({key: value for key, value in made.row.items() if key != "seconds"})


def _parquet(unit: Unit, done: Done, schema: Any) -> bytes:
    """A table with the columns of the source, its photos replaced (null: failed), and of each the
    report in the column `tonsure`."""
    library = pyarrow()
    column, rows = unit.get("column", "image"), []
    for item, made in done:
        rest = dict(item.rest)
        photo: Any = made.data
        if "__path" in rest:
            photo = {"bytes": made.data, "path": rest.pop("__path")}
        named = {"name": item.name} if unit["kind"] != "parquet" else {}
        kept = rest if unit["kind"] == "parquet" else {}
        rows.append(kept | named | {column: photo, "tonsure": _told(made)})
    out = io.BytesIO()
    text = library.string()
    if schema is None:  # parts in which every value is missing would tell no types
        fields = [("name", text), (column, library.binary())]
        schema = library.schema(fields)
    elif "tonsure" in schema.names:
        schema = schema.remove(schema.get_field_index("tonsure"))
    schema = schema.append(library.field("tonsure", text)).remove_metadata()
    library.parquet.write_table(library.Table.from_pylist(rows, schema), out)
    return out.getvalue()


def _tar(part: str, done: Done) -> bytes:
    """A WebDataset: of each photo the result, the report as .tonsure.json, and what else there
    was of it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number, (item, made) in enumerate(done):
            rest = dict(item.rest)
            key = rest.pop("__key", None) or f"{part}-{number:05}"
            members = {
                k: v for k, v in rest.items() if isinstance(v, bytes) and k != "tonsure.json"
            }
            if made.data is not None:
                members[made.suffix.lstrip(".")] = made.data
            members["tonsure.json"] = _told(made).encode()
            for ending, data in members.items():
                about = tarfile.TarInfo(f"{key}.{ending}" if ending else key)
                about.size, about.mode = len(data), 0o644
                tar.addfile(about, io.BytesIO(data))
    return out.getvalue()
