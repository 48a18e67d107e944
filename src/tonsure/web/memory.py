"""How much memory a photo will need, told before it is worked on, and how much there is."""

from __future__ import annotations

import io
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from .problems import Refused

if TYPE_CHECKING:
    from ..faces import Face
    from ..photo import Photo

# Bytes at the peak, measured (tests/web/test_memory.py): of reading and writing for each pixel,
# as many again where samples have 16 bits or there is transparency; of a bald head for each
# pixel of its window, which has about three times the area of the face, and for the scene, which
# has `_FULL` pixels an eye distance at most.
_PIXEL, _HEAD, _WINDOW = 12, 10, 3.0
_SCENE, _FULL = 150e6, 72.0
_FILM, _FRAME = 250e6, 300  # of a film's heads, and for each pixel of a frame: codecs, parts
_OWN = 300e6  # the server itself, its networks opened
_LOOK = 0.05


def of_reading(data: bytes) -> float:
    """Bytes to read, hold and write the photo in `data`, by its header alone; 0 if it has none."""
    with suppress(Exception), warnings.catch_warnings():  # what is wrong, reading tells
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP", "AVIF", "HEIF"]) as im:
            wide = ";16" in im.mode or im.mode.startswith("I") or "A" in im.mode
            return float(im.width * im.height * _PIXEL * (2 if wide else 1))
    return 0.0


def of_head(face: Face, photo: Photo) -> float:
    """Bytes to make the bald head of `face`."""
    x0, y0, x1, y1 = face.box
    area = min((x1 - x0) * (y1 - y0) * _WINDOW, photo.width * photo.height)
    return float(area * _HEAD + _SCENE * min(1.0, face.iod / _FULL) ** 2)


def installed() -> float:
    """Bytes that this process may use: of the machine, or of the container that it runs in."""
    found = [8e9]
    with suppress(OSError, ValueError, IndexError):
        found = [float(Path("/proc/meminfo").read_text().split()[1]) * 1024]
    groups = [Path("memory/memory.limit_in_bytes"), Path("memory.max")]
    with suppress(OSError, ValueError, IndexError):  # a service of systemd is in a group of its own
        own = Path(Path("/proc/self/cgroup").read_text().strip().rsplit(":", 1)[1].lstrip("/"))
        groups += [group / "memory.max" for group in (own, *own.parents)]
    for group in groups:
        with suppress(OSError, ValueError):  # "max" is no number
            found.append(float((Path("/sys/fs/cgroup") / group).read_text()))
    return min(found)


def room(uploads: float) -> float:
    """Megabytes for photos that are worked on, beside the server and `uploads` megabytes."""
    return max(300.0, round((installed() * 0.9 - _OWN) / 1e6 - uploads))


class Memory:
    """Shared by all workers: what each will need is set aside before it is needed."""

    def __init__(self, megabytes: float) -> None:
        self.whole = megabytes * 1e6
        self.holders: list[Holder] = []
        self.lock = threading.Lock()

    @property
    def left(self) -> float:
        return self.whole - sum(holder.held for holder in self.holders)


class Holder:
    """What one photo has set aside. Called, it is the job's checkpoint.

    Any step may be the last one, see `Job.interrupt`: what is set aside changes by one assignment,
    and is given back by whoever ran the job.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory, self.held, self._waits = memory, 0.0, False
        self._reading = 0.0
        self.tell: Callable[[dict[str, Any]], None] = lambda step: None  # for who watches
        self._step: Callable[[], None] = lambda: None

    def begin(self, checkpoint: Callable[[], None]) -> None:
        """In the worker, when the job begins."""
        self._step = checkpoint
        with self._memory.lock:
            self._memory.holders.append(self)

    def release(self) -> None:
        """In the worker, when the job has ended, however; also if it never began."""
        with self._memory.lock:
            if self in self._memory.holders:
                self._memory.holders.remove(self)

    def __call__(self) -> None:
        self._step()

    def photo(self, data: bytes) -> None:
        """Before the photo in `data` is read: set aside what that needs, in place of another's.

        Waits for other photos to end. Raises `Refused`: 413 if there can never be so much, 503 if
        all others wait as well.
        """
        self._reading = of_reading(data)
        self._set(self._reading)

    def head(self, face: Face, photo: Photo) -> None:
        """Before the bald head of `face` is made, one after the other: as `photo`."""
        self._step()
        self._set(max(self.held, self._reading + of_head(face, photo)))

    def film(self, pixels: int) -> None:
        """Before a film with frames of `pixels` is worked on: as `photo`."""
        self._step()
        self._set(_FILM + pixels * _FRAME)

    def _set(self, wanted: float) -> None:
        memory = self._memory
        if wanted > memory.whole:
            raise Refused(
                "limit_exceeded",
                f"This photo would need about {wanted / 1e6:,.0f} MB of memory, the server has "
                f"{memory.whole / 1e6:,.0f} for it; send a smaller one.",
            )
        try:
            while True:
                with memory.lock:
                    if memory.left >= wanted - self.held:
                        self.held = wanted
                        return
                    self._waits = True
                    if all(holder._waits for holder in memory.holders):
                        raise Refused(
                            "no_room",
                            "The server's memory is taken by other photos; try again soon, or "
                            "send a smaller one.",
                            Retry_After="5",
                        )
                time.sleep(_LOOK)
                self._step()
        finally:
            self._waits = False
