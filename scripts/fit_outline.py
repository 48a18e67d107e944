"""Fit the statistical shape of bald heads: `shape.npz` of `tonsure/head/outline.py`.

    python scripts/fit_outline.py PACKED [-o FILE]

PACKED is what `tonsure.lab.data.pack.masks` wrote. From the train pictures that are marked as
cleanly bald, and their mirror images: where head meets background along each ray; what an ear or
the picture's border hides is filled in by the components, over and over. Then mean, components, and
their ridge regression on the face mesh. Says how far the fit is from people left out of it (ten
parts), and how far the shipped shape, which was fitted with an earlier parser: 0.089 and 0.090 eye
distances on average. A minute on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tonsure.faces import Face
from tonsure.hair.classes import BACKGROUND, CLOTHES, EAR, NECK
from tonsure.hair.parse import parse
from tonsure.head import outline
from tonsure.scene import EYE_DISTANCE, look

COMPONENTS, RIDGE, PARTS = 4, 10.0, 10
LEFT = np.array([234, 127, 172, 54])
"""Of the mesh points in `outline.numbers` those that mirroring exchanges, with `RIGHT`."""
RIGHT = np.array([454, 356, 397, 284])


def radii(pixels: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """(67,) where the head ends along each ray, in eye distances, NaN where an ear or the picture's
    border is in the way; and the mesh (468, 3) in frame units."""
    scene = look(pixels, face, 46.0, 1)
    classes = parse(scene)
    head = 1 - classes[..., [BACKGROUND, CLOTHES, NECK]].sum(-1)
    reach = np.arange(0.75, 3.0, 0.02)
    turn = np.radians(outline.ANGLES)
    out = np.full(len(turn), np.nan)
    for k, t in enumerate(turn):
        ray = outline.CENTRE + EYE_DISTANCE * reach[:, None] * (np.sin(t), -np.cos(t))
        x, y = np.floor(scene.to_scene(ray)).astype(int).T
        within = (x >= 0) & (x < scene.shape[1]) & (y >= 0) & (y < scene.shape[0])
        x, y = x[within], y[within]
        off = np.flatnonzero((head[y, x] < 0.5) | (scene.inside[y, x] < 0.5))
        if not len(off) or not off[0] or scene.inside[y[off[0]], x[off[0]]] < 0.5:
            continue
        before = slice(max(off[0] - 4, 0), off[0])
        if classes[y[before], x[before], EAR].mean() < 0.3:
            out[k] = reach[off[0]]
    return out, scene.mesh


def mirrored(mesh: np.ndarray) -> np.ndarray:
    """The mesh (468, 3) of the mirror image, as far as `outline.numbers` looks at it."""
    out = mesh.copy()
    out[np.concatenate([LEFT, RIGHT])] = mesh[np.concatenate([RIGHT, LEFT])]
    out[:, 0] = 2 * outline.CENTRE[0] - out[:, 0]
    return out


def fit(found: np.ndarray, features: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of `outline.shape` from radii (N, 67) with gaps and numbers (N, 20)."""
    gaps = ~np.isfinite(found)
    whole = np.where(gaps, np.nanmean(found, 0), found)
    for _ in range(30):
        mean = whole.mean(0)
        parts = np.linalg.svd(whole - mean, full_matrices=False)[2][:COMPONENTS]
        whole = np.where(gaps, mean + (whole - mean) @ parts.T @ parts, found)
    mean, spread = features.mean(0), features.std(0)
    x = np.column_stack([np.clip((features - mean) / spread, -2.5, 2.5), np.ones(len(features))])
    weights = (whole - whole.mean(0)) @ parts.T
    penalty = np.diag([RIDGE] * features.shape[1] + [0.0])
    regression = np.linalg.solve(x.T @ x + penalty, x.T @ weights)
    return {
        "mean": whole.mean(0), "components": parts, "feature_mean": mean, "feature_sd": spread,
        "regression": regression, "covariance": np.cov((weights - x @ regression).T),
    }  # fmt: skip


def foretold(shape: dict[str, np.ndarray], features: np.ndarray) -> np.ndarray:
    """Radii (N, 67) that a shape foretells from numbers (N, 20)."""
    x = np.clip((features - shape["feature_mean"]) / shape["feature_sd"], -2.5, 2.5)
    weights = np.column_stack([x, np.ones(len(x))]) @ shape["regression"]
    return np.asarray(shape["mean"] + weights @ shape["components"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("packed", type=Path)
    parser.add_argument("-o", "--out", type=Path, help="write the shape, e.g. into tonsure/head")
    options = parser.parse_args()
    packed = np.load(options.packed / "celeba.npz")
    images = np.load(options.packed / "celeba_img.npy", mmap_mode="r")
    clean = np.flatnonzero(packed["clean"] & (packed["part"] == 0) & (packed["flag"] > 0.5))
    rows, numbers = [], []
    for k in clean:
        face = Face((0.0, 0.0, 178.0, 218.0), packed["lm"][k], 1.0, 1.0, 0.0)
        found, mesh = radii(np.asarray(images[k]), face)
        if np.isfinite(found).mean() < 0.5:
            continue
        rows += [found, found[::-1]]
        numbers += [outline.numbers(mesh), outline.numbers(mirrored(mesh))]
    found, features = np.array(rows), np.array(numbers)
    top = np.abs(outline.ANGLES) < 70
    shipped = np.abs(foretold(outline.shape(), features) - found)
    part = np.arange(len(found)) // 2 % PARTS
    told = np.empty_like(found)
    for k in range(PARTS):
        told[part == k] = foretold(fit(found[part != k], features[part != k]), features[part == k])
    for name, off in (("shipped", shipped), ("fitted, left out", np.abs(told - found))):
        print(f"{name}: {np.nanmean(off):.3f} eye distances, {np.nanmean(off[:, top]):.3f} on top")
    print(f"{len(found) // 2} heads, {100 * np.isfinite(found).mean():.0f} % of the radii seen")
    if options.out:
        np.savez(options.out, **{k: v.astype(np.float32) for k, v in fit(found, features).items()})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
