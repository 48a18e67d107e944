"""Writing: whole files or none, and nothing is overwritten unasked."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import IO

from ..errors import OutputExists, UnwritableOutput
from . import leftovers
from .encode import encode
from .formats import of_path
from .photo import Photo


def write(
    photo: Photo,
    target: str | os.PathLike[str] | IO[bytes],
    *,
    overwrite: bool = False,
    format: str | None = None,
    quality: int | None = None,
) -> None:
    """Write `photo` to a path or into an open binary file.

    The format is `format`, else what the path's ending says, else see `encode`.  At a path the
    file appears whole or not at all.

    Raises `OutputExists`, unless `overwrite`; else as `encode`, and `UnwritableOutput`.
    """
    if isinstance(target, str | os.PathLike):
        path = Path(target)
        kind = format or of_path(path).name
        check_free(path, overwrite)
        put(path, encode(photo, kind, quality=quality), overwrite=overwrite)
    else:
        data = encode(photo, format, quality=quality)
        try:
            target.write(data)
        except (OSError, ValueError, TypeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UnwritableOutput(
                f"The result cannot be written ({reason}); give a file open for writing bytes."
            ) from error


def check_free(path: Path, overwrite: bool) -> None:
    """Raise `OutputExists` if something is at `path` that may not be replaced."""
    if os.path.isdir(path):
        raise UnwritableOutput(f"{path} is a folder; give a file's name.")
    if not overwrite and os.path.lexists(path):
        raise OutputExists(
            f"{path} exists; overwrite=True replaces it.",
            cli=f"{path} exists; --overwrite replaces it, another name keeps it.",
        )


def put(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Let `data` appear at `path` at once: written beside it, then moved.

    A file that is replaced hands on its mode, and its owner where that is allowed; through a link
    the file that it names is written.  What is no file (a pipe, a device) is written into.

    Raises `OutputExists`, unless `overwrite`, and `UnwritableOutput`; then nothing is left behind.
    """
    try:
        if not overwrite:
            with leftovers.beside(path) as temporary:
                _fill(temporary, data, None)
                _move_if_free(temporary, path)
            return
        target = Path(os.path.realpath(path))
        old = target.stat() if target.exists() else None
        if old is not None and not stat.S_ISREG(old.st_mode):
            target.write_bytes(data)
            return
        with leftovers.beside(target) as temporary:
            _fill(temporary, data, old)
            os.replace(temporary, target)
    except FileExistsError:
        check_free(path, overwrite)
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnwritableOutput(
            f"{path} cannot be written ({reason}); choose another place for it."
        ) from error


def _fill(temporary: Path, data: bytes, old: os.stat_result | None) -> None:
    """Write a new file, which has the mode and owner of the `old` one before it has content."""
    with os.fdopen(_create(temporary), "wb") as file:
        if old is not None:
            with contextlib.suppress(OSError, AttributeError):  # only root gives files away
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.chmod(temporary, stat.S_IMODE(old.st_mode) & 0o777)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _create(path: Path) -> int:
    # the mode is the user's usual one; mkstemp's 0600 would surprise
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


def _move_if_free(source: Path, path: Path) -> None:
    """Move without replacing: a hard link fails where a file is, on all systems that have links."""
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.rename(source, path)
