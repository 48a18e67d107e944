"""Reading TensorFlow's checkpoints without TensorFlow: `NAME.index` and `NAME.data-*`.

The index is a sorted string table (LevelDB's format, uncompressed as TensorFlow writes it) from
names of variables to small protobuf messages: type, shape, shard, offset, size. The data are plain
numbers. Sources: tensorflow/core/protobuf/tensor_bundle.proto and LevelDB's doc/table_format.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tonsure.errors import ModelDamaged

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}


@dataclass(frozen=True)
class Entry:
    """Where a variable's numbers lie."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int


def prefix(path: Path) -> Path:
    """The name that the files of a checkpoint share, from that name or one of the files."""
    name = path.name.removesuffix(".index").removesuffix(".meta")
    return path.with_name(name.split(".data-")[0])


def is_bundle(path: Path) -> bool:
    """Whether a path names such a checkpoint."""
    return index_of(path).is_file()


def index_of(path: Path) -> Path:
    start = prefix(path)
    return start.with_name(f"{start.name}.index")


def names(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of all variables by name."""
    return {name: entry.shape for name, entry in _entries(index_of(path))[0].items()}


def read(path: Path, wanted: tuple[str, ...]) -> dict[str, npt.NDArray[np.float32]]:
    """The variables whose names begin with one of `wanted`, as float32.

    Raises `ModelDamaged` for what is no such checkpoint, is cut off, or lacks a shard.
    """
    start, (entries, shards) = prefix(path), _entries(index_of(path))
    out = {}
    for name, entry in entries.items():
        if not name.startswith(wanted):
            continue
        file = start.with_name(f"{start.name}.data-{entry.shard:05d}-of-{shards:05d}")
        out[name] = _tensor(file, name, entry)
    return out


def _tensor(file: Path, name: str, entry: Entry) -> npt.NDArray[np.float32]:
    if entry.kind not in _TYPES:
        raise ModelDamaged(f"{file}: {name} has the type {entry.kind}, which no weight has.")
    kind, count = np.dtype(_TYPES[entry.kind]), int(np.prod(entry.shape, dtype=np.int64))
    if count * kind.itemsize != entry.size:
        raise ModelDamaged(f"{file}: {name} is {entry.size} bytes, not {count * kind.itemsize}.")
    try:
        with file.open("rb") as opened:
            opened.seek(entry.offset)
            data = opened.read(entry.size)
    except OSError:
        raise ModelDamaged(
            f"There is no {file}; a checkpoint of TensorFlow is .index and .data-* together."
        ) from None
    if len(data) != entry.size:
        raise ModelDamaged(f"{file} is cut off: {name} ends beyond it.")
    return np.frombuffer(data, kind).reshape(entry.shape).astype(np.float32)


def _entries(index: Path) -> tuple[dict[str, Entry], int]:
    """All entries by name, and the number of shards."""
    try:
        table = index.read_bytes()
        found = dict(_table(table))
        header = dict(_fields(found.pop(b"")))
        if header.get(2, 0):
            raise ValueError("it is of a big-endian machine")
        return {key.decode(): _entry(value) for key, value in found.items()}, int(header.get(1, 1))
    except (ValueError, KeyError, IndexError, struct.error, TypeError) as error:
        raise ModelDamaged(f"{index} is no index of a TensorFlow checkpoint ({error}).") from None


def _entry(message: bytes) -> Entry:
    told: dict[int, int] = {}
    shape: tuple[int, ...] = ()
    for number, value in _fields(message):
        if number == 2 and isinstance(value, bytes):
            dims = (dim for k, dim in _fields(value) if k == 2 and isinstance(dim, bytes))
            shape = tuple(int(dict(_fields(dim)).get(1, 0)) for dim in dims)
        elif number == 7:
            raise ValueError("it has a variable in slices")
        elif isinstance(value, int):
            told[number] = value
    return Entry(told.get(1, 0), shape, told.get(3, 0), told.get(4, 0), told.get(5, 0))


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a sorted string table."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise ValueError("it does not end as one")
    footer = data[-_FOOTER:]
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)
    start, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    for _, handle in _block(data, start, size):
        first, at = _varint(handle, 0)
        yield from _block(data, first, _varint(handle, at)[0])


def _block(data: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys, each told as a prefix of the one before and the rest, and values."""
    if start + size + 5 > len(data):
        raise ValueError("it is cut off")
    if data[start + size]:
        raise ValueError("its blocks are compressed")
    block = data[start : start + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, key = size - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + own + length > end:
            raise ValueError("a block is damaged")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protobuf message's fields."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("a message is cut off")
            yield tag >> 3, message[at : at + length]
            at += length
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            yield tag >> 3, int.from_bytes(message[at : at + width], "little")
            at += width
        else:
            raise ValueError(f"a field of the kind {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
