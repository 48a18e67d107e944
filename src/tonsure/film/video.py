"""A film in, the same film with the people in it bald out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..degree import check
from ..editor import NEEDED
from ..errors import BadOption, FaceTooSmall, NoFace, Note, UnwritableOutput
from ..faces import Which
from ..photo import check_free
from ..photo.leftovers import beside
from .follower import Follower
from .reader import Frame, Reader
from .writer import Writer, coding

Degree = float | tuple[float, float]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Film:
    """What became of a film: its `path`; `frames` that were written, and `edited`; `cuts` and
    `keyframes`; the film's `seconds`, and those it took; `warnings`, with the number of the person;
    `report`, all of it as a plain dictionary; and whether it was `interrupted`."""

    path: Path
    frames: int
    edited: int
    cuts: int
    keyframes: int
    seconds: float
    took: float
    warnings: tuple[Note, ...]
    interrupted: bool
    report: dict[str, Any]


def video(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    degree: Degree = 1.0,
    style: str = "recede",
    face: Which = "largest",
    preview: int = 1,
    overwrite: bool = False,
    codec: str | None = None,
    crf: int | None = None,
    threads: int | None = None,
    min_face: float | None = None,
    device: str = "auto",
    words: bool = True,
    progress: Progress | None = None,
) -> Film:
    """Make the people of a film bald.

    >>> tonsure.video("me.mp4", "me-bald.mp4", degree=(0, 1))  # doctest: +SKIP

    Parameters
    ----------
    source, target : paths; the target's ending (.mp4, .mov, .mkv, .webm) says how it is written.
    degree : 0 to 1, or a pair: from the first frame's to the last's.
    style, face : as of `Follower`.
    preview : only every n-th frame.
    codec, crf : an encoder's name and its quality; default: the source's kind.
    threads, min_face, device : as of `Editor`.
    words : whether the file's own words are kept: title, place, device.
    progress : is called with the frames that are done and those there are, 0 if unknown. A
        `KeyboardInterrupt`, from there or from anywhere, ends the film early: what is done is
        written so that it can be played, and `interrupted` is true.

    Sound and subtitles are copied. Raises `BadOption`, `NoFace`, `OutputExists`,
    `UnreadableInput`, `UnwritableOutput`, `ModelError`; then nothing is written.
    """
    ramp = _ramp(degree, style)
    if not isinstance(preview, int) or preview < 1:
        raise BadOption(
            f"preview is {preview!r}; it is a whole number from 1 on: every n-th frame."
        )
    if crf is not None and not 0 <= crf <= 63:
        raise BadOption(f"crf is {crf}; it goes from 0 (best) to 63.")
    path, goal = Path(source), Path(target)
    if path.exists() and goal.exists() and os.path.samefile(path, goal):
        raise BadOption("The film cannot be written over itself; give another name.")
    check_free(goal, overwrite)
    follower = Follower(ramp[1], style, face, threads=threads, min_face=min_face, device=device)
    began, interrupted = time.perf_counter(), False
    with follower, Reader(path) as reader, _appearing(goal, overwrite) as temporary:
        how = coding(goal, reader, codec, crf)
        writer = Writer(temporary, reader, how, words)
        count, seconds = reader.count, reader.seconds
        last = 0.0
        try:
            for item in _every(reader, preview):
                if not isinstance(item, Frame):
                    writer.copy(item)
                    continue
                share = min(item.time / seconds, 1.0) if seconds else 0.0
                wanted = ramp[0] + share * (ramp[1] - ramp[0])
                writer.put(follower.take(item.pixels, item.time, wanted), item)
                last = item.time
                if progress is not None:
                    progress(writer.frames, -(-count // preview))
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            with suppress(UnwritableOutput):
                writer.close()
            raise
        writer.close()
        if interrupted and not writer.frames:
            raise KeyboardInterrupt
        if not interrupted:
            _check_found(follower)
    notes = _notes(follower, reader, writer)
    took = time.perf_counter() - began
    report = {
        "schema": 1, "input": str(path), "output": str(goal), "frames": writer.frames,
        "edited": follower.edited, "cuts": follower.cuts, "keyframes": follower.keyframes,
        "people": len(follower.people), "width": reader.size[0], "height": reader.size[1],
        "seconds": round(last, 3), "took": round(took, 3),
        "codec": how.encoder, "pixels": how.kind, "hdr": reader.hdr or None,
        "interrupted": interrupted,
        "warnings": [{"code": n.code, "text": n.text, "person": n.face} for n in notes],
    }  # fmt: skip
    return Film(
        goal, writer.frames, follower.edited, follower.cuts, follower.keyframes, last, took, notes,
        interrupted, report,
    )  # fmt: skip


def _ramp(degree: Degree, style: str) -> tuple[float, float]:
    ends = degree if isinstance(degree, tuple) else (degree, degree)
    if len(ends) != 2:
        raise BadOption("A film's degree is one number, or two: the first frame's and the last's.")
    for one in ends:
        check(one, style)
    return float(ends[0]), float(ends[1])


def _every(reader: Reader, nth: int) -> Iterator[Any]:
    """The reader's items, of frames only every n-th."""
    number = 0
    for item in reader.items():
        if isinstance(item, Frame):
            number += 1
            if (number - 1) % nth:
                continue
        yield item


@contextmanager
def _appearing(goal: Path, overwrite: bool) -> Iterator[Path]:
    """A name beside `goal`; what was written there appears at `goal` in the end, at once."""
    if not goal.parent.is_dir():
        raise UnwritableOutput(f"There is no folder {goal.parent} to save in; make it first.")
    with beside(goal) as temporary:
        yield temporary
        try:
            if not overwrite:
                check_free(goal, overwrite)
            os.replace(temporary, os.path.realpath(goal))
        except OSError as error:
            raise UnwritableOutput(f"{goal} cannot be written ({error.strerror}).") from error


def _check_found(follower: Follower) -> None:
    if follower.found and follower.edited:
        return
    if follower.height and not follower.edited:
        raise FaceTooSmall(
            f"The largest face has {follower.height:.0f} pixels from forehead to chin, "
            f"{NEEDED:.0f} are needed; use a larger version of the film."
        )
    if not follower.people:
        raise NoFace(
            "No face was found in the film; min_face=... looks for smaller ones.",
            cli="No face was found in the film; --min-face looks for smaller ones.",
        )
    if not follower.found:
        raise NoFace(f"No frame has a face {follower.face!r}; 'all' takes everybody.")


def _notes(follower: Follower, reader: Reader, writer: Writer) -> tuple[Note, ...]:
    notes = [Note.of(code, person) for person, codes in sorted(follower.codes.items())
             for code in sorted(codes)]  # fmt: skip
    if reader.hdr:
        notes.append(Note.of("hdr", None, f"({reader.hdr})"))
    if writer.left_out:
        notes.append(Note.of("dropped", None, ", ".join(writer.left_out) + "."))
    with suppress(ValueError):
        if reader.deep and "10" not in writer.how.kind and "12" not in writer.how.kind:
            notes.append(Note.of("dropped", None, "bits beyond the eighth."))
    return tuple(notes)
