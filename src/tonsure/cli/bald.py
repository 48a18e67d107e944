"""`tonsure bald`: the main job."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import Batch, bounded, ending

if TYPE_CHECKING:
    from ..editor import Editor, Shot
    from ..result import Result
    from ..steps import Plan
    from .manifest import Manifest
    from .outputs import Job

Told = tuple[str, tuple[str, ...], dict[str, Any]]
"""What there is to tell of a photo: a line, remarks, the record."""


def bald(
    photos: options.SomePhotos = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="A file, a folder, a name with {name} and {ext}, or - for standard output. "
            "Default: name.bald.jpg beside name.jpg.",
        ),
    ] = None,
    degree: Annotated[
        float, typer.Option(metavar="0..1", help="0 leaves the photo as it is, 1 is fully bald.")
    ] = 1.0,
    style: Annotated[
        str | None,
        typer.Option(
            metavar="recede|thin",
            help="How hair goes between 0 and 1: as a hairline, or strand by strand.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="N steps from 0 to 1 instead of one degree. The output's ending says how: .png or "
            ".jpg a strip, .gif or .webp a loop, frame-%02d.png frames, .html a slider.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="With --steps: longer side of one step; 0 is the photo's."),
    ] = None,
    face: options.Face = "largest",
    min_face: options.MinFace = None,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    quality: Annotated[
        int | None,
        typer.Option(metavar="1..100", help="Of JPEG, WebP, AVIF; default: like the source."),
    ] = None,
    model: options.Model = None,
    listed: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Photos' names, one a line; - reads them."),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", metavar="N", help="Photos worked on at once.")
    ] = 1,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Note what is done: a run that was killed goes on."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one JSON object a photo, in order, to a file."),
    ] = None,
    threads: options.Threads = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Make the person in a photo bald.

    The result has the photo's size, format and metadata, and is marked as edited. No file is
    overwritten unasked.
    """
    with ending(debug):
        from ..editor import Editor
        from ..errors import BadOption
        from ..settings import load
        from .inputs import gather, names_in
        from .outputs import assign
        from .parallel import Report, in_order, share

        given = {"style": style, "min_face": min_face, "quality": quality, "threads": threads}
        settings = load(given).settings
        if settings.quality is not None and not 1 <= settings.quality <= 100:
            raise BadOption(f"The quality is {settings.quality}; it goes from 1 to 100.")
        if overwrite and skip_existing:
            raise BadOption("--overwrite and --skip-existing exclude each other.")
        if size is not None and steps is None:
            raise BadOption("--size is for --steps; a single result has the photo's own size.")
        if jobs < 1:
            raise BadOption(f"--jobs is {jobs}; give a whole number from 1 on.")
        wanted = [*(photos or []), *(names_in(listed) if listed else [])]
        if not wanted:
            raise BadOption("Give photos: files, folders, patterns, - or --list.")
        all_jobs = assign(gather(wanted, recursive), output, kind="steps" if steps else "bald")
        if as_json and all_jobs[0].target is None:
            raise BadOption("Standard output takes one of picture and --json; give -o a file.")
        editor = Editor(
            threads=bounded(share(settings.threads, jobs)),
            min_face=settings.min_face,
            limits=settings.limits,
            model=model,
        )
        editor.check(degree, settings.style, face)
        task = _Task(editor, degree, settings.style, steps, size, face, settings.quality, overwrite)
        task.check(all_jobs)
        if manifest is not None:
            task.keep(manifest, all_jobs, model)
        with (
            Report(report, overwrite or manifest is not None) as rows,
            Batch(len(all_jobs), as_json=as_json, quiet=quiet, rows=rows) as batch,
        ):
            run = partial(task.noted, skip_existing=skip_existing)
            for job, made in in_order(run, all_jobs, jobs):
                with batch.photo(job.photo.name, debug) as outcome:
                    outcome.tell(*made())
        batch.finish()


class _Task:
    """What is done to each photo."""

    def __init__(
        self, editor: Editor, degree: float, style: str, steps: int | None, size: int | None,
        face: str, quality: int | None, overwrite: bool,
    ) -> None:  # fmt: skip
        self.editor, self.degree, self.style, self.face = editor, degree, style, face
        self.steps, self.size, self.quality, self.overwrite = steps, size, quality, overwrite
        self.manifest: Manifest | None = None

    def check(self, jobs: list[Job]) -> None:
        """Raise `BadOption` for outputs that could be written for no photo."""
        from ..photo.formats import of_path

        for job in jobs:
            if self.steps is not None:
                self._plan(job)
            elif job.target is not None:
                of_path(job.target)

    def keep(self, path: Path, jobs: list[Job], model: Path | None) -> None:
        """Note in a manifest what is done, and leave out what it says was done before."""
        from .. import __version__
        from ..errors import BadOption
        from .manifest import Manifest

        if any(job.target is None or job.photo.path is None for job in jobs):
            raise BadOption("--manifest is for files, not for standard input and output.")
        self.manifest = Manifest(path, {
            "version": __version__, "degree": self.degree, "style": self.style,
            "face": self.face, "steps": self.steps, "size": self.size, "quality": self.quality,
            "model": None if model is None else str(model),
        })  # fmt: skip

    def noted(self, job: Job, skip_existing: bool) -> Told:
        """`run`, with the manifest if there is one."""
        from ..report import of_error
        from .console import fault

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
        with self.editor.open(job.photo.source, name=job.photo.name) as shot:
            result = shot.bald(1.0 if self.steps else self.degree, self.style, self.face)
            if job.make_folder:
                make_folder(targets[0].parent)
            try:
                made = self._write_steps(shot, job) if self.steps else self._write_one(result, job)
            except OutputExists:
                if not skip_existing:
                    raise
                line = f"{job.photo.name}: left out, another run made it meanwhile."
                return line, (), record | {"status": "skipped"}
        notes = tuple(
            f"  {_whose(note.face, len(result.found))}{note.text}" for note in result.notes(made)
        )
        count = "1 face" if len(result.found) == 1 else f"{len(result.found)} faces"
        line = f"{job.photo.name} → {_shown(targets)} ({count})"
        return line, notes, record | result.report_as(made)

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
        return plan(job.target, self.steps, self.size)

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


def _shown(targets: list[Path]) -> str:
    if len(targets) > 1:
        return f"{targets[0]} to {targets[-1].name}"
    return str(targets[0]) if targets else "standard output"


def _whose(face: int | None, count: int) -> str:
    return f"face {face}: " if face is not None and count > 1 else ""
