"""Bodies of requests: read whole, into memory, within limits of size and time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from ..errors import nearest
from .problems import Refused

_PARTS = 24
_TEXT = 64_000  # bytes of a field that is not a file
_AROUND = 200_000  # bytes that a form may have besides its file
_ALIASES = {"file": "image"}  # as rembg and many others call a picture
_OPENINGS, _MEMBERS = 100, 10_000  # brackets, and commas and colons, of JSON


class Budget:
    """Bytes of all bodies that are held at the same time."""

    def __init__(self, megabytes: float) -> None:
        self.left = int(megabytes * 1e6)

    @contextmanager
    def share(self) -> Iterator[Share]:
        """For one request; what it took is given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            share.release()


class Share:
    def __init__(self, budget: Budget) -> None:
        self._budget, self.taken = budget, 0

    def take(self, count: int) -> None:
        """Raise `Refused` if there is not so much left."""
        if count > self._budget.left:
            raise Refused(
                "busy", "Too many photos are arriving at once; try again soon.", Retry_After="2"
            )
        self._budget.left -= count
        self.taken += count

    def release(self) -> None:
        """Give back what was taken."""
        self._budget.left += self.taken
        self.taken = 0


@dataclass
class Form:
    """Fields as text, files as bytes; each name may come several times."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[bytes]] = field(default_factory=dict)

    def text(self, name: str, default: str) -> str:
        """The only value of a field; `Refused` if there are several."""
        values = self.fields.get(name, [])
        if len(values) > 1:
            raise Refused(
                "bad_request", f"The field {name} was sent {len(values)} times; send it once."
            )
        return values[0] if values else default

    def only(self, *names: str) -> None:
        """Raise `Refused` for a field or file that is not among `names`."""
        for name in (*self.fields, *self.files):
            if name not in names:
                near = nearest(name[:40], names)
                raise Refused("bad_request", f"There is no field {name[:40]!r}; {near}")

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A field that is a whole number from `low` to `high`; `Refused` for another."""
        text = self.text(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refused("bad_option", f"{name} is {text[:20]!r}; it must be a whole number.")
        if not low <= int(text) <= high:
            raise Refused("bad_option", f"{name} is {text}; it goes from {low} to {high}.")
        return int(text)

    def flag(self, name: str) -> bool:
        """A field that is "true" or "false", by default false; `Refused` for another."""
        text = self.text(name, "false").strip().lower()
        if text not in ("true", "false", "1", "0"):
            raise Refused("bad_option", f"{name} is {text[:20]!r}; it must be true or false.")
        return text in ("true", "1")

    def file(self, name: str) -> bytes:
        """The only file called `name`; `Refused` if there is none, or several."""
        found = self.files.get(name, [])
        if len(found) != 1:
            count = "missing" if not found else f"there {len(found)} times"
            raise Refused("bad_request", f"The file {name} is {count}; send one.")
        return found[0]


async def read(request: Request, share: Share, *, most: int, seconds: float) -> bytes:
    """The body, at most `most` bytes, all of them within `seconds`."""
    deadline = time.monotonic() + seconds
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise too_large(most)
    body = bytearray()
    stream = request.stream()
    try:
        while True:
            left = deadline - time.monotonic()
            part = await asyncio.wait_for(anext(stream), max(left, 0.001))
            if len(body) + len(part) > most:
                raise too_large(most)
            share.take(len(part))
            body += part
    except StopAsyncIteration:
        return bytes(body)
    except TimeoutError:
        raise Refused(
            "too_slow", f"The request did not arrive within {seconds:g} s; send a smaller photo."
        ) from None


def too_large(most: int) -> Refused:
    said = f"The request has more than {most / 1e6:.3g} MB; send a smaller photo."
    return Refused("limit_exceeded", said)


async def form(
    request: Request, share: Share, files: set[str], *, file_bytes: int, seconds: float
) -> Form:
    """A multipart form; the parts called as in `files` are files, whatever else they say."""
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    boundary = parameters.get(b"boundary", b"")
    if kind.lower() != b"multipart/form-data" or not boundary:
        raise Refused("bad_request", f"Send a form with the {_meant(files)}.")
    data = await read(request, share, most=file_bytes + _AROUND, seconds=seconds)
    return await asyncio.to_thread(parse, data, boundary, files)


def parse(data: bytes, boundary: bytes, files: set[str]) -> Form:
    """The form in `data`; `Refused` for what is none."""
    reader = _Reader(files)
    try:
        parser = MultipartParser(boundary, reader.callbacks(), max_header_size=4096)
        parser.write(data)
        parser.finalize()
    except FormParserError as error:
        raise Refused(
            "bad_request", "The form is malformed; let curl -F or a library write it."
        ) from error
    if not reader.ended:
        raise Refused(
            "bad_request", "The form is cut off: its last boundary is missing; send it whole."
        )
    return reader.form


def _meant(files: set[str], what: str = "the file ") -> str:
    """How the one file of a form is sent, in words."""
    (name,) = files
    kind, example = ("photo", "me.jpg") if name == "image" else (name, "me.mp4")
    return f"{kind} as {what}{name}: curl -F {name}=@{example}"


class _Reader:
    """Collects what the parser calls out. File names are not even looked at."""

    def __init__(self, files: set[str]) -> None:
        self.form, self.ended = Form(), False
        self._files = files
        self._parts = 0
        self._name, self._value = b"", b""
        self._field: str | None = None
        self._content = bytearray()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._part_begin,
            "on_header_begin": self._header_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise Refused("bad_request", f"The form has more than {_PARTS} parts; send fewer.")
        self._field, self._content = None, bytearray()

    def _header_begin(self) -> None:
        self._name, self._value = b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, parameters = parse_options_header(self._value.decode("latin-1"))
            name = parameters.get(b"name", b"").decode("utf-8", "replace")
            self._field = _ALIASES.get(name, name)
            if b"filename" in parameters and self._field not in self._files:
                raise Refused(
                    "bad_request",
                    f"A file came as {self._field[:40]!r}; send the {_meant(self._files, '')}.",
                )

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += memoryview(data)[start:end]
        if self._field not in self._files and len(self._content) > _TEXT:
            raise Refused(
                "bad_request",
                f"The field {(self._field or '')[:40]!r} is longer than {_TEXT // 1000} kB; "
                f"send the {_meant(self._files)}.",
            )

    def _part_end(self) -> None:
        if not self._field:
            raise Refused("bad_request", "A part of the form has no name; give each one.")
        if self._field in self._files:
            self.form.files.setdefault(self._field, []).append(bytes(self._content))
        else:
            try:
                text = self._content.decode("utf-8")
            except UnicodeDecodeError:
                name = self._field[:40]
                raise Refused(
                    "bad_request", f"The field {name!r} is not UTF-8; send text, or a file."
                ) from None
            self.form.fields.setdefault(self._field, []).append(text)
        self._content = bytearray()

    def _end(self) -> None:
        self.ended = True


async def json_body(request: Request, share: Share, *, most: int, seconds: float) -> Any:
    """The JSON that a body is; `Refused` for what is none."""
    return await asyncio.to_thread(parse_json, await read(
        request, share, most=most, seconds=seconds
    ))  # fmt: skip


def parse_json(data: bytes) -> Any:
    """The value in `data`; `Refused` for none, and for one that would grow in memory.

    A small list takes some 60 times the bytes that it is written with; of photos in base64 there
    are few, so that what opens and what separates is counted before anything is made of it.
    """
    if (
        sum(map(data.count, (b"[", b"{"))) > _OPENINGS
        or sum(map(data.count, (b",", b":"))) > _MEMBERS
    ):
        raise Refused("bad_request", "The JSON has too many members; send photos as base64 only.")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refused(
            "bad_request", 'The body is not JSON; send {"images": ["base64 of a photo"]}.'
        ) from None


async def gone(request: Request) -> None:
    """Comes back when the client has left; the body must have been read."""
    while True:
        try:
            message = await request.receive()
        except ClientDisconnect:
            return
        if message["type"] == "http.disconnect":
            return
