"""One open photo: find faces, make bald heads, lay them over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import blend, faces, head, photo, transparency
from .degree import check, weight
from .errors import BadOption, Note
from .faces import Face, Which
from .head import Bare
from .models import device as devices
from .models import session
from .photo import Photo, thawed
from .result import Result
from .usable import COARSE, NEEDED, usable

if TYPE_CHECKING:
    from .edit import Portrait
    from .editor import Editor
    from .generator import Generator, View

Bytes = npt.NDArray[np.uint8]
Heads = list[tuple[Bare, Bytes]]


class Shot:
    """One open photo. What costs time is done once, when it is first needed; every `bald` after
    the first is a blend. Usable from several threads, and as a context manager."""

    def __init__(self, opened: Photo, editor: Editor, began: float) -> None:
        self.photo, self._editor = opened, editor
        self._clear = transparency.is_clear(opened.alpha)
        self._seconds = {"read": time.perf_counter() - began}
        self._lock = threading.RLock()
        self._faces: list[Face] | None = None
        self._heads: dict[int, Bare] = {}
        self._views: dict[int, View] = {}
        self._portraits: dict[int, Portrait] = {}

    def __repr__(self) -> str:
        """What is known so far: nothing is computed for it."""
        known = "faces not looked for yet"
        if self._faces is not None:
            known = "1 face" if len(self._faces) == 1 else f"{len(self._faces)} faces"
        return f"<Shot of {self.photo.name}: {self.photo.width} × {self.photo.height}, {known}>"

    @property
    def faces(self) -> list[Face]:
        """All faces of the photo, the largest first."""
        with self._lock:
            if self._faces is None:
                with self._timed("faces"):
                    self._faces = faces.find(
                        self._shown_pixels() if self._clear else self.photo.pixels,
                        min_face=self._editor.min_face,
                        threads=self._editor.threads,
                    )
            return self._faces

    def head(self, number: int) -> Bare:
        """The bald head of face `number` (from 1): `box` (x0, y0, x1, y1) in the photo, and of it
        `colour` (h, w, 3) uint8 and the soft `mask` (h, w) uint8, 255 where it replaces the photo.

        Raises `NoFace` and `BadOption` for a number that no face has, and `ModelError`.
        """
        with self._lock:
            if number not in self._heads:
                face = self._numbered(number)
                with self._timed("heads"):
                    self._heads[number] = self._made(face)
            return self._heads[number]

    def _made(self, face: Face) -> Bare:
        threads = self._editor.threads
        if not self._clear or self.photo.alpha is None:
            return head.make(self.photo.eight(), face, self.faces, threads=threads)
        alpha = photo.to_eight(self.photo.alpha)
        return head.make(self._shown_pixels(), face, self.faces, alpha=alpha, threads=threads)

    def _shown_pixels(self) -> Bytes:
        """(H, W, 3) uint8, the photo before a plain ground: colours under transparency are none."""
        whole = self.photo.shallow()
        return transparency.shown(whole.pixels, whole.alpha)  # type: ignore[arg-type]

    def bald(
        self,
        degree: float = 1.0,
        style: str = "recede",
        face: Which | None = None,
        each: Mapping[int, float] | None = None,
        *,
        last: bool = False,
    ) -> Result:
        """The photo with the chosen faces bald.

        Parameters
        ----------
        degree : 0 (the photo, unchanged) to 1 (fully bald).
        style : "recede", as a hairline goes, or "thin", strand by strand.
        face : "largest", "all", "left", "right", a number from 1 on, "x,y" or (x, y) within a face
            or "x0,y0,x1,y1" or (x0, y0, x1, y1) around it, in photo pixels, or one of
            `faces`.  Default: the largest, or with `each` none but those named there.
        each : degrees of single faces by their number, which go before `degree`.
        last : nothing more is asked of this shot: the result may be made in the photo's own
            memory, which saves a copy of it.

        Raises `NoFace`, `FaceTooSmall`, `BadOption`, `LimitExceeded` and `ModelError`.
        """
        if self._editor.generator is not None:
            return self.edit({"Bald": degree}, face or "largest")
        heads, found, notes, most = self._laid(degree, style, face, each or {})
        result = self.photo
        with self._timed("blend"):
            if heads and self._clear and self.photo.alpha is not None:
                was = self.photo.pixels, self.photo.alpha
                both = transparency.apply(*was, heads)  # type: ignore[type-var]
                result = self.photo.with_pixels(both[0], [bare.box for bare, _ in heads])
                result = replace(result, alpha=photo.frozen(both[1]))
            elif heads:
                pixels = self.photo.pixels
                if last:
                    pixels = thawed(pixels)
                pixels = blend.apply(pixels, heads, in_place=last)  # type: ignore[type-var]
                result = self.photo.with_pixels(pixels, [bare.box for bare, _ in heads])
                if last:
                    self.photo = result
        return Result(result, found, most, style, tuple(notes), dict(self._seconds))

    def mask(
        self,
        face: Which | None = None,
        degree: float = 1.0,
        style: str = "recede",
        each: Mapping[int, float] | None = None,
    ) -> Bytes:
        """What `bald` would change: (H, W) uint8, as large as the upright photo.

        0 keeps the photo's pixel, 255 replaces it, between them they are mixed.  All zero for a
        head that is bald already.  Parameters and errors are those of `bald`.
        """
        return blend.mask(self.photo.pixels.shape[:2], self._shown(degree, style, face, each))

    def layer(
        self,
        face: Which | None = None,
        degree: float = 1.0,
        style: str = "recede",
        each: Mapping[int, float] | None = None,
    ) -> Bytes:
        """The bald heads alone, for picture editors: (H, W, 4) uint8, RGB and alpha, as large as
        the upright photo.  Laid over the photo it gives the result of `bald`; but of a photo with
        transparent parts a layer cannot take hair away before nothing.
        """
        shown = self._shown(degree, style, face, each)
        if self._clear:
            shown = [(bare, transparency.cover(bare, share)) for bare, share in shown]
        return blend.layer(self.photo.pixels.shape[:2], shown)

    def _shown(
        self, degree: float, style: str, face: Which | None, each: Mapping[int, float] | None
    ) -> Heads:
        if self._editor.generator is not None:
            fact = "A model of your own has no masks"
            raise BadOption(f"{fact}; leave Editor(model=...) out.", cli=f"{fact}.")
        heads, *_ = self._laid(degree, style, face, each or {})
        if not self.photo.grey:
            return heads
        return [(replace(bare, colour=photo.greyed(bare.colour)), w) for bare, w in heads]

    def _laid(
        self, degree: float, style: str, face: Which | None, each: Mapping[int, float]
    ) -> tuple[Heads, dict[int, Face], list[Note], float]:
        """Heads with their weights; the usable faces by number; notes; the largest degree."""
        for one in (degree, *each.values()):
            check(one, style)
        if (
            max(degree, *each.values(), 0) > 0 and not self._heads
        ):  # they open while faces are looked for
            with devices.on(self._editor.device):
                session.prepare(head.NETWORKS, self._editor.threads)
        chosen = [] if face is None and each else faces.choose(self.faces, face or "largest")
        chosen = self._with(chosen, each)
        self._editor.limits.check_faces(len(chosen))
        numbers, notes = usable(self.faces, chosen)
        laid: Heads = []
        wanted = {number: each.get(number, degree) for number in numbers}
        for number in (number for number in numbers if wanted[number] > 0):
            bare = self.head(number)
            notes += [Note.of(code, number) for code in bare.warnings]
            if "already_bald" not in bare.warnings:
                with self._timed("blend"):
                    laid.append((bare, weight(bare, wanted[number], style)))
        found = {number: self.faces[number - 1] for number in numbers}
        return laid, found, notes, max(wanted.values())

    def edit(
        self,
        changes: Mapping[str, float],
        face: Which = "largest",
        source: Mapping[str, bool] | None = None,
        each: Mapping[int, Mapping[str, float]] | None = None,
    ) -> Result:
        """The photo with attributes of the chosen faces changed.

        Parameters
        ----------
        changes : of each attribute the difference d, -1 to 1 (a model's: -1.5 to 1.5); 1 switches
            it on, -1 off. `tonsure.edit.catalogue` has all of them.
        face : as for `bald`.
        source : with a model of one's own, attributes that the faces have; what is not named they
            lack. Default: estimated.
        each : changes of single faces by their number, which go before `changes`.

        Raises as `bald` does.
        """
        from .attributes import row

        if self._editor.generator is None:
            return self._changed(changes, face, each or {})
        if each:
            raise BadOption("A generator changes chosen faces alike; leave out single faces.")
        model = self._model()
        model.check(changes)
        chosen = faces.choose(self.faces, face)
        self._editor.limits.check_faces(len(chosen))
        numbers, notes = usable(self.faces, chosen)
        result, pixels, known = self.photo, self.photo.pixels, None
        if source is not None:
            known = row(source, model.names)
        moved = {name: d for name, d in changes.items() if d}
        for number in numbers if moved else []:
            with self._timed("model"):
                view = self.view(number, known)
                patch = model.patch(photo.to_eight(pixels), view, model.difference(view, moved))
            if patch is not None:
                with self._timed("blend"):
                    pixels = blend.apply(pixels, [(patch, patch.weight)])  # type: ignore[type-var]
                    result = result.with_pixels(pixels, [patch.box])
                    pixels = result.pixels
        found = {number: self.faces[number - 1] for number in numbers}
        degree = max((abs(d) for d in changes.values()), default=0.0)
        style = ", ".join(f"{name} {d:+g}" for name, d in changes.items())
        return Result(result, found, degree, style, tuple(notes), dict(self._seconds))

    def _changed(
        self, changes: Mapping[str, float], face: Which, each: Mapping[int, Mapping[str, float]]
    ) -> Result:
        """`edit` by the ways of the catalogue."""
        from . import edit

        wanted = {number: edit.check(own) for number, own in each.items()}
        usual = edit.check(changes)
        if usual or any(wanted.values()):
            with devices.on(self._editor.device):
                session.prepare(edit.NETWORKS, self._editor.threads)
        # who names faces means these; others are chosen for what is wanted of all
        chosen = faces.choose(self.faces, face) if usual or not wanted else []
        chosen = self._with(chosen, wanted)
        self._editor.limits.check_faces(len(chosen))
        numbers, notes = usable(self.faces, chosen)
        result, told = self.photo, []
        for number in numbers:
            own = wanted.get(number, usual)
            if not own:
                continue
            portrait = self._portrait(number)
            with self._timed("edits"):
                done = edit.run(
                    result.pixels, photo.to_eight, portrait, own,
                    lambda degree, number=number: self._covering(number, degree),  # type: ignore[misc]
                )  # fmt: skip
            notes += [Note.of(code, number, detail) for code, detail in done.notes]
            told += [{"face": number} | step for step in done.steps]
            if done.boxes:
                result = result.with_pixels(done.pixels, done.boxes)
        found = {number: self.faces[number - 1] for number in numbers}
        every = {name: d for own in (usual, *wanted.values()) for name, d in own.items()}
        degree = max((abs(d) for d in every.values()), default=0.0)
        style = ", ".join(f"{name} {d:+g}" for name, d in every.items())
        seconds = dict(self._seconds)
        return Result(result, found, degree, style, tuple(notes), seconds, tuple(told))

    def _covering(self, number: int, degree: float) -> tuple[Bare, Bytes] | None:
        """The bald head of a face and its weight; None for a head without hair."""
        bare = self.head(number)
        if "already_bald" in bare.warnings:
            return None
        flat = replace(bare, colour=bare.before(transparency.GROUND)) if self._clear else bare
        return flat, weight(bare, degree, "recede")

    def _portrait(self, number: int) -> Portrait:
        """Face `number` as the ways of the catalogue see it."""
        from .edit import Portrait

        with self._lock:
            if number not in self._portraits:
                face = self._numbered(number)
                others = [one for one in self.faces if one is not face]
                self._portraits[number] = Portrait(
                    self.photo.eight(), face, others, self._editor.threads
                )
            return self._portraits[number]

    def has(self, number: int) -> dict[str, float]:
        """How likely face `number` (from 1) has each of the 13 attributes, 0..1: estimated."""
        from .edit import labels

        with devices.on(self._editor.device):
            return labels(self._portrait(number))

    def view(self, number: int, source: Any = None) -> View:
        """Face `number` (from 1) as the editor's model sees it; `source` (C,) of 0/1 if known."""
        with self._lock, devices.on(self._editor.device):
            if source is not None:
                return self._model().look(self.photo.eight(), self._numbered(number), source)
            if number not in self._views:
                self._views[number] = self._model().look(self.photo.eight(), self._numbered(number))
            return self._views[number]

    def _numbered(self, number: int) -> Face:
        return faces.choose(self.faces, number)[0]

    def _with(self, chosen: list[Face], numbers: Iterable[int]) -> list[Face]:
        """`chosen`, and the faces of these numbers that are not among them."""
        named = [self._numbered(number) for number in numbers]
        return chosen + [one for one in named if not any(one is other for other in chosen)]

    def _model(self) -> Generator:
        if self._editor.generator is None:
            fact = "This needs a generator"
            raise BadOption(f"{fact}; give Editor(model=...).", cli=f"{fact}; give --model.")
        return self._editor.generator

    def look(self, number: int) -> dict[str, Any]:
        """What face `number` (from 1) wears, see `findings.of`, and the `warnings` of an edit."""
        from . import findings

        face = self._numbered(number)
        told: dict[str, Any] = {"warnings": []}
        if face.height < NEEDED:
            return told | {"warnings": ["face_skipped"]}
        with devices.on(self._editor.device):
            told |= findings.of(self.photo.eight(), face, threads=self._editor.threads)
        small = ["small_face"] if face.height < COARSE else []
        return told | {"warnings": small + list(self.head(number).warnings)}

    def edited(self, photo: Photo) -> Shot:
        """A result's photo, opened with the faces of this one under their numbers."""
        shot = Shot(photo, self._editor, time.perf_counter())
        shot._faces = self.faces
        return shot

    def close(self) -> None:
        """Let go of heads and faces; the shot can be used again, at their cost."""
        with self._lock:
            self._faces = None
            self._heads.clear()
            self._views.clear()
            self._portraits.clear()

    def __enter__(self) -> Shot:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _timed(self, act: str) -> Iterator[None]:
        began = time.perf_counter()
        with devices.on(self._editor.device):
            yield
        self._seconds[act] = self._seconds.get(act, 0.0) + time.perf_counter() - began
