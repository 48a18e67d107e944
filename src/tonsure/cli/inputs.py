"""Which photos are meant: files, folders, patterns, standard input."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import BadOption, UnreadableInput
from . import streams

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,2}\S")
STDIN = "-"


@dataclass(frozen=True)
class Input:
    """A photo: its path, None for standard input, and the folder that it was found in, if any."""

    path: Path | None
    folder: Path | None = None

    @property
    def name(self) -> str:
        return STDIN if self.path is None else str(self.path)

    @property
    def source(self) -> Path | IO[bytes]:
        """What `Editor.open` reads."""
        return sys.stdin.buffer if self.path is None else self.path

    @property
    def below(self) -> Path:
        """Its folder, as seen from the one that was named."""
        if self.path is None or self.folder is None:
            return Path()
        return self.path.parent.relative_to(self.folder)


def gather(arguments: list[str], recursive: bool) -> list[Input]:
    """The photos of the arguments, in order, each once.

    A folder gives its files with an ending of a picture, but for our own results and hidden ones;
    a pattern is tried where no file has that very name.  Raises `BadOption` if a folder or a
    pattern gives nothing.
    """
    found: list[Input] = []
    for argument in arguments:
        if not argument.strip():
            raise BadOption(
                "A photo's name is empty (perhaps a variable without a value); give a name, or . "
                "for the current folder."
            )
        path = Path(argument)
        if argument == STDIN:
            if "stdin" in streams.missing:
                raise BadOption("Standard input is closed; give a photo's name.")
            found.append(Input(None))
        elif _ADDRESS.match(argument):
            raise BadOption(
                f"{argument} is an address; download the photo first, nothing is fetched from here."
            )
        elif os.path.isdir(path):
            inside = sorted(photos(path, recursive))
            if not inside:
                hint = "" if recursive else "; -r looks into the folders below it"
                raise BadOption(f"There are no photos in {path}{hint}.")
            found += [Input(file, path) for file in inside]
        elif glob.has_magic(argument) and not os.path.lexists(path):
            matching = sorted(glob.glob(argument, recursive=True))
            if not matching:
                raise BadOption(f"No file matches the pattern {argument}.")
            found += [Input(Path(name)) for name in matching if not os.path.isdir(name)]
        else:
            found.append(Input(path))
    if sum(photo.path is None for photo in found) > 1:
        raise BadOption("Standard input can only be read once; name it once.")
    return list({_identity(photo): photo for photo in reversed(found)}.values())[::-1]


def names_in(listed: Path) -> list[str]:
    """The names in a list: one a line, empty lines left out; a list that holds a NUL is taken apart
    there (`find -print0`). "-" is standard input. Raises `UnreadableInput`."""
    try:
        data = sys.stdin.buffer.read() if str(listed) == STDIN else listed.read_bytes()
    except OSError as error:
        raise UnreadableInput(
            f"The list {listed} cannot be read ({error.strerror}); name another file."
        ) from error
    parts = data.split(b"\0") if b"\0" in data else data.splitlines()
    names = [os.fsdecode(part).strip("\r") for part in parts if part.strip()]
    if not names:
        raise BadOption(f"There are no names in the list {listed}; write one on each line.")
    return names


def photos(folder: Path, recursive: bool) -> Iterator[Path]:
    """The files of a folder that may be photos, see `gather`."""
    from ..photo.formats import may_be_photo

    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        for name in names:
            if may_be_photo(name):
                path = Path(parent, name)
                if _may_be_read(path):
                    yield path


def _may_be_read(path: Path) -> bool:
    """Pipes and devices in a folder are left out: reading one may never end. What cannot be looked
    at is tried, and told."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _identity(photo: Input) -> str:
    return STDIN if photo.path is None else os.path.realpath(photo.path)
