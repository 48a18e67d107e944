"""Temporary files: one beside each result until it is whole; those of killed runs are cleared."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"\.tonsure-(?:([0-9a-f]{8})-(\d+)-)?[0-9a-f]{16}\.tmp")
_DAY = 86_400
_cleared: set[str] = set()
_guard = threading.Lock()


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A free name in the folder of `path`, so that moving is one step; gone afterwards.

    The first time in a folder, what killed runs left there goes.
    """
    clear(path.parent)
    name = f".tonsure-{_machine()}-{os.getpid()}-{secrets.token_hex(8)}.tmp"
    temporary = path.parent / name
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def clear(folder: Path) -> None:
    """Remove temporary files of runs on this machine that are no more, and any that is a day old;
    once for each folder."""
    with _guard:
        if str(folder) in _cleared:
            return
        _cleared.add(str(folder))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found and _forgotten(entry, found):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def _forgotten(entry: os.DirEntry[str], found: re.Match[str]) -> bool:
    with contextlib.suppress(OSError):
        if time.time() - entry.stat(follow_symlinks=False).st_mtime > _DAY:
            return True
    return found[1] == _machine() and not _alive(int(found[2]))


def _alive(process: int) -> bool:
    if os.name != "posix":
        return True  # asking would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _machine() -> str:
    """Folders may be shared by machines, on which numbers of processes mean others."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"
