"""`tonsure bald`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import Batch, bounded, ending

if TYPE_CHECKING:
    from ..editor import Editor, Shot
    from ..result import Result
    from ..steps import Plan
    from .outputs import Job


def bald(
    photos: options.Photos,
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
    style: options.Style = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="N steps from 0 to 1 instead of one degree. The output's ending decides: .png or "
            ".jpg a strip, .gif or .webp a loop, frame-%02d.png frames, .html a slider.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PX", help="With --steps: longer side of one step; 0 keeps the photo's."
        ),
    ] = None,
    captions: Annotated[
        bool,
        typer.Option(
            "--captions", help="With --steps, for a strip: print the degree below each step."
        ),
    ] = False,
    face: options.Face = "largest",
    each: options.Each = None,
    min_face: options.MinFace = None,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    quality: Annotated[
        int | None,
        typer.Option(metavar="1..100", help="Quality of JPEG, WebP, AVIF; default: the source's."),
    ] = None,
    model: options.Model = None,
    threads: options.Threads = None,
    device: options.Device = None,
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
        from .inputs import gather
        from .outputs import assign

        given = {"style": style, "min_face": min_face, "quality": quality, "threads": threads}
        given["device"] = device
        settings = load(given).settings
        if settings.quality is not None and not 1 <= settings.quality <= 100:
            raise BadOption(f"The quality is {settings.quality}; it goes from 1 to 100.")
        if overwrite and skip_existing:
            raise BadOption("--overwrite and --skip-existing exclude each other.")
        if size is not None and steps is None:
            raise BadOption("--size is for --steps; a single result has the photo's own size.")
        if captions and steps is None:
            raise BadOption("--captions is for --steps; a single result has none.")
        degrees = options.degrees_of(each) if each is not None else {}
        if degrees and (steps is not None or face != "largest" or degree != 1.0):
            raise BadOption("--each names faces and degrees; leave --degree, --face, --steps out.")
        if degrees and model is not None:
            raise BadOption("--each is for the shipped networks; leave --model out.")
        jobs = assign(gather(photos, recursive), output, kind="steps" if steps else "bald")
        if as_json and jobs[0].target is None:
            raise BadOption("Standard output takes one of picture and --json; give -o a file.")
        editor = Editor(
            threads=bounded(settings.threads),
            min_face=settings.min_face,
            limits=settings.limits,
            model=model,
            device=settings.device,
        )
        for one in (degree, *degrees.values()):
            editor.check(one, settings.style, face)
        task = _Task(
            editor, degree, settings.style, steps, size, face, settings.quality, overwrite,
            captions, degrees,
        )  # fmt: skip
        task.check(jobs)
        with Batch(len(jobs), as_json=as_json, quiet=quiet) as batch:
            for job in jobs:
                with batch.photo(job.photo.name, debug) as outcome:
                    outcome.tell(*task.run(job, skip_existing))
        batch.finish()


class _Task:
    """What is done to each photo."""

    def __init__(
        self, editor: Editor, degree: float, style: str, steps: int | None, size: int | None,
        face: str, quality: int | None, overwrite: bool, captions: bool, each: dict[int, float],
    ) -> None:  # fmt: skip
        self.editor, self.degree, self.style, self.face = editor, degree, style, face
        self.steps, self.size, self.quality, self.overwrite = steps, size, quality, overwrite
        self.captions, self.each = captions, each

    def check(self, jobs: list[Job]) -> None:
        """Raise `BadOption` for outputs that could be written for no photo."""
        from ..photo.formats import of_path

        for job in jobs:
            if self.steps is not None:
                self._plan(job)
            elif job.target is not None:
                of_path(job.target)

    def run(self, job: Job, skip_existing: bool) -> tuple[str, tuple[str, ...], dict[str, Any]]:
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
