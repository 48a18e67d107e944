"""One HTML file with a slider: nothing beside it, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePath

from ..photo import MARK
from .tile import Tile

_TEMPLATE = Path(__file__).with_name("page.html")
_PLACE = re.compile(r"\{\{([a-z-]+)\}\}")


def encode(tiles: Sequence[Tile], degrees: Sequence[float], name: str) -> bytes:
    """The page; `name` is the photo's, of which the last part is shown."""
    text = _TEMPLATE.read_text(encoding="utf-8")
    width, height = tiles[0].image.size
    title = html.escape(PurePath(name).name.encode("utf-8", "replace").decode("utf-8"))
    frames = [
        "data:image/jpeg;base64," + base64.b64encode(tile.encode("JPEG", 90)).decode("ascii")
        for tile in tiles
    ]
    script = _between(text, "<script>", "</script>")
    style = _between(text, "<style>", "</style>")
    values = {
        "title": title,
        "mark": MARK,
        "width": str(width),
        "height": str(height),
        "script-hash": _digest(script),
        "style-hash": _digest(style),
        "data": json.dumps({"degrees": [round(d, 4) for d in degrees], "frames": frames}),
    }
    return _PLACE.sub(lambda found: values[found[1]], text).encode("utf-8")


def _between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


def _digest(text: str) -> str:
    """As a content security policy names what it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
