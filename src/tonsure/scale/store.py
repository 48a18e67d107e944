"""A place that holds files: a local folder, or any address that fsspec knows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import BadOption, ModelMissing, UnreadableInput, UnwritableOutput
from ..photo import put

# one upload appears whole or not at all; elsewhere a file is written beside its place, then moved
_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory", "oss", "hf"}


class Store:
    """The files below `root`, a path or an address such as s3://bucket/photos.

    Names are relative to it, with slashes. Raises `BadOption` for an address of an unknown kind and
    `ModelMissing` where fsspec is not installed.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise ModelMissing(
                "Batches need fsspec; 'pip install fsspec pyarrow' installs what they need (from "
                "the source: 'pip install .[batch]')."
            ) from error
        self.address = os.fspath(root)
        try:
            self.fs, path = fsspec.core.url_to_fs(self.address)
        except (ValueError, ImportError) as error:
            raise BadOption(f"{self.address} cannot be reached ({error}).") from error
        self.root = path.rstrip("/") or "/"
        kinds = self.fs.protocol
        self._kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        self.local = "file" in self._kinds

    def whole(self) -> str:
        """The address as other processes, with other working folders, have to call it."""
        return self.root if self.local else self.address

    def path(self, name: str = "") -> str:
        """Where `name` lies, in the words of `fs`."""
        return f"{self.root}/{name}" if name else self.root

    def shown(self, name: str = "") -> str:
        """The path or address of a file, as people have to call it."""
        path = self.path(name)
        return path if self.local else str(self.fs.unstrip_protocol(path))

    def names(self, below: str = "") -> Iterator[str]:
        """All files below a folder, in order of their names; hidden ones and those in folders whose
        names begin with a dot or an underscore are left out."""
        try:
            found = self.fs.find(self.path(below))
        except OSError as error:
            raise UnreadableInput(f"{self.path(below)} cannot be listed ({error}).") from error
        for path in sorted(found):
            name = path[len(self.root) :].lstrip("/")
            *folders, last = name.split("/")
            if not last.startswith(".") and not any(f.startswith((".", "_")) for f in folders):
                yield name

    def listed(self, folder: str) -> set[str]:
        """The names of the files in one folder; none where there is no such folder."""
        try:
            self.fs.invalidate_cache(self.path(folder))
            found = self.fs.ls(self.path(folder), detail=False)
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise UnreadableInput(f"{self.path(folder)} cannot be listed ({error}).") from error
        return {path.rsplit("/", 1)[-1] for path in found}

    def exists(self, name: str = "") -> bool:
        """Whether there is something, looked up anew."""
        self.fs.invalidate_cache()
        return bool(self.fs.exists(self.path(name)))

    def is_folder(self) -> bool:
        """Whether `root` holds files rather than being one."""
        return bool(self.fs.isdir(self.root))

    def open(self, name: str = "") -> IO[bytes]:
        """A file to be read from. Raises `UnreadableInput`."""
        try:
            return self.fs.open(self.path(name), "rb")  # type: ignore[no-any-return]
        except OSError as error:
            raise UnreadableInput(f"{self.path(name)} cannot be read ({error}).") from error

    def read(self, name: str = "") -> bytes:
        """All of a file. Raises `UnreadableInput`."""
        try:
            return bytes(self.fs.cat_file(self.path(name)))
        except OSError as error:
            raise UnreadableInput(f"{self.path(name)} cannot be read ({error}).") from error

    def write(self, name: str, data: bytes) -> None:
        """Let a file appear at once, in place of an older one. Raises `UnwritableOutput`."""
        path = self.path(name)
        try:
            if self.local:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                put(Path(path), data, overwrite=True)
                return
            self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            if self._kinds & _WHOLE:
                self.fs.pipe_file(path, data)
            else:
                self.fs.pipe_file(f"{path}.tmp", data)
                self.fs.mv(f"{path}.tmp", path)
        except OSError as error:
            raise UnwritableOutput(f"{path} cannot be written ({error}).") from error

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        try:
            self.fs.rm_file(self.path(name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise UnwritableOutput(f"{self.path(name)} cannot be removed ({error}).") from error

    def note(self, name: str, value: Any) -> None:
        """Write JSON."""
        self.write(name, json.dumps(value).encode())

    def noted(self, name: str) -> Any:
        """Read JSON; None where there is none."""
        try:
            return json.loads(self.fs.cat_file(self.path(name)))
        except (OSError, ValueError):
            return None
