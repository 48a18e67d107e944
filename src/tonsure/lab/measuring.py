"""The papers' protocol: PSNR and SSIM of reconstructions, accuracy of each edit by a classifier.

STGAN's code: uint8 pictures, scikit-image's measures (SSIM over channels, 7-px window); an edit
counts as right if the classifier sees the flipped value of its attribute; both directions together,
the mean over pictures, then over attributes; d = 1.5. The classifier here is the judge of this
laboratory (real photos only), not the papers': say so beside the figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import metrics

from tonsure.crops import CROPS, FRAME
from tonsure.errors import BadOption
from tonsure.lab import sample
from tonsure.lab.data import packed
from tonsure.lab.evaluate import judge as judges

Bytes = npt.NDArray[np.uint8]


def reconstruction(pictures: Bytes, again: Bytes) -> dict[str, float]:
    """Means of PSNR (dB) and SSIM over (N, H, W, 3) pairs."""
    psnr: Any = metrics.peak_signal_noise_ratio
    ssim: Any = metrics.structural_similarity
    pairs = list(zip(pictures, again, strict=True))
    return {
        "psnr": float(np.mean([psnr(a, b) for a, b in pairs])),
        "ssim": float(np.mean([ssim(a, b, channel_axis=2) for a, b in pairs])),
    }


def views(pictures: Bytes, crop: str) -> Bytes:
    """What the judge looks at, (N, 144, 112, 3): the crop put back where it lies in the frame, its
    border repeated around it."""
    x0, y0, x1, y1 = CROPS[crop]
    bx0, by0, bx1, by1 = judges.BOX
    out = np.empty((len(pictures), *judges.SIZE, 3), np.uint8)
    for k, picture in enumerate(pictures):
        framed = np.asarray(
            Image.fromarray(picture).resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC)
        )
        pads = ((y0, FRAME[1] - y1), (x0, FRAME[0] - x1), (0, 0))
        whole = Image.fromarray(np.pad(framed, pads, mode="edge"))
        size = (judges.SIZE[1], judges.SIZE[0])
        out[k] = np.asarray(whole.resize(size, Image.Resampling.BILINEAR, box=(bx0, by0, bx1, by1)))
    return out


def figures(
    run: Path, data: Path, strength: float, judge: Path | None, count: int | None, *, raw: bool
) -> dict[str, Any]:
    """All figures of a run on the held-out pictures of a pack."""
    g, config, step = sample.opened(run, raw=raw)
    pack, c = packed.open(data, config), config.network
    if config.data.crop == "whole":
        raise BadOption("Accuracy needs pictures in CelebA's frame; the crop 'whole' is not.")
    rows = pack.held_out()[: count or None]
    pictures, labels = np.asarray(pack.pictures[rows]), pack.labels[rows]
    made = sample.tiles(g, c, pictures, labels, strength)
    told: dict[str, Any] = {
        "preset": config.name, "step": step, "pictures": len(rows), "d": strength,
        **{k: round(v, 4) for k, v in reconstruction(pictures, made[:, 1]).items()},
    }  # fmt: skip
    sees = judges.open(judge) if judge else judges.open()
    columns = [sees.names.index(name) for name in c.attributes]

    def seen(tiles: Bytes) -> npt.NDArray[np.bool_]:
        found = sees.balanced(sees.probabilities(views(tiles, config.data.crop)))
        return np.asarray(found[:, columns] > 0.5)

    wanted = labels > 0.5
    told["real"] = _by_name(c.attributes, (seen(pictures) == wanted).mean(0))
    same = seen(made[:, 1])
    accuracy, on, off, kept = [], [], [], []
    for k in range(c.count):
        found = seen(made[:, 2 + k])
        right = found[:, k] == ~wanted[:, k]
        accuracy.append(right.mean())
        on.append(right[~wanted[:, k]].mean() if (~wanted[:, k]).any() else np.nan)
        off.append(right[wanted[:, k]].mean() if wanted[:, k].any() else np.nan)
        others = [j for j in range(c.count) if j != k]
        kept.append((found[:, others] == same[:, others]).mean() if others else 1.0)
    told["accuracy"] = _by_name(c.attributes, accuracy)
    told["switched_on"] = _by_name(c.attributes, on)
    told["switched_off"] = _by_name(c.attributes, off)
    told["others_kept"] = _by_name(c.attributes, kept)
    return told


def _by_name(names: tuple[str, ...], values: Any) -> dict[str, float]:
    numbers = [round(float(v), 4) for v in values]
    out = {name: v for name, v in zip(names, numbers, strict=True) if not np.isnan(v)}
    return {"mean": round(float(np.nanmean(values)), 4)} | out
