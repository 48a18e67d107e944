"""Steps of one edit that follow one another: each sees what those before it made."""

from __future__ import annotations

from collections.abc import Iterable

from .. import blend
from .fine import Patch, Pixels


class Series:
    """`patches` so far, and the photo with them, `pixels` (H, W, 3) uint8; the given one stays."""

    def __init__(self, pixels: Pixels) -> None:
        self._photo = self.pixels = pixels
        self.patches: list[Patch] = []

    def add(self, found: Patch | Iterable[Patch] | None) -> None:
        """What a step gave, nothing included."""
        new = [] if found is None else [found] if isinstance(found, Patch) else list(found)
        if new:
            ours = self.pixels is not self._photo
            laid = [(one, one.weight) for one in new]
            self.pixels = blend.apply(self.pixels, laid, in_place=ours)
            self.patches += new
