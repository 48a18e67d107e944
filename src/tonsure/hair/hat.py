"""Is that a hat at all? One look at the whole face, beside what the parser says of every pixel.

The parser learnt hats from a few dozen masks and takes short dark hair for a cap now and
then; that a picture has a hat is known of thousands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..faces import Frame
from ..models import session
from ..planes import Plane
from ..scene import Scene
from .parse import HAIR, HAT

Pixels = npt.NDArray[np.uint8]

BOX = (4.0, 0.0, 174.0, 218.0)
SCALE = 0.66
WORN = 0.25
"""Less likely than that, what looks like a hat is hair."""
_HIGH, _LEAST = -0.95, 0.3  # eye distances above the eyes, and their squares: the crown
_CROWN = 0.6  # of it has to be hat for the parser to be believed alone
SIZE = (144, 112)
"""Height and width of the look: `BOX` of the frame at `SCALE`."""


def view(pixels: Pixels, frame: Frame) -> Pixels:
    """What is looked at, (144, 112, 3), of a photo (H, W, 3) whose face has `frame`."""
    return frame.cut(pixels, SCALE, BOX)


def worn(pixels: Pixels, frame: Frame, threads: int | None = None) -> float:
    """How likely the person of `frame` in `pixels` (H, W, 3) wears a hat, 0..1; as if half of all
    people did. Raises `ModelError` when the net's file is missing or damaged."""
    seen = view(pixels, frame).astype(np.float32).transpose(2, 0, 1)[None]
    batch = np.ascontiguousarray(seen / np.float32(127.5) - 1)
    return float(session.open("hat", threads).run(None, {"picture": batch})[0][0])


def believed(scene: Scene, classes: Plane, worn: float) -> Plane:
    """The parser's `classes` (H, W, 9) of a scene; where no hat is `worn` and the parser itself
    sees none on the crown, what looks like one is hair."""
    if worn > WORN or crown(scene, classes) > _CROWN:
        return classes
    out = classes.copy()
    out[..., HAIR] += out[..., HAT]
    out[..., HAT] = 0
    return out


def crown(scene: Scene, classes: Plane) -> float:
    """The hat's share, 0..1, of what covers the head's crown; 0 where that is hardly anything."""
    high = (scene.face_units()[1] < _HIGH) & (scene.inside > 0.5)
    hat = (classes[..., HAT] > 0.5) & high
    covered = (classes[..., HAT] + classes[..., HAIR] > 0.5) & high
    return float(hat.sum() / max(int(covered.sum()), round(_LEAST * scene.unit**2)))
