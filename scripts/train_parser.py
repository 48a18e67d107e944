"""Train the hair parser and export it; resumes by running the same line again.

    python scripts/train_parser.py --data PACKED [--run runs/parser] [--steps 9000]

PACKED is what `tonsure.lab.data.pack.masks` wrote. The shipped weights had 9000 steps and then, by
the same line with `--steps 13000` and again with `--steps 17000`, 4000 more each time (the loss
`crown` came with the last): six hours on one core with AVX2. The last line says the IoU of every
class on CelebAMask-HQ's 100 test pictures of the set.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from tonsure.lab.export import export
from tonsure.lab.tasks.parser import Parser, ParserTask
from tonsure.lab.train import load, train
from tonsure.models.registry import info


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("runs/parser"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--snapshot", action="store_true", help="export what there is, train no more"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    task = ParserTask(arguments.data)
    if arguments.snapshot:
        tensors, _ = load(arguments.run / "last.safetensors")
        model = task.build()
        model.load_state_dict({k[4:]: v for k, v in tensors.items() if k.startswith("ema.")})
    else:
        model = train(task, arguments.run, arguments.steps, peak=2e-3, evaluate_every=500)
    out = arguments.out or info("hair_parser").path
    example = {"picture": torch.rand(2, 5, 192, 160) * 2 - 1}
    free = {"picture": {0: "N", 2: "H", 3: "W"}, "classes": {0: "N", 2: "H", 3: "W"}}
    gap = export(Parser(model), example, ["classes"], out, free)
    print(f"{out}: {out.stat().st_size} bytes, {gap:.1e} from torch")
    print(json.dumps(task.evaluate(model.eval())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
