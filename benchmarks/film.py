"""What films cost and how steady they are: `python benchmarks/film.py [--frames N] [--sheets DIR]`.

Three clips of 1280 x 720 are made of the portrait that ships with the tool (still, panning,
talking: the head sways before the wall and the mouth moves), with a camera's noise, coded, edited
file to file, and compared frame by frame.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

import tonsure
from tonsure import faces

SIZE = (1280, 720)
RATE = 25
_LEAST = 0.25  # levels of 255


def placed(picture: np.ndarray, dx: float, dy: float, scale: float, turn: float) -> np.ndarray:
    """The picture on a frame: its head in the upper half."""
    wide, high = SIZE
    middle = (picture.shape[1] / 2, picture.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(middle, turn, high / picture.shape[0] * 1.25 * scale)
    matrix[:, 2] += (wide / 2 - middle[0] + dx, high / 2 - middle[1] + 90 + dy)
    return cv2.warpAffine(
        picture, matrix, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def still(picture: np.ndarray, time: float) -> np.ndarray:
    """Nothing moves."""
    return placed(picture, 0, 0, 1, 0)


def panning(picture: np.ndarray, time: float) -> np.ndarray:
    """The camera pans, nears and turns."""
    return placed(
        picture, 80 * np.sin(1.2 * time), 10 * np.sin(2 * time), 1 + 0.06 * np.sin(0.7 * time),
        1.7 * np.sin(1.5 * time),
    )  # fmt: skip


def talking(picture: np.ndarray, time: float) -> np.ndarray:
    """The head sways and nods, the mouth opens and closes, the camera stands."""
    points = landmarks(picture)
    unit, middle = float(np.linalg.norm(points[33] - points[263])), points.mean(0)
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    far = ((x - middle[0]) / (1.9 * unit)) ** 2 + ((y - middle[1] + 0.3 * unit) / (2.2 * unit)) ** 2
    head = np.exp(-(far**2))
    lips = points[[13, 14]].mean(0)
    jaw = np.exp(-(((x - lips[0]) / (0.55 * unit)) ** 2 + ((y - lips[1]) / (0.6 * unit)) ** 2))
    jaw *= np.clip((y - lips[1]) / (0.1 * unit), 0, 1)
    sway, nod = 0.16 * np.sin(np.pi * time), 0.05 * np.sin(1.6 * np.pi * time)
    mouth = 0.1 * max(0.0, float(np.sin(5 * np.pi * time)))
    way = x - head * sway * unit, y - (head * nod + jaw * mouth) * unit
    mx, my = (k.astype(np.float32) for k in way)
    return placed(cv2.remap(picture, mx, my, cv2.INTER_CUBIC), 0, 0, 1, 0)


_known: dict[int, np.ndarray] = {}


def landmarks(picture: np.ndarray) -> np.ndarray:
    """(468, 2) of the picture's face."""
    if id(picture) not in _known:
        _known[id(picture)] = faces.find(picture)[0].landmarks[:, :2]
    return _known[id(picture)]


def write(path: Path, clip, picture: np.ndarray, count: int) -> None:
    """The clip as a film, with noise."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "16"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        noise = rng.normal(0, 2, (4, SIZE[1], SIZE[0], 3)).astype(np.float32)
        for k in range(count):
            shown = clip(picture, k / RATE) + np.roll(noise[k % 4], k * 37, axis=1) + 0.5
            frame = av.VideoFrame.from_ndarray(np.clip(shown, 0, 255).astype(np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def pairs(source: Path, made: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames before and after."""
    with av.open(str(source)) as one, av.open(str(made)) as other:
        for a, b in zip(one.decode(video=0), other.decode(video=0), strict=True):
            yield a.to_ndarray(format="rgb24"), b.to_ndarray(format="rgb24")


def flicker(source: Path, made: Path) -> tuple[float, float, float]:
    """Mean change from frame to frame where the film was edited, that of the face beside it, and
    the largest ratio of the two in any frame.

    In a still picture the coder repeats what it can, and a face changes by some hundredths of a
    level: there a quarter of a level is divided by, which is less than any screen shows."""
    within, beside, before = [], [], None
    face = None
    for shown, out in pairs(source, made):
        mask = cv2.blur(np.abs(out.astype(np.float32) - shown).max(-1), (9, 9)) > 12
        if face is None:
            face = faces.find(shown)[0]
        face = faces.follow(shown, face.landmarks) or face
        skin = np.zeros(mask.shape, np.uint8)
        cv2.fillConvexPoly(skin, cv2.convexHull(face.landmarks[:, :2].copy()).astype(np.int32), 1)
        now = shown.astype(np.float32), out.astype(np.float32)
        if before is not None:
            within.append(np.abs(now[1] - before[1])[mask].mean())
            beside.append(np.abs(now[0] - before[0])[(skin > 0) & ~mask].mean())
        before = now
    ratio = np.array(within) / np.maximum(beside, _LEAST)
    return float(np.mean(within)), float(np.mean(beside)), float(ratio.max())


def sheet(source: Path, made: Path, path: Path) -> None:
    """Every tenth frame, before and after, one above the other."""
    columns = [
        np.vstack([shown[:600, 300:980], out[:600, 300:980]])
        for k, (shown, out) in enumerate(pairs(source, made)) if k % 10 == 0
    ]  # fmt: skip
    Image.fromarray(np.hstack(columns[:8])).save(path)


def main() -> None:
    """Print a row for each clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--clip", choices=("still", "panning", "talking"), action="append")
    parser.add_argument("--photo", type=Path, help="another portrait")
    parser.add_argument("--sheets", type=Path)
    given = parser.parse_args()
    source = given.photo or Path(tonsure.__file__).parent / "examples" / "astronaut.jpg"
    picture = np.asarray(Image.open(source).convert("RGB"))
    clips = {"still": still, "panning": panning, "talking": talking}
    print("clip frames keyframes frames/s cpu-s/frame change-inside change-of-face ratio worst MB")
    for name in given.clip or clips:
        with tempfile.TemporaryDirectory() as folder:
            before, after = Path(folder, "a.mp4"), Path(folder, "b.mp4")
            write(before, clips[name], picture, given.frames)
            wall, cpu = time.perf_counter(), time.process_time()
            film = tonsure.video(before, after)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            inside, face, worst = flicker(before, after)
            print(
                name, film.frames, film.keyframes, f"{film.frames / wall:.1f}",
                f"{cpu / film.frames:.3f}", f"{inside:.2f}", f"{face:.2f}",
                f"{inside / face:.2f}", f"{worst:.2f}", f"{peak:.0f}", flush=True,
            )  # fmt: skip
            if given.sheets:
                given.sheets.mkdir(parents=True, exist_ok=True)
                sheet(before, after, given.sheets / f"{name}.png")


if __name__ == "__main__":
    main()
