"""A look into an ONNX file without the `onnx` package: does it point to other files?

An ONNX model may keep tensors in files beside it, named by a path inside the model.  A model from
a stranger must not be able to name files of this machine, so such models are refused before
ONNX Runtime sees them.  Only the wire format of protocol buffers is read here; the field numbers
are those of `onnx.proto`.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

# message -> {field: message inside}.  Tensors are where external data can be named.
_CHILDREN = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DEEPEST = 64


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("broken varint")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """(field number, value if it is a varint, bytes if it has a length) of one message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field, kind = key >> 3, key & 7
        value, content = 0, data[:0]
        if kind == _VARINT:
            value, at = _varint(data, at)
        elif kind == _LENGTH:
            length, at = _varint(data, at)
            if length > len(data) - at:
                raise ValueError("truncated field")
            content = data[at : at + length]
            at += length
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        yield field, value, content


def _scan(data: memoryview, message: str, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    children = _CHILDREN.get(message, {})
    for field, value, content in _fields(data):
        if message == "tensor":
            if field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value):
                return True
        elif field in children and _scan(content, children[field], depth + 1):
            return True
    return False


def names_other_files(data: bytes) -> bool:
    """Whether any tensor of the ONNX model `data` lies in another file.

    Raises ValueError when `data` is not a protocol buffer at all.
    """
    return _scan(memoryview(data), "model", 0)
