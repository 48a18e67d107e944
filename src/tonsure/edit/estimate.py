"""What a person already has: estimated, never asked.

What the parser, the mesh or the colours of the photo show is taken from there; the rest is the word
of `celeba_labels`, a network that saw 64 pixels.
"""

from __future__ import annotations

import numpy as np

from ..attributes import STANDARD, index
from ..crops import box, resize
from ..models import session
from ..planes import LUMA
from . import hues, mouth
from .portrait import Portrait

_CROP, _SIZE = "official", (64, 64)  # of the generators that the network was trained beside
_HAIR = 0.25  # squared eye distances: less is a bald head
_GLASSES = 0.3  # squared eye distances: less is a fold or a shadow
_SURE = 0.9
HAIR_COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair")


def labels(portrait: Portrait) -> dict[str, float]:
    """How likely each of the 13 attributes is there, 0..1."""
    x0, y0, x1, y1 = (float(v) for v in box(_CROP))
    frame = portrait.scene.frame
    small = resize(frame.cut(portrait.pixels, 1.0, (x0, y0, x1, y1)), _SIZE, "lanczos")
    picture = small.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(127.5) - 1
    net = session.open("celeba_labels", portrait.threads)
    told = net.run(None, {"picture": np.ascontiguousarray(picture)})[0][0]
    out = {name: float(told[index(name, STANDARD)]) for name in STANDARD}
    area = float((portrait.hair * portrait.scene.inside).sum()) / portrait.scene.unit**2
    out["Bald"] = float(area < _HAIR and portrait.hat < 0.3)
    out["Eyeglasses"] = float(portrait.glasses > _GLASSES)
    out["Mouth_Slightly_Open"] = float(mouth.gap(portrait.scene) > mouth.OPEN)
    if (colour := hair_colour(portrait)) is not None:
        out |= {name: float(name == colour) for name in HAIR_COLOURS}
    return out


def hair_colour(portrait: Portrait) -> str | None:
    """Which of the three colours this hair is nearest to, in log luma and in red by luma; None for
    grey hair and where there is hardly any."""
    scene = portrait.scene
    sure = (portrait.hair > _SURE) & (scene.inside > 0.5)
    if float(sure.sum()) < 0.05 * scene.unit**2:
        return None
    tones = scene.rgb[sure]
    luma = tones @ LUMA
    middle = float(np.log(luma + hues.FLOOR).mean())
    skin = float(np.log(portrait.tone @ LUMA + hues.FLOOR))
    red, blue = (float((tones[:, k] / (luma + 4)).mean()) for k in (0, 2))
    if middle > 4.2 and red - blue < 0.12:
        return None

    def away(name: str) -> float:
        hue = hues.HUES[name]
        return abs(middle - hue.middle(skin))

    return min(HAIR_COLOURS, key=away)
