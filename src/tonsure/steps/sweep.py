"""The notebook's pictures, of any photo: the original and each attribute, or a growing strip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..attributes import index
from ..edit import CATALOGUE
from ..editor import Shot
from ..errors import BadOption
from ..photo import check_free, put
from ..photo.formats import of_path
from ..photo.png import insert
from ..result import Result
from . import strip
from .tile import Tile, tile

_SIZE = 256


def edits(shot: Shot, names: Sequence[str] | None, strength: float, face: str | int) -> list[Shown]:
    """The original, then each attribute switched to what the face has not: of a generator the
    `names` that it knows; without one, all that is not experimental."""
    result = shot.edit({}, face)
    number = next(iter(result.found))
    out = [Shown({"shows": "original"}, result)]
    if names is None:
        return out + _ways(shot, number, strength)
    source = shot.view(number).source
    for name in names:
        d = -strength if source[index(name, names)] > 0.5 else strength
        out.append(Shown({"attribute": name, "d": d}, shot.edit({name: d}, number)))
    return out


def _ways(shot: Shot, number: int, strength: float) -> list[Shown]:
    """`edits` by the catalogue; where the face has what cannot be taken away, that is left out."""
    has, out = shot.has(number), []
    for name, one in CATALOGUE.items():
        d = -strength if has[name] > 0.5 else strength
        way = one.direction(d)
        if way is None or way.experimental:
            continue
        result = shot.edit({name: d}, number)
        if any(step["changed"] for step in result.edits):
            out.append(Shown({"attribute": name, "d": d}, result))
    return out


def growing(shot: Shot, name: str, degrees: Sequence[float], face: str | int) -> list[Shown]:
    """The original, then `name` by each d of `degrees`."""
    out = [Shown({"shows": "original"}, shot.edit({}, face))]
    return out + [Shown({"attribute": name, "d": d}, shot.edit({name: d}, face)) for d in degrees]


class Shown:
    """A result and what it shows."""

    def __init__(self, told: dict[str, Any], result: Result) -> None:
        self.told, self.result = told, result

    @property
    def caption(self) -> str:
        """The attribute and its d: "Young -1"."""
        if "attribute" not in self.told:
            return str(self.told["shows"])
        return f"{self.told['attribute'].replace('_', ' ')} {self.told['d']:+.3g}"


def write(
    shown: Sequence[Shown],
    target: Path,
    *,
    size: int | None = None,
    captions: bool = True,
    overwrite: bool = False,
) -> list[Path]:
    """All side by side in one file; or, if `target` is a folder (no ending), a PNG of each.

    `size` is the longer side of one tile, 0 the photo's own; `captions` below the tiles of one file
    say what each shows. A PNG says in its text "tonsure" what
    it shows, degrees included.
    """
    side = _SIZE if size is None else size
    if target.suffix:
        format = of_path(target).name
        if format not in ("PNG", "JPEG", "WEBP", "TIFF"):
            raise BadOption(f"A sweep goes into .png, .jpg, .webp or a folder, not {target.name}.")
        check_free(target, overwrite)
        tiles = [tile(one.result.photo, side) for one in shown]
        texts = [one.caption for one in shown] if captions else None
        data = strip.encode(tiles, format, texts)
        told = {"columns": [one.told for one in shown]}
        put(target, _told(data, told) if format == "PNG" else data, overwrite=overwrite)
        return [target]
    names = [f"{k:02d}.{one.told.get('attribute', 'original')}.png" for k, one in enumerate(shown)]
    paths = [target / name for name in names]
    for path in paths:
        check_free(path, overwrite)
    target.mkdir(parents=True, exist_ok=True)
    for one, path in zip(shown, paths, strict=True):
        single: Tile = tile(one.result.photo, side)
        put(path, _told(single.encode("PNG"), one.told), overwrite=overwrite)
    return paths


def _told(png: bytes, told: dict[str, Any]) -> bytes:
    text = b"tonsure\0" + json.dumps(told).encode("ascii")
    return insert(png, [(b"tEXt", text)])
