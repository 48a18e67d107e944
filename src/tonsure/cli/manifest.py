"""A batch's diary: what was begun and what is done, so that a run that was killed goes on.

A line of JSON for each event, in the order in which they happen, on the disk before the next photo
begins. Results appear whole or not at all; so what was begun and whose result is there, is done.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import IO, Any

from ..errors import BadOption, UnreadableInput, UnwritableOutput
from .outputs import Job

_SCHEMA = 1


class Manifest:
    """The diary in `path`, of a run with these `options` (JSON's kinds of values); `way` says how
    to have another one.

    Raises `BadOption` if it is another run's or no diary at all, `UnwritableOutput`.
    """

    def __init__(self, path: Path, options: dict[str, Any], way: str) -> None:
        self.path, self._way = path, way
        self._lock = threading.Lock()
        self._begun: dict[str, dict[str, Any]] = {}
        self._done: dict[str, dict[str, Any]] = {}
        self._failed: dict[str, dict[str, Any]] = {}
        self._places = {"begun": self._begun, "done": self._done, "failed": self._failed}
        fresh = self._read(options)
        try:
            self._file: IO[str] = open(path, "a", encoding="utf-8")  # noqa: SIM115
            self._claim()
        except OSError as error:
            raise UnwritableOutput(
                f"The manifest {path} cannot be written ({error.strerror}); choose another place."
            ) from error
        if fresh:
            self._add({"tonsure": "manifest", "schema": _SCHEMA, "options": options})

    def done(self, job: Job) -> dict[str, Any] | None:
        """The record of a photo that an earlier run finished, as long as photo and results are
        still what they were; else None."""
        known = self._done.get(_key(job))
        if known is not None and known["photo_state"] == state(job) and _all_there(known):
            return dict(known["record"])
        begun = self._begun.get(_key(job))
        if begun is None or begun["photo_state"] != state(job) or not _all_there(begun):
            return None
        if [state(path) for path in begun["outputs"]] == begun["before"]:
            return None  # what is there is what was to be overwritten
        outputs = begun["outputs"]
        record = {"status": "done", "input": job.photo.name, "outputs": outputs, "found": True}
        self.finish(job, record)
        return record

    def failed(self, job: Job) -> bool:
        """Whether a photo failed in an earlier run or in this one, and is still the same."""
        known = self._failed.get(_key(job))
        return known is not None and known["photo_state"] == state(job)

    def begin(self, job: Job, outputs: list[str]) -> None:
        """Note that a photo is begun, and what lies where its results will be."""
        paths = [os.path.abspath(path) for path in outputs]
        self._add({"event": "begun", "input": _key(job), "photo_state": state(job),
                   "outputs": paths, "before": [state(path) for path in paths]})  # fmt: skip

    def finish(self, job: Job, record: dict[str, Any]) -> None:
        """Note what became of a photo: the record that is told of it."""
        event = "done" if record.get("status") in ("done", "skipped") else "failed"
        self._add({"event": event, "input": _key(job), "photo_state": state(job),
                   "outputs": [os.path.abspath(path) for path in record.get("outputs", [])],
                   "record": record})  # fmt: skip

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _read(self, options: dict[str, Any]) -> bool:
        """Learn what is noted; whether there was nothing."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return True
        except OSError as error:
            raise UnreadableInput(
                f"The manifest {self.path} cannot be read ({error.strerror}); choose another."
            ) from error
        notes = []
        for line in lines:
            with contextlib.suppress(ValueError):  # a killed run may have left half a line
                notes.append(json.loads(line))
        notes = [note for note in notes if isinstance(note, dict)]
        if not lines:
            return True
        if not notes or notes[0].get("tonsure") != "manifest":
            raise BadOption(f"{self.path} is no manifest of tonsure; {self._way}.")
        for name, value in notes[0].get("options", {}).items():
            if options.get(name) != value:
                raise BadOption(
                    f"{self.path} belongs to a run with another {name} ({value!r}, now "
                    f"{options.get(name)!r}); {self._way}."
                )
        for note in notes[1:]:
            self._learn(note)
        return False

    def _learn(self, note: dict[str, Any]) -> None:
        place = self._places.get(note.get("event", ""))
        if place is not None:
            place[note.get("input", "")] = note

    def _claim(self) -> None:
        """Two runs may not share a diary."""
        with contextlib.suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BadOption(f"Another run is using {self.path}; {self._way}.") from None
            except OSError:
                return  # some file systems have no locks

    def _add(self, note: dict[str, Any]) -> None:
        with self._lock:
            self._learn(note)
            try:
                # a killed run may have left half a line: begin a new one
                if self._file.tell() and not self._ends_well():
                    self._file.write("\n")
                self._file.write(json.dumps(note) + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            except (OSError, ValueError) as error:
                raise UnwritableOutput(
                    f"The manifest {self.path} cannot be written; choose another place."
                ) from error

    def _ends_well(self) -> bool:
        with open(self.path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _key(job: Job) -> str:
    return os.path.realpath(job.photo.path) if job.photo.path else job.photo.name


def state(what: Job | str) -> list[int]:
    """Size and time of a job's photo, or of a file: when they change it is another one."""
    path = what if isinstance(what, str) else what.photo.path
    try:
        found = os.stat(path or "")
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns]


def _all_there(note: dict[str, Any]) -> bool:
    outputs = note.get("outputs") or []
    return bool(outputs) and all(os.path.exists(path) for path in outputs)
