"""Ears that are seen whole in CelebAMask-HQ, cut out and mirrored, for `fit_ears.py`."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from tonsure.head import ears
from tonsure.head.outline import CENTRE, EYE_DISTANCE
from tonsure.lab.frames import similarity

WIDTH, HEIGHT = ears.PICTURE
UNIT = 100.0  # px per eye distance of the cuts
BOX = (130, 170)
LUMA = np.array([0.2126, 0.7152, 0.0722])
SKIN, EYEGLASS, EARRING, HAIR, NECK = 1, 3, 15, 13, 17


@dataclass
class Cut:
    """One ear, mirrored so that the face is to its left, on ``BOX`` pixels around ``centre``
    (frame, in u)."""

    picture: int
    features: np.ndarray
    turn: float
    light: float
    centre: np.ndarray
    log: np.ndarray  # (h, w, 3) log linear light relative to the cheek
    ear: np.ndarray
    flesh: np.ndarray
    affine: np.ndarray  # (2, 3): the ear's own units -> frame, eye distances
    field: np.ndarray  # (HEIGHT, WIDTH, 2) deformation, px of the ear's picture
    male: float = np.nan


def read(tar: tarfile.TarFile, name: str) -> Image.Image:
    file = tar.extractfile(name)
    assert file is not None
    return Image.open(io.BytesIO(file.read()))


def cheek(frame_log: np.ndarray, skin: np.ndarray, xy: np.ndarray, at: np.ndarray, radius: float):
    near = skin & (np.hypot(xy[..., 0] - at[0], xy[..., 1] - at[1]) < radius)
    return np.median(frame_log[near], 0) if near.sum() > 60 else None


def cuts(packed: Path, masks: Path) -> list[Cut]:
    """All ears that are seen whole."""
    out: list[Cut] = []
    with np.load(packed) as d:
        ids, lm, flag = d["ids"], d["lm"], d["flag"]
    tar = tarfile.open(masks)  # noqa: SIM115
    names = {Path(n).name: n for n in tar.getnames()}
    for k, key in enumerate(ids):
        if flag[k] < 0.5:
            continue
        classes = np.asarray(read(tar, names[f"{key}.png"]))
        ear_any = (classes == 8) | (classes == 9)
        if ear_any.sum() < 400:
            continue
        z, t = similarity(lm[k] * 2)
        flat = z * (lm[k][:, 0] + 1j * lm[k][:, 1]) * 2 + t
        mesh = np.stack([flat.real, flat.imag, lm[k][:, 2] * 2 * abs(z)], 1)
        parts, count = ndimage.label(ear_any)
        pixels = None
        for part in range(1, count + 1):
            ear = parts == part
            rows, columns = np.nonzero(ear)
            at = z * (columns + 0.5 + 1j * (rows + 0.5)) + t
            u = np.stack([at.real - CENTRE[0], at.imag - CENTRE[1]], 1) / EYE_DISTANCE
            area = len(rows) * abs(z) ** 2 / EYE_DISTANCE**2
            ring = ndimage.binary_dilation(ear, iterations=4) & ~ear
            around = classes[ring]
            if area < 0.1 or not 0.7 < np.ptp(u[:, 1]) < 1.4:
                continue
            if (around == EARRING).mean() > 0.02 or (around == EYEGLASS).mean() > 0.06:
                continue
            if (around == HAIR).mean() > 0.6:
                continue
            filled = ndimage.binary_fill_holes(ear)
            if filled.sum() > 1.03 * ear.sum():
                continue
            if pixels is None:
                rgb = np.asarray(read(tar, names[f"{key}.webp"]).convert("RGB"), np.float32)
                pixels = 2.2 * np.log((rgb + 4) / 259)
                grid = np.arange(512) + 0.5
                places = z * (grid[None] + 1j * grid[:, None]) + t
                xy = np.stack([places.real, places.imag], -1)
            side = -1 if u[:, 0].mean() < 0 else 1
            edges = rows.min() < 3 or rows.max() > 508 or columns.min() < 3 or columns.max() > 508
            if edges:
                continue
            # the cheek: the skin within a third of an eye distance of the ear's inner side
            inner = side * (xy[..., 0] - CENTRE[0]) / EYE_DISTANCE
            low = np.percentile(side * u[:, 0], 3)
            rest = (classes == SKIN) & (inner < low - 0.03) & (inner > low - 0.42)
            y = (xy[..., 1] - CENTRE[1]) / EYE_DISTANCE
            tall = np.percentile(u[:, 1], [5, 80])
            rest &= (y > tall[0] - 0.1) & (y < tall[1])
            if rest.sum() < 120:
                continue
            tone = np.median(pixels[rest], 0)
            skin = classes == SKIN
            own = cheek(
                pixels,
                skin,
                xy,
                mesh[[116, 123, 117] if side < 0 else [345, 352, 346], :2].mean(0),
                8,
            )
            other = cheek(
                pixels,
                skin,
                xy,
                mesh[[345, 352, 346] if side < 0 else [116, 123, 117], :2].mean(0),
                8,
            )
            if own is None or other is None:
                continue
            light = float((own - other) @ LUMA)
            if tone.max() < -3.5:
                continue
            if abs(np.median(pixels[ear] @ LUMA) - tone @ LUMA) > 1.1:
                continue
            centre = np.array(
                [side * (u[:, 0].min() + u[:, 0].max()) / 2, (u[:, 1].min() + u[:, 1].max()) / 2]
            )
            # cut: picture px of every cut pixel
            gx = (np.arange(BOX[0]) + 0.5 - BOX[0] / 2) / UNIT + centre[0]
            gy = (np.arange(BOX[1]) + 0.5 - BOX[1] / 2) / UNIT + centre[1]
            place = (CENTRE[0] + side * gx[None] * EYE_DISTANCE) + 1j * (
                CENTRE[1] + gy[:, None] * EYE_DISTANCE
            )
            back = (place - t) / z
            where = [back.imag - 0.5, back.real - 0.5]
            log = np.stack(
                [
                    ndimage.map_coordinates(
                        pixels[..., c] - tone[c], where, order=1, mode="nearest"
                    )
                    for c in range(3)
                ],
                -1,
            )
            mask = ndimage.map_coordinates(ear.astype(np.float32), where, order=1)
            flesh = ear | (
                skin
                & ~ndimage.binary_dilation(
                    (classes == HAIR) | (classes == EYEGLASS) | (classes == EARRING), iterations=2
                )
            )
            body = ndimage.map_coordinates(flesh.astype(np.float32), where, order=1)
            # first guess: the mask's own axes
            v = np.stack([side * u[:, 0], u[:, 1]], 1)
            m = v.mean(0)
            cov = np.cov((v - m).T)
            tilt = float(np.clip(0.5 * np.arctan2(2 * cov[0, 1], cov[1, 1] - cov[0, 0]), -0.5, 0.5))
            turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
            w = (v - m) @ turn
            lo, hi = np.percentile(w, 0.5, axis=0), np.percentile(w, 99.5, axis=0)
            affine = np.column_stack([turn * (hi - lo), m + turn @ ((lo + hi) / 2)])
            features = ears.features(mesh, side)
            out.append(Cut(k, features, ears.turn(mesh, side), light, centre, log, mask, body, affine,  # noqa: E501
                           np.zeros((HEIGHT, WIDTH, 2))))  # fmt: skip
    return out


def own_grid() -> np.ndarray:
    """(HEIGHT, WIDTH, 2) the ear's own units of every pixel of its picture."""
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / ears.ACROSS
    y = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / ears.DOWN
    return np.stack(np.broadcast_arrays(x[None], y[:, None]), -1)


GRID = own_grid()
PX = np.array([ears.ACROSS, ears.DOWN])


def warp(cut: Cut, plane: np.ndarray, order: int = 1) -> np.ndarray:
    own = GRID + cut.field / PX
    frame = own @ cut.affine[:, :2].T + cut.affine[:, 2]
    place = (frame - cut.centre) * UNIT + np.array(BOX) / 2 - 0.5
    where = [place[..., 1], place[..., 0]]
    if plane.ndim == 2:
        return ndimage.map_coordinates(plane, where, order=order, mode="nearest")
    return np.stack([ndimage.map_coordinates(plane[..., c], where, order=order, mode="nearest")
                     for c in range(plane.shape[-1])], -1)  # fmt: skip


def channels(cut: Cut) -> np.ndarray:
    """(HEIGHT, WIDTH, 2) what is matched: the blurred mask and the ear's relief, of even
    contrast."""
    mask = warp(cut, cut.ear)
    log = warp(cut, cut.log) @ LUMA
    weight = np.clip(mask, 0.02, 1)
    mean = ndimage.gaussian_filter(log * weight, 9) / ndimage.gaussian_filter(weight, 9)
    high = log - mean
    sd = np.sqrt((high**2 * mask).sum() / max(mask.sum(), 1)) + 0.03
    relief = ndimage.gaussian_filter(np.clip(high / sd, -2.2, 2.2) * mask, 0.8)
    return np.stack([1.6 * ndimage.gaussian_filter(mask, 1.5), 0.5 * relief], -1)
