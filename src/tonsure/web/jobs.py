"""What a worker does with a photo: plain functions of an editor, bytes, and values.

Each calls its `holder` between its acts, which raises when nobody waits for the result any more,
and asks it for memory before what takes much.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field, replace
from typing import Any

from .. import report
from ..editor import NEEDED, Editor, Shot
from ..errors import BadOption, LimitExceeded, NoFace, WrongType, nearest
from ..photo import FORMATS, Photo, chosen, earlier
from ..photo import formats as kinds
from ..photo.xmp import mark
from ..result import Result
from ..steps import files, plan, strip
from ..steps.tile import tile
from .memory import Holder

MEDIA_TYPES = {
    "JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif",
    "TIFF": "image/tiff", "BMP": "image/bmp", "GIF": "image/gif",
}  # fmt: skip
GIVEN = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF")
"""Formats that are sent out, if they are asked for."""
SEQUENCES = ("strip", "gif", "webp", "frames", "pair")
MOST_STEPS = 61
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_BRANDS = (b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"heim", b"heis")
_ABOUT_THE_FILE = ("comment", "extra")


@dataclass(frozen=True)
class Wish:
    """What is wanted of a photo; `each` has degrees of single faces, then `degree` is 0. `changes`
    and `apart`, of single faces, are attributes in place of these, see `edits.Edits`."""

    degree: float = 1.0
    each: dict[int, float] = field(default_factory=dict)
    style: str = "recede"
    face: str = "largest"
    format: str | None = None
    quality: int | None = None
    changes: dict[str, float] = field(default_factory=dict)
    apart: dict[int, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A file, and the report of what was done."""

    data: bytes
    media_type: str
    suffix: str
    report: dict[str, Any]


def open_shot(editor: Editor, data: bytes, holder: Holder) -> Shot:
    """A photo that somebody sent, without what it says of where, when and with what it was taken.

    Few kinds of files are taken, by their first bytes; no other parser sees them.
    """
    boxed = data[4:8] == b"ftyp" and data[8:12] in _BRANDS
    if not (data.startswith(_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or boxed):
        if not data:
            raise WrongType("The photo is empty.")
        raise WrongType("This is not a photo that is read here; send JPEG, PNG, WebP or AVIF.")
    editor.limits.check_file(len(data))
    holder.photo(data)
    shot = editor.open(data, name="The photo")
    shot.photo = private(shot.photo)
    return shot


def private(photo: Photo) -> Photo:
    """`photo` with nothing but its picture and its colours: no EXIF with places and devices, no
    words, no XMP but the mark of an earlier edit."""
    encoder = {k: v for k, v in photo.encoder.items() if k not in _ABOUT_THE_FILE}
    if "chunks" in encoder:
        words = {b"tEXt", b"zTXt", b"iTXt"}
        encoder["chunks"] = [c for c in encoder["chunks"] if c[0] not in words]
    marked = mark(None)[0] if earlier(photo.xmp) else None
    return replace(photo, exif=None, xmp=marked, encoder=encoder, origin=None, dropped=())


def edit(editor: Editor, data: bytes, wish: Wish, holder: Holder) -> Made:
    """The edited photo, in its own format unless another is wished."""
    editor.check(wish.degree, wish.style, wish.face)
    with open_shot(editor, data, holder) as shot:
        target = chosen(shot.photo, wish.format)
        result = bald(shot, wish, holder, last=True)
    del shot  # the photo, too: memory that the encoder needs
    holder()
    made = result.encode(target.name, quality=wish.quality)
    told = result.report_as(target.name)
    return Made(made, MEDIA_TYPES[target.name], target.suffixes[0], told)


def sequence(
    editor: Editor, data: bytes, wish: Wish, kind: str, count: int, size: int | None,
    holder: Holder, captions: bool = False,
) -> Made:  # fmt: skip
    """All degrees: a strip, a loop (GIF, WebP), or frames in a zip; or a pair: before, after."""
    if kind == "pair":
        return _pair(editor, data, wish, size or 1280, holder)
    editor.check(1.0, wish.style, wish.face)
    with open_shot(editor, data, holder) as shot:
        target = chosen(shot.photo, wish.format)
        suffix = {"strip": target.suffixes[0], "gif": ".gif", "webp": ".webp"}.get(kind, "")
        name = f"frame-%02d{target.suffixes[0]}" if kind == "frames" else f"steps{suffix}"
        steps = plan(name, count, size or None, captions=captions)
        _check_together(shot.photo, count, steps.size, 250 if kind == "frames" else 60)
        if wish.changes or wish.apart:
            shot = shot.edited(_changed(shot, wish, holder).photo)
            wish = replace(wish, changes={}, apart={})
        result = bald(shot, replace(wish, degree=1.0), holder)
        made = files(shot, steps, style=wish.style, face=wish.face, before_each=holder)
        told = result.report_as(steps.format) | {"steps": count}
        if kind != "frames":
            return Made(next(made), MEDIA_TYPES[steps.format], suffix, told)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            for path, frame in zip(steps.paths, made, strict=True):
                archive.writestr(zipfile.ZipInfo(path.name), frame)
        return Made(packed.getvalue(), "application/zip", ".zip", told)


def _pair(editor: Editor, data: bytes, wish: Wish, size: int, holder: Holder) -> Made:
    """The photo as it was and as it is wished, side by side."""
    editor.check(wish.degree, wish.style, wish.face)
    with open_shot(editor, data, holder) as shot:
        target = chosen(shot.photo, wish.format)
        result = bald(shot, wish, holder)
        size = strip.fitting(shot.photo, 2, size, target.max_side)
        holder()
        tiles = [tile(shot.photo, size), tile(result.photo, size)]
        told = result.report_as(target.name)
        made = strip.encode(tiles, target.name)
        return Made(made, MEDIA_TYPES[target.name], target.suffixes[0], told)


def inspect(editor: Editor, data: bytes, holder: Holder) -> dict[str, Any]:
    """What `tonsure inspect` tells."""
    with open_shot(editor, data, holder) as shot:
        holder()
        editor.limits.check_faces(len(shot.faces))
        for number, face in enumerate(shot.faces, 1):
            holder()
            if face.height >= NEEDED:
                holder.head(face, shot.photo)
                shot.head(number)
        return report.of_shot(shot)


def kind_of(name: str) -> str:
    """One of `SEQUENCES`; raises `BadOption`."""
    if name not in SEQUENCES:
        raise BadOption(f"There is no kind {name[:40]!r}; {nearest(name[:40], SEQUENCES)}")
    return name


def format_of(name: str) -> str | None:
    """The name of a format that is sent out, None for ""; raises `BadOption`."""
    if not name:
        return None
    found = kinds.of_name(name[:40])
    if found.name not in GIVEN:
        raise BadOption(f"{found.name} is not made here; {nearest('', map(str.lower, GIVEN))}")
    return found.name


def _check_together(photo: Photo, count: int, size: int, megapixels: int) -> None:
    """Raise `LimitExceeded` if `count` steps of `size` have more pixels than are made at once."""
    scale = min(1.0, size / max(photo.width, photo.height)) if size else 1.0
    together = count * photo.width * photo.height * scale**2 / 1e6
    if together > megapixels:
        raise LimitExceeded(
            f"{count} steps of this size have {together:.0f} megapixels together, the limit is "
            f"{megapixels}; ask for fewer or smaller ones."
        )


def bald(shot: Shot, wish: Wish, holder: Holder, last: bool = False) -> Result:
    """As `Shot.bald`, with a checkpoint before each thing that takes time."""
    holder()
    if wish.changes or wish.apart:
        return _changed(shot, wish, holder)
    if max((wish.degree, *wish.each.values())) > 0:
        for number in _numbers(shot, wish):
            holder.head(shot.faces[number - 1], shot.photo)
            shot.head(number)
    holder()
    return shot.bald(wish.degree, wish.style, wish.face, wish.each, last=last)


def _changed(shot: Shot, wish: Wish, holder: Holder) -> Result:
    """As `Shot.edit`, with a checkpoint before each face."""
    if missing := [number for number in wish.apart if number > len(shot.faces)]:
        raise NoFace(f"There is no face {missing[0]}: {len(shot.faces)} found.")
    if not wish.apart:
        numbers = shot.edit({}, wish.face).found
    for number in wish.apart or numbers:
        face = shot.faces[number - 1]
        if face.height >= NEEDED:
            holder.head(face, shot.photo)
            if (wish.apart.get(number) or wish.changes).get("Bald"):
                shot.head(number)
    holder()
    return shot.edit(wish.changes, wish.face, each=wish.apart or None)


def _numbers(shot: Shot, wish: Wish) -> list[int]:
    """The usable faces that change, by number; raises as `Shot.bald`."""
    if missing := [number for number in wish.each if number > len(shot.faces)]:
        raise NoFace(f"There is no face {missing[0]}: {len(shot.faces)} found.")
    found = shot.bald(0.0, face=wish.face).found
    return [number for number in found if wish.each.get(number, wish.degree) > 0]


def readable() -> list[str]:
    """Formats that are taken here."""
    named = {"JPEG", "PNG", "WEBP", "AVIF", "HEIF"}
    return [name for name in kinds.readable() if name in named and name in FORMATS]
