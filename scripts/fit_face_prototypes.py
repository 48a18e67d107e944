"""Fits how faces differ by sex and age: `src/tonsure/edit/prototypes.npz`.

    python scripts/fit_face_prototypes.py CELEBA_IMAGES list_attr_celeba.txt [--count 2800]

CelebA's aligned pictures (training part) without glasses and hats, as many women as men and as many
young as old. Meshes are turned and scaled onto their mean in space, so that no pose is left; their
points, the log colours there less the face's own mean, and the log of how rough the skin is, are
regressed on the labels. What is kept is the step from -1 to 1 of `Male` and `Young`, all other
labels of `HELD` alike: Rowland and Perrett's prototypes (1995), by regression. Some minutes on one
core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from fit_hair_colours import labelled
from PIL import Image

from tonsure.edit.prototypes import turned
from tonsure.lab.data.pack import landmarks
from tonsure.planes import LUMA, blur

OUT = Path(__file__).parents[1] / "src/tonsure/edit/prototypes.npz"
HELD = ("Male", "Young", "Smiling", "Mouth_Slightly_Open", "Chubby", "Bangs", "Pale_Skin")
WITHOUT = ("Eyeglasses", "Wearing_Hat", "Blurry")
FLOOR, BLUR, FINE = 8.0, 1.2, 1.6  # levels; pixels of pictures of 178 x 218
RIDGE = 1.0
LAST = 162770  # of the training part


def seen(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """(468, 3) mesh and (468, 4) log colours and log roughness; None where no face is found."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    mesh, sure = landmarks(pixels)
    if sure < 0.5:
        return None
    photo = pixels.astype(np.float32)
    soft = blur(photo, BLUR)
    luma = photo @ LUMA
    rough = np.sqrt(blur((luma - blur(luma, FINE)) ** 2, 2.0))
    x = np.clip(mesh[:, 0], 0, pixels.shape[1] - 1).astype(int)
    y = np.clip(mesh[:, 1], 0, pixels.shape[0] - 1).astype(int)
    logs = np.log(soft[y, x] + FLOOR)
    relative = rough[y, x] / (luma[y, x] + FLOOR)
    return mesh.astype(np.float64), np.concatenate(
        [logs - logs.mean(0), np.log(relative + 0.01)[:, None]], -1
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--count", type=int, default=2800)
    asked = parser.parse_args()
    rows = labelled(asked.labels)
    meshes, tones, labels = [], [], []
    for sex in (1, -1):
        for young in (1, -1):
            paths = [
                (row, path) for name, row in rows.items()
                if row["Male"] == sex and row["Young"] == young and int(name[:6]) <= LAST
                and all(row[k] == -1 for k in WITHOUT)
                and (path := _file(asked.images / name))
            ]  # fmt: skip
            for row, path in paths[:: max(1, 4 * len(paths) // asked.count)][: asked.count // 4]:
                found = seen(path)
                if found is not None:
                    meshes.append(found[0])
                    tones.append(found[1])
                    labels.append([row[k] for k in HELD])
    shapes = np.array(meshes)
    mean = shapes[0] - shapes[0].mean(0)
    for _ in range(3):
        mean = np.mean([turned(one, mean)[0] for one in shapes], 0)
        mean -= mean.mean(0)
    laid = np.array([turned(one, mean)[0] for one in shapes])
    unit = float(np.linalg.norm((mean[[33, 133]].mean(0) - mean[[362, 263]].mean(0))[:2]))
    whole = np.concatenate([laid / unit, np.array(tones)], -1).reshape(len(laid), -1)
    given = np.concatenate([np.ones((len(laid), 1)), np.array(labels)], 1)
    found = np.linalg.solve(given.T @ given + RIDGE * np.eye(given.shape[1]), given.T @ whole)
    steps = 2 * found[1:3].reshape(2, 468, 7)
    rest = (whole - given @ found).reshape(-1, 468, 7).std(0)
    np.savez_compressed(
        OUT, mean=(mean / unit).astype(np.float32), male=steps[0].astype(np.float16),
        young=steps[1].astype(np.float16),
    )  # fmt: skip
    print(f"{len(laid)} people")
    for name, step in zip(("Male", "Young"), steps, strict=True):
        size = np.abs(step).mean(0).round(4), (np.abs(step) / rest).mean(0).round(2)
        print(name, "mean step, and in spreads:", *size)


def _file(path: Path) -> Path | None:
    """The picture, whatever its format."""
    return next((p for s in (".webp", ".jpg") if (p := path.with_suffix(s)).exists()), None)


if __name__ == "__main__":
    main()
