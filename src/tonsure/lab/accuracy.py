"""What judges say of edits: accuracies of each attribute, the papers' decision and a fairer one.

An edit counts as right if a judge sees the flipped value of its attribute; both directions
together, the mean over pictures, then over attributes (STGAN's code). Two decisions stand side by
side: a probability above 0.5, as that code decides, and above 0.5 were yes and no equally common.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tonsure.crops import CROPS, FRAME, cut
from tonsure.lab.evaluate import judge as judges

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

KINDS = ("real", "accuracy", "switched_on", "switched_off", "others_wrong", "others_kept")


def framed(pictures: Bytes, crop: str) -> Bytes:
    """(N, 218, 178, 3): pictures of a crop put back where it lies in CelebA's frame, their border
    repeated around them."""
    x0, y0, x1, y1 = CROPS[crop]
    pads = ((y0, FRAME[1] - y1), (x0, FRAME[0] - x1), (0, 0))
    out = np.empty((len(pictures), FRAME[1], FRAME[0], 3), np.uint8)
    for k, picture in enumerate(pictures):
        large = Image.fromarray(picture).resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC)
        out[k] = np.pad(np.asarray(large), pads, mode="edge")
    return out


def views(frames: Bytes, judge: judges.Judge) -> Bytes:
    """What a judge looks at, (N, h, w, 3), of frames (N, 218, 178, 3)."""
    h, w = judge.size
    out = np.empty((len(frames), h, w, 3), np.uint8)
    for k, frame in enumerate(frames):
        if judge.crop:
            seen = Image.fromarray(np.ascontiguousarray(cut(frame, judge.crop)))
            out[k] = np.asarray(seen.resize((w, h), Image.Resampling.BILINEAR))
        else:
            seen = Image.fromarray(frame)
            out[k] = np.asarray(seen.resize((w, h), Image.Resampling.BILINEAR, box=judges.BOX))
    return out


class Opinions:
    """What one judge says of all tiles, block after block."""

    def __init__(self, judge: judges.Judge, names: tuple[str, ...]) -> None:
        self.judge, self.names = judge, names
        self.columns = [judge.names.index(name) for name in names]
        self.said: list[Floats] = []

    def add(self, frames: Bytes) -> None:
        """`frames` (n, 2 + C, 218, 178, 3) of originals, reconstructions and edits."""
        n, tiles = frames.shape[:2]
        flat = views(frames.reshape(n * tiles, *frames.shape[2:]), self.judge)
        self.said.append(self.judge.probabilities(flat).reshape(n, tiles, -1))

    def told(self, truth: Flags) -> dict[str, Any]:
        """By both decisions; `truth` (N, C) are the labels."""
        said = np.concatenate(self.said).swapaxes(0, 1)
        even = self.judge.balanced(said)
        return {
            key: accuracies(self.names, found[:, :, self.columns] > 0.5, truth)
            for key, found in (("at_half", said), ("equal_odds", even))
        }


def accuracies(names: tuple[str, ...], seen: Flags, truth: Flags) -> dict[str, dict[str, float]]:
    """Shares by attribute and their mean.

    Parameters
    ----------
    names : of the C attributes.
    seen : (2 + C, N, C), what a judge sees in the originals, in the reconstructions, and in the
        edits of each attribute.
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
    return {key: by_name(names, values) for key, values in out.items()}


def by_name(names: tuple[str, ...], values: Any) -> dict[str, float]:
    """Mean first, then each attribute that has a value, rounded."""
    numbers = [round(float(v), 4) for v in values]
    out = {name: v for name, v in zip(names, numbers, strict=True) if not np.isnan(v)}
    return {"mean": round(float(np.nanmean(values)), 4)} | out
