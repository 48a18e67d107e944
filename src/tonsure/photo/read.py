"""Reading: a path, bytes, a file object, a picture of Pillow's or an array becomes a `Photo`."""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import UnreadableInput, WrongType
from . import arrays
from .decode import from_bytes, from_image
from .limits import Limits
from .photo import Photo

Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image
    | npt.NDArray[Any] | arrays.Tensor
)  # fmt: skip


def read(source: Source, *, limits: Limits | None = None, name: str | None = None) -> Photo:
    """The photo in `source`, upright.

    Parameters
    ----------
    source : a path; the bytes of a file or an open binary file; a `PIL.Image.Image`; or an array
        of uint8, uint16, or floating-point numbers from 0 to 1: grey (H, W) or (H, W, 1), grey and
        alpha (H, W, 2), RGB (H, W, 3), RGBA (H, W, 4), or a batch of one of these.  A tensor of
        PyTorch may also have its channels first: (C, H, W).
    limits : see `Limits`; checked on the header, before pixels are decoded.
    name : what messages and reports call it; by default its path.

    Raises `UnreadableInput` (with `TruncatedInput` and `WrongType` below it) and `LimitExceeded`.
    """
    limits = limits or Limits()
    if isinstance(source, np.ndarray) or arrays.is_tensor(source):
        return arrays.photo_of(source, limits, name or "<array>")
    if isinstance(source, Image.Image):
        return from_image(source, name or str(getattr(source, "filename", "")) or "<image>", limits)
    if isinstance(source, str | os.PathLike):
        shown = name or os.fspath(source)
        return from_bytes(_content(Path(source), limits), shown, limits, "path")
    shown = name or str(getattr(source, "name", "<bytes>"))
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = _all_of(source, shown, limits)
    else:
        raise WrongType(
            f"A {type(source).__name__} is not a photo; give a path, bytes, a Pillow picture or an "
            "array."
        )
    limits.check_file(len(data))
    return from_bytes(data, shown, limits, "bytes")


def _all_of(file: Any, name: str, limits: Limits) -> bytes:
    if isinstance(file, io.TextIOBase):
        raise WrongType(f"{name} was opened as text; open it with mode 'rb'.")
    try:
        data = file.read(limits.file_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableInput(f"{name} cannot be read: {reason}.") from error
    if not isinstance(data, bytes):
        raise WrongType(f"{name} gives {type(data).__name__} instead of bytes; open it with 'rb'.")
    return data


def _content(path: Path, limits: Limits) -> bytes:
    # a pipe that nobody writes to is empty instead of waited for
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if path.is_dir():
            raise UnreadableInput(f"{path} is a folder, not a photo.")
        with open(os.open(path, flags), "rb") as file:
            about = os.fstat(file.fileno())
            limits.check_file(about.st_size)
            if not stat.S_ISREG(about.st_mode):
                os.set_blocking(file.fileno(), True)
            return _all_of(file, str(path), limits)  # a pipe's length is not known before
    except FileNotFoundError as error:
        raise UnreadableInput(_nowhere(path)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableInput(f"{path} cannot be read: {reason}.") from error


def _nowhere(path: Path) -> str:
    """What to say of a file that is not there, with the nearest name that is."""
    text = str(path)
    if re.match(r"[a-z]{2,8}:/", text):
        return f"{text} is an address; download the photo first, nothing is fetched from here."
    with contextlib.suppress(OSError, ValueError):
        near = get_close_matches(path.name, os.listdir(path.parent), n=1)
        if near:
            return f"There is no file {text}; did you mean {path.with_name(near[0])}?"
        return f"There is no file {text}."
    return f"There is no file {text}, and no folder {path.parent}."
