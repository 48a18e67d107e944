"""`tonsure mask`: what would change, and the bald heads alone, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options, start
from .console import Batch, ending

if TYPE_CHECKING:
    from ..editor import Shot
    from ..photo import Photo
    from .outputs import Job


def mask(
    photos: options.Photos,
    output: Annotated[
        str | None, options.output("name.mask.png (name.layer.png) beside the photo")
    ] = None,
    layer: Annotated[
        bool,
        typer.Option("--layer", help="Save the bald head itself, on a transparent background."),
    ] = False,
    degree: Annotated[
        float, typer.Option(metavar="0..1", help="The degree of baldness whose mask is saved.")
    ] = 1.0,
    style: options.Style = None,
    face: options.Face = "largest",
    min_face: options.MinFace = None,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    threads: options.Threads = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Save the mask of what an edit replaces, for other programs.

    It is a grey picture as large as the photo: white is replaced, black stays. --layer saves the
    bald head with transparency around it: laid over the photo in a picture editor, it gives the
    result.
    """
    with ending(debug):
        from .inputs import gather
        from .outputs import assign

        settings = start.settings(style=style, min_face=min_face, threads=threads, device=device)
        jobs = assign(gather(photos, recursive), output, kind="layer" if layer else "mask")
        start.check_stdout(jobs, as_json)
        _check(jobs, layer)
        editor = start.editor(settings)
        editor.check(degree, settings.style, face)
        with Batch(len(jobs), as_json=as_json, quiet=quiet) as batch:
            for job in jobs:
                with batch.photo(job.photo.name, debug) as outcome:
                    with editor.open(job.photo.source, name=job.photo.name) as shot:
                        made, share = _made(shot, layer, degree, settings.style, face)
                    del shot  # photo and heads: memory that the encoder needs
                    record = _write(made, job, overwrite) | {"share": share}
                    where = job.target or "standard output"
                    outcome.tell(f"{job.photo.name} → {where} ({share:.0%} replaced)", (), record)
        batch.finish()


def _check(jobs: list[Job], layer: bool) -> None:
    """Raise `BadOption` for files that cannot hold what is asked for."""
    from ..errors import BadOption
    from ..photo.formats import of_path

    for job in jobs:
        if job.target is not None and not of_path(job.target).alpha and layer:
            raise BadOption(f"{job.target.name} has no transparency; save a layer as .png or .tif.")


def _made(shot: Shot, layer: bool, degree: float, style: str, face: str) -> tuple[Photo, float]:
    """The mask or layer as a photo, and the share of the photo that changes, 0..1."""
    from dataclasses import replace

    from .. import photo

    if layer:
        values = shot.layer(face, degree, style)
        made = photo.read(values, name=shot.photo.name)
        return replace(made, icc=shot.photo.icc, edited=True), float((values[..., 3] > 0).mean())
    values = shot.mask(face, degree, style)
    return photo.read(values, name=shot.photo.name), float((values > 0).mean())


def _write(made: Photo, job: Job, overwrite: bool) -> dict[str, Any]:
    from ..photo import encode, write
    from .outputs import make_folder, to_stdout

    if job.target is None:
        to_stdout(encode(made, "PNG"))
        return {"outputs": []}
    if job.make_folder:
        make_folder(job.target.parent)
    write(made, job.target, overwrite=overwrite)
    return {"outputs": [str(job.target)]}
