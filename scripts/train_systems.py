"""Train one of the three systems at full size on a GPU that is rented for minutes, unattended.

    tonsure lab prepare stgan-128 --data CELEBA --out PACK --quality 80 --set data.split=celeba
    python scripts/train_systems.py stgan-128 --data PACK --run RUN --out OUT --minutes 9

and the same line once more goes on. It needs torch, safetensors, NumPy and Pillow. `RUN`
keeps the checkpoint (1.7 GB for STGAN) on the machine; what comes back lies in `OUT`: the log, the
last sheet, throughput.json, and the averaged generator in half precision, cut into pieces of
`--piece` MB; where they are more than `--most`, the rest comes with `--bring 2`, `--bring 3` ... on
the same machine, which trains nothing. `cat average.* > average.safetensors` joins them again, and
that is a checkpoint for `tonsure lab sample`, `measure` and `export`.

Before training it measures what an update costs (counted operations, seconds, share of what a plain
matrix product reaches on the device), with torch.compile and without, and takes the faster way.
Sheets show the data's people: they stay where the data stays.
"""

from __future__ import annotations

import time

BEGAN = time.monotonic()

import argparse  # noqa: E402
import dataclasses  # noqa: E402
import json  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils.flop_counter import flop_registry  # noqa: E402

from tonsure.lab import checkpoints, config, plain  # noqa: E402
from tonsure.lab.data import packed  # noqa: E402
from tonsure.lab.group import Group, join  # noqa: E402
from tonsure.lab.match import Match  # noqa: E402
from tonsure.lab.recipe import Recipe  # noqa: E402
from tonsure.lab.tasks.edits import Edits  # noqa: E402
from tonsure.lab.train import train  # noqa: E402

MEGA = 1 << 20


class Operations(TorchDispatchMode):
    """Counts floating-point operations of convolutions and products, backward ones too. torch's own
    `FlopCounterMode` stumbles over gradients of gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def synchronise(group: Group) -> None:
    if group.device.type == "cuda":
        torch.cuda.synchronize()


def peak(group: Group, side: int, kind: torch.dtype) -> float:
    """Operations a second of a plain matrix product."""
    a = torch.randn(side, side, device=group.device, dtype=kind)
    best = 1e9
    for _ in range(5):
        synchronise(group)
        began = time.perf_counter()
        a @ a
        synchronise(group)
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def updates(edits: Edits, recipe: Recipe, group: Group, rounds: int) -> dict[str, Any]:
    """Seconds and operations of an update of each network, and pictures a second of the recipe."""
    match = Match(edits, recipe, group)
    batch = {k: v.to(group.device) for k, v in edits.batch_at(0).items()}
    if recipe.channels_last:
        batch["real"] = batch["real"].contiguous(memory_format=torch.channels_last)
    told: dict[str, Any] = {}
    acts = {"D": lambda: match.learn_critic(batch, 0), "G": lambda: match.learn_model(batch, 0.0)}
    for name, act in acts.items():
        act()  # compiles
        if not recipe.compile:
            with Operations() as counter:
                act()
            told[f"{name} operations"] = counter.total
        synchronise(group)
        began = time.perf_counter()
        for _ in range(rounds):
            act()
        synchronise(group)
        told[f"{name} seconds"] = (time.perf_counter() - began) / rounds
    step = recipe.critic_steps * told["D seconds"] + told["G seconds"]
    seen = len(batch["real"]) * (recipe.critic_steps + recipe.fresh)
    return told | {"pictures_s": round(seen / step, 1), "step seconds": round(step, 5)}


def fastest(edits: Edits, group: Group, rounds: int) -> tuple[bool, dict[str, Any]]:
    """Whether to compile, and all figures."""
    cuda = group.device.type == "cuda"
    found = {
        "plain": updates(edits, dataclasses.replace(edits.recipe, compile=False), group, rounds)
    }
    if cuda:
        try:
            recipe = dataclasses.replace(edits.recipe, compile=True)
            found["compiled"] = updates(edits, recipe, group, rounds)
        except Exception as error:  # no compiler there, or one that does not take this net
            found["compiled"] = {"failed": str(error)[:300]}
    rates = {name: told.get("pictures_s", 0.0) for name, told in found.items()}
    kind, side = (torch.bfloat16, 8192) if cuda else (torch.float32, 512)
    top, told = peak(group, side, kind), found["plain"]
    for name in ("D", "G"):
        told[f"{name} share of peak"] = round(
            told[f"{name} operations"] / told[f"{name} seconds"] / top, 6
        )
    return max(rates, key=lambda name: rates[name]) == "compiled", {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "peak": f"{top / 1e12:.2f} TFLOP/s, {kind}", "batch": edits.recipe.batch,
        "precision": edits.recipe.precision, **found,
    }  # fmt: skip


def bring(run: Path, out: Path, piece: int, most: int, number: int) -> int:
    """The averaged generator in half precision, in pieces: group `number` of them, from 1. Gives
    the number of groups."""
    tensors, told = checkpoints.read(checkpoints.newest(run))
    kept = {f"average.{k}": v for k, v in checkpoints.part(tensors, "average").items()}
    # statistics of norms stay as they are: small, and out of half precision's range at times
    halves = {k: v.half() if v.ndim > 1 else v for k, v in kept.items()}
    file = out / "whole.tmp"
    plain.write(file, halves, told)
    data = file.read_bytes()
    file.unlink()
    parts = [data[k : k + piece] for k in range(0, len(data), piece)]
    groups = -(-len(parts) // most)
    for k, part in enumerate(parts):
        if k // most == number - 1:
            (out / f"average.{k:03d}").write_bytes(part)
    return groups


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("preset")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9, help="from the start of this script")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--rounds", type=int, default=10, help="updates that are timed")
    parser.add_argument("--piece", type=float, default=12, help="MB of a file that comes back")
    parser.add_argument("--most", type=int, default=4, help="so many pieces at a time")
    parser.add_argument("--bring", type=int, help="only write this group of pieces")
    parser.add_argument("--split", default="celeba", help="data.split of the pack")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)

    def pieces(number: int) -> None:
        groups = bring(args.run, args.out, int(args.piece * MEGA), args.most, number)
        rest = f"; --bring 2 to {groups} for the rest" if groups > 1 and number == 1 else ""
        print(f"pieces {number} of {groups}{rest}", flush=True)

    if args.bring is not None:
        pieces(args.bring)
        return 0
    cuda = torch.cuda.is_available()
    if cuda:
        torch.backends.cudnn.benchmark = True
        # for gradients of gradients, which stay in float32; convolutions are in TF32 by default
        torch.set_float32_matmul_precision("high")
    # checkpoints are large; the schedule ends with the preset's epochs or steps
    fast = ["train.save_every=2000", "train.sample_every=0", "train.keep=1"]
    fast += ["train.precision=bf16", "train.batch=128"] if cuda else []
    made = config.load(args.preset, [f"data.split={args.split}", *fast, *args.changes])
    pack = packed.open(args.data, made)
    print(f"{len(pack.parts)} pictures after {time.monotonic() - BEGAN:.0f} s", flush=True)
    with join(made.train.device) as group:
        edits = Edits(made, pack, group)
        compiled, told = fastest(edits, group, args.rounds)
        (args.out / "throughput.json").write_text(json.dumps(told, indent=1) + "\n")
        print(json.dumps(told), flush=True)
        recipe = dataclasses.replace(edits.recipe, compile=compiled)
        # what writing takes, and as much again for the pieces
        spare = min(60.0, 6 * args.minutes)
        done = train(
            edits, args.run, recipe, group, config=edits.config,
            until=BEGAN + 60 * args.minutes - spare,
        )  # fmt: skip
        sheet = edits.sheet(done.model)
        Image.fromarray(sheet).save(args.out / "sheet.webp", quality=90)
    shutil.copy(args.run / "log.jsonl", args.out / "log.jsonl")
    pieces(1)
    print(f"step {done.step} after {time.monotonic() - BEGAN:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
