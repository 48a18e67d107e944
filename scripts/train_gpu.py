"""Train the net `beneath` on a GPU that is rented for minutes. Needs torch, NumPy and Pillow.

The whole of it, from a checkout with the pack (`pack_targets.py`) at DATA:

    python scripts/train_gpu.py --data DATA --out OUT --keep runs/gpu/last --minutes 8.5

and to go on for four minutes more, on the same machine or, from the files that came back, on
another:

    python scripts/train_gpu.py --data DATA --out OUT --minutes 4 --resume runs/gpu/last

`--minutes` counts from the start of the script, all included; leave the machine half a minute more
for its own start. OUT gets at most 8 files of at most 16 MiB (`tonsure.lab.rented`), anew every two
minutes. The rate falls to its end within the call; where a second call is sure to come, say
`--plan` the minutes of both together in both. `--rival 0.07` sets the patch critic on the hole for
the second half. `--widths 40,80,128,192` is the net as it is trained on a CPU (4 M parameters).
Test windows are seen in the contact sheet, as the pack has them: it stays where the data stays.
"""

from __future__ import annotations

import time

BEGAN = time.monotonic()

import argparse  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import torch  # noqa: E402

from tonsure.lab import rented  # noqa: E402
from tonsure.lab.tasks.beneath import BeneathTask  # noqa: E402


def batch_size(device: torch.device) -> int:
    """By the memory that is free."""
    if device.type != "cuda":
        return 8
    free = torch.cuda.mem_get_info(device)[0] / 2**30
    return 256 if free > 60 else 128 if free > 30 else 64


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=8.5)
    parser.add_argument("--plan", type=float, help="minutes of the schedule, all calls together")
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for the whole state")
    parser.add_argument("--widths", default="48,96,160,256")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--peak", type=float, default=2e-3)
    parser.add_argument("--average", type=float, default=0.999)
    parser.add_argument("--rival", type=float, default=0.0)
    parser.add_argument("--rival-start", type=float, default=0.5)
    parser.add_argument("--every", type=float, default=120.0, help="seconds between checkpoints")
    parser.add_argument("--steps", type=int, help="end after so many, for trying")
    parser.add_argument("--most", type=int, help="train windows, for trying")
    parser.add_argument("--device")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--no-bf16", action="store_true")
    args = parser.parse_args()
    a, b, c, d = (int(v) for v in args.widths.split(","))
    if args.resume is not None:
        a, b, c, d = rented.load(args.resume)[1]["config"]["options"]["widths"]
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    cuda = device.type == "cuda"
    if cuda:
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    # the windows are decoded by forked processes: before the device is first used
    task = BeneathTask(
        args.data,
        args.batch or 8,
        (a, b, c, d),
        device=device,
        rival=args.rival,
        rival_start=args.rival_start,
        workers=args.workers,
        most=args.most,
    )
    if args.batch is None:
        task.size = task.config["size"] = batch_size(device)
    print(f"{len(task.sets)} windows after {time.monotonic() - BEGAN:.0f} s", flush=True)
    plan = rented.Plan(
        60 * args.minutes,
        BEGAN,
        schedule=None if args.plan is None else 60 * args.plan,
        steps=args.steps,
        peak=args.peak,
        average=args.average,
        every=args.every,
        tell_every=50 if cuda else 5,
        bf16=cuda and not args.no_bf16,
        compiled=cuda and not args.no_compile,
    )
    rented.train(
        task,
        args.out,
        plan,
        keep=args.keep,
        resume=args.resume,
        tell=lambda line: print(line, flush=True),
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
