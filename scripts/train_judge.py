"""Train the judge, calibrate it, examine it and export it; resumes by running the same line again.

    python scripts/train_judge.py --data PACKED --identities identity_CelebA.txt \\
        [--half bald-half-size.tar] [--run runs/judge] [--steps 1800]

PACKED holds `celeba.npz` and `celeba_img.npy`, the other two are CelebA's own list of people and
a tar of more bald faces of its train partition. An hour on one core with AVX2.

Trained on the train partition without every tenth person, calibrated on those, examined on the
val partition, by which nothing is chosen. When the steps are done, `judge.onnx` and `judge.json`
are written into the package's `lab/assets`, and the figures into the card beside them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from tonsure.lab.evaluate import examine, judge
from tonsure.lab.evaluate.scores import equal_odds
from tonsure.lab.export import export
from tonsure.lab.tasks.judge import Judge, JudgeTask, calibrate, logits, swap_faces, views
from tonsure.lab.train import train

Vector = np.ndarray


def calibration(task: JudgeTask, model: torch.nn.Module) -> tuple[Vector, Vector, Vector]:
    """Slopes, shifts and the share of yes, each (40,), from the people held back."""
    known = task.labels[task.held].numpy() > 0
    slopes, shifts = calibrate(logits(model, task.pictures[task.held]), known)
    return slopes, shifts, (known.sum(0) + 0.5) / (len(known) + 1)


def examination(data: Path, opened: judge.Judge) -> tuple[dict, dict]:  # type: ignore[type-arg]
    """The figures of the val partition by the exported file: each label's, and Bald's by sex."""
    packed, names = np.load(data / "celeba.npz"), list(opened.names)
    rows = np.nonzero(packed["part"] == 1)[0]
    pictures, known = views(data, packed, rows), packed["attr"][rows] > 0
    seen = opened.probabilities(pictures)
    table = examine.figures(names, seen, known, opened.priors)
    bald, male = known[:, names.index("Bald")], known[:, names.index("Male")]
    heads, women = pictures[bald], pictures[~male]
    faces = women[np.random.default_rng(0).permutation(len(women))[: len(heads)]]
    both = [torch.from_numpy(x).permute(0, 3, 1, 2).float() for x in (heads, faces)]
    swapped = swap_faces(*both).byte().permute(0, 2, 3, 1).numpy()
    prior = opened.priors[names.index("Bald")]

    def even(probabilities: Vector) -> Vector:
        return equal_odds(probabilities[:, names.index("Bald")], prior)

    by_sex = examine.baldness(even(seen), bald, male, even(opened.probabilities(swapped)))
    return table, by_sex


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--identities", type=Path, required=True)
    parser.add_argument("--half", type=Path)
    parser.add_argument("--run", type=Path, default=Path("runs/judge"))
    parser.add_argument("--out", type=Path, default=judge.FILE)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    task = JudgeTask.from_folder(arguments.data, arguments.identities, arguments.half)
    model = train(task, arguments.run, arguments.steps, peak=2e-3, decay=0.05, evaluate_every=400)
    slopes, shifts, priors = calibration(task, model)
    example = {"picture": torch.rand(2, 3, *judge.SIZE) * 2 - 1}
    free = {"picture": {0: "N"}, "probability": {0: "N"}}
    calibrated = Judge(model, slopes, shifts)
    gap = export(calibrated, example, ["probability"], arguments.out, free)
    judge.describe(arguments.out, task.names, priors)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, {gap:.1e} from torch")
    table, by_sex = examination(arguments.data, judge.open(arguments.out))
    card = arguments.out.with_suffix(".md")
    if card.exists():
        text = examine.markdown(table, by_sex)
        card.write_text(examine.fill(card.read_text(encoding="utf-8"), text), encoding="utf-8")
    figures = examine.told({"labels": table, "bald": by_sex})
    (arguments.run / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures["bald"]), json.dumps(figures["labels"]["mean"]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
