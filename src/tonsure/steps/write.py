"""Which kind of file the steps go into, and the way there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..editor import Shot
from ..errors import BadOption
from ..photo import FORMATS, check_free, put
from ..photo.formats import of_path
from ..result import Result
from . import loop, page, strip
from .tile import tile

Kind = Literal["strip", "loop", "page", "frames"]
MOST = 101
_NUMBER = re.compile(r"%%|%0?\d{0,3}d")
_SIZES: dict[Kind, int] = {"strip": 768, "loop": 640, "page": 1280, "frames": 0}


@dataclass(frozen=True)
class Plan:
    """What is written where: `paths` has one file, or for "frames" one a step.

    `captions`: the degree stands below each step of a strip.
    """

    kind: Kind
    degrees: tuple[float, ...]
    paths: tuple[Path, ...]
    format: str
    size: int
    captions: bool = False


def plan(
    target: str | os.PathLike[str], count: int, size: int | None = None, *, captions: bool = False
) -> Plan:
    """How `count` steps go to `target`.

    By its ending: .gif and .webp a loop there and back, .html a page with a slider, with a number
    such as %02d in its name one file a step (%% is a percent sign), and else a strip.  `size` is
    the longer side of one step in pixels, 0 for the photo's own.  `captions` are for strips.

    Raises `BadOption`.
    """
    path = Path(target)
    if not 2 <= count <= MOST:
        raise BadOption(f"There cannot be {count} steps; choose 2 to {MOST}.")
    if size is not None and (size < 0 or 0 < size < 16):
        raise BadOption(f"Steps cannot have {size} pixels; choose 16 or more, or 0 for all.")
    degrees = tuple(k / (count - 1) for k in range(count))
    numbers = [found for found in _NUMBER.findall(path.name) if found != "%%"]
    if len(numbers) > 1:
        raise BadOption(f"{path.name} has more than one place for a number; give one, as %02d.")
    suffix = path.suffix.lower()
    kind: Kind
    if numbers:
        kind, paths = "frames", tuple(_numbered(path, k) for k in range(count))
    else:
        kind = {".gif": "loop", ".webp": "loop", ".html": "page", ".htm": "page"}.get(  # type: ignore[assignment]
            suffix, "strip"
        )
        paths = (path.with_name(path.name.replace("%%", "%")),)
    if captions and kind != "strip":
        raise BadOption(f"Captions are for strips, {path.name} is none; give a .png or .jpg.")
    format = "JPEG" if kind == "page" else of_path(path).name
    return Plan(kind, degrees, paths, format, _SIZES[kind] if size is None else size, captions)


def write(
    shot: Shot,
    steps: Plan,
    *,
    style: str = "recede",
    face: str | int = "largest",
    overwrite: bool = False,
) -> Result:
    """Write the files of a plan; gives the last step, fully bald.

    Raises as `Shot.bald` and `photo.write`; nothing is written unless all files may be.
    """
    for path in steps.paths:
        check_free(path, overwrite)
    last = shot.bald(1.0, style, face)
    for path, data in zip(steps.paths, files(shot, steps, style=style, face=face), strict=True):
        put(path, data, overwrite=overwrite)
    return last


def files(
    shot: Shot,
    steps: Plan,
    *,
    style: str = "recede",
    face: str | int = "largest",
    before_each: Callable[[], None] = lambda: None,
) -> Iterator[bytes]:
    """The bytes of each file of a plan, in the order of its paths; nothing is written.

    `before_each` is called before every step: what it raises ends the work.
    """
    if steps.kind == "frames":
        for degree in steps.degrees:
            before_each()
            result = shot.bald(degree, style, face)
            if steps.size and max(result.photo.pixels.shape) > steps.size:
                yield tile(result.photo, steps.size).encode(steps.format)
            else:
                yield result.encode(steps.format)
        return
    size = steps.size
    if steps.kind == "strip":
        size = strip.fitting(shot.photo, len(steps.degrees), size, FORMATS[steps.format].max_side)
    tiles = []
    for degree in steps.degrees:  # each as small as it is wanted before the next one is made
        before_each()
        tiles.append(tile(shot.bald(degree, style, face).photo, size))
    if steps.kind == "strip":
        captions = [f"{degree:.3g}" for degree in steps.degrees] if steps.captions else None
        yield strip.encode(tiles, steps.format, captions)
    elif steps.kind == "loop":
        yield loop.encode(tiles, steps.format)
    else:
        yield page.encode(tiles, steps.degrees, shot.photo.name)


def _numbered(path: Path, number: int) -> Path:
    def filled(found: re.Match[str]) -> str:
        return "%" if found[0] == "%%" else found[0] % number

    return path.with_name(_NUMBER.sub(filled, path.name))
