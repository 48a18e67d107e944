"""Train the net that tells hats from hair, and export it; the same line again goes on.

    python scripts/train_hat.py --data PACKED --identities identity_CelebA.txt [--steps 900]

PACKED is what `tonsure.lab.data.pack.masks` wrote. Ten minutes on one core. The last line is the
examination by the people held back.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from tonsure.lab.export import export
from tonsure.lab.tasks.hat import Hat, HatTask
from tonsure.lab.train import train
from tonsure.models.registry import info


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--identities", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("runs/hat"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    task = HatTask(arguments.data, arguments.identities)
    model = train(task, arguments.run, arguments.steps, peak=3e-3, decay=0.05, evaluate_every=300)
    out = arguments.out or info("hat").path
    example = {"picture": torch.rand(2, 3, 144, 112) * 2 - 1}
    gap = export(Hat(model), example, ["hat"], out, {"picture": {0: "N"}, "hat": {0: "N"}})
    print(f"{out}: {out.stat().st_size} bytes, {gap:.1e} from torch")
    print(json.dumps(task.evaluate(model)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
