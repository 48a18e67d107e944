"""Options that several verbs have, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO...", help="Photos, folders of photos, patterns; - reads standard input."
    ),
]
SomePhotos = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PHOTO...", help="Photos, folders of photos, patterns; - reads standard input."
    ),
]
Face = Annotated[
    str,
    typer.Option(
        metavar="largest|all|N|x,y",
        help="Which face: the largest, all, the N-th largest, or the one at a point.",
    ),
]
MinFace = Annotated[
    float | None,
    typer.Option(
        metavar="PX", help="Look for faces from this height on; small values take longer."
    ),
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Look into folders below folders, too.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave out photos whose output exists.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a photo on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Model = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="A generator: a file of `tonsure lab export`, or stgan_celeba."
    ),
]
Threads = Annotated[
    int | None, typer.Option(metavar="N", help="Processor threads for one photo; default 2.")
]
Debug = Annotated[
    bool, typer.Option("--debug", envvar="TONSURE_DEBUG", help="Show the trace of a fault.")
]
