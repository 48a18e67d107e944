"""Train the bare net and export it; resumes by running the same line again.

    python scripts/train_bare.py --data PACKED [--run runs/bare] [--steps 5000]

PACKED is what `tonsure.lab.data.pack.masks` and, with a parser, `tonsure.lab.data.windows.pack`
wrote. An hour on two cores. The last line says the mean colour error in the hole by layer, beside
that of the spread colours the net starts from.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from tonsure.lab.export import export
from tonsure.lab.tasks.bare import CHANNELS, SIDE, BareTask
from tonsure.lab.train import load, train
from tonsure.models.registry import info


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("runs/bare"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--snapshot", action="store_true", help="export what there is only")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    task = BareTask(arguments.data)
    print(json.dumps(task.counts), flush=True)
    if arguments.snapshot:
        tensors, _ = load(arguments.run / "last.safetensors")
        model = task.build()
        model.load_state_dict({k[4:]: v for k, v in tensors.items() if k.startswith("ema.")})
    else:
        model = train(task, arguments.run, arguments.steps, peak=1.5e-3, evaluate_every=500)
    out = arguments.out or info("bare").path
    example = {"window": torch.rand(2, CHANNELS, SIDE, SIDE) * 2 - 1}
    free = {"window": {0: "N"}, "residual": {0: "N"}, "layers": {0: "N"}}
    gap = export(model, example, ["residual", "layers"], out, free)
    print(f"{out}: {out.stat().st_size} bytes, {gap:.1e} from torch")
    print(json.dumps(task.evaluate(model.eval())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
