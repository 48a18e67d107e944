"""From a trained classifier to the judge: calibrated by the people held back, examined on val.

Nothing is chosen by the val partition, no person of which is in train.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tonsure.lab.evaluate import examine, judge
from tonsure.lab.evaluate.scores import equal_odds
from tonsure.lab.export import Port

if TYPE_CHECKING:
    from tonsure.lab.tasks.judge import JudgeTask

Vector = npt.NDArray[np.float64]


def calibrate(
    seen: npt.NDArray[np.float32], known: npt.NDArray[np.bool_], prior: float = 4.0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Platt's slope and shift per label, each (K,): P = sigmoid(slope * logit + shift).

    `seen` (N, K) logits, `known` (N, K). Newton on the likelihood and a normal prior of precision
    `prior` around slope 1, which keeps a label with few positives in place.
    """
    slopes, shifts = np.ones(seen.shape[1]), np.zeros(seen.shape[1])
    for k in range(seen.shape[1]):
        x, y = seen[:, k].astype(np.float64), known[:, k].astype(np.float64)
        design = np.stack([x, np.ones_like(x)], 1)
        start, firm = np.array([1.0, 0.0]), np.array([prior, 1e-2])
        w = start.copy()
        for _ in range(60):
            p = 1 / (1 + np.exp(-np.clip(design @ w, -30, 30)))
            gradient = design.T @ (p - y) + firm * (w - start)
            curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(firm)
            step = np.linalg.solve(curvature, gradient)
            w = w - step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-9:
                break
        slopes[k], shifts[k] = w
    return slopes, shifts


class Judge(nn.Module):
    """A trained classifier with its calibration inside: picture and mirror -> probabilities."""

    def __init__(
        self,
        classifier: nn.Module,
        slopes: npt.NDArray[np.float64],
        shifts: npt.NDArray[np.float64],
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.slopes = nn.Parameter(torch.from_numpy(slopes).float(), requires_grad=False)
        self.shifts = nn.Parameter(torch.from_numpy(shifts).float(), requires_grad=False)

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, 144, 112) in -1..1 -> (N, 40) in 0..1."""
        both = (self.classifier(picture) + self.classifier(picture.flip(3))) / 2
        return torch.sigmoid(both * self.slopes + self.shifts)


def release(task: JudgeTask, network: nn.Module, data: Path, out: Path) -> dict[str, Any]:
    """Write `out` (.onnx), its description (.json) and figures (.figures.json) beside it; if a card
    (.md) stands there, its figures, too. Gives the file, its bytes, the gap from torch, figures."""
    from tonsure.lab.tasks.judge import logits

    network = network.eval()
    known = task.labels[task.held].numpy() > 0
    slopes, shifts = calibrate(logits(network, task.pictures[task.held]), known)
    example = {"picture": torch.rand(2, 3, *judge.SIZE) * 2 - 1}
    free = {"picture": {0: "N"}, "probability": {0: "N"}}
    gap = Port(Judge(network, slopes, shifts), example, ["probability"], free).write(out)
    judge.describe(out, task.names, (known.sum(0) + 0.5) / (len(known) + 1))
    table, by_sex = _examination(data, judge.open(out))
    card = out.with_suffix(".md")
    if card.exists():
        text = examine.markdown(table, by_sex)
        card.write_text(examine.fill(card.read_text(encoding="utf-8"), text), encoding="utf-8")
    figures = examine.told({"labels": table, "bald": by_sex})
    out.with_suffix(".figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return {
        "file": str(out), "bytes": out.stat().st_size, "gap": gap, "bald": figures["bald"],
        "labels": figures["labels"]["mean"],
    }  # fmt: skip


def _examination(data: Path, opened: judge.Judge) -> tuple[dict[str, Any], dict[str, Any]]:
    """The figures of the val partition by the exported file: each label's, and Bald's by sex."""
    from tonsure.lab.tasks.judge import swap_faces, views

    packed, names = np.load(data / "celeba.npz"), list(opened.names)
    rows = np.nonzero(packed["part"] == 1)[0]
    pictures, known = views(data, packed, rows), packed["attr"][rows] > 0
    table = examine.figures(names, opened.probabilities(pictures), known, opened.priors)
    bald, male = known[:, names.index("Bald")], known[:, names.index("Male")]
    heads, women = pictures[bald], pictures[~male]
    faces = women[np.random.default_rng(0).permutation(len(women))[: len(heads)]]
    both = [torch.from_numpy(x).permute(0, 3, 1, 2).float() for x in (heads, faces)]
    swapped = swap_faces(both[0], both[1]).byte().permute(0, 2, 3, 1).numpy()
    prior = opened.priors[names.index("Bald")]

    def even(pixels: npt.NDArray[np.uint8]) -> Vector:
        return equal_odds(opened.probabilities(pixels)[:, names.index("Bald")], prior)

    return table, examine.baldness(even(pictures), bald, male, even(swapped))
