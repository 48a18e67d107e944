"""`tonsure sweep`: the notebook's 14 tiles, or its growing strip, of any photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options, start, values
from .console import emit, ending, say
from .streams import interruptible


def sweep(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="A photo; - is standard input.")],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A generator in place of the tool's own ways: a file of `tonsure lab export`, or "
            "a shipped one: stgan_celeba, attgan_celeba, stargan_celeba.",
            autocompletion=values.generators,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="OUT",
            help="A .png, .jpg or .webp, or a folder for single tiles. Default: name.sweep.png.",
        ),
    ] = None,
    degrees: Annotated[
        str | None,
        typer.Option(
            metavar="D,D,...",
            help="A strip of one attribute at these differences d instead: 0.60,0.68,0.76.",
        ),
    ] = None,
    attribute: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The attribute of --degrees.", autocompletion=values.attributes
        ),
    ] = "Bald",
    strength: Annotated[
        float, typer.Option(metavar="D", help="Strength d of each edit; 1 is full.")
    ] = 1.0,
    size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Longer side of a tile, in pixels; 0 keeps the photo's."),
    ] = None,
    captions: Annotated[
        bool,
        typer.Option("--captions/--no-captions", help="Print below each tile what it shows."),
    ] = True,
    face: options.Face = "largest",
    min_face: options.MinFace = None,
    overwrite: options.Overwrite = False,
    threads: options.Threads = None,
    device: options.Device = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:  # fmt: skip
    """Show a photo beside each edit that can be made of it, one attribute a tile.

    Experimental edits are left out; `tonsure attributes` says which they are.
    """
    with ending(debug), interruptible():
        from ..errors import BadOption
        from ..steps import sweep as made
        from .inputs import STDIN, Input

        settings = start.settings(min_face=min_face, threads=threads, device=device)
        editor = start.editor(settings, model=model)
        one = Input(None if photo == STDIN else Path(photo))
        if output is None and one.path is None:
            raise BadOption("A sweep of standard input needs a name; give -o one.")
        target = output or Path(photo).with_name(f"{Path(photo).stem}.sweep.png")
        generator = editor.generator
        with editor.open(one.source, name=one.name) as shot:
            if degrees is None:
                names = None if generator is None else generator.names
                shown = made.edits(shot, names, strength, face)
            else:
                try:
                    ds = [float(part) for part in degrees.split(",")]
                except ValueError:
                    raise BadOption(
                        f"{degrees!r} is not a list of numbers, such as 0.60,0.68,0.76."
                    ) from None
                shown = made.growing(shot, attribute, ds, face)
            paths = made.write(shown, target, size=size, captions=captions, overwrite=overwrite)
        say(f"{one.name} → {paths[0] if len(paths) == 1 else target} ({len(shown)} tiles)")
        if as_json:
            emit({
                "status": "done", "input": one.name, "outputs": [str(path) for path in paths],
                "tiles": [tile.told for tile in shown],
            })  # fmt: skip
