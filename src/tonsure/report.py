"""What was done, as plain dictionaries that go into JSON; `docs/python.md` describes the keys.

Keys are added, never renamed or removed, within one `SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import __version__

if TYPE_CHECKING:
    from .editor import Shot
    from .errors import Door, Note, TonsureError
    from .faces import Face
    from .models import ModelInfo
    from .photo import Photo

SCHEMA = 1


def of_photo(photo: Photo) -> dict[str, Any]:
    """Name, format, size and kind of a photo, and the mark of an earlier edit."""
    from .photo import earlier

    return {
        "name": photo.name,
        "format": photo.format,
        "width": photo.width,
        "height": photo.height,
        "bits": 16 if photo.deep else 8,
        "mode": photo.mode,
        "grey": photo.grey,
        "alpha": photo.alpha is not None,
        "icc": photo.icc is not None,
        "animated": photo.animated,
        "earlier_edit": earlier(photo.xmp),
    }


def of_face(face: Face, number: int) -> dict[str, Any]:
    """A face: its number (from 1, largest first), box, landmarks of the eyes, pixels, degrees."""
    return {
        "number": number,
        "box": [round(float(value), 1) for value in face.box],
        "eyes": [[round(float(value), 1) for value in eye] for eye in face.eyes],
        "height": round(float(face.height), 1),
        "roll": round(float(face.roll), 1),
        "score": round(float(face.score), 3),
    }


def of_note(note: Note) -> dict[str, Any]:
    """A warning."""
    return {"code": note.code, "text": note.text, "face": note.face}


def of_error(error: TonsureError, door: Door = "python") -> dict[str, Any]:
    """An error in the words of `door`, with the exit code that it alone would give."""
    return {"code": error.code, "text": error.said(door), "exit_code": error.exit_code}


def of_result(
    photo: Photo,
    faces: Iterable[tuple[int, Face, bool]],
    degree: float,
    style: str,
    notes: Iterable[Note],
    seconds: dict[str, float],
) -> dict[str, Any]:
    """An edit; `faces` are triples of number, face and whether its hair was edited."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "photo": of_photo(photo),
        "degree": degree,
        "style": style,
        "faces": [of_face(face, number) | {"edited": done} for number, face, done in faces],
        "warnings": [of_note(note) for note in notes],
        "seconds": {key: round(value, 3) for key, value in seconds.items()},
    }


def of_shot(shot: Shot) -> dict[str, Any]:
    """A photo before any edit, and of each face what it wears and what an edit would warn about."""
    faces = [of_face(face, n) | {"found": shot.look(n)} for n, face in enumerate(shot.faces, 1)]
    return {"schema": SCHEMA, "photo": of_photo(shot.photo), "faces": faces}


def of_model(entry: ModelInfo) -> dict[str, Any]:
    """A network: file, length, hash, licence, origin, inputs, outputs, the name of its card."""

    def ports(those: Any) -> list[dict[str, Any]]:
        return [{"name": p.name, "shape": list(p.shape), "holds": p.holds} for p in those]

    return {
        "name": entry.name,
        "file": entry.file,
        "bytes": entry.bytes,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "provenance": entry.provenance,
        "inputs": ports(entry.inputs),
        "outputs": ports(entry.outputs),
        "card": entry.card,
    }
