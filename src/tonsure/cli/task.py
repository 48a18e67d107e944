"""What is done to each photo of a batch, and what there is to tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..editor import Editor, Shot
    from ..result import Result
    from ..steps import Plan
    from .manifest import Manifest
    from .outputs import Job

Told = tuple[str, tuple[str, ...], dict[str, Any]]
"""What there is to tell of a photo: a line, remarks, the record."""


class Task:
    """What is done to each photo."""

    def __init__(
        self, editor: Editor, degree: float, style: str, steps: int | None, size: int | None,
        face: str, quality: int | None, overwrite: bool, captions: bool = False,
        each: Mapping[int, float] | None = None,
    ) -> None:  # fmt: skip
        self.editor, self.degree, self.style, self.face = editor, degree, style, face
        self.steps, self.size, self.quality, self.overwrite = steps, size, quality, overwrite
        self.captions, self.each = captions, dict(each or {})
        self.manifest: Manifest | None = None

    def check(self, jobs: list[Job]) -> None:
        """Raise `BadOption` for outputs that could be written for no photo."""
        from ..photo.formats import of_path

        for job in jobs:
            if self.steps is not None:
                self._plan(job)
            elif job.target is not None:
                of_path(job.target)

    def keep(
        self, path: Path, jobs: list[Job], model: Path | None,
        way: str = "give --manifest another file",
    ) -> None:  # fmt: skip
        """Note in a manifest what is done, and leave out what it says was done before."""
        from .. import __version__
        from ..errors import BadOption
        from .manifest import Manifest

        if any(job.target is None or job.photo.path is None for job in jobs):
            raise BadOption("--manifest is for files, not for standard input and output.")
        self.manifest = Manifest(path, {
            "version": __version__, "degree": self.degree, "style": self.style,
            "face": self.face, "steps": self.steps, "size": self.size, "quality": self.quality,
            "captions": self.captions, "each": {str(n): d for n, d in self.each.items()},
            "model": None if model is None else str(model),
        }, way)  # fmt: skip

    def close(self) -> None:
        """Let go of the manifest."""
        if self.manifest is not None:
            self.manifest.close()

    def noted(self, job: Job, skip_existing: bool) -> Told:
        """`run`, with the manifest if there is one."""
        from ..errors import fault
        from ..report import of_error

        if self.manifest is None:
            return self.run(job, skip_existing)
        before = self.manifest.done(job)
        if before is not None:
            line = f"{job.photo.name}: left out, it was done before."
            return line, (), before | {"status": "skipped"}
        try:
            told = self.run(job, skip_existing)
        except Exception as error:
            record = {"status": "failed", "error": of_error(fault(error), "cli")}
            self.manifest.finish(job, record)
            raise
        self.manifest.finish(job, told[2])
        return told

    def run(self, job: Job, skip_existing: bool) -> Told:
        """Edit one photo: what to say, remarks, the record."""
        from ..errors import OutputExists, UnwritableOutput
        from ..photo import check_free
        from .outputs import make_folder

        targets = self._targets(job)
        record: dict[str, Any] = {"status": "done", "outputs": [str(path) for path in targets]}
        if skip_existing and targets and all(path.exists() for path in targets):
            return (
                f"{job.photo.name}: left out, {targets[0]} exists.",
                (),
                record | {"status": "skipped"},
            )
        for path in targets:
            check_free(path, self.overwrite)
            if not job.make_folder and not path.parent.is_dir():
                raise UnwritableOutput(
                    f"There is no folder {path.parent} to save in; make it first."
                )
        if self.manifest is not None:
            self.manifest.begin(job, record["outputs"])
        shot: Shot | None = self.editor.open(job.photo.source, name=job.photo.name)
        assert shot is not None
        result = self._bald(shot)
        if not self.steps:
            shot = None  # photo and heads: memory that the encoder needs
        if job.make_folder:
            make_folder(targets[0].parent)
        try:
            made = self._write_steps(shot, job) if shot else self._write_one(result, job)
        except OutputExists:
            if not skip_existing:
                raise
            line = f"{job.photo.name}: left out, another run made it meanwhile."
            return line, (), record | {"status": "skipped"}
        notes = tuple(
            f"  {whose(note.face, len(result.found))}{note.text}" for note in result.notes(made)
        )
        count = "1 face" if len(result.found) == 1 else f"{len(result.found)} faces"
        line = f"{job.photo.name} → {shown_paths(targets)} ({count})"
        return line, notes, record | result.report_as(made)

    def _bald(self, shot: Shot) -> Result:
        """The result, of the last step where there are several."""
        if self.each:
            return shot.bald(style=self.style, each=self.each, last=True)
        degree = 1.0 if self.steps else self.degree
        return shot.bald(degree, self.style, self.face, last=not self.steps)

    def _targets(self, job: Job) -> list[Path]:
        if job.target is None:
            return []
        return list(self._plan(job).paths) if self.steps is not None else [job.target]

    def _plan(self, job: Job) -> Plan:
        from ..errors import BadOption
        from ..steps import plan

        assert self.steps is not None
        if job.target is None:
            raise BadOption("Steps go into a file; give -o a name.")
        return plan(job.target, self.steps, self.size, captions=self.captions)

    def _write_steps(self, shot: Shot, job: Job) -> str:
        from ..steps import write

        steps = self._plan(job)
        write(shot, steps, style=self.style, face=self.face, overwrite=self.overwrite)
        return steps.format

    def _write_one(self, result: Result, job: Job) -> str:
        from ..photo import chosen
        from ..photo.formats import of_path
        from .outputs import to_stdout

        if job.target is None:
            format = chosen(result.photo).name
            to_stdout(result.encode(format, quality=self.quality))
        else:
            format = of_path(job.target).name
            result.save(job.target, overwrite=self.overwrite, quality=self.quality)
        return format


def shown_paths(targets: list[Path]) -> str:
    if len(targets) > 1:
        return f"{targets[0]} to {targets[-1].name}"
    return str(targets[0]) if targets else "standard output"


def whose(face: int | None, count: int) -> str:
    return f"face {face}: " if face is not None and count > 1 else ""
