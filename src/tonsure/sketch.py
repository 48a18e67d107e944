"""Where the faces are, drawn over a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import ImageDraw, ImageFont

from .faces import Face
from .photo import Photo, picture


def boxes(photo: Photo, faces: Sequence[Face]) -> Photo:
    """`photo`, 8 bits and RGB, with the box, the eyes and the number of every face."""
    plain = photo.shallow()
    image = picture(plain, alpha=False).convert("RGB")
    pen = ImageDraw.Draw(image)
    for number, face in enumerate(faces, 1):
        width = max(2, round(face.height / 80))
        for colour, wide in (("black", width + 2), ("white", width)):
            pen.rectangle(face.box, outline=colour, width=wide)
        for x, y in face.eyes:
            r = max(2.0, face.height / 50)
            pen.ellipse((x - r, y - r, x + r, y + r), fill="white", outline="black")
        font = ImageFont.load_default(size=max(12.0, face.height / 6))
        at = (face.box[0] + 2 * width, face.box[1] + 2 * width)
        pen.text(at, str(number), font=font, fill="white", stroke_width=width, stroke_fill="black")
    return replace(plain, pixels=np.asarray(image), alpha=None, grey=False, mode="RGB", edited=True)
