"""Films out: frames encoded as near to the source's kind as the file can hold, the rest copied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadOption, UnwritableOutput, nearest
from .reader import Frame, Pixels, Reader, av, exact, reason

MARK = (
    "Made with a trained model by tonsure "
    "(http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia)."
)
"""What a film's comment says, as photos say it in XMP."""

_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_ENCODERS = {
    "h264": "libx264", "hevc": "libx265", "vp8": "libvpx-vp9", "vp9": "libvpx-vp9",
    "av1": "libsvtav1", "prores": "prores_ks", "ffv1": "ffv1",
}  # fmt: skip
_HELD = {"webm": ("libvpx-vp9", "libsvtav1"), "mp4": ("libx264", "libx265", "libsvtav1")}
_DEEP = {"libx264": "libx265", "libvpx-vp9": "libsvtav1"}  # where 10 bits are usual
_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "17"},
    "libx265": {"preset": "fast", "crf": "18", "x265-params": "log-level=error"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "crf": "24", "b": "0"},
    "libsvtav1": {"preset": "9", "crf": "24", "svtav1-params": "logging=0"},
}


@dataclass(frozen=True)
class Coding:
    """How a film is written: `container`, `encoder`, `crf` (None: the encoder's usual), and the
    pixel format `kind`."""

    container: str
    encoder: str
    crf: int | None
    kind: str


def coding(target: Path, reader: Reader, encoder: str | None, crf: int | None) -> Coding:
    """What suits the name of `target` and the source. Raises `BadOption`."""
    library = av()
    suffix = target.suffix.lower()
    if suffix not in _CONTAINERS:
        said = f"no film is called {suffix!r}" if suffix else "it has no ending"
        raise BadOption(
            f"How is {target.name} to be saved? {said}; {nearest(suffix, _CONTAINERS, 0.7)}"
        )
    container = _CONTAINERS[suffix]
    chosen = encoder
    if chosen is None:
        chosen = _ENCODERS.get(reader.stream.codec_context.name, "libx264")
        held = _HELD.get(container)
        if held and chosen not in held:
            chosen = held[0]
        chosen = _DEEP.get(chosen, chosen) if reader.deep else chosen
    try:
        codec = library.codec.Codec(chosen, "w")
        kinds = [one.name for one in codec.video_formats or ()]
    except (library.FFmpegError, ValueError) as error:
        others = sorted(set(_ENCODERS.values()))
        raise BadOption(
            f"There is no encoder {chosen!r} here; {nearest(chosen, others)}"
        ) from error
    return Coding(container, chosen, crf, _kind(reader, kinds))


def _kind(reader: Reader, kinds: list[str]) -> str:
    """The pixel format: the source's own, else of its depth, else of 8 bits."""
    own = str(reader.stream.codec_context.format.name)
    deep = ["yuv420p10le", "yuv422p10le"] if reader.deep else []
    odd = any(side % 2 for side in reader.size)  # which halved colours do not take
    wanted = ["yuv444p"] if odd else [own, *deep, "yuv420p"]
    return next((kind for kind in wanted if kind in kinds or not kinds), (kinds or wanted)[0])


class Writer:
    """A film that is written at `path`. Raises `UnwritableOutput`, `BadOption`.

    With `words` the source's title, place and the like are kept.
    """

    def __init__(self, path: Path, reader: Reader, how: Coding, words: bool = True) -> None:
        library = av()
        self.how, self.frames = how, 0
        self._last: int | None = None
        self._reader = reader
        try:
            options = {"movflags": "+faststart"} if how.container in ("mp4", "mov") else {}
            self.container = library.open(
                str(path), "w", format=how.container, container_options=options
            )
        except (library.FFmpegError, OSError) as error:
            raise UnwritableOutput(f"{path} cannot be written ({reason(error)}).") from error
        options = dict(_OPTIONS.get(how.encoder, {}))
        if how.crf is not None:
            options["crf"] = str(how.crf)
        self.stream = self.container.add_stream(how.encoder, rate=reader.rate, options=options)
        context, source = self.stream.codec_context, reader.stream.codec_context
        context.width, context.height = reader.size
        context.pix_fmt = how.kind
        context.time_base = self.stream.time_base = reader.stream.time_base
        for name in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(context, name, getattr(source, name))
        aspect = reader.stream.sample_aspect_ratio
        if aspect:
            context.sample_aspect_ratio = 1 / aspect if reader.turns % 2 else aspect
        if how.encoder == "libx265" and how.container in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # else Apple's players refuse it
        self.left_out: list[str] = []
        self._copies: dict[int, Any] = {}
        for other in reader.others:
            try:
                self._copies[other.index] = self.container.add_stream_from_template(other)
            except (library.FFmpegError, ValueError, TypeError):
                self.left_out.append(f"{other.type} ({other.codec_context.name})")
        if words:
            self.container.metadata.update(dict(reader.container.metadata))
        said = self.container.metadata.get("comment", "")
        self.container.metadata["comment"] = f"{said} {MARK}".strip()

    def put(self, pixels: Pixels, frame: Frame) -> None:
        """Write a frame: `pixels` (H, W, 3), of the size of the reader, at the time of `frame`."""
        library = av()
        kind = "rgb48le" if pixels.dtype == np.uint16 else "rgb24"
        source = frame.source
        made = library.VideoFrame.from_ndarray(pixels, format=kind).reformat(
            format=self.how.kind, dst_colorspace=source.colorspace,
            dst_color_range=source.color_range, interpolation=exact(),
        )  # fmt: skip
        if not self._reader.turns and source.format.name == self.how.kind:
            keep(made, source, (pixels != frame.pixels).any(-1))
        made.pts, made.time_base = frame.pts, self._reader.stream.time_base
        self._send(made)
        self.frames += 1

    def copy(self, packet: Any) -> None:
        """Copy a packet of another stream."""
        stream = self._copies.get(packet.stream.index)
        if stream is not None:
            packet.stream = stream
            self._mux(packet)

    def close(self) -> None:
        """Write what is still to come, and the end, so that the film can be played."""
        if self.frames:
            self._send(None)
        try:
            self.container.close()
        except av().FFmpegError as error:
            raise UnwritableOutput(f"The film cannot be written ({reason(error)}).") from error

    def _send(self, frame: Any) -> None:
        library = av()
        try:
            packets = self.stream.encode(frame)
        except library.FFmpegError as error:
            raise UnwritableOutput(
                f"{self.how.encoder} does not take this film ({reason(error)}); "
                "choose another encoder with codec=...",
                cli=f"{self.how.encoder} does not take this film ({reason(error)}); "
                "choose another encoder with --codec.",
            ) from error
        for packet in packets:
            self._mux(packet)

    def _mux(self, packet: Any) -> None:
        library = av()
        try:
            self.container.mux(packet)
        except (library.FFmpegError, OSError) as error:
            raise UnwritableOutput(f"The film cannot be written ({reason(error)}).") from error


def keep(made: Any, source: Any, changed: npt.NDArray[np.bool_]) -> None:
    """Give a frame the planes of its `source`, of the same format, but for what `changed` (H, W):
    converting to RGB and back would cost the rest half a level."""
    import cv2

    if not source.format.name.startswith("yuv") or source.format.is_big_endian:
        return
    grown = cv2.dilate(changed.astype(np.uint8), np.ones((3, 3), np.uint8))
    for one, other in zip(made.planes, source.planes, strict=True):
        size = (one.width, one.height)
        share = grown if size == changed.shape[::-1] else cv2.resize(
            grown * np.float32(1), size, interpolation=cv2.INTER_AREA
        )  # fmt: skip
        deep = max(c.bits for c in source.format.components) > 8
        np.copyto(_view(one, deep), _view(other, deep), where=share <= 0)


def _view(plane: Any, deep: bool) -> Any:
    """A plane's pixels (h, w)."""
    values = np.frombuffer(plane, np.uint16 if deep else np.uint8)
    rows = values.reshape(-1, plane.line_size // values.itemsize)
    return rows[: plane.height, : plane.width]
