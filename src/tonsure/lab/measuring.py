"""`tonsure lab measure`: the papers' protocol, and what it does not see.

STGAN's code: uint8 pictures, scikit-image's PSNR and SSIM (over channels, 7-px window) of
reconstructions; accuracy of edits (`accuracy`) at d = 1.5 of the edited attribute, 1 of what it
excludes; StarGAN at its labels of 0 and 1; on CelebA's test split, if the pack has one. The judge
is this laboratory's, or others by `--judge`: say so beside the figures. What an edit costs besides
is in `likeness`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage import metrics

from tonsure.errors import BadOption
from tonsure.lab import config as configs
from tonsure.lab import sample
from tonsure.lab.accuracy import Opinions, framed
from tonsure.lab.data import packed
from tonsure.lab.evaluate import judge as judges
from tonsure.lab.likeness import Likeness

Bytes = npt.NDArray[np.uint8]

BLOCK = 64
"""Pictures that are edited and looked at together: CelebA's whole test split would not fit into
memory."""


def reconstruction(pictures: Bytes, again: Bytes) -> npt.NDArray[np.float64]:
    """(N, 2): PSNR (dB) and SSIM of (N, H, W, 3) pairs."""
    psnr: Any = metrics.peak_signal_noise_ratio
    ssim: Any = metrics.structural_similarity
    pairs = zip(pictures, again, strict=True)
    return np.array([[psnr(a, b), ssim(a, b, channel_axis=2)] for a, b in pairs])


def figures(
    run: Path, data: Path, strength: float = 1.5, judged_by: Sequence[Path] = (),
    count: int | None = None, *, raw: bool = False, likeness: bool = True,
    split: str | None = None,
    tell: Callable[[int, int], None] = lambda done, whole: None,
) -> dict[str, Any]:  # fmt: skip
    """All figures of a run, a checkpoint or an .onnx on the examined pictures of a pack.

    `judged_by` are judges' files, besides the laboratory's own; `split` is in place of the run's
    own. `tell` hears how many pictures are done. `BadOption` for pictures that are not in CelebA's
    frame.
    """
    g, config, step = sample.opened(run, raw=raw)
    config = configs.with_split(config, split)
    pack, c = packed.open(data, config), config.network
    if config.data.crop == "whole":
        raise BadOption("Accuracy needs pictures in CelebA's frame; the crop 'whole' is not.")
    if count is not None and count < 1:
        raise BadOption("--count is 1 or more.")
    strength = 1.0 if c.system == "stargan" else strength
    part, rows = pack.examined()
    rows = rows[:count]
    opened = {"judge": judges.open()} | {path.stem: judges.open(path) for path in judged_by}
    opinions = {name: Opinions(judge, c.attributes) for name, judge in opened.items()}
    looks, quality = Likeness() if likeness else None, []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        made = sample.tiles(g, c, np.asarray(pack.pictures[block]), pack.labels[block], strength)
        quality.append(reconstruction(made[:, 0], made[:, 1]))
        frames = framed(made.reshape(-1, *made.shape[2:]), config.data.crop)
        frames = frames.reshape(*made.shape[:2], *frames.shape[1:])
        for opinion in opinions.values():
            opinion.add(frames)
        if looks is not None:
            looks.add(made, frames)
        tell(start + len(block), len(rows))
    psnr, ssim = np.concatenate(quality).mean(0)
    told: dict[str, Any] = {
        "preset": config.name, "step": step, "split": config.data.split, "part": part,
        "pictures": len(rows), "d": strength,
        "psnr": round(float(psnr), 4), "ssim": round(float(ssim), 4),
    }  # fmt: skip
    truth = pack.labels[rows] > 0.5
    told["judges"] = {name: opinion.told(truth) for name, opinion in opinions.items()}
    return told | ({} if looks is None else {"likeness": looks.told(c.attributes)})
