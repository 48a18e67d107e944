"""What an edit gives: the photo, what to know about it, and ways to save it."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

from . import photo, report
from .errors import Note
from .faces import Face
from .photo import Photo


@dataclass(frozen=True, eq=False)
class Result:
    """An edited photo, and what there is to know about it.

    Attributes
    ----------
    photo : the edited photo, or the opened one where nothing was to be done.
    found : the chosen faces by their number, from 1, the largest first.
    degree, style : as they were asked for.
    remarks : warnings about the edit; `warnings` adds those about the file.
    seconds : what each act took so far, by its name.
    edits : of `Shot.edit`, what was done to which face, in that order, see `report`.
    """

    photo: Photo
    found: dict[int, Face]
    degree: float
    style: str
    remarks: tuple[Note, ...]
    seconds: dict[str, float]
    edits: tuple[dict[str, Any], ...] = ()

    def __repr__(self) -> str:
        size = f"{self.photo.width} × {self.photo.height}"
        count = "1 face" if len(self.found) == 1 else f"{len(self.found)} faces"
        codes = ", ".join(dict.fromkeys(note.code for note in self.warnings))
        return f"<Result {size}, {count}, {self.style} {self.degree:g}{codes and '; ' + codes}>"

    def _repr_png_(self) -> bytes:
        """For notebooks: the photo, at most 768 pixels on its longer side."""
        image = photo.picture(self.photo.shallow())
        image.thumbnail((768, 768))
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()

    def show(self) -> None:
        """Open the photo in the system's own viewer; in a notebook, name the result instead."""
        photo.picture(self.photo.shallow()).show(str(self.photo.name))

    @cached_property
    def image(self) -> Any:
        """The photo as what it was given: an array or tensor of the same shape and type; bytes of a
        file for bytes and open files; a `PIL.Image.Image` for one and for paths."""
        return photo.as_given(self.photo)

    @property
    def faces(self) -> list[Face]:
        """The chosen faces."""
        return list(self.found.values())

    @property
    def warnings(self) -> tuple[Note, ...]:
        """What there is to know about it, as saved by default."""
        return self.notes()

    @property
    def report(self) -> dict[str, Any]:
        """All of this as a plain dictionary, see `tonsure.report`."""
        return self.report_as()

    def notes(self, format: str | None = None) -> tuple[Note, ...]:
        """Warnings, with what a file of `format` cannot keep."""
        notes = list(self.remarks)
        if self.photo.animated:
            notes.append(Note.of("first_frame"))
        if photo.earlier(self.photo.xmp):
            notes.append(Note.of("earlier_edit"))
        if self.photo.missing:
            notes.append(Note.of("cut_off", detail="; ".join(self.photo.missing) + "."))
        if lost := photo.losses(self.photo, format):
            notes.append(Note.of("dropped", detail="; ".join(lost) + "."))
        return tuple(notes)

    def report_as(self, format: str | None = None) -> dict[str, Any]:
        """The report of a file of `format`."""
        kept = {note.face for note in self.remarks if note.code == "already_bald"}
        if self.edits:
            done = {step["face"] for step in self.edits if step["changed"]}
        else:
            done = set(self.found) - kept if self.photo.edited else set()
        return report.of_result(
            self.photo,
            [(number, face, number in done) for number, face in self.found.items()],
            self.degree,
            self.style,
            self.notes(format),
            self.seconds,
        ) | ({"edits": list(self.edits)} if self.edits else {})

    def encode(self, format: str | None = None, *, quality: int | None = None) -> bytes:
        """The bytes of a file, see `photo.encode`."""
        return photo.encode(self.photo, format, quality=quality)

    def save(
        self,
        target: str | os.PathLike[str] | IO[bytes],
        *,
        overwrite: bool = False,
        format: str | None = None,
        quality: int | None = None,
    ) -> Result:
        """Write a file, whole or not at all, see `photo.write`; gives itself back."""
        photo.write(self.photo, target, overwrite=overwrite, format=format, quality=quality)
        return self
