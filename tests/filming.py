"""Films that tests draw, and keyframes that cost nothing."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tonsure.faces import Frame
from tonsure.film import key
from tonsure.film.glance import Glance
from tonsure.film.motion import corners
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE

SIZE = (480, 360)
DOME = (30, 220, 70)  # a colour that nothing else has


def around(portrait: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The portrait's head, in a wider picture with some structure: (h, w, 3)."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    wall = np.stack([90 + 50 * np.sin(x / 17), 110 + 40 * np.cos(y / 13), 60 + (x + y) % 90], -1)
    out = np.clip(wall, 0, 255).astype(np.uint8)
    side = height - 40
    head = np.asarray(Image.fromarray(portrait[0:300, 75:375]).resize((side, side)))
    left = (width - side) // 2
    out[20 : 20 + side, left : left + side] = head
    return out


def moved(picture: np.ndarray, dx: float, dy: float, scale: float = 1, turn: float = 0) -> Any:
    """The picture shifted, scaled and turned (degrees) about its middle."""
    high, wide = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), turn, scale)
    matrix[:, 2] += (dx, dy)
    return cv2.warpAffine(
        picture, matrix, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def noisy(picture: np.ndarray, seed: int, sigma: float = 1.5) -> np.ndarray:
    """The picture with a camera's noise."""
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise + 0.5, 0, 255).astype(np.uint8)


def write(
    path: Path, frames: list[np.ndarray], *, codec: str = "libx264", kind: str = "yuv420p",
    times: list[int] | None = None, rate: int = 25, sound: bool = False, rotation: int = 0,
    colours: tuple[int, int, int] | None = None,
) -> Path:  # fmt: skip
    """A film of frames (H, W, 3) uint8 or uint16; `times` in thousandths of a second."""
    import av

    with av.open(str(path), "w") as container:
        options = {"crf": "12", "preset": "ultrafast"} if codec.startswith("libx26") else {}
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = kind
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if colours is not None:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = colours
        if rotation:
            stream.set_display_rotation(rotation)
        voice = container.add_stream("aac", rate=44100, layout="mono") if sound else None
        for k, pixels in enumerate(frames):
            deep = pixels.dtype == np.uint16
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb48le" if deep else "rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[k], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        if voice is not None:
            count = 44100 * len(frames) // rate
            wave = (8000 * np.sin(np.arange(count) / 16)).astype(np.int16)
            for start in range(0, count - 1024, 1024):
                part = av.AudioFrame.from_ndarray(
                    wave[None, start : start + 1024], format="s16", layout="mono"
                )
                part.sample_rate, part.pts, part.time_base = 44100, start, Fraction(1, 44100)
                container.mux(voice.encode(part))
            container.mux(voice.encode(None))
        container.mux(stream.encode(None))
    return path


def read(path: Path) -> list[Any]:
    """All frames of a film, as PyAV has them."""
    import av

    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def draw_key(pixels: np.ndarray, grey: np.ndarray, face: Any, *, threads: int | None = None) -> Any:
    """A keyframe with a plain dome over the face, without any network."""
    frame = Frame.of(face)
    unit = EYE_DISTANCE / abs(frame.z)
    x, y = frame.to_photo(np.array(EYES_MIDDLE))
    high, wide = grey.shape
    box = (max(int(x - 2.2 * unit), 0), max(int(y - 2.6 * unit), 0),
           min(int(x + 2.2 * unit), wide), min(int(y + 2 * unit), high))  # fmt: skip
    ys, xs = np.mgrid[box[1] : box[3], box[0] : box[2]]
    off = np.hypot((xs - x) / (1.3 * unit), (ys - y + 0.9 * unit) / (1.1 * unit))
    inside = np.clip((1 - off) * 12, 0, 1)
    mask = (inside * 255).astype(np.uint8)
    back = pixels[box[1] : box[3], box[0] : box[2]].copy()
    time = np.clip((ys - box[1]) * 255 // max(box[3] - box[1], 1), 0, 255).astype(np.uint8)
    hull = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(face.landmarks[:, :2].astype(np.int32)), 1)
    skin = hull[box[1] : box[3], box[0] : box[2]] * 255
    front = np.where(mask[..., None] > 0, np.array(DOME, np.uint8), back)
    wall = np.ones(grey.shape, bool)
    wall[:, int(max(x - 2.4 * unit, 0)) : int(x + 2.4 * unit)] = False
    points = {"head": corners(grey, hull > 0, 60, 4), "wall": corners(grey, wall, 60, 6),
              "body": np.zeros((0, 2), np.float32)}  # fmt: skip
    ends = np.array(EYES_MIDDLE) + EYE_DISTANCE * np.array([[-2.0, -2.4], [2.0, 2.0]])
    glance = Glance((*ends[0].tolist(), *ends[1].tolist()), threads)
    return key.Key(
        face=face,
        box=box,
        front=front,
        alpha=np.maximum(mask, skin),
        back=back,
        body=np.zeros_like(mask),
        mask=mask,
        time=time,
        thin=time,
        grey=grey,
        points=points,
        frame=frame,
        glance=glance,
        seen=glance.look(pixels, frame),
        warnings=(),
    )


def dome(frame: np.ndarray) -> np.ndarray:
    """(H, W): where the drawn dome's colour is."""
    return np.abs(frame.astype(int) - DOME).max(-1) < 60
