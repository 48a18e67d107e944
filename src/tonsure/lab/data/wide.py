"""People to the waist, packed once: aligned wide windows, labels as sets, the teacher's hair.

No source labels everything: one knows garments, one the person, one hair and skin, one only hair.
So a label here is the *set* of classes a pixel may have (`ANY` where nothing is known), and a net
is asked for the probability of the set. Two sources are joined by intersecting their sets.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure import faces
from tonsure.faces import Face, Frame
from tonsure.hair.classes import (
    BACKGROUND,
    CLASSES,
    CLOTHES,
    EAR,
    GLASSES,
    HAIR,
    HAT,
    JEWELLERY,
    NECK,
    SKIN,
)
from tonsure.models import device
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, OVAL

Bytes = npt.NDArray[np.uint8]
Sets = npt.NDArray[np.uint16]

DENSITY, LEFT, TOP, WIDTH, HEIGHT = 30.0, -4.267, -3.6, 256, 400
"""The window: px per eye distance, its corner in eye distances from between the eyes, its size."""
ANY = (1 << len(CLASSES)) - 1
_CHIN = 152


def some(*classes: int) -> int:
    """The set of these classes."""
    return sum(1 << k for k in classes)


_FLESH = some(SKIN, EAR, NECK, GLASSES)
_WORN = some(JEWELLERY, CLOTHES, NECK, SKIN, EAR)
_GARMENTS = {0: some(BACKGROUND), 19: some(HAIR), 20: some(HAT), 41: _FLESH}
_GARMENTS |= {k: some(GLASSES, SKIN) for k in (17, 47)}
_GARMENTS |= dict.fromkeys((1, 9, 15, 29, 34, 57), _WORN)
_SETS = {
    "ccp59": np.array([_GARMENTS.get(k, some(CLOTHES)) for k in range(59)], np.uint16),
    "hair_skin": np.array([some(BACKGROUND, CLOTHES, HAT), some(HAIR), _FLESH], np.uint16),
}
_SURE, _NONE = 0.85, 0.06
"""Of the teacher's hair: above it is hair, below there is none."""


@dataclass(frozen=True)
class Row:
    """One photo of `wide.csv`: set, name, part, kind of labels ("" for none), hair length, box."""

    kind: str
    name: str
    part: str
    labels: str
    length: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Window:
    """One person: `rgb` (H, W, 3), `inside`, `hair` (the teacher's), `person` (H, W) uint8, 0..255;
    `sets` (H, W) uint16, bit k is class k; `mesh` (468, 3) in frame units."""

    rgb: Bytes
    inside: Bytes
    hair: Bytes
    person: Bytes
    sets: Sets
    mesh: npt.NDArray[np.float32]


def rows(folder: Path) -> list[Row]:
    """The photos of `folder` (`wide/`)."""
    with (folder / "wide.csv").open(encoding="utf-8", newline="") as file:
        return [
            Row(
                r["set"], r["name"], r["part"], r["labels"], r["hair_length"],
                (float(r["face_x"]), float(r["face_y"]), float(r["face_w"]), float(r["face_h"])),
            )
            for r in csv.DictReader(file)
        ]  # fmt: skip


@cache
def _teacher(path: str) -> Any:
    ort = device.runtime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def teacher_hair(pixels: Bytes, teacher: Path) -> npt.NDArray[np.float32]:
    """How surely the teacher net calls a pixel hair: (H, W) 0..1, from (H, W, 3)."""
    height, width = pixels.shape[:2]
    scale = 512 / max(height, width)
    h, w = round(height * scale), round(width * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    top, left = (512 - h) // 2, (512 - w) // 2
    x = np.zeros((1, 512, 512, 4), np.float32)
    x[0, top : top + h, left : left + w, :3] = cv2.resize(pixels, (w, h), interpolation=how)
    x /= 255
    told = _teacher(str(teacher)).run(None, {"input": x})[0][0, 0]
    small = np.ascontiguousarray(told[top : top + h, left : left + w], dtype=np.float32)
    return np.asarray(cv2.resize(small, (width, height)), np.float32)


def person_mask(pixels: Bytes) -> npt.NDArray[np.float32]:
    """How surely a pixel is a person's: (H, W) 0..1, the mean of a look and its mirror image."""
    from tonsure.models import session

    small = cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    net = session.open("person_mask", 1)
    plain, turned = (
        net.run(None, {"image": np.ascontiguousarray(v[None])})[0][0]
        for v in (small, small[:, ::-1])
    )
    whole = 0.5 * (plain + turned[:, ::-1])
    return np.asarray(cv2.resize(whole, (pixels.shape[1], pixels.shape[0])), np.float32)


def own_face(pixels: Bytes, row: Row) -> Face | None:
    """The face that `row` means: the one nearest to its box, if any is near."""
    found = faces.find(pixels, threads=1, min_face=20)
    x, y, w, h = row.box
    middle = np.array([x + w / 2, y + h / 2])
    apart = [float(np.hypot(*(np.array(f.centre) - middle))) for f in found]
    best = int(np.argmin(apart)) if apart else -1
    return found[best] if apart and apart[best] < 0.6 * max(w, h) else None


def label_sets(
    row: Row, numbers: Bytes | None, hair: npt.NDArray[np.float32], person: npt.NDArray[np.float32]
) -> Sets:
    """(H, W): what each pixel of a photo may be, by its own labels and the teacher's hair."""
    out = np.full(hair.shape, ANY, np.uint16)
    surely, none = hair > _SURE, hair < _NONE
    out[none] &= np.uint16(ANY ^ some(HAIR))
    if numbers is not None and row.labels in _SETS:
        told = _SETS[row.labels][numbers]
        edge = _border(numbers, 2)
        told[edge] = ANY
        is_hair = told == some(HAIR)
        told[~is_hair & surely & (told != ANY)] |= np.uint16(some(HAIR))
        joined = out & told
        out = np.where(joined > 0, joined, told)
        out[is_hair & none] = ANY
    elif numbers is not None and row.labels == "person":
        edge = _border((numbers > 127).astype(np.uint8), 3)
        away = (numbers < 128) & ~edge & (hair < 0.2)
        out[away] = some(BACKGROUND)
        out[(numbers > 127) & ~edge] &= np.uint16(ANY ^ some(BACKGROUND))
        out[(numbers > 127) & surely] = some(HAIR)
    else:
        away = (person < 0.03) & (hair < 0.1)
        out[away] = some(BACKGROUND)
        out[(person > 0.97)] &= np.uint16(ANY ^ some(BACKGROUND))
        out[surely & (person > 0.3)] = some(HAIR)
        if numbers is not None:  # hair alone
            edge = _border((numbers > 127).astype(np.uint8), 3)
            out[(numbers > 127) & surely & ~edge] = some(HAIR)
            out[(numbers < 128) & none] &= np.uint16(ANY ^ some(HAIR))
    return out


def _border(numbers: Bytes, reach: int) -> npt.NDArray[np.bool_]:
    """Pixels within `reach` of another number."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(numbers, kernel) != cv2.erode(numbers, kernel))


def window(job: tuple[Row, bytes, bytes | None, str]) -> Window | None:
    """Cut the window of one photo (its bytes, its labels'); None where its face is not found."""
    row, data, drawn, teacher = job
    cv2.setNumThreads(1)
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    face = own_face(pixels, row)
    if face is None:
        return None
    frame = Frame.of(face)
    hair, person = teacher_hair(pixels, Path(teacher)), person_mask(pixels)
    numbers = np.asarray(Image.open(io.BytesIO(drawn))) if drawn else None
    sets = label_sets(row, numbers, hair, person)
    # black wedges at the border are no photo
    void: Bytes = np.zeros(pixels.shape[:2], np.uint8)
    if row.kind == "lfw":
        black = (pixels.max(-1) < 12).astype(np.uint8)
        _, parts = cv2.connectedComponents(black)
        rim = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
        void = np.isin(parts, np.unique(rim[rim > 0])).astype(np.uint8)
        void = np.asarray(cv2.dilate(void, np.ones((5, 5), np.uint8)), np.uint8)
    turn = affine(frame)
    size, flags = (WIDTH, HEIGHT), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    box = (
        EYES_MIDDLE[0] + LEFT * EYE_DISTANCE, EYES_MIDDLE[1] + TOP * EYE_DISTANCE,
        EYES_MIDDLE[0] + (LEFT + WIDTH / DENSITY) * EYE_DISTANCE,
        EYES_MIDDLE[1] + (TOP + HEIGHT / DENSITY) * EYE_DISTANCE,
    )  # fmt: skip
    rgb = frame.cut(pixels, DENSITY / EYE_DISTANCE, box)
    ground = ((1 - void) * 255).astype(np.uint8)
    inside = np.asarray(cv2.warpAffine(ground, turn, size, flags=flags), np.uint8)
    flat = [
        np.asarray(cv2.warpAffine((p * 255).round(), turn, size, flags=flags), np.uint8)
        for p in (hair, person)
    ]
    nearest = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(sets, turn, size, flags=nearest, borderValue=float(ANY))
    sets = np.asarray(warped, np.uint16)
    sets[inside < 250] = ANY
    at = frame.to_frame(np.asarray(face.landmarks[:, :2], np.float64))
    mesh = np.column_stack([at, face.landmarks[:, 2] * abs(frame.z)]).astype(np.float32)
    return Window(rgb, inside, flat[0], flat[1], _placed(sets, mesh), mesh)


def affine(frame: Frame) -> npt.NDArray[np.float64]:
    """(2, 3): window pixels (centres at whole numbers) -> photo pixels, for `cv2.warpAffine`."""
    step = EYE_DISTANCE / DENSITY / frame.z
    corner = complex(*EYES_MIDDLE) + complex(LEFT, TOP) * EYE_DISTANCE - frame.t
    start = corner / frame.z + step * (0.5 + 0.5j) - (0.5 + 0.5j)
    return np.array([[step.real, -step.imag, start.real], [step.imag, step.real, start.imag]])


def to_window(points: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Frame points (N, 2 or more) -> window pixels (N, 2), continuous."""
    flat = np.asarray(points[:, :2], np.float64)
    return (((flat - EYES_MIDDLE) / EYE_DISTANCE) - (LEFT, TOP)) * DENSITY


def polygon(points: npt.NDArray[np.float64]) -> Bytes:
    """A polygon (N, 2) in window pixels, filled: (H, W) 0 or 255, antialiased."""
    out = np.zeros((HEIGHT, WIDTH), np.uint8)
    fixed = np.round((points - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(out, [fixed], 255, cv2.LINE_AA, 4)
    return out


def _placed(sets: Sets, mesh: npt.NDArray[np.float32]) -> Sets:
    """Flesh told apart by its place: within the face's oval the face's skin, below the chin and
    far beside the face that of neck, shoulders, arms and hands."""
    oval = polygon(to_window(mesh[list(OVAL)])) > 127
    chin = float(to_window(mesh[[_CHIN]])[0, 1])
    y = np.arange(HEIGHT, dtype=np.float32)[:, None] + 0.5
    x = np.arange(WIDTH, dtype=np.float32)[None] + 0.5
    middle = float(to_window(mesh[[168]])[0, 0])
    away = (y > chin + 0.12 * DENSITY) | (np.abs(x - middle) > 1.7 * DENSITY)
    flesh = sets == _FLESH
    out = sets.copy()
    out[flesh & oval] = some(SKIN, GLASSES)
    out[flesh & away & ~oval] = some(NECK)
    return out


def shave(sets: Sets, hair: Bytes, mesh: npt.NDArray[np.float32]) -> bool:
    """Take the beard out of a window's hair: it grows on the face and stays.

    `sets` (H, W) is changed, `hair` (H, W) 0..255 the teacher's, which makes no difference between
    beards and hair. True where there is one: hair on most of the chin.
    """
    at = (to_window(mesh) / DENSITY).astype(np.float32)  # eye distances from the corner
    y, x = ((np.mgrid[:HEIGHT, :WIDTH] + 0.5) / DENSITY).astype(np.float32)
    mouth, middle = at[[61, 291], 1].mean(), at[[61, 291], 0].mean()
    chin = (y > mouth + 0.15) & (y < at[_CHIN, 1] - 0.03) & (np.abs(x - middle) < 0.35)
    if not chin.any() or float((hair[chin] > 127).mean()) < 0.5:
        return False
    half = 0.5 * abs(float(at[397, 0] - at[172, 0])) + 0.15
    hanging = (y > at[2, 1] + 0.1) & (np.abs(x - at[[172, 397], 0].mean()) < half)
    sets[hanging & (hair > 12)] = ANY ^ some(HAIR)
    return True


def pack(
    folder: Path,
    teacher: Path,
    out: Path,
    *,
    part: str = "train",
    kinds: tuple[str, ...] = ("ccp", "eg1800", "lfw", "figaro"),
    workers: int = 2,
    tell: Callable[[str], None] = print,
) -> None:
    """Write `wide-<set>-<part>.npz` for every set of `folder` into `out`.

    Raises `FileNotFoundError` where a tar or the teacher's file is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = rows(folder)
    for kind in kinds:
        tar = folder / f"{kind}-{part}.tar"
        wanted = {r.name: r for r in table if r.kind == kind and r.part == part}
        if not wanted or (out / f"wide-{kind}-{part}.npz").exists():
            continue
        files: dict[str, bytes] = {}
        with tarfile.open(tar) as archive:
            for member in archive.getmembers():
                file = archive.extractfile(member)
                if file is not None:
                    files[Path(member.name).name] = file.read()
        jobs = [
            (r, files[f"{n}.webp"], files.get(f"{n}.png"), str(teacher)) for n, r in wanted.items()
        ]
        with ProcessPoolExecutor(workers) as pool:
            made = list(pool.map(window, jobs, chunksize=8))
        kept = [(j[0], w) for j, w in zip(jobs, made, strict=True) if w is not None]
        planes: dict[str, Any] = {
            name: np.stack([getattr(w, name) for _, w in kept])
            for name in ("rgb", "inside", "hair", "person", "sets", "mesh")
        }
        np.savez(
            out / f"wide-{kind}-{part}.npz",
            names=np.array([r.name for r, _ in kept]),
            length=np.array([r.length for r, _ in kept]),
            labels=np.array([r.labels for r, _ in kept]),
            **planes,
        )
        tell(f"{kind}, {part}: {len(kept)} of {len(jobs)} photos have their face found")
