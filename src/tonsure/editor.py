"""The whole way of one photo: settings, and the door through which a photo comes in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import faces, photo
from .degree import check
from .errors import BadOption, NoFace
from .faces import Which
from .models import device as devices
from .models import session
from .photo import Limits, Source
from .result import Result
from .shot import Shot
from .usable import COARSE, NEEDED

if TYPE_CHECKING:
    from .generator import Generator

__all__ = ["COARSE", "NEEDED", "Editor", "Shot", "bald"]


class Editor:
    """Opens photos. Holds nothing but settings, and may be shared between threads.

    Parameters
    ----------
    threads : of the networks within one photo, 1 or more; default two, at most one for each core.
    min_face : look for faces from this height in pixels on, see `faces.find`.
    limits : of what is read, see `photo.Limits`.
    model : a generator exported by the laboratory, which edits in place of the shipped networks.
    device : what the networks run on: "cpu", "cuda", "coreml", "directml", "openvino", or "auto":
        an accelerator whose onnxruntime is installed, else the processor. See `models.device`.

    Raises `BadOption` for values that are not allowed, and for a device that nothing runs on here.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        min_face: float | None = None,
        limits: Limits | None = None,
        model: str | Path | None = None,
        device: str = "auto",
    ) -> None:
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise BadOption(f"There cannot be {threads!r} threads; give a whole number from 1 on.")
        self.threads = None if threads is None else session.bounded(threads)
        self.min_face = min_face
        self.limits = limits or Limits()
        self.device = devices.check(device)
        self.generator: Generator | None = None
        if model is not None:
            from .generator import Generator

            with devices.on(self.device):
                self.generator = Generator.open(model, threads)

    def __repr__(self) -> str:
        model = f", model={self.generator!r}" if self.generator is not None else ""
        return f"Editor(threads={self.threads}, min_face={self.min_face}{model})"

    def check(self, degree: float = 1.0, style: str = "recede", face: Which = "all") -> None:
        """Raise `BadOption` for values that `Shot.bald` would not take for any photo."""
        if self.generator is not None:
            self.generator.check({"Bald": degree})
            degree = min(max(degree, 0.0), 1.0)
        check(degree, style)
        with suppress(NoFace):
            faces.choose([], face)

    def check_changes(self, changes: Mapping[str, float]) -> None:
        """Raise `BadOption` for changes that `Shot.edit` would not make of any photo."""
        if self.generator is not None:
            self.generator.check(changes)
        else:
            from .edit.catalogue import check as checked

            checked(changes)

    def open(self, source: Source, *, name: str | None = None) -> Shot:
        """Read a photo (see `photo.read` for what it may be, and for errors)."""
        began = time.perf_counter()
        return Shot(photo.read(source, limits=self.limits, name=name), self, began)


def bald(
    source: Source, degree: float = 1.0, style: str = "recede", face: Which = "largest"
) -> Result:
    """The person in a photo, bald: `Editor().open(source).bald(degree, style, face)`.

    >>> tonsure.bald("me.jpg", degree=0.8).save("me-bald.jpg")  # doctest: +SKIP
    """
    with Editor().open(source) as shot:
        return shot.bald(degree, style, face, last=True)
