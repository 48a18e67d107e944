"""A picture that moves: from hair to none and back."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..photo.xmp import mark
from .tile import Tile

SWEEP = 1800
"""Milliseconds from one end to the other."""
REST = 900
"""Milliseconds at each end."""


def encode(tiles: Sequence[Tile], format: str) -> bytes:
    """The file of a loop, "GIF" or "WEBP", that goes on for ever."""
    there = [tile.image for tile in tiles]
    step = max(40, SWEEP // (len(there) - 1))
    middle = [step] * (len(there) - 2)
    durations = [REST, *middle, REST, *middle]
    if format == "GIF":
        there = _one_palette([image.convert("RGB") for image in there])
    frames = there + there[-2:0:-1]
    options: dict[str, object] = {}
    if format == "WEBP":
        # smaller by half, and steadier: no frame is coded anew as a whole
        options = {"quality": 88, "method": 4, "minimize_size": True, "xmp": mark(None)[0]}
        if tiles[0].icc:
            options["icc_profile"] = tiles[0].icc
    out = io.BytesIO()
    frames[0].save(
        out, format, save_all=True, append_images=frames[1:], duration=durations, loop=0, **options
    )
    return out.getvalue()


def _one_palette(frames: list[Image.Image]) -> list[Image.Image]:
    """All frames in the same 256 colours; pixels that do not change keep theirs: no flicker."""
    width, height = frames[0].size
    ends = Image.new("RGB", (2 * width, height))
    ends.paste(frames[0], (0, 0))
    ends.paste(frames[-1], (width, 0))
    palette = ends.quantize(256, method=Image.Quantize.MEDIANCUT)
    colours = palette.getpalette()
    first = np.asarray(frames[0])
    before = np.asarray(frames[0].quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG))
    out = []
    for frame in frames:
        index = np.array(frame.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG))
        same = (np.asarray(frame) == first).all(axis=2)
        index[same] = before[same]
        made = Image.fromarray(index)
        made.putpalette(colours or [])
        out.append(made)
    return out
