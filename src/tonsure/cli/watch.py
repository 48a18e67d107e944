"""`tonsure watch`: a folder in which photos arrive."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import fault
from . import options, start
from .console import Outcome, emit, ending, say, sentence
from .streams import interruptible

if TYPE_CHECKING:
    from .outputs import Job
    from .task import Task

NOTES = ".tonsure-watch.jsonl"
_STEP = 0.5  # seconds between looks at files that are still growing
_AGAIN = 60.0  # and at the whole folder, should the system have lost a message


def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder in which photos arrive.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The folder for the results.")
    ],
    degree: Annotated[
        float,
        typer.Option(metavar="0..1", help="How bald: 0 is the photo as it is, 1 is fully bald."),
    ] = 1.0,
    style: options.Style = None,
    face: options.Face = "largest",
    min_face: options.MinFace = None,
    recursive: options.Recursive = False,
    settle: Annotated[
        float,
        typer.Option(
            metavar="S", help="Seconds without growth after which a file counts as complete."
        ),
    ] = 1.0,
    poll: Annotated[
        bool,
        typer.Option("--poll", help="Look at the folder again and again: for network drives."),
    ] = False,
    quality: options.Quality = None,
    threads: options.Threads = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:  # fmt: skip
    """Make people bald in photos as they arrive in a folder.

    Each photo is edited once, when it is complete, also across restarts. A photo that failed is
    tried again when it changes. Ctrl-C or SIGTERM stop it.
    """
    with ending(debug), interruptible():
        from ..errors import BadOption, ModelMissing
        from .outputs import make_folder
        from .task import Task

        try:
            import watchfiles
        except ImportError as error:
            raise ModelMissing(
                "Watching needs watchfiles; 'pip install watchfiles' installs it (from the source: "
                "'pip install \".[video]\"')."
            ) from error
        settings = start.settings(
            style=style, min_face=min_face, quality=quality, threads=threads, device=device
        )
        if not folder.is_dir():
            raise BadOption(f"There is no folder {folder} to watch; make it first.")
        if folder.resolve() == output.resolve():
            raise BadOption("Results cannot go into the folder that is watched; give -o another.")
        if not 0 <= settle <= 3600:
            raise BadOption(f"--settle is {settle:g}; it goes from 0 to 3600 seconds.")
        editor = start.editor(settings)
        editor.check(degree, settings.style, face)
        make_folder(output)
        task = Task(editor, degree, settings.style, None, None, face, settings.quality, True)
        task.keep(output / NOTES, [], None, way="give -o another folder")
        watcher = Watcher(folder, output, task, recursive, settle, _Teller(as_json, quiet))
        if not quiet:
            say(f"tonsure: watching {folder}, results go to {output} (Ctrl-C ends)")
        with closing(task):
            last = -_AGAIN  # what arrived before the system was asked is seen in the first round
            for changes in watchfiles.watch(
                folder, recursive=recursive, force_polling=poll or None, yield_on_timeout=True,
                rust_timeout=int(_STEP * 1000), debounce=200, step=50, raise_interrupt=True,
                watch_filter=None,
            ):  # fmt: skip
                if changes or watcher.waiting or time.monotonic() - last >= _AGAIN:
                    last = time.monotonic()
                    watcher.round()


class _Teller:
    """Says what became of a photo."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json, self.quiet = as_json, quiet

    def __call__(self, outcome: Outcome, failed: bool = False) -> None:
        if failed or not self.quiet:
            for line in (outcome.line, *outcome.notes):
                say(line)
        if self.as_json:
            emit(outcome.record)


class Watcher:
    """Finds what is new and whole, and has it done."""

    def __init__(
        self, folder: Path, output: Path, task: Task, recursive: bool, settle: float,
        tell: Callable[..., None],
    ) -> None:  # fmt: skip
        self.folder, self.output, self.task = folder, output, task
        self.recursive, self.settle = recursive, settle
        self.tell = tell
        self._seen: dict[str, tuple[list[int], float]] = {}
        self._finished: dict[str, list[int]] = {}

    @property
    def waiting(self) -> bool:
        """Whether there are files that may still grow."""
        return bool(self._seen)

    def round(self) -> None:
        """Do all that has arrived and grows no more."""
        from .manifest import state

        for job in self._jobs():
            name = str(job.photo.path)
            now = state(name)
            if not now or self._finished.get(name) == now:
                self._seen.pop(name, None)
                continue
            before = self._seen.get(name)
            if before is None or before[0] != now:
                self._seen[name] = before = (now, time.monotonic())
            if time.monotonic() - before[1] >= self.settle:
                self._do(job)
                self._seen.pop(name, None)
                self._finished[name] = now

    def _do(self, job: Job) -> None:
        from ..report import of_error

        manifest = self.task.manifest
        assert manifest is not None
        if manifest.done(job) is not None or manifest.failed(job):
            return
        outcome = Outcome()
        record: dict[str, Any] = {"status": "failed", "input": job.photo.name}
        try:
            line, notes, told = self.task.noted(job, skip_existing=False)
        except Exception as error:
            known = fault(error)
            outcome.tell(
                sentence(job.photo.name, known), (), record | {"error": of_error(known, "cli")}
            )
            self.tell(outcome, failed=True)
            return
        outcome.tell(line, notes, record | told)
        self.tell(outcome)

    def _jobs(self) -> list[Job]:
        from .inputs import Input, photos
        from .outputs import assign

        out = self.output.resolve()
        jobs, taken = [], set()
        for path in sorted(photos(self.folder, self.recursive)):
            if out in path.resolve().parents:
                continue
            (job,) = assign([Input(path, self.folder)], f"{self.output}/")
            if job.target in taken and job.target is not None:  # a.gif beside a.png
                job = replace(job, target=job.target.with_name(f"{path.name}.bald.png"))
            taken.add(job.target)
            jobs.append(job)
        return jobs
