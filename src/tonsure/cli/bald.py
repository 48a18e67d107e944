"""`tonsure bald`: the main job."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from . import options, start
from .console import Batch, ending


def bald(
    photos: options.SomePhotos = None,
    output: Annotated[str | None, options.output("name.bald.jpg beside name.jpg")] = None,
    degree: Annotated[
        float,
        typer.Option(metavar="0..1", help="How bald: 0 is the photo as it is, 1 is fully bald."),
    ] = 1.0,
    style: options.Style = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Make N steps from 0 to 1 instead of one degree. The name of the result decides "
            "what they become: .png or .jpg a strip, .gif or .webp a loop, frame-%02d.png single "
            "frames, .html a page with a slider.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            help="With --steps: longer side of each step, in pixels; 0 keeps the photo's.",
        ),
    ] = None,
    captions: Annotated[
        bool,
        typer.Option(
            "--captions", help="With --steps, in a strip: print the degree below each step."
        ),
    ] = False,
    face: options.Face = "largest",
    each: options.Each = None,
    min_face: options.MinFace = None,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    quality: options.Quality = None,
    model: options.Model = None,
    listed: Annotated[
        Path | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="Read names of photos from a file, one a line; - is standard input.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("--jobs", "-j", metavar="N", help="How many photos are worked on at once."),
    ] = 1,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Note finished photos in this file, so that a killed run can continue.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write one JSON object per photo to this file, in order."
        ),
    ] = None,
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
        from ..errors import BadOption
        from .inputs import gather, names_in
        from .outputs import assign
        from .parallel import Report, in_order
        from .task import Task

        settings = start.settings(
            style=style, min_face=min_face, quality=quality, threads=threads, device=device
        )
        start.check_existing(overwrite, skip_existing)
        if size is not None and steps is None:
            raise BadOption("--size is for --steps; a single result has the photo's own size.")
        if captions and steps is None:
            raise BadOption("--captions is for --steps; a single result has none.")
        degrees = options.degrees_of(each) if each is not None else {}
        if degrees and (steps is not None or face != "largest" or degree != 1.0):
            raise BadOption(
                "--each has the degrees already; leave out --degree, --face and --steps."
            )
        if degrees and model is not None:
            raise BadOption("--each works with the shipped networks only; leave out --model.")
        if jobs < 1:
            raise BadOption(f"--jobs is {jobs}; give a whole number from 1 on.")
        wanted = [*(photos or []), *(names_in(listed) if listed else [])]
        if not wanted:
            raise BadOption("Give photos: files, folders, patterns, - or --list.")
        all_jobs = assign(gather(wanted, recursive), output, kind="steps" if steps else "bald")
        start.check_stdout(all_jobs, as_json)
        editor = start.editor(settings, model=model, at_once=jobs)
        for one in (degree, *degrees.values()):
            editor.check(one, settings.style, face)
        task = Task(
            editor, degree, settings.style, steps, size, face, settings.quality, overwrite,
            captions, degrees,
        )  # fmt: skip
        task.check(all_jobs)
        with (
            closing(task),
            Report(report, overwrite or manifest is not None) as rows,
            Batch(len(all_jobs), as_json=as_json, quiet=quiet, rows=rows) as batch,
        ):
            if manifest is not None:
                task.keep(manifest, all_jobs, model)
            run = partial(task.noted, skip_existing=skip_existing)
            for job, made in in_order(run, all_jobs, jobs):
                with batch.photo(job.photo.name, debug) as outcome:
                    outcome.tell(*made())
        batch.finish()
