"""A photo in memory: pixels, and all that its file said besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Box: TypeAlias = tuple[int, int, int, int]
Given = Literal["path", "bytes", "image", "array"]

_STRIP = 1 << 20  # values
_LUMA = (299, 587, 114)  # in thousandths: equal channels come back exactly


@dataclass(frozen=True, eq=False)
class Layout:
    """What the photo of an array has to come back as.

    Attributes
    ----------
    shape : of the array or tensor.
    exact : the numbers themselves (H, W, C), if they are floating-point; else None.
    tensor : the tensor it came as, which says type and device; None for arrays.
    first : the channels come first: (C, H, W).
    """

    shape: tuple[int, ...]
    exact: npt.NDArray[np.floating[Any]] | None = None
    tensor: Any = None
    first: bool = False


@dataclass(frozen=True, eq=False)
class Photo:
    """What `read` gives and `write` takes.

    Attributes
    ----------
    pixels : (H, W, 3) uint8 or uint16, upright RGB in the photo's own colour space; read-only.
        A grey photo has three equal channels.
    alpha : (H, W) of the same type, or None.
    mode : the source's, as Pillow calls it: "RGB", "L", "RGBA", "P", "CMYK", "I;16", ...
    format : a name of `FORMATS`, or None for arrays and pictures without a file.
    grey : whether all pixels are grey; then an edit stays grey.
    icc, exif, xmp : blocks as bytes, or None. `exif` begins with its byte order mark; it is
        already without thumbnail, and its orientation is 1.
    encoder : what the format's writer needs to write a file like the source's.
    name : for messages and reports: a path, or "<array>".
    dropped : parts of the source that are not kept, in words.
    missing : parts of the source that are cut off, in words; the pixels are whole.
    animated : more pictures follow in the file; this is the first.
    origin : the file as it was read, or None.
    given : what kind of source it came from; `Result.image` gives the same kind.
    layout : of the array it came from, None otherwise.
    edited : pixels are no longer the source's.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    mode: str = "RGB"
    format: str | None = None
    grey: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    encoder: Mapping[str, Any] = field(default_factory=dict)
    name: str = "<array>"
    dropped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    animated: bool = False
    origin: bytes | None = None
    given: Given = "array"
    layout: Layout | None = None
    edited: bool = False

    def __repr__(self) -> str:
        depth = 16 if self.deep else 8
        return f"<Photo {self.name}: {self.width} × {self.height}, {self.mode}, {depth} bits>"

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def deep(self) -> bool:
        """Whether it has 16 bits a channel."""
        return self.pixels.dtype == np.uint16

    @property
    def single(self) -> bool:
        """Whether the source has one colour channel, so that the result has one too."""
        return self.mode in {"1", "L", "LA", "La"} or self.mode.startswith("I")

    def eight(self) -> npt.NDArray[np.uint8]:
        """The pixels (H, W, 3) with 8 bits, rounded; the same array if they have no more."""
        return to_eight(self.pixels)

    def shallow(self) -> Photo:
        """This photo with 8 bits a channel."""
        alpha = None if self.alpha is None else to_eight(self.alpha)
        return replace(self, pixels=to_eight(self.pixels), alpha=alpha)

    def with_pixels(self, pixels: Pixels, boxes: Iterable[Box] | None = None) -> Photo:
        """This photo with edited `pixels` of the same shape and type; a grey one stays grey.

        `boxes` (x0, y0, x1, y1) say where pixels may differ from this photo's; default everywhere.
        """
        if pixels.shape != self.pixels.shape or pixels.dtype != self.pixels.dtype:
            raise ValueError(f"pixels are {pixels.shape}, the photo's {self.pixels.shape}")
        if self.grey:
            pixels = pixels.copy() if not pixels.flags.writeable else pixels
            for x0, y0, x1, y1 in [(0, 0, self.width, self.height)] if boxes is None else boxes:
                part = pixels[y0:y1, x0:x1]
                for rows in _strips(part):
                    part[rows] = luma(part[rows])[..., None]
        return replace(self, pixels=frozen(pixels), edited=True)


def thawed(array: Any) -> Any:
    """What `frozen` froze, to be changed by who has it alone."""
    array.setflags(write=True)
    return array


def frozen(array: Any) -> Any:
    """`array`, read-only from now on: photos are shared between threads."""
    array.setflags(write=False)
    return array


def luma(pixels: Pixels) -> Pixels:
    """(H, W) brightness of RGB (H, W, 3), same type; equal channels give exactly their value."""
    out: Pixels = np.empty(pixels.shape[:2], pixels.dtype)
    for rows in _strips(pixels):
        total = np.full(pixels[rows].shape[:2], 500, np.uint32)
        for channel, share in enumerate(_LUMA):
            total += pixels[rows, ..., channel] * np.uint32(share)
        total //= 1000
        out[rows] = total
    return out


def greyed(colour: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`colour` (H, W, 3) with three equal channels, as an edit of a grey photo gets them."""
    return np.repeat(luma(colour).astype(np.uint8, copy=False)[..., None], 3, axis=2)


def stack(grey: Pixels) -> Pixels:
    """(H, W, 3) of a plane (H, W)."""
    if grey.dtype == np.uint8:
        return np.repeat(grey.astype(np.uint8, copy=False)[..., None], 3, axis=2)
    return np.repeat(grey.astype(np.uint16, copy=False)[..., None], 3, axis=2)


def is_grey(pixels: Pixels) -> bool:
    """Whether all three channels are equal everywhere."""
    for part in (pixels[::32, ::32], pixels):  # most photos are found out by a few pixels
        red, green, blue = part[..., 0], part[..., 1], part[..., 2]
        if not (np.array_equal(red, green) and np.array_equal(green, blue)):
            return False
    return True


def to_eight(values: Pixels) -> npt.NDArray[np.uint8]:
    """8 bits of 16: 65535 is 255, rounded to nearest; uint8 passes through."""
    if values.dtype == np.uint8:
        return values  # type: ignore[return-value]
    out = np.empty(values.shape, np.uint8)
    for rows in _strips(values):
        out[rows] = (values[rows].astype(np.uint32) * 255 + 32767) // 65535
    return out


def _strips(array: Pixels) -> Iterator[slice]:
    """Rows of an array (H, W, ...), so many at a time that wider numbers need little memory."""
    step = max(1, _STRIP // max(1, array[0].size)) if len(array) else 1
    for top in range(0, len(array), step):
        yield slice(top, top + step)
