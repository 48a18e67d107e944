"""Films in: frames upright and in RGB with their times, and whatever else the file carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelMissing, TruncatedInput, UnreadableInput, WrongType

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics of BT.2100, as H.273 numbers them


def av() -> Any:
    """PyAV. Raises `ModelMissing` with what to install where it is not."""
    try:
        import av as library
    except ImportError as error:
        raise ModelMissing(
            "Films need PyAV; 'pip install av' installs it (from the source: "
            "'pip install \".[video]\"')."
        ) from error
    library.logging.set_level(None)
    return library


def exact() -> int:
    """How colours are converted: rounded to nearest, which FFmpeg does only when asked to; else a
    film gets darker by a level."""
    from av.video.reformatter import Interpolation as How

    return int(How.BICUBIC | How.ACCURATE_RND | How.FULL_CHR_H_INP | How.FULL_CHR_H_INT)


@dataclass(frozen=True)
class Frame:
    """A frame: `pixels` (H, W, 3) uint8 or uint16 RGB, upright; `pts` in units of the stream's
    `time_base`; `time` in seconds from the first frame on; `source` as it was decoded."""

    pixels: Pixels
    pts: int
    time: float
    source: Any


class Reader:
    """A film that is read. Raises `UnreadableInput`, `WrongType`, `ModelMissing`.

    Attributes
    ----------
    stream : PyAV's video stream.
    size : (width, height) of upright frames.
    turns : quarter turns, counter-clockwise, that make a frame upright.
    deep : whether frames have more than 8 bits.
    hdr : "PQ", "HLG" or "".
    count, seconds : of all frames, as far as the file says; 0 otherwise.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        library = av()
        self.path = path
        if not path.exists():
            raise UnreadableInput(f"There is no file {path}.")
        if path.is_dir():
            raise UnreadableInput(f"{path} is a folder; give a film.")
        try:
            self.container = library.open(str(path))
        except (library.FFmpegError, OSError, ValueError) as error:
            raise WrongType(f"{path} is no film that can be read ({reason(error)}).") from error
        try:
            films = [s for s in self.container.streams.video if not _is_cover(s)]
            if not films:
                raise WrongType(f"There are no pictures in {path}, only sound or nothing.")
            self.stream = films[0]
            self.stream.thread_type = "AUTO"
            context = self.stream.codec_context
            if context is None or not context.width or context.format is None:
                raise WrongType(f"{path} holds a film of a kind that cannot be decoded.")
            self.deep = max(c.bits for c in context.format.components) > 8
            self.hdr = _HDR.get(int(context.color_trc or 0), "")
            self.turns = self._turns(library)
        except BaseException:
            self.container.close()
            raise
        wide, high = context.width, context.height
        self.size = (high, wide) if self.turns % 2 else (wide, high)
        self.others = [
            s for s in self.container.streams
            if s is not self.stream and s.type in ("audio", "subtitle") and s.codec_context
        ]  # fmt: skip

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        return Fraction(rate)

    @property
    def seconds(self) -> float:
        """How long the film is; 0 where the file does not say."""
        if self.stream.duration:
            return float(self.stream.duration * self.stream.time_base)
        return (self.container.duration or 0) / 1e6

    @property
    def count(self) -> int:
        """How many frames it has, about; 0 where the file does not say."""
        return int(self.stream.frames or round(self.seconds * self.rate))

    def items(self) -> Iterator[Frame | Any]:
        """Frames, and between them packets of the other streams, in the file's order.

        Raises `TruncatedInput` where decoding fails before any frame; later damage ends the film.
        """
        library = av()
        start: int | None = None
        last = None
        try:
            for packet in self.container.demux([self.stream, *self.others]):
                if packet.stream is not self.stream:
                    if packet.dts is not None:
                        yield packet
                    continue
                for frame in self._decoded(packet, library):
                    pts = frame.pts if frame.pts is not None else (last or 0) + self._step
                    if last is not None and pts <= last:
                        pts = last + 1  # times have to rise
                    start = pts if start is None else start
                    last = pts
                    yield Frame(
                        self._upright(frame), pts, float((pts - start) * self.stream.time_base),
                        frame,
                    )  # fmt: skip
        except library.FFmpegError as error:
            if last is None:
                raise TruncatedInput(f"{self.path} cannot be decoded ({reason(error)}).") from error
        if last is None:
            raise TruncatedInput(f"There are no frames in {self.path}; it may be cut off.")

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def _step(self) -> int:
        return max(1, round(1 / float(self.rate * self.stream.time_base)))

    def _decoded(self, packet: Any, library: Any) -> Iterator[Any]:
        """The frames of a packet; one that is damaged has none."""
        try:
            yield from packet.decode()
        except library.error.InvalidDataError:
            return

    def _turns(self, library: Any) -> int:
        """The first frame knows how it lies. It is read from a second opening: seeking back would
        lose what lies before the start, as the first packets of sound do."""
        with library.open(str(self.path)) as container:
            stream = container.streams[self.stream.index]
            try:
                first = next(container.decode(stream), None)
            except library.FFmpegError:
                return 0
        return 0 if first is None else round(float(first.rotation) / 90) % 4

    def _upright(self, frame: Any) -> Pixels:
        pixels = frame.to_ndarray(format="rgb48le" if self.deep else "rgb24", interpolation=exact())
        return np.ascontiguousarray(np.rot90(pixels, self.turns)) if self.turns else pixels


def _is_cover(stream: Any) -> bool:
    return "attached_pic" in str(stream.disposition).lower()


def reason(error: Exception) -> str:
    """FFmpeg's word on what went wrong."""
    return str(getattr(error, "strerror", None) or error).strip().split("\n")[0]
