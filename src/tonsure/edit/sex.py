"""A face more a man's, or more a woman's: shape and tones, brows, and a beard's shadow. Hair stays.

The shape, which moves pixels, comes last.
"""

from __future__ import annotations

from . import age, beard, brows, prototypes
from .fine import Patch, Pixels
from .portrait import Portrait
from .series import Series

_BROWS, _STUBBLE = (0.5, -0.5), 0.3  # degrees for men, and for women
_BEARDED = 0.25  # of the zone around the mouth is hair: there is a beard already
_SMOOTH = 0.5  # of the folds go


def changed(portrait: Portrait, pixels: Pixels, degree: float, beard_there: bool) -> list[Patch]:
    """Towards a man's face by `degree` 0..1, or a woman's by -1..0; a beard that is there stays, or
    goes."""
    series, away = Series(pixels), abs(degree)
    series.add(brows.bushy(portrait, series.pixels, _BROWS[degree < 0] * away))
    if degree < 0:
        if beard_there:
            series.add(beard.shaven(portrait, series.pixels, away))
        series.add(age.smoothed(portrait, series.pixels, _SMOOTH * away))
    elif not beard_there and portrait.bearded < _BEARDED:
        series.add(beard.grown(portrait, series.pixels, _STUBBLE * away))
    series.add(prototypes.step(portrait, series.pixels, "male", degree))
    return series.patches
