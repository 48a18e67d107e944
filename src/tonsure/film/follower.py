"""A film's frames one by one: in, and out again with the chosen people bald."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import faces
from ..degree import check
from ..editor import NEEDED
from ..errors import BadOption, NoFace
from ..faces import Face, Which
from ..models import device as devices
from ..models import session
from ..photo import to_eight
from . import key
from .cuts import View, is_cut, view
from .people import Person, beside, known, traits
from .render import Pixels, blend
from .track import Shown, Track

_FIND = 0.5  # seconds after which is looked for people who have come
_SEEK = 0.2  # and for those who are missing
_FORGET = 2.0  # seconds after which the head of one who is lost is let go


class Follower:
    """Follows people from frame to frame and makes them bald.

    >>> with tonsure.Follower(degree=0.8) as follower:  # doctest: +SKIP
    ...     for frame in camera:
    ...         show(follower.take(frame))

    Parameters
    ----------
    degree, style : as of `Shot.bald`; `take` can be given another degree for each frame.
    face : as of `Shot.bald`, of the first frame that has such a face; who it is is then followed,
        also through cuts. Everybody else stays as they are.
    threads : of the networks.
    min_face, device : see `Editor`.
    live : never wait. Frames pass unchanged until the first head is made, and a new one is taken
        over when it is there; without it a film always comes out the same.

    Use it from one thread, as a context manager or with `close`.
    """

    def __init__(
        self,
        degree: float = 1.0,
        style: str = "recede",
        face: Which = "largest",
        *,
        threads: int | None = None,
        min_face: float | None = None,
        live: bool = False,
        device: str = "auto",
    ) -> None:
        check(degree, style)
        if isinstance(face, Face):
            raise BadOption("A film's face is named by a word, a number, a point or a box.")
        with suppress(NoFace):
            faces.choose([], face)
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise BadOption(f"There cannot be {threads!r} threads; give a whole number from 1 on.")
        self.degree, self.style, self.face, self.live = degree, style, face, live
        self.threads = None if threads is None else session.bounded(threads)
        self.min_face, self.device = min_face, devices.check(device)
        self.people: list[Person] = []
        self.cuts = self.edited = self.frames = 0
        self.codes: dict[int, set[str]] = {}
        self._made = 0
        self._tracks: list[Track] = []
        self._chosen: set[int] = set()
        self._view: View | None = None
        self._looked = -math.inf
        self._small = 0.0
        self._clock = 0.0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="keyframe")
        if self.threads != 1:
            with devices.on(self.device):
                session.prepare(key.NETWORKS, self.threads)

    def take(
        self, frame: npt.NDArray[Any], time: float | None = None, degree: float | None = None
    ) -> Pixels:
        """The frame with the chosen people bald; a new array.

        Parameters
        ----------
        frame : (H, W, 3) uint8 or uint16, RGB, upright.
        time : of the frame in seconds, rising; by default 25 frames a second.
        degree : of this frame, by default the follower's.

        Raises `BadOption` for other arrays and degrees, `ModelError`.
        """
        degree = self.degree if degree is None else degree
        check(degree, self.style)
        if (
            not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3
            or frame.dtype not in (np.uint8, np.uint16) or min(frame.shape) < 1
        ):  # fmt: skip
            raise BadOption("A frame is an array (H, W, 3) of uint8 or uint16, RGB.")
        now = self._clock + 0.04 if time is None else float(time)
        out: Pixels = frame.copy()
        shown = self._shown(frame, now)
        with devices.on(self.device):
            tracks = self._follow(shown)
        changed = False
        for track in tracks:
            laid = track.pieces(shown, degree, self.style)
            blend(out, laid)
            changed = changed or bool(laid)
        self.frames += 1
        self.edited += changed
        return out

    @property
    def found(self) -> bool:
        """Whether one of the chosen people was seen."""
        return bool(self._chosen)

    @property
    def keyframes(self) -> int:
        """How many heads were made in full."""
        return self._made + sum(track.made for track in self._tracks)

    @property
    def height(self) -> float:
        """The largest face that was too small to work on, in pixels; 0 without one."""
        return self._small

    @property
    def faces(self) -> list[tuple[int, Face]]:
        """Who is followed now: number and face as it was last seen."""
        return [(track.person.number, track.face) for track in self._tracks if not track.missing]

    def close(self) -> None:
        """Let go of everything; a keyframe that is being made is not waited for long."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._drop(self._tracks)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _shown(self, frame: npt.NDArray[Any], now: float) -> Shown:
        import cv2

        eight = np.ascontiguousarray(to_eight(frame))
        if eight is frame:
            eight = frame.copy()  # keyframes are made of it while the caller goes on
        self._clock = now
        return Shown(eight, cv2.cvtColor(eight, cv2.COLOR_RGB2GRAY), now, self.frames)  # type: ignore[arg-type]

    def _follow(self, shown: Shown) -> list[Track]:
        """Everybody who is to be edited in this frame."""
        before, self._view = self._view, view(shown.pixels)
        if before is not None and is_cut(before, self._view) and not self._still_there(shown):
            self.cuts += 1
            self._drop(self._tracks)
            self._looked = -math.inf
        else:
            for track in self._tracks:
                track.step(shown)
        missing = any(track.missing for track in self._tracks) or not self._tracks
        if (missing or self.face == "all") and (
            shown.time - self._looked >= (_SEEK if missing else _FIND)
        ):
            self._look(shown)
        wanted = [t for t in self._tracks if t.person.number in self._chosen]
        self._drop([t for t in self._tracks if t.missing and shown.time - t.seen > _FORGET])
        for track in wanted:
            self._renew(track, shown)
        return wanted

    def _still_there(self, shown: Shown) -> bool:
        """Whether the heads are followed across what looks like a cut: then it was a flash."""
        if not any(track.held for track in self._tracks):
            return False
        for track in self._tracks:
            track.step(shown)
        return all(track.missing == 0 for track in self._tracks if track.held)

    def _renew(self, track: Track, shown: Shown) -> None:
        if track.missing == 0:
            track.seen = shown.time
            if track.face.height < NEEDED:
                self._small = max(self._small, track.face.height)
                return
        if not track.held:
            if self.live:
                track.ask(shown, self._pool)
            elif track.missing == 0:
                track.first(shown)
        track.renew(shown, self._pool, wait=not self.live)
        if shown.number % 2 == 0:
            track.look(shown)
        self.codes.setdefault(track.person.number, set()).update(track.warnings)

    def _look(self, shown: Shown) -> None:
        """Look for faces in the whole frame, and tell who they are."""
        self._looked = shown.time
        least = NEEDED if self.min_face is None else self.min_face
        found = faces.find(shown.pixels, min_face=least, threads=self.threads)
        rest = []
        for face in found:
            near = min(self._tracks, key=lambda t: beside(face, t.face), default=None)
            if near is None or beside(face, near.face) > (0.8 if not near.missing else 2.0):
                rest.append(face)
            elif near.missing:
                self._back(near, face, shown)
        looks = [traits(shown.pixels, face, self.threads) for face in rest]
        here = {track.person.number for track in self._tracks}
        away = [person for person in self.people if person.number not in here]
        for face, look, person in zip(rest, looks, known(away, looks), strict=True):
            if person is None:
                person = Person(len(self.people) + 1, look)
                self.people.append(person)
            else:
                person.again(look)
            track = Track(person, face, self.threads)
            track.seen = shown.time
            self._tracks.append(track)
        self._choose(found)
        if self.face != "all" and self._chosen:  # the others need not be followed
            self._drop([t for t in self._tracks if t.person.number not in self._chosen])

    def _back(self, track: Track, face: Face, shown: Shown) -> None:
        """One who was lost is seen again in the same place."""
        track.face, track.missing, track.seen = face, 0, shown.time
        if track.held and not self.live:
            track.first(shown)
        elif track.held:
            track.held.clear()

    def _choose(self, found: list[Face]) -> None:
        """Settle who is meant, as soon as the choice can be made."""
        if self.face == "all":
            self._chosen |= {track.person.number for track in self._tracks}
            return
        if self._chosen or not found:
            return
        with suppress(NoFace):
            (face,) = faces.choose(found, self.face)
            nearest = min(self._tracks, key=lambda track: beside(face, track.face))
            self._chosen.add(nearest.person.number)

    def _drop(self, tracks: list[Track]) -> None:
        for track in list(tracks):
            self._made += track.made
            self._tracks.remove(track)
