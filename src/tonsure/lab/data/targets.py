"""What the net `beneath` trains on: windows of `data.wide`'s grid, every pixel labelled.

The parser labels, and where a set of classes is known (`data.wide`) it has to choose within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tonsure.faces import Frame
from tonsure.faces.face import Face
from tonsure.hair.classes import BACKGROUND, CLASSES, CLOTHES, EAR, HAIR, HAT, NECK, SKIN
from tonsure.head import outline
from tonsure.lab.data import mended, wide
from tonsure.lab.data.small import KINDS
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE, OVAL

Bytes = npt.NDArray[np.uint8]
Net = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Channels (N, 5, H, W) -> soft classes (N, 9, H, W)."""

_OF = np.full(len(CLASSES) + 1, 3, np.uint8)
_OF[[BACKGROUND, SKIN, EAR, NECK, CLOTHES, HAIR]] = 0, 1, 1, 1, 2, 255
_CELEBA = (2600, 700)  # women and men: necks that are seen are mostly men's elsewhere
_SURE = 0.6
_LOOK = (384, 256)  # height and width of the parser's look: some 30 px an eye distance


def classes(net: Net, rgb: Bytes, sets: wide.Sets | None) -> npt.NDArray[np.float32]:
    """Soft classes (H, W, 9) of a window (H, W, 3), within the known sets."""
    height, width = _LOOK
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * wide.HEIGHT / wide.DENSITY + wide.TOP
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * wide.WIDTH / wide.DENSITY + wide.LEFT
    where = np.stack(np.broadcast_arrays(x[None], y[:, None])).clip(-4, 4) / 2
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    one = np.concatenate([small.transpose(2, 0, 1) / np.float32(127.5) - 1, where])
    told = net(np.ascontiguousarray(one[None], dtype=np.float32))[0].transpose(1, 2, 0)
    soft = cv2.resize(np.ascontiguousarray(told), (wide.WIDTH, wide.HEIGHT))
    if sets is not None:
        member = (sets[..., None] >> np.arange(len(CLASSES))) & 1
        within = soft * member
        total = within.sum(-1, keepdims=True)
        soft = np.where(total > 0.02, within / np.maximum(total, 1e-6), soft)
    return soft.astype(np.float32)


def planes(
    rgb: Bytes, inside: Bytes, soft: npt.NDArray[np.float32], hair: Bytes | None, mesh: Any
) -> dict[str, Any]:
    """One target: `labels` (H, W) 0 background, 1 skin, 2 clothes, 3 what else is worn, 255 nobody
    knows; `own` hair, `head` (H, W) 0..255; how well it serves as target and as donor, 0..1."""
    labels = _OF[soft.argmax(-1)]
    labels[(soft.max(-1) < _SURE) | (inside < 250)] = 255
    own = np.round(255 * soft[..., HAIR]).astype(np.uint8)
    if hair is not None:
        own = np.maximum(own, np.where(soft[..., HAIR] > 0.02, hair, 0).astype(np.uint8))
        own = np.maximum(own, np.where(hair > 200, hair, 0).astype(np.uint8))
    none = np.full(len(outline.ANGLES), np.nan)
    rim = outline.contour(mesh, outline.radii(mesh, none, none, none, none))
    head = np.maximum(
        wide.polygon(wide.to_window(rim)), wide.polygon(wide.to_window(mesh[list(OVAL)]))
    )
    y = (np.arange(wide.HEIGHT)[:, None] + 0.5) / wide.DENSITY + wide.TOP
    x = (np.arange(wide.WIDTH)[None] + 0.5) / wide.DENSITY + wide.LEFT
    region = (np.abs(x) < 2.0) & (y > 1.1) & (y < 4.4)
    shown = region & (labels < 3) & (own < 50)
    share = float(shown.sum() / region.sum())
    body = float((shown & (labels > 0)).sum() / region.sum())
    low = float(((own > 127) & (y > 1.4)).sum() / wide.DENSITY**2)
    target = float(np.clip((share - 0.25) / 0.6, 0, 1)) * (body > 0.12)
    donor = float(np.clip(low / 2.0, 0, 1)) if low > 0.4 else 0.0
    return {
        "rgb": rgb, "inside": inside, "labels": labels, "own": own, "head": head,
        "as_target": np.float32(target), "as_donor": np.float32(donor),
    }  # fmt: skip


def wide_targets(net: Net, folder: Path, kind: str, part: str) -> Iterator[dict[str, Any]]:
    """Of one packed set of `wide/`, its labels mended where there is an opinion of them."""
    with np.load(folder / f"wide-{kind}-{part}.npz") as d:
        packed = {k: d[k] for k in d.files}
    told = folder / f"opinion-{kind}-{part}.npy"
    opinions = np.load(told, mmap_mode="r") if told.exists() else None
    for k in range(len(packed["rgb"])):
        one = {key: values[k] for key, values in packed.items()}
        sets, hair = one["sets"], one["hair"]
        if opinions is not None and part == "train":
            sets, hair = mended.window(kind, one, opinions[k])
        soft = classes(net, one["rgb"], sets)
        yield planes(one["rgb"], one["inside"], soft, hair, one["mesh"].astype(np.float64))


def close_targets(
    net: Net, pictures: Any, landmarks: Any, labels: Any | None
) -> Iterator[dict[str, Any]]:
    """Of close faces: pictures (N, h, w, 3), landmarks (N, 468, 3) in their pixels, and where there
    are, class numbers (N, h, w)."""
    box = (
        EYES_MIDDLE[0] + wide.LEFT * EYE_DISTANCE, EYES_MIDDLE[1] + wide.TOP * EYE_DISTANCE,
        EYES_MIDDLE[0] + (wide.LEFT + wide.WIDTH / wide.DENSITY) * EYE_DISTANCE,
        EYES_MIDDLE[1] + (wide.TOP + wide.HEIGHT / wide.DENSITY) * EYE_DISTANCE,
    )  # fmt: skip
    for k in range(len(pictures)):
        picture = np.asarray(pictures[k])
        face = Face((0.0, 0.0, 1.0, 1.0), landmarks[k], 1.0, 1.0, 0.0)
        frame = Frame.of(face)
        rgb = frame.cut(picture, wide.DENSITY / EYE_DISTANCE, box)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size, turn = (wide.WIDTH, wide.HEIGHT), wide.affine(frame)
        ground = np.full(picture.shape[:2], 255, np.uint8)
        inside = np.asarray(cv2.warpAffine(ground, turn, size, flags=flags), np.uint8)
        sets = None
        if labels is not None:
            one = (1 << labels[k].astype(np.uint16)).astype(np.uint16)
            nearest = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
            warped = cv2.warpAffine(one, turn, size, flags=nearest, borderValue=float(wide.ANY))
            sets = np.asarray(warped, np.uint16)
            sets[inside < 250] = wide.ANY
        soft = classes(net, rgb, sets)
        at = frame.to_frame(np.asarray(face.landmarks[:, :2], np.float64))
        mesh = np.column_stack([at, face.landmarks[:, 2] * abs(frame.z)])
        yield planes(rgb, inside, soft, None, mesh)


def _net() -> Net:
    """The shipped parser, on one thread."""
    from tonsure.models import session

    net = session.open("sight", 1)
    return lambda channels: np.asarray(net.run(None, {"picture": channels})[0])


def _packed(job: tuple[str, str, Path]) -> int:
    """Label one set of packed data."""
    kind, part, folder = job
    cv2.setNumThreads(1)
    net = _net()
    if kind == "mask":
        with np.load(folder / f"cm_{part}.npz") as d:
            hatless = (d["lab"] == HAT).mean((1, 2)) < 0.01
            rows = (d["flag"] > 0.5) & hatless
            found = close_targets(net, d["img"][rows], d["lm"][rows], d["lab"][rows])
            return write(found, folder / f"targets-{kind}-{part}.npz")
    if kind == "celeba":
        with np.load(folder / "celeba.npz") as d:
            names, points = list(d["attr_names"]), d["lm"]
            hat, male = (d["attr"][:, names.index(k)] == 1 for k in ("Wearing_Hat", "Male"))
            usable = (d["part"] == 0) & (d["flag"] > 0.5) & ~hat
        rng = np.random.default_rng(0)
        women, men = (rng.permutation(np.nonzero(usable & w)[0]) for w in (~male, male))
        chosen = np.sort(np.concatenate([women[: _CELEBA[0]], men[: _CELEBA[1]]]))
        pictures = np.load(folder / "celeba_img.npy", mmap_mode="r")
        found = close_targets(net, [pictures[k] for k in chosen], points[chosen], None)
        return write(found, folder / f"targets-{kind}-{part}.npz")
    return write(wide_targets(net, folder, kind, part), folder / f"targets-{kind}-{part}.npz")


def pack(folder: Path, workers: int = 2, tell: Callable[[str], None] = print) -> None:
    """`targets-<kind>-<part>.npz` of all packed data of `folder`; what is there already stays."""
    jobs = [(kind, "train", folder) for kind in KINDS] + [
        (kind, "test", folder) for kind in ("ccp", "eg1800")
    ]
    jobs = [j for j in jobs if not (folder / f"targets-{j[0]}-{j[1]}.npz").exists()]
    with ProcessPoolExecutor(workers) as pool:
        for (kind, part, _), count in zip(jobs, pool.map(_packed, jobs), strict=True):
            tell(f"{kind}, {part}: {count} people")


def write(found: Iterator[dict[str, Any]], path: Path, least: float = 0.05) -> int:
    """Write those that serve at all; how many they are."""
    kept = [p for p in found if max(p["as_target"], p["as_donor"]) > least]
    if kept:
        arrays: dict[str, Any] = {k: np.stack([p[k] for p in kept]) for k in kept[0]}
        np.savez(path, **arrays)
    return len(kept)
