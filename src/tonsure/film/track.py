"""One person's head from frame to frame: its keyframes, where they are, when a new one is due."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import faces
from ..degree import weight
from ..faces import Face, Frame
from ..planes import Plane, eased, grow, smoothstep
from ..scene import OVAL
from . import key as keys
from .key import Key
from .motion import Grey, fit, follow, shifted
from .people import Person
from .render import Bytes, Light, Motions, Piece, lay

LAG = 0.4
"""Seconds of film after which a keyframe that is made beside it has to be there."""
FADE = 0.4
"""Seconds in which a keyframe passes into the next, or a head that was lost into the film."""
_LIGHT = 0.12  # seconds in which light is followed
_STILL = 0.05  # pixels of motion that are none
_LOST = 3  # frames without a face until its head fades
_FLOATING = 0.25  # eye distances by which points and mesh may disagree

# when a new keyframe is due: the face's shape (its pose), its size, how far the head went before
# the wall, in eye distances, and how much hair is new, in squared ones
_SHAPE, _SIZE, _WENT, _HAIR = 0.05, 0.15, 0.5, 0.35
_EVERY = 0.7  # seconds between two of them, at least
_RISEN = (0.3, 0.6)  # by how much a pixel has to be surer hair than it was


@dataclass(frozen=True)
class Shown:
    """A frame: `pixels` (H, W, 3) uint8, `grey` (H, W), its `time` in seconds and `number`."""

    pixels: Bytes
    grey: Grey
    time: float
    number: int


@dataclass
class Held:
    """A keyframe in use: where its parts are now, its light, and hair that has come since."""

    key: Key
    moves: Motions = field(default_factory=Motions)
    light: Light = field(default_factory=Light)
    risen: Plane | None = None

    def go(self, shown: Shown, face: Face | None) -> bool:
        """Follow the parts to a frame, on which the `face` may have been seen; whether the head
        could be followed."""
        key, moves = self.key, self.moves
        head = follow(key.grey, shown.grey, key.points["head"], moves.head)
        rough = None if face is None else fit(_firm(key.face), _firm(face))
        if rough is not None:
            off = _FLOATING * key.face.iod * abs(rough.turn)
            if head is None or head.apart(rough, key.crown) > off:
                head = rough
        if head is None or not 0.4 < abs(head.turn) < 2.5:
            return False
        seen = follow(key.grey, shown.grey, key.points["wall"], moves.wall)
        wall = seen or moves.wall
        chin = complex(*key.crown[3])
        body = shifted(
            key.grey, shown.grey, key.points["body"], moves.body,
            turn=head.turn / abs(head.turn) * abs(wall.turn) if seen is None else seen.turn,
            near=chin, reach=key.face.iod,
        )  # fmt: skip
        if body is None or body.apart(head, key.crown[3:]) > 2 * key.face.iod:
            body = head
        self.moves = Motions(*(
            old if new.apart(old, key.crown) < _STILL else new
            for old, new in ((moves.head, head), (moves.body, body), (moves.wall, wall))
        ))  # fmt: skip
        return True

    @property
    def frame(self) -> Frame:
        """The keyframe's frame, as the head lies now."""
        z, t, head = self.key.frame.z, self.key.frame.t, self.moves.head
        return Frame(z / head.turn, t - z * head.shift / head.turn)

    def glance(self, shown: Shown) -> None:
        """Look for hair that has come since the keyframe."""
        key = self.key
        seen = key.glance.look(shown.pixels, self.frame)
        rise = smoothstep(*_RISEN, seen[..., 0] - key.seen[..., 0]) * _beside_the_face(key)
        before = rise if self.risen is None else self.risen
        self.risen = np.asarray(0.5 * (before + rise), np.float32)

    @property
    def hair(self) -> float:
        """How much hair has come, in squared eye distances."""
        return 0.0 if self.risen is None else float(self.risen.sum()) / self.key.glance.unit**2

    @property
    def entered(self) -> float:
        """How much of what changes has come into the frame, in squared eye distances."""
        key = self.key
        if not len(key.beyond):
            return 0.0
        at, (height, width) = self.moves.head(key.beyond), key.grey.shape
        count = ((at > 0) & (at < (width, height))).all(1).sum()
        return float(count) * keys.APART**2 / key.face.iod**2

    @property
    def new(self) -> tuple[Plane, Any] | None:
        """`risen`, ready for `render.lay`."""
        if self.risen is None or float(self.risen.max()) < 0.1:
            return None
        glance, frame = self.key.glance, self.frame
        turn = frame.z * glance.scale
        half = 0.5 + 0.5j
        shift = (frame.z * half + frame.t - complex(*glance.box[:2])) * glance.scale - half
        matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
        return grow(self.risen, 0.12 * glance.unit), matrix

    def due(self, face: Face) -> bool:
        """Whether too much has changed for this keyframe."""
        key, moves = self.key, self.moves
        went = moves.head.apart(moves.wall, key.crown) / (key.face.iod * abs(moves.head.turn))
        size = abs(np.log(abs(moves.head.turn)))
        come = self.hair + self.entered
        return shape(key.face, face) > _SHAPE or size > _SIZE or went > _WENT or come > _HAIR


class Track:
    """A person's head. `step` follows it, `pieces` are what to lay over the frame."""

    def __init__(self, person: Person, face: Face, threads: int | None) -> None:
        self.person, self.face, self.threads = person, face, threads
        self.missing, self.seen = 0, 0.0
        self.held: list[Held] = []
        self.made = 0
        self.warnings: set[str] = set()
        self._pending: tuple[Future[Key], float, Motions] | None = None
        self._faded = self._asked = -1e9
        self._presence = 1.0
        self._before: float | None = None

    @property
    def bare(self) -> bool:
        """Whether there is nothing to take away."""
        return bool(self.held) and "already_bald" in self.held[-1].key.warnings

    def step(self, shown: Shown) -> None:
        """Follow the head to a frame."""
        near = self.face.landmarks
        if self.held:
            newest = self.held[-1]
            near = newest.moves.head(newest.key.face.landmarks[:, :2]).astype(np.float32)
        face = faces.follow(shown.pixels, near, threads=self.threads)
        if face is not None and self.held and _astray(face, near):
            face = None
        followed = [one.go(shown, face) for one in self.held]
        if face is None:
            self.missing += 1
        else:
            self.face, self.missing = face, 0
        if self.held and not followed[-1]:
            self.missing = max(self.missing, _LOST + 1)

    def first(self, shown: Shown) -> None:
        """Make a keyframe now: the head was not followed until here."""
        self.held = [Held(keys.make(shown.pixels, shown.grey, self.face, threads=self.threads))]
        self._note()
        self._asked = shown.time
        self._pending, self.missing = None, 0

    def ask(self, shown: Shown, pool: Executor) -> None:
        """Have a first keyframe made beside the film."""
        if self._pending is None:
            self._submit(shown, pool)

    def renew(self, shown: Shown, pool: Executor, wait: bool) -> None:
        """Have a keyframe made if one is due, and take it over when it is there."""
        if self._pending is not None:
            made, due, then = self._pending
            if shown.time >= due if wait and self.held else made.done():
                self._pending = None
                self._adopt(made.result(), then, shown)
        elif (
            self.held
            and self.missing == 0
            and shown.time - self._asked >= _EVERY
            and len(self.held) == 1
            and self.held[-1].due(self.face)
        ):
            self._submit(shown, pool)

    def look(self, shown: Shown) -> None:
        """Look for new hair."""
        if self.held and not self.bare and self.missing == 0:
            self.held[-1].glance(shown)

    def pieces(self, shown: Shown, degree: float, style: str) -> list[tuple[Piece, Bytes, float]]:
        """What to lay over the frame, for `render.blend`."""
        passed = 0.0 if self._before is None else max(shown.time - self._before, 0.0)
        self._before = shown.time
        step = passed / (0.5 * FADE)
        self._presence += step if self.missing <= _LOST else -step
        self._presence = min(max(self._presence, 0.0), 1.0)
        share = 1.0
        if len(self.held) > 1:
            share = eased(0.0, FADE, shown.time - self._faded)
            if share >= 1:
                self.held = self.held[-1:]
        if not self.held or self._presence <= 0 or degree <= 0:
            return []
        news = passed / (passed + _LIGHT)
        out = []
        for one in self.held:
            part = share if one is self.held[-1] else 1 - share
            if "already_bald" in one.key.warnings or part <= 0:
                continue
            first = not one.light.kept
            piece = lay(one.key, one.moves, shown.pixels, one.light, new=one.new,
                        share=1.0 if first else news)  # fmt: skip
            if piece is not None:
                out.append((piece, weight(piece, degree, style), part * self._presence))
        return out

    def _submit(self, shown: Shown, pool: Executor) -> None:
        context = copy_context()  # the device in force
        made = pool.submit(
            context.run, keys.make, shown.pixels, shown.grey, self.face, threads=1
        )  # fmt: skip
        then = self.held[-1].moves if self.held else Motions()
        self._pending = made, shown.time + LAG, then
        self._asked = shown.time

    def _adopt(self, made: Key, then: Motions, shown: Shown) -> None:
        """Take a keyframe over, which was made of an earlier frame."""
        if self.held:
            old = self.held[-1]
            guess = Motions(*(
                was.back.then(now) for was, now in (
                    (then.head, old.moves.head), (then.body, old.moves.body),
                    (then.wall, old.moves.wall),
                )
            ))  # fmt: skip
            new = Held(made, guess)
        else:
            new = Held(made, Motions(*(fit(_firm(made.face), _firm(self.face)),) * 3))
        if new.go(shown, self.face if self.missing == 0 else None):
            self.held = [*self.held[-1:], new]
            self._faded = shown.time
            self._note()

    def _note(self) -> None:
        self.made += 1
        self.warnings |= set(self.held[-1].key.warnings)


def shape(before: Face, after: Face) -> float:
    """How much a face's outline and nose changed their shape, in eye distances, root mean square:
    little by talking, much by turning."""
    places = [*OVAL[:8], *OVAL[-8:], 1, 4, 6, 168]
    p, q = (face.landmarks[places, :2].astype(np.float64) for face in (before, after))
    moved = fit(p, q)
    off = np.square(moved(p) - q).sum(-1).mean()
    return float(np.sqrt(off)) / after.iod


def _firm(face: Face) -> npt.NDArray[np.float64]:
    """The points above the nose's tip: talking hardly moves them."""
    points = face.landmarks.astype(np.float64)
    return points[_upper(), :2]


def _upper() -> list[int]:
    return [*OVAL[:8], *OVAL[-8:], 1, 4, 5, 6, 168, 8, 9, 33, 133, 362, 263]


def _astray(face: Face, near: npt.NDArray[np.float32]) -> bool:
    """Whether the mesh has jumped to something else than what was followed."""
    off = np.linalg.norm(face.landmarks[_upper(), :2] - near[_upper(), :2], axis=-1).mean()
    return bool(off > 1.2 * face.iod)


def _beside_the_face(key: Key) -> Plane:
    """(h, w) 1 but for the face below the brows, on the glance's grid: beards come and go."""
    import cv2

    glance = key.glance
    points = key.frame.to_frame(key.face.landmarks[list(OVAL), :2])
    at = (points - np.array(glance.box[:2])) * glance.scale
    brow = float(np.sort(at[:, 1])[len(at) // 4])
    out = np.ones(glance.shape, np.float32)
    cv2.fillPoly(out, [np.round(at).astype(np.int32)], 0.0)
    out[: max(int(brow), 0)] = 1
    return out
