"""`tonsure inspect`: what is in a photo, before anything is edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import options, start
from .console import Batch, Outcome, ending, tell

if TYPE_CHECKING:
    from ..editor import Shot
    from .outputs import Job


def inspect(
    photos: options.Photos,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Also save the photo with boxes and numbers of its faces: a file or a folder.",
        ),
    ] = None,
    min_face: options.MinFace = None,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    threads: options.Threads = None,
    device: options.Device = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show the faces in photos.

    Prints the box of each face, what the person wears, what an edit would warn about, and whether
    the photo is marked as edited. Areas are in squared eye distances. The exit code is 4 if there
    is no usable face.
    """
    with ending(debug):
        from ..report import of_shot
        from .inputs import gather
        from .outputs import Job, assign

        settings = start.settings(min_face=min_face, threads=threads, device=device)
        found = gather(photos, recursive)
        jobs = [Job(photo, None) for photo in found]
        if output is not None:
            jobs = assign(found, output, kind="faces")
            start.check_stdout(jobs, as_json)
        editor = start.editor(settings)
        with Batch(len(jobs), as_json=as_json, quiet=True) as batch:
            for job in jobs:
                with (
                    batch.photo(job.photo.name, debug) as outcome,
                    editor.open(job.photo.source, name=job.photo.name) as shot,
                ):
                    outcome.record = of_shot(shot)
                    outcome.exit_code = 0 if outcome.record["faces"] else 4
                    if output is not None:
                        outcome.record["outputs"] = _draw(shot, job, overwrite)
                    if not as_json and (output is None or job.target is not None):
                        _print(outcome)
        batch.finish()


def _draw(shot: Shot, job: Job, overwrite: bool) -> list[str]:
    from ..photo import encode, write
    from ..sketch import boxes
    from .outputs import make_folder, to_stdout

    drawn = boxes(shot.photo, shot.faces)
    if job.target is None:
        to_stdout(encode(drawn))
        return []
    if job.make_folder:
        make_folder(job.target.parent)
    write(drawn, job.target, overwrite=overwrite)
    return [str(job.target)]


def _print(outcome: Outcome) -> None:
    from ..errors import WARNINGS

    photo, faces = outcome.record["photo"], outcome.record["faces"]
    about = [
        f"{photo['width']} × {photo['height']}",
        f"{photo['format'] or 'array'}, {photo['bits']} bits",
        *(word for word in ("grey", "alpha", "animated") if photo[word]),
    ]
    count = {0: "no face", 1: "1 face"}.get(len(faces), f"{len(faces)} faces")
    tell(f"{photo['name']}: {', '.join(about)}; {count}")
    if photo["earlier_edit"]:
        tell(f"  marked as edited before: {photo['earlier_edit']}")
    for face in faces:
        x0, y0, x1, y1 = (round(value) for value in face["box"])
        tell(
            f"  face {face['number']}: {x0},{y0} to {x1},{y1}, {face['height']:.0f} px high, "
            f"turned {round(face['roll']) or 0}°, score {face['score']:.2f}"
        )
        found = dict(face["found"])
        warnings = found.pop("warnings")
        if found:
            tell("    " + ", ".join(f"{name} {area:.1f}" for name, area in found.items()))
        for code in warnings:
            tell(f"    {WARNINGS.get(code, code)} ({code})")
