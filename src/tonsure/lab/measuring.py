"""The papers' protocol: PSNR and SSIM of reconstructions, accuracy of each edit by a classifier.

STGAN's code: uint8 pictures, scikit-image's measures (SSIM over channels, 7-px window); an edit
counts as right if the classifier sees the flipped value of its attribute; both directions together,
the mean over pictures, then over attributes; d = 1.5 of the edited attribute, 1 of what it
excludes; StarGAN at its labels of 0 and 1. The classifier here is the judge of this laboratory
(real photos only), not the papers': say so beside the figures. Two decisions stand side by side:
its probability above 0.5, as the official code decides, and above 0.5 were yes and no equally
common.
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
Flags = npt.NDArray[np.bool_]

KINDS = ("real", "accuracy", "switched_on", "switched_off", "others_wrong", "others_kept")


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
    """All figures of a run, a checkpoint or an .onnx on the held-out pictures of a pack."""
    g, config, step = sample.opened(run, raw=raw)
    pack, c = packed.open(data, config), config.network
    if config.data.crop == "whole":
        raise BadOption("Accuracy needs pictures in CelebA's frame; the crop 'whole' is not.")
    if count is not None and count < 1:
        raise BadOption("--count is 1 or more.")
    strength = 1.0 if c.system == "stargan" else strength
    rows = pack.held_out()[:count]
    pictures, labels = np.asarray(pack.pictures[rows]), pack.labels[rows]
    made = sample.tiles(g, c, pictures, labels, strength)
    told: dict[str, Any] = {
        "preset": config.name, "step": step, "pictures": len(rows), "d": strength,
        **{k: round(v, 4) for k, v in reconstruction(pictures, made[:, 1]).items()},
    }  # fmt: skip
    sees = judges.open(judge) if judge else judges.open()
    columns = [sees.names.index(name) for name in c.attributes]
    # (2 + C, N, C): what the judge says of each kind of tile, and with yes and no equally common
    said = np.stack(
        [sees.probabilities(views(made[:, k], config.data.crop)) for k in range(2 + c.count)]
    )
    even = np.stack([sees.balanced(one) for one in said])
    for name, found in (("at_half", said), ("equal_odds", even)):
        told[name] = accuracies(c.attributes, found[:, :, columns] > 0.5, labels > 0.5)
    return told


def accuracies(names: tuple[str, ...], seen: Flags, truth: Flags) -> dict[str, dict[str, float]]:
    """Shares by attribute and their mean.

    Parameters
    ----------
    names : of the C attributes.
    seen : (2 + C, N, C), what a classifier sees in the originals, in the reconstructions, and in
        the edits of each attribute.
    truth : (N, C), the labels.

    Returns `real`: originals told right; `accuracy`: edits in which the flipped label is seen, both
    ways together; `switched_on`, `switched_off`: one way; `others_wrong`: of the other labels those
    that differ from the truth (the official code's second figure); `others_kept`: those seen as in
    the reconstruction.
    """
    out: dict[str, list[float]] = {key: [] for key in KINDS}
    for k in range(len(names)):
        found, has = seen[2 + k], truth[:, k]
        right = found[:, k] == ~has
        others = [j for j in range(len(names)) if j != k]
        out["real"].append(float((seen[0][:, k] == has).mean()))
        out["accuracy"].append(float(right.mean()))
        out["switched_on"].append(float(right[~has].mean()) if (~has).any() else np.nan)
        out["switched_off"].append(float(right[has].mean()) if has.any() else np.nan)
        wrong, kept = found != truth, found == seen[1]
        out["others_wrong"].append(float(wrong[:, others].mean()) if others else 0.0)
        out["others_kept"].append(float(kept[:, others].mean()) if others else 1.0)
    return {key: _by_name(names, values) for key, values in out.items()}


def _by_name(names: tuple[str, ...], values: Any) -> dict[str, float]:
    numbers = [round(float(v), 4) for v in values]
    out = {name: v for name, v in zip(names, numbers, strict=True) if not np.isnan(v)}
    return {"mean": round(float(np.nanmean(values)), 4)} | out
