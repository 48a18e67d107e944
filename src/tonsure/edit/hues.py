"""How black, blond and brown hair look: medians and curves by `scripts/fit_hair_colours.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..planes import Plane

FLOOR = 8.0
"""Levels added to luma before its logarithm is taken: darker steps are noise."""
LEVELS = tuple(range(8, 256, 16))
"""Luma at which the tables of red and blue stand."""


@dataclass(frozen=True)
class Hue:
    """Hair of one colour: `level` its mean log luma beside skin of log luma `skin`, which it
    follows by `slope`; `spread` the standard deviation within one head; `red` and `blue` what these
    are, divided by luma, at `LEVELS`; `way` 1 if hair only turns lighter to it, -1 only darker."""

    level: float
    skin: float
    slope: float
    spread: float
    red: tuple[float, ...]
    blue: tuple[float, ...]
    way: int = 0

    def middle(self, skin: float) -> float:
        """Mean log luma beside skin of log luma `skin`."""
        return self.level + self.slope * float(np.clip(skin - self.skin, -0.8, 0.5))

    def at(self, luma: Plane) -> Plane:
        """(N, 3) red, green, blue of `luma` (N,), 0..255."""
        red, blue = (
            np.interp(luma, LEVELS, table).astype(np.float32) for table in (self.red, self.blue)
        )
        green = (1 - np.float32(0.299) * red - np.float32(0.114) * blue) / np.float32(0.587)
        return np.stack([red * luma, green * luma, blue * luma], -1)


# of 100 people each; where hair is hardly ever so bright, the curve goes on
HUES: dict[str, Hue] = {
    "Black_Hair": Hue(
        3.316, 5.051, 0.406, 0.434,
        (
            1.30, 1.22, 1.17, 1.15, 1.14, 1.12, 1.11, 1.11,
            1.10, 1.09, 1.08, 1.07, 1.06, 1.05, 1.03, 1.01,
        ),
        (
            0.77, 0.79, 0.84, 0.85, 0.87, 0.87, 0.88, 0.87,
            0.88, 0.89, 0.90, 0.91, 0.92, 0.93, 0.95, 0.97,
        ),
        -1,
    ),
    # the label is given to much that is light brown: level and paleness of the blonder half
    "Blond_Hair": Hue(
        4.92, 5.169, 0.282, 0.416,
        (
            1.57, 1.49, 1.43, 1.38, 1.34, 1.30, 1.26, 1.23,
            1.20, 1.18, 1.16, 1.13, 1.11, 1.09, 1.07, 1.04,
        ),
        (
            0.44, 0.46, 0.50, 0.53, 0.56, 0.59, 0.62, 0.65,
            0.67, 0.70, 0.73, 0.76, 0.80, 0.83, 0.86, 0.91,
        ),
        1,
    ),
    "Brown_Hair": Hue(
        3.917, 5.089, 0.774, 0.466,
        (
            1.80, 1.52, 1.42, 1.36, 1.31, 1.28, 1.25, 1.22,
            1.21, 1.20, 1.17, 1.15, 1.13, 1.11, 1.08, 1.04,
        ),
        (
            0.37, 0.49, 0.56, 0.61, 0.66, 0.69, 0.72, 0.74,
            0.75, 0.76, 0.79, 0.83, 0.86, 0.87, 0.89, 0.93,
        ),
    ),
}  # fmt: skip
GREY = Hue(4.35, 5.07, 0.5, 0.45, (1.04,) * 16, (0.98,) * 16)
"""Grey hair, by eye."""
