"""`tonsure batch`: very many photos, here or on many machines."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options, start
from .console import bounded, emit, ending, say


def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder of photos, of Parquet or of WebDataset files, or one such file; a path, "
            "or an address that fsspec knows, as s3://bucket/photos.",
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="A new folder, or that of a killed run, which then goes on."
        ),
    ],
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="Work on a cluster of Ray: this machine's (started if need be), or one elsewhere.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="With --ray: photos worked on at once; default: all cores."),
    ] = None,
    writes: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="photos|parquet|webdataset", help="What is written; default: as SOURCE."
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of Parquet: where the photos are.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="N", help="Photos written together; a crash costs at most those."),
    ] = None,
    degree: Annotated[
        float,
        typer.Option(metavar="0..1", help="How bald: 0 is the photo as it is, 1 is fully bald."),
    ] = 1.0,
    style: options.Style = None,
    face: options.Face = "largest",
    min_face: options.MinFace = None,
    quality: options.Quality = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="Processor threads per photo; default: 1.")
    ] = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Make the people of very many photos bald, each exactly once.

    TARGET gets the results and _tonsure/report.jsonl, a line a photo. A run that was killed, or
    whose workers were, goes on with the same command.
    """
    with ending(debug):
        from dataclasses import asdict

        from ..errors import BadOption
        from ..scale.order import Order
        from ..scale.run import run
        from ..scale.sources import KINDS
        from .meter import Meter

        settings = start.settings(
            style=style, min_face=min_face, quality=quality, threads=threads, device=device
        )
        if workers is not None and ray is None:
            raise BadOption("--workers is for --ray; give --ray auto, too.")
        if writes is not None and writes not in KINDS:
            raise BadOption(f"--as is {writes!r}; choose one of {', '.join(KINDS)}.")
        order = Order(
            degree, settings.style, face, settings.quality, bounded(settings.threads) or 1,
            settings.min_face, settings.device, asdict(settings.limits),
        )  # fmt: skip
        with Meter("photos", quiet=quiet) as meter:
            done = run(
                source, target, order, kind=writes, column=column, size=size, ray=ray,
                workers=workers, progress=meter.at,
            )  # fmt: skip
        if not quiet:
            failed = f", {done.failed} failed" if done.failed else ""
            say(f"{done.photos - done.failed} of {done.photos} photos done{failed}.")
            say(f"  The report: {done.report}")
        if as_json:
            emit({"status": "done"} | asdict(done))
        if done.failed:
            raise typer.Exit(7)
