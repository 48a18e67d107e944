"""`tonsure video`: films, and raw frames through a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options, start
from .console import bounded, emit, ending, say
from .inputs import STDIN
from .streams import interruptible

if TYPE_CHECKING:
    from ..film.video import Degree, Film
    from ..settings import Settings


def video(
    source: Annotated[str, typer.Argument(metavar="IN", help="The film to read; - with --raw.")],
    target: Annotated[
        str,
        typer.Argument(
            metavar="OUT", help="The film to write: .mp4, .mov, .mkv or .webm; - with --raw."
        ),
    ],
    degree: Annotated[
        str,
        typer.Option(
            metavar="D|D..D", help="How bald, 0 to 1; 0..1 goes from the first frame to the last."
        ),
    ] = "1",
    style: options.Style = None,
    face: options.Face = "largest",
    preview: Annotated[
        int, typer.Option(metavar="N", help="Edit every N-th frame only, for a quick look.")
    ] = 1,
    codec: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="An encoder of FFmpeg; default: like the source."),
    ] = None,
    crf: Annotated[
        int | None,
        typer.Option(metavar="0..63", help="The encoder's quality, 0 is best; default: high."),
    ] = None,
    raw: Annotated[
        str | None,
        typer.Option(
            metavar="rgb24|nv12",
            help="Raw frames from standard input to standard output; needs --size.",
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size of raw frames: 1280x720.")
    ] = None,
    rate: Annotated[
        float,
        typer.Option(
            metavar="FPS", help="Rate of raw frames; how long changes take depends on it."
        ),
    ] = 25.0,
    min_face: options.MinFace = None,
    overwrite: options.Overwrite = False,
    threads: options.Threads = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:  # fmt: skip
    """Make the people in a film bald.

    They are followed from frame to frame, and across cuts. Sound is copied. Ctrl-C ends early and
    leaves a film of what is done.
    """
    with ending(debug), interruptible():
        from ..errors import BadOption

        settings = start.settings(style=style, min_face=min_face, threads=threads, device=device)
        if (size is not None or STDIN in (source, target)) and raw is None:
            raise BadOption("--size and - are for raw frames; give --raw rgb24 or --raw nv12, too.")
        wanted = _degree(degree)
        if raw is not None:
            if as_json or size is None or (source, target) != (STDIN, STDIN):
                raise BadOption("--raw goes from - to - with --size; leave out --json.")
            _raw(raw, size, rate, wanted, settings, face)
            return
        _film(source, target, wanted, settings, face, quiet, as_json, preview=preview, codec=codec,
              crf=crf, overwrite=overwrite)  # fmt: skip


def _film(
    source: str, target: str, degree: Degree, settings: Settings, face: str, quiet: bool,
    as_json: bool, **more: Any,
) -> None:  # fmt: skip
    from ..film.video import video as made
    from .meter import Meter

    with Meter("frames", quiet=quiet) as meter:
        film = made(
            source, target, degree=degree, style=settings.style, face=face,
            threads=bounded(settings.threads), min_face=settings.min_face, device=settings.device,
            progress=meter.at, **more,
        )  # fmt: skip
    if not quiet:
        _tell(source, film)
    if as_json:
        emit({"status": "interrupted" if film.interrupted else "done"} | film.report)
    if film.interrupted:
        raise KeyboardInterrupt


def _tell(source: str, film: Film) -> None:
    rate = film.frames / max(film.took, 1e-6)
    say(f"{source} → {film.path} ({film.frames} frames, {rate:.3g} frames/s)")
    for note in film.warnings:
        say(f"  {note.text}" if note.face is None else f"  person {note.face}: {note.text}")
    if film.interrupted:
        say(f"tonsure: {film.path} holds the first {film.seconds:.1f} s.")


def _raw(kind: str, size: str, rate: float, degree: Degree, settings: Settings, face: str) -> None:
    from ..errors import BadOption
    from ..film import raw
    from ..film.follower import Follower
    from .outputs import to_stdout

    wide, high = raw.size(size)
    raw.check(kind, wide, high)
    if not 0 < rate <= 1000:
        raise BadOption(f"--rate is {rate:g}; give frames a second, such as 25.")
    if isinstance(degree, tuple):
        raise BadOption("Raw frames have no known end; give a single --degree.")
    if sys.stdout.isatty():
        raise BadOption("Raw frames are not written to a terminal; give a pipe.")
    with Follower(
        degree, settings.style, face, threads=bounded(settings.threads),
        min_face=settings.min_face, device=settings.device,
    ) as follower:  # fmt: skip
        for number, data in enumerate(raw.frames(sys.stdin.buffer, kind, wide, high)):
            to_stdout(raw.edit(follower, data, kind, wide, high, number / rate))
    if not follower.frames:
        say("tonsure: there were no frames.")


def _degree(text: str) -> Degree:
    from ..errors import BadOption

    try:
        ends = [float(part) for part in text.split("..")] if ".." in text else [float(text)]
    except ValueError:
        ends = []
    if len(ends) == 1:
        return ends[0]
    if len(ends) == 2:
        return ends[0], ends[1]
    raise BadOption(f"The degree is {text!r}; give a number from 0 to 1, or two, such as 0..1.")
