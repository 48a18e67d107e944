"""Options that several verbs have, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import values

Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTO", help="Photos, folders of photos, patterns; - reads standard input."
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
        metavar="WHICH",
        help="Which face: largest, all, left, right, N (the N-th largest), x,y (the one at this "
        "point) or x0,y0,x1,y1 (the one in this box), in pixels.",
        autocompletion=values.faces,
    ),
]
Style = Annotated[
    str | None,
    typer.Option(
        metavar="recede|thin",
        help="How hair goes between 0 and 1: the hairline recedes, or the hair thins out.",
        autocompletion=values.styles,
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        metavar="1..100", help="Quality of JPEG, WebP and AVIF; default: the photo's own."
    ),
]
Each = Annotated[
    str | None,
    typer.Option(
        metavar="N=D,...",
        help="Degrees for single faces, by number: 1=0.8,3=0.4; only these are edited.",
    ),
]
MinFace = Annotated[
    float | None,
    typer.Option(
        metavar="PX",
        help="Smallest face to look for: its height from forehead to chin, in pixels; small values "
        "are slower.",
    ),
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Look into subfolders, too.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Skip photos whose result exists.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Write JSON to standard output, one object per line.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Model = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Use this generator instead of the shipped networks: a file of `tonsure lab export`, "
        "or stgan_celeba.",
        autocompletion=values.generators,
    ),
]
Threads = Annotated[
    int | None, typer.Option(metavar="N", help="Processor threads per photo; default: 2.")
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="auto|cpu|cuda|coreml|directml|openvino",
        help="What the networks run on; auto uses an accelerator if its onnxruntime is installed.",
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", envvar="TONSURE_DEBUG", help="Show the traceback of an error.")
]


def output(default: str) -> Any:
    """`--output` of a verb that makes a picture of each photo; `default` is said in its help."""
    return typer.Option(
        "--output", "-o", metavar="OUT",
        help="A file, a folder, a name with {name} and {ext}, or - for standard output. "
        f"Default: {default}.",
    )  # fmt: skip


def degrees_of(text: str) -> dict[int, float]:
    """The degrees of `--each` by the faces' numbers; raises `BadOption`."""
    from ..errors import BadOption

    wrong = BadOption(f"{text!r} does not name degrees of faces; give them as 1=0.8,3=0.4.")
    found: dict[int, float] = {}
    for part in text.split(","):
        name, _, value = (half.strip() for half in part.partition("="))
        try:
            number, degree = int(name), float(value)
        except ValueError:
            raise wrong from None
        if number < 1:
            raise BadOption("Faces are counted from 1, the largest first.")
        if number in found:
            raise BadOption(f"--each names face {number} twice.")
        found[number] = degree
    return found
