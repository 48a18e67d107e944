"""Raw frames through a pipe: RGB24 or NV12 in and out, as ffmpeg's `-f rawvideo` has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ..errors import BadOption, TruncatedInput, nearest
from .follower import Follower

Bytes = npt.NDArray[np.uint8]

KINDS = ("rgb24", "nv12")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)
_MOST = 1 << 27  # pixels


def size(text: str) -> tuple[int, int]:
    """Width and height from "1280x720". Raises `BadOption`."""
    found = _SIZE.fullmatch(text.strip().lower())
    wide, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 < wide * high <= _MOST:
        raise BadOption(f"The size is {text!r}; give width and height, such as 1280x720.")
    return wide, high


def check(kind: str, wide: int, high: int) -> None:
    """Raise `BadOption` for a kind of frames that is not known, or a size that it cannot have."""
    if kind not in KINDS:
        raise BadOption(f"There are no raw frames {kind!r}; {nearest(kind, KINDS)}")
    if kind == "nv12" and (wide % 2 or high % 2):
        raise BadOption(f"nv12 needs even sizes, not {wide}x{high}.")


def frames(stream: IO[bytes], kind: str, wide: int, high: int) -> Iterator[Bytes]:
    """Frames of a stream, each as many bytes (N,) as one has. A last one that is cut off raises
    `TruncatedInput` after all whole ones."""
    count = wide * high * 3 // (1 if kind == "rgb24" else 2)
    while True:
        data = bytearray()
        while len(data) < count:
            more = stream.read(count - len(data))
            if not more:
                break
            data += more
        if not data:
            return
        if len(data) < count:
            raise TruncatedInput(
                f"The last frame has {len(data)} of {count} bytes; check size and kind of the "
                f"frames ({kind}, {wide}x{high})."
            )
        yield np.frombuffer(bytes(data), np.uint8)


def edit(follower: Follower, data: Bytes, kind: str, wide: int, high: int, time: float,
         degree: float | None = None) -> bytes:  # fmt: skip
    """One raw frame through a follower. Bytes of pixels that do not change stay as they were."""
    if kind == "rgb24":
        return follower.take(data.reshape(high, wide, 3), time, degree).tobytes()
    planes = data.reshape(high * 3 // 2, wide)
    before = _rgb(planes)
    after = np.asarray(follower.take(before, time, degree), np.uint8)
    changed = (after != before).any(-1)
    return _laid(planes, after, changed).tobytes()


def _rgb(planes: Bytes) -> Bytes:
    import cv2

    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_NV12))


def _laid(planes: Bytes, rgb: Bytes, changed: npt.NDArray[np.bool_]) -> Bytes:
    """NV12 `planes` (H * 3/2, W) with what `changed` (H, W) of `rgb` (H, W, 3)."""
    import cv2

    high, wide = changed.shape
    made: Any = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    out = planes.copy()
    np.copyto(out[:high], made[:high], where=changed)
    quarter = changed.reshape(high // 2, 2, wide // 2, 2).any((1, 3))
    u, v = made[high:].reshape(2, high // 2, wide // 2)
    pairs = out[high:].reshape(high // 2, wide // 2, 2)
    np.copyto(pairs[..., 0], u, where=quarter)
    np.copyto(pairs[..., 1], v, where=quarter)
    return out
