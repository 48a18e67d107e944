"""Where each result goes, settled for all photos before the first is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadOption, UnwritableOutput
from . import streams
from .inputs import STDIN, Input

_FIELDS = ("{name}", "{ext}")
_PNG = ("steps", "mask", "layer")  # kinds that are not saved as their photo is


@dataclass(frozen=True)
class Job:
    """A photo and the path of its result; None is standard output.

    `make_folder`: the path's folder is ours to make, as no file was named.
    """

    photo: Input
    target: Path | None
    make_folder: bool = False


def assign(photos: Sequence[Input], output: str | None, *, kind: str = "bald") -> list[Job]:
    """A target for every photo; `kind` goes into names that are made here: name.bald.jpg.

    `output` is a file; a folder (one that exists, or ends with a slash, or has no ending), which
    mirrors the folders of the photos; a name with {name} and {ext} in it; "-"; or None: beside the
    photo, and standard output for standard input.

    Raises `BadOption` if two photos have the same target, or one file is named for several.
    """
    if output == "":
        raise BadOption("-o is empty (perhaps a variable without a value); give it a name.")
    if output == STDIN or (output is None and [p.name for p in photos] == [STDIN]):
        if len(photos) != 1:
            raise BadOption(
                f"Standard output holds one photo, not {len(photos)}; give -o a folder."
            )
        if "stdout" in streams.missing:
            raise BadOption("Standard output is closed; give -o a file.")
        if sys.stdout.isatty():
            raise BadOption("Pictures are not written to a terminal; give -o a file, or a pipe.")
        return [Job(photos[0], None)]
    jobs = [_job(photo, output, len(photos), kind) for photo in photos]
    taken: dict[str, Input] = {}
    for job in jobs:
        other = taken.setdefault(os.path.normcase(os.path.abspath(str(job.target))), job.photo)
        if other is not job.photo:
            raise BadOption(
                f"{other.name} and {job.photo.name} would both become {job.target}; "
                "give -o a folder, or a name with {name} in it."
            )
    return jobs


def _job(photo: Input, output: str | None, count: int, kind: str) -> Job:
    stem = "photo" if photo.path is None else photo.path.stem
    if kind == "steps":
        stem = stem.replace("%", "%%")  # only `output` says where numbers go
    from ..photo.formats import result_suffix

    suffix = ".png" if kind in _PNG else result_suffix(photo.path)
    made = f"{stem}.{kind}{suffix}"
    if output is None:
        if photo.path is None:
            raise BadOption("Standard input among other photos needs a folder; give -o one.")
        return Job(photo, photo.path.with_name(made))
    if any(field in output for field in _FIELDS):
        filled = output.replace("{name}", stem).replace("{ext}", suffix.lstrip("."))
        return Job(photo, Path(filled), make_folder=True)
    path = Path(output)
    several = count > 1 or photo.folder is not None
    if is_folder(output) or (several and not path.suffix):
        return Job(photo, path / photo.below / made, make_folder=True)
    if several:
        raise BadOption(f"{output} is one file, for {count} photos; give -o a folder.")
    return Job(photo, path)


def is_folder(output: str) -> bool:
    """Whether a folder is meant: it exists, or is written with a slash at its end."""
    separators = tuple(s for s in (os.sep, os.altsep, "/") if s)
    return output.endswith(separators) or os.path.isdir(output)


def make_folder(folder: Path) -> None:
    """Make a result's folder, and those above it. Raises `UnwritableOutput`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnwritableOutput(
            f"The folder {folder} cannot be made ({reason}); give -o another one."
        ) from error


def to_stdout(data: bytes) -> None:
    """Write a picture to standard output. Raises `UnwritableOutput`, or `BrokenPipeError`."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnwritableOutput(
            f"Standard output cannot be written ({reason}); give -o a file."
        ) from error
