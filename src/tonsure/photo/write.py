"""Writing: whole files or none, and nothing is overwritten unasked."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import OutputExists, UnwritableOutput
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
        target.write(encode(photo, format, quality=quality))


def check_free(path: Path, overwrite: bool) -> None:
    """Raise `OutputExists` if something is at `path` that may not be replaced."""
    if os.path.isdir(path):
        raise UnwritableOutput(f"{path} is a folder; give a file's name.")
    if not overwrite and os.path.lexists(path):
        raise OutputExists(
            f"{path} exists; --overwrite replaces it, --skip-existing leaves it as it is."
        )


def put(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Let `data` appear at `path` at once: written beside it, then moved.

    Raises `OutputExists`, unless `overwrite`, and `UnwritableOutput`; then nothing is left behind.
    """
    try:
        with _beside(path) as temporary:
            with os.fdopen(_create(temporary), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if overwrite:
                os.replace(temporary, path)
            else:
                _move_if_free(temporary, path)
    except FileExistsError:
        check_free(path, overwrite)
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnwritableOutput(f"{path} cannot be written: {reason}.") from error


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A free name in the same folder, so that moving is one step; gone afterwards."""
    temporary = path.parent / f".tonsure-{secrets.token_hex(8)}.tmp"
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


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
