"""A judge at work: CelebA's 40 labels as probabilities, by ONNX Runtime.

The judge that comes with the laboratory was trained on real photos only (`tonsure.lab.tasks.judge`)
and is calibrated to the shares of labels in that set; see `assets/judge.md`. Another one is STGAN's
classifier (`tonsure.lab.tasks.classifier`), which looks at a crop of CelebA's frame.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tonsure.errors import ModelMissing
from tonsure.hair.hat import BOX, SCALE, SIZE, view
from tonsure.lab.evaluate.scores import equal_odds
from tonsure.models.registry import beside, not_installed

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Bytes = npt.NDArray[np.uint8]

__all__ = ["BOX", "FILE", "SCALE", "SIZE", "Judge", "describe", "open", "view"]

FILE = beside(Path(__file__).resolve().parent.parent / "assets" / "judge.onnx")


@dataclass(frozen=True)
class Judge:
    """`names` of the 40 labels, `priors` (40,) the share of yes where it was calibrated.

    It looks at (H, W) = `size` pixels: of the crop of that name (`tonsure.crops`) or, where that is
    "", of `BOX`.
    """

    names: tuple[str, ...]
    priors: npt.NDArray[np.float64]
    session: InferenceSession | Any
    crop: str = ""
    size: tuple[int, int] = SIZE

    def probabilities(self, views: Bytes) -> npt.NDArray[np.float32]:
        """(N, 40) of (N, H, W, 3) uint8: calibrated, 0..1."""
        out = [np.zeros((0, len(self.names)), np.float32)]
        for k in range(0, len(views), 32):
            part = views[k : k + 32].astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
            out.append(self.session.run(None, {"picture": np.ascontiguousarray(part)})[0])
        return np.concatenate(out)

    def balanced(self, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The same, were yes and no equally common for every label: what a judge says who does not
        know how rare bald people are among the photos he was trained on."""
        return equal_odds(probabilities, self.priors)


@lru_cache(maxsize=4)
def open(file: Path = FILE, threads: int | None = None) -> Judge:
    """The judge in `file`, described by the `.json` beside it. Raises `ModelMissing`, and
    `ModelDamaged` for other bytes than the description knows."""
    from tonsure.models import session

    if file == FILE and not file.exists():
        raise not_installed("judge")
    try:
        told = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelMissing(
            f"The judge {file} is missing; tonsure lab train judge makes it."
        ) from error
    opened = session.open_path(file, sha256=told["sha256"], threads=threads)
    priors, size = np.array(told["priors"], np.float64), tuple(told.get("size", SIZE))
    return Judge(tuple(told["names"]), priors, opened, told.get("crop", ""), (size[0], size[1]))


def describe(
    file: Path, names: Sequence[str], priors: npt.NDArray[np.float64], crop: str = "",
    size: tuple[int, int] = SIZE,
) -> None:  # fmt: skip
    """Write the description that `open` needs beside `file`."""
    told = {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "names": list(names),
        "priors": [round(float(value), 5) for value in priors],
    } | ({"crop": crop, "size": list(size)} if crop else {})
    file.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
