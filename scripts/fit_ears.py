#!/usr/bin/env python3
"""Make src/tonsure/head/ears.npz, the statistical ear, from CelebAMask-HQ.

usage: fit_ears.py PACKED_CM_TRAIN.npz CELEBAMASK_TRAIN.tar OUT.npz

Ears that are seen whole are cut out, the picture's left ones mirrored, and brought onto each other:
first by affine maps to a common mean (least squares on the mask and on what the ear's relief looks
like), then by smooth small deformations. Kept are, per pixel of the ear's own picture, a robust
regression of the logarithm of its light, divided by that of the cheek beside it, on the head's turn
and on the side the light comes from; the same for the mask; and a ridge regression of the affine
map on the face mesh. Prints errors by cross-validation over pictures. Three minutes on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ear_cuts import GRID, HEIGHT, LUMA, WIDTH, Cut, channels, cuts, warp
from scipy import ndimage

from tonsure.head import ears
from tonsure.head.outline import CENTRE, EYE_DISTANCE
from tonsure.lab.frames import similarity
from tonsure.planes import membrane


def basis(turns: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(turns), turns, turns**2], -1)


def regress(
    data: np.ndarray, design: np.ndarray, weight: np.ndarray, ridge: np.ndarray, rounds: int = 6
):
    """Per pixel robust least squares: data (N, P), design (N, K), weight (N, P) -> (K, P)."""
    w = weight.copy()
    for _ in range(rounds):
        normal = np.einsum("nk,np,nl->pkl", design, w, design) + np.diag(ridge)
        right = np.einsum("nk,np->pk", design, w * data)
        beta = np.linalg.solve(normal, right[..., None])[..., 0].T
        rest = np.abs(data - design @ beta)
        scale = np.median(rest[weight > 0.3 * weight.max()]) + 1e-6
        w = weight / np.maximum(rest / (0.7 * scale), 1.0)
    return beta


def align_affine(sample: list[Cut], rounds: int) -> np.ndarray:
    design = basis(np.array([c.turn for c in sample]))
    for r in range(rounds):
        stack = np.stack([channels(c) for c in sample])
        n = len(sample)
        beta = regress(
            stack.reshape(n, -1), design, np.ones((n, stack[0].size)), np.array([0.1, 3, 3]), 3
        )
        templates = (design @ beta).reshape(stack.shape)
        steps = np.zeros((n, 6))
        errors = np.zeros(n)
        for i, template in enumerate(templates):
            gy, gx = np.gradient(template, axis=(0, 1))
            gx, gy = gx * ears.ACROSS, gy * ears.DOWN
            x, y = GRID[..., :1], GRID[..., 1:]
            jac = np.stack([gx * x, gx * y, gx, gy * x, gy * y, gy], -1).reshape(-1, 6)
            rest = (stack[i] - template).reshape(-1)
            errors[i] = np.mean(np.abs(rest))
            w = 1 / np.maximum(np.abs(rest) / 0.25, 1)
            normal = (jac * w[:, None]).T @ jac
            steps[i] = np.linalg.solve(
                normal + np.diag(np.full(6, 0.02 * np.trace(normal) / 6)), jac.T @ (w * rest)
            )
        steps -= np.median(steps, 0)
        steps = np.clip(steps, -0.06, 0.06)
        for c, s in zip(sample, steps, strict=True):
            d = np.vstack([np.eye(3)[:2] + s.reshape(2, 3), [0, 0, 1]])
            whole = np.vstack([c.affine, [0, 0, 1]]) @ np.linalg.inv(d)
            c.affine = whole[:2]
        print(f"affine {r}: residual {errors.mean():.4f}, step {np.abs(steps).mean():.4f}")
    return errors


def likeness(stack: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """(N,) correlation of every ear's relief with its template's."""
    a, b = (p[..., 1].reshape(len(p), -1) for p in (stack, templates))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1) + 1e-9)


def align_fields(sample: list[Cut], rounds: int, inner: int = 5) -> np.ndarray:
    """Small smooth deformations onto the common mean; returns how like it every ear is."""
    design = basis(np.array([c.turn for c in sample]))
    n = len(sample)
    like = np.ones(n)
    for r in range(rounds):
        stiff = 4.5 if r < rounds // 2 else 3.2
        stack = np.stack([channels(c) for c in sample])
        weight = np.repeat(np.clip(like, 0.02, 1)[:, None] ** 2, stack[0].size, 1)
        beta = regress(stack.reshape(n, -1), design, weight, np.array([0.1, 3, 3]), 3)
        templates = (design @ beta).reshape(stack.shape)
        like = likeness(stack, templates)
        for c, template in zip(sample, templates, strict=True):
            gy, gx = np.gradient(template, axis=(0, 1))
            for _ in range(inner):
                diff = template - channels(c)
                power = (gx**2 + gy**2).sum(-1) + 0.2 * (diff**2).sum(-1) + 2e-3
                step = np.stack([(diff * gx).sum(-1) / power, (diff * gy).sum(-1) / power], -1)
                step = ndimage.gaussian_filter(np.clip(step, -1.5, 1.5), (stiff, stiff, 0))
                c.field = ndimage.gaussian_filter(c.field + 1.5 * step, (2.2, 2.2, 0))
                c.field = np.clip(c.field, -6, 6)
        mean = np.mean([c.field for c in sample], 0)
        for c in sample:
            c.field = c.field - mean
        size = np.mean([np.abs(c.field).mean() for c in sample])
        print(
            f"field {r}: residual {np.abs(stack - templates).mean():.4f}, size {size:.3f} px, likeness {np.percentile(like, [10, 50, 90]).round(2)}"  # noqa: E501
        )
    return like


def place_of(c: Cut) -> np.ndarray:
    return c.affine.reshape(-1)


def ridge(
    x: np.ndarray, y: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, sd = x.mean(0), x.std(0) + 1e-9
    q = np.column_stack([np.clip((x - mean) / sd, -2.5, 2.5), np.ones(len(x))])
    penalty = np.diag([strength] * x.shape[1] + [1e-6])
    return mean, sd, np.linalg.solve(q.T @ q + penalty, q.T @ y)


def foretell(model: tuple[np.ndarray, np.ndarray, np.ndarray], x: np.ndarray) -> np.ndarray:
    mean, sd, b = model
    return np.column_stack([np.clip((x - mean) / sd, -2.5, 2.5), np.ones(len(x))]) @ b


def numbers(a: np.ndarray) -> np.ndarray:
    """Affine maps (N, 6) -> middle x, y, height, width (frame's axes), tilt in degrees."""
    m = a.reshape(-1, 2, 3)
    return np.stack([m[:, 0, 2], m[:, 1, 2], np.hypot(m[:, 0, 1], m[:, 1, 1]), np.hypot(m[:, 0, 0], m[:, 1, 0]),  # noqa: E501
                     np.degrees(np.arctan2(m[:, 0, 1], m[:, 1, 1]))], 1)  # fmt: skip


def cross(sample: list[Cut], strength: float, folds: int = 20) -> None:
    x = np.stack([c.features for c in sample])
    y = np.stack([place_of(c) for c in sample])
    pictures = np.array([c.picture for c in sample])
    rng = np.random.default_rng(0)
    unique = rng.permutation(np.unique(pictures))
    fold = {p: i % folds for i, p in enumerate(unique)}
    which = np.array([fold[p] for p in pictures])
    told, plain = np.zeros_like(y), np.zeros_like(y)
    for f in range(folds):
        rest = which != f
        told[~rest] = foretell(ridge(x[rest], y[rest], strength), x[~rest])
        plain[~rest] = y[rest].mean(0)
    corners = np.array(
        [
            [-0.5, -0.5],
            [0.5, -0.5],
            [0.5, 0.5],
            [-0.5, 0.5],
            [0, 0.5],
            [0, -0.5],
            [0.5, 0],
            [-0.5, 0],
        ]
    )

    def spots(a: np.ndarray) -> np.ndarray:
        m = a.reshape(-1, 2, 3)
        return np.einsum("nij,kj->nki", m[:, :, :2], corners) + m[:, None, :, 2]

    text = []
    for guess in (plain, told):
        e = np.abs(numbers(guess) - numbers(y))
        far = np.hypot(*(spots(guess) - spots(y)).transpose(2, 0, 1)).mean(1)
        text.append(
            "x {:.1f} y {:.1f} height {:.1f} width {:.1f} (% of u), "
            "tilt {:.1f} deg, outline {:.1f}".format(
                *(e[:, :4].mean(0) * 100), e[:, 4].mean(), far.mean() * 100
            )
        )
    print(
        f"20-fold, {len(y)} ears of {len(unique)} pictures, strength {strength}\n"
        f"  mean  {text[0]}\n  ridge {text[1]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packed", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("out", type=Path)
    a = parser.parse_args()
    sample = cuts(a.packed, a.masks)
    print(f"{len(sample)} ears of {len({c.picture for c in sample})} pictures")
    errors = align_affine(sample, 8)
    keep = errors < np.percentile(errors, 85)
    sample = [c for c, k in zip(sample, keep, strict=True) if k]
    align_affine(sample, 10)
    for strength in (10, 30, 100):
        cross(sample, strength)
    model = ridge(
        np.stack([c.features for c in sample]), np.stack([place_of(c) for c in sample]), 30
    )
    like = align_fields(sample, 4)
    sample = [c for c, k in zip(sample, like > np.percentile(like, 35), strict=True) if k]
    like = align_fields(sample, 6)
    finish(sample, like, model, vanishing(a.packed), a.out)


def band(stack: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """What of pictures (..., HEIGHT, WIDTH) is finer than ``sigma`` px, weighted."""
    wide = (*[0] * (stack.ndim - 2), sigma, sigma)
    return stack - ndimage.gaussian_filter(stack * weight, wide) / (
        ndimage.gaussian_filter(weight, wide) + 1e-3
    )


def signed(mask: np.ndarray, times: int = 8) -> np.ndarray:
    """Signed distance in px, positive inside, of mask > 0.5."""
    large = ndimage.zoom(mask, times, order=1, grid_mode=True, mode="nearest") > 0.5
    distance = (
        ndimage.distance_transform_edt(large) - ndimage.distance_transform_edt(~large)
    ) / times
    return distance.reshape(HEIGHT, times, WIDTH, times).mean((1, 3))


def vanishing(packed: Path) -> np.ndarray:
    """Turns at which the far ear is gone and at which it is whole, from people whose near ear
    shows more than 0.15 u2."""
    found = []
    with np.load(packed) as d:
        lm, flag, lab = d["lm"], d["flag"], d["lab"]
    for points, sure, classes in zip(lm, flag, lab, strict=True):
        if sure < 0.5:
            continue
        z, t = similarity(points)
        flat = z * (points[:, 0] + 1j * points[:, 1]) + t
        mesh = np.stack([flat.real, flat.imag, points[:, 2] * abs(z)], 1)
        rows, columns = np.nonzero(classes == 4)
        x = (z * (columns + 0.5 + 1j * (rows + 0.5)) + t).real - CENTRE[0]
        for side in (-1, 1):
            here, there = (
                (sign * x > 0).sum() * abs(z) ** 2 / EYE_DISTANCE**2 for sign in (side, -side)
            )
            if there > 0.15:
                found.append((ears.turn(mesh, side), here))
    a = np.array(found)
    print("far ear: turn, pictures, share seen with more than 0.04 u2, median area")
    shares, middles = [], []
    for low in np.arange(-0.6, 0.15, 0.1):
        here = a[(a[:, 0] >= low) & (a[:, 0] < low + 0.1), 1]
        shares.append(float(np.mean(here > 0.04)))
        middles.append(low + 0.05)
        print(f"  {low:.1f}..{low + 0.1:.1f} {len(here):4d} {shares[-1]:.2f} {np.median(here):.3f}")
    gone, whole = (float(np.interp(s, np.maximum.accumulate(shares), middles)) for s in (0.05, 0.8))
    print(f"gone at {gone:.2f}, whole at {whole:.2f}")
    return np.array([gone, whole])


def finish(
    sample: list[Cut], like: np.ndarray, model: tuple[np.ndarray, ...], turn: np.ndarray, out: Path
) -> None:
    n = len(sample)
    turns = np.array([c.turn for c in sample])
    lights = np.clip(np.array([c.light for c in sample]), -1.0, 1.0)
    log = np.stack([warp(c, c.log, 3) for c in sample])
    ear = np.stack([np.clip(warp(c, c.ear), 0, 1) for c in sample])
    flesh = np.stack([np.clip(warp(c, c.flesh), 0, 1) for c in sample])
    trust = np.clip(like, 0.05, 1)[:, None] ** 2
    luma = log @ LUMA
    design = np.column_stack([basis(turns), lights])
    weight = trust * flesh.reshape(n, -1) ** 2 + 1e-4
    penalty = np.array([0.02, 4, 4, 4])
    shade = regress(luma.reshape(n, -1), design, weight, penalty).reshape(4, HEIGHT, WIDTH)
    chroma = log[..., [0, 2]] - luma[..., None]
    tint = regress(
        chroma.reshape(n, -1), design[:, :1], np.repeat(weight, 2, 1), penalty[:1]
    ).reshape(HEIGHT, WIDTH, 2)
    mask = np.average(ear, 0, trust[:, 0])
    edge = ndimage.gaussian_filter(signed(ndimage.gaussian_filter(mask, 1.0)), 1.0)
    gy, gx = np.gradient(ndimage.gaussian_filter(edge, 2.5))
    fade = np.clip((gx / np.hypot(gx, gy) - 0.15) / 0.6, 0, 1)
    fade = ndimage.gaussian_filter(fade * fade * (3 - 2 * fade), 1.5)
    # a mean is paler than what it is a mean of: give it the contrast of a typical ear, band by band
    inside = (ndimage.gaussian_filter(edge, 1) > 2).astype(float)
    for sigma in (12.0, 4.0):
        own = np.median(
            np.sqrt((band(luma, ear + 0.02, sigma) ** 2 * inside).sum((1, 2)) / inside.sum())
        )
        mean = np.sqrt((band(shade[0], mask + 0.02, sigma) ** 2 * inside).sum() / inside.sum())
        gain = float(np.clip((own / mean) ** 0.75, 1.0, 1.8))
        print(
            f"contrast finer than {sigma:.0f} px: ears {own:.3f}, mean {mean:.3f}, gain {gain:.2f}"
        )
        shade[0] += (
            (gain - 1)
            * band(shade[0], mask + 0.02, sigma)
            * ndimage.gaussian_filter((edge > 6).astype(float), 2)
        )
    # beyond the rim the background shows through: go on from inside
    inner = (np.arange(WIDTH) < WIDTH * 0.3)[None] & (flesh.mean(0) > 0.45)
    known = ((edge > 3.0) | (inner & (edge < -1.5))).astype(np.float32)
    filled = membrane(
        np.concatenate([shade.transpose(1, 2, 0), tint], -1).astype(np.float32), known, 60
    )
    filled[..., 1:4] = ndimage.gaussian_filter(filled[..., 1:4], (2.0, 2.0, 0))
    filled[..., 4:] = ndimage.gaussian_filter(filled[..., 4:], (1.5, 1.5, 0))
    # the cheek's own tone where the ear's picture ends
    filled *= np.clip((np.arange(WIDTH) + 0.5) / 9, 0, 1)[None, :, None]
    np.savez_compressed(
        out, shade=filled[..., :4].transpose(2, 0, 1).astype(np.float16), tint=filled[..., 4:].astype(np.float16),  # noqa: E501
        edge=edge.astype(np.float16), fade=fade.astype(np.float16), feature_mean=model[0].astype(np.float32),  # noqa: E501
        feature_sd=model[1].astype(np.float32), regression=model[2].astype(np.float32), turn=turn.astype(np.float32),  # noqa: E501
    )  # fmt: skip
    print(f"{n} ears; {out} {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
