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
from .classes import HAIR, HAT

Pixels = npt.NDArray[np.uint8]

BOX = (4.0, 0.0, 174.0, 218.0)
SCALE = 0.66
WORN = 0.25
"""Less likely than that, what looks like a hat is hair."""
_HIGH = -0.5  # eye distances below the eyes
_MOSTLY = 0.6  # of hat and hair
_UNSURE = 0.12  # from here on the look does not rule a hat out
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


def likely(scene: Scene, classes: Plane, worn: float) -> float:
    """How likely a hat is worn, 0..1, by the look at the face (`worn`) and by the parser's
    `classes` (H, W, 9) of the scene: sure where most of what lies high on the head is one to it.

    The look, trained on close faces, is not sure of knit and fur caps of the street; where it is
    sure that there is none, short curls may look like a cap to the parser.
    """
    _, y = scene.face_units()
    high = classes[y < _HIGH]
    hat, hair = float(high[:, HAT].sum()), float(high[:, HAIR].sum())
    share = hat / max(hat + hair, 1.0)
    return max(worn, share) if share > _MOSTLY and worn > _UNSURE else worn


def believed(classes: Plane, worn: float) -> Plane:
    """The parser's `classes` (H, W, 9) where no hat is `worn`: what looks like one is hair.

    The parser takes short curls for caps now and then, the net hardly ever.
    """
    if worn > WORN:
        return classes
    out = classes.copy(order="K")
    out[..., HAIR] += out[..., HAT]
    out[..., HAT] = 0
    return out
