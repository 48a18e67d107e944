"""Training by the clock, on a machine that is rented for minutes and has torch and little else.

The schedule follows wall time, evaluations and checkpoints come every so many seconds, and the loop
ends in time to write. In the output folder lie at most 8 files of at most 16 MiB: `log.jsonl`, a
contact sheet, the averaged weights (`average.safetensors`, float16) and the state in halves
(`state-K.safetensors`). `keep` names a folder for the whole state, to go on from exactly. Names and
metadata are those of `lab.checkpoints`: `tonsure lab export` takes what lies there.
"""

from __future__ import annotations

import copy
import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from tonsure.lab import plain
from tonsure.lab.networks.patches import Rival

MOST_FILES, MOST_BYTES = 8, 16 * 2**20
_PART = MOST_BYTES - 2**18


class Task(Protocol):
    """What the loop needs of a task: that of `lab.train`, a device, and a sheet to look at."""

    config: dict[str, Any]
    rival: Rival | None

    @property
    def device(self) -> torch.device: ...

    def build(self) -> nn.Module: ...

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]: ...

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]: ...

    def evaluate(self, model: nn.Module) -> dict[str, float]: ...

    def sheet(self, model: nn.Module) -> npt.NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Plan:
    """How long and how. `seconds` from `began` (of `time.monotonic`) on all is over; the schedule
    reaches its end after `schedule` seconds of training, all calls together (None: with this
    call); `steps` ends it earlier."""

    seconds: float
    began: float
    schedule: float | None = None
    steps: int | None = None
    peak: float = 2e-3
    decay: float = 0.01
    average: float = 0.999
    warmup: int = 200
    every: float = 120.0
    tell_every: int = 50
    seed: int = 0
    bf16: bool = True
    compiled: bool = False


def rate(step: int, warmup: int, progress: float, peak: float) -> float:
    """Linear warm-up by steps, times half a cosine down to 1 % by progress 0..1."""
    rise = min(1.0, (step + 1) / warmup)
    return peak * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def state(
    model: nn.Module, ema: nn.Module, optimiser: torch.optim.Optimizer, rival: Rival | None
) -> dict[str, Tensor]:
    """All that training needs to go on, by the names that `lab.train` gives it."""
    out = {f"model.{k}": v for k, v in model.state_dict().items()}
    out |= {f"average.{k}": v for k, v in ema.state_dict().items()}
    out |= _moments("model_adam", optimiser)
    if rival is not None:
        out |= {f"rival.{k}": v for k, v in rival.critic.state_dict().items()}
        out |= _moments("rival_adam", rival.optimiser)
    return {k: v.detach() for k, v in out.items()}


def _moments(name: str, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}.{index}.{k}": torch.as_tensor(v)
        for index, values in optimiser.state_dict()["state"].items()
        for k, v in values.items()
    }


def restore(
    found: dict[str, Tensor],
    model: nn.Module,
    ema: nn.Module,
    optimiser: torch.optim.Optimizer,
    rival: Rival | None,
) -> None:
    """Take up what is `found`; a part that is missing begins anew."""

    def part(name: str) -> dict[str, Tensor]:
        return {k.removeprefix(name): v for k, v in found.items() if k.startswith(name)}

    averaged = part("average.")
    model.load_state_dict(part("model.") or averaged)
    ema.load_state_dict(averaged)
    _restore_moments(part("model_adam."), optimiser)
    if rival is not None and (told := part("rival.")):
        rival.critic.load_state_dict(told)
        _restore_moments(part("rival_adam."), rival.optimiser)


def _restore_moments(found: dict[str, Tensor], optimiser: torch.optim.Optimizer) -> None:
    values: dict[int, dict[str, Tensor]] = {}
    for key, value in found.items():
        index, name = key.split(".", 1)
        values.setdefault(int(index), {})[name] = value
    if values:
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": values, "param_groups": groups})


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors, and what was told, of a run's folder (`keep` or the output) or of one file."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"no checkpoint in {path}")
    found: dict[str, Tensor] = {}
    config: dict[str, Any] = {}
    for file in files:
        tensors, config = plain.read(file)
        found |= tensors
    return plain.whole(found), config


def files_needed(task: Task) -> int:
    """Files in the output; raises `ValueError` where a net is too large for the limits."""
    model = task.build()
    weights = {k: v.half() for k, v in model.state_dict().items() if v.dtype == torch.float32}
    if len(plain.parts(weights, _PART)) > 1:
        raise ValueError("the net's weights in float16 do not fit one file of 16 MiB")
    extra = 0
    if task.rival is not None:
        extra = 6 * sum(p.numel() for p in task.rival.critic.parameters())
    trained = 2 * sum(v.numel() for v in weights.values())
    count: int = 3 + math.ceil((3 * trained + extra) / (_PART * 0.95))
    if count > MOST_FILES:
        raise ValueError(f"this net needs {count} files of 16 MiB; {MOST_FILES} are allowed")
    return count


def train(
    task: Task,
    out: Path,
    plan: Plan,
    *,
    keep: Path | None = None,
    resume: Path | None = None,
    tell: Callable[[str], None] = print,
) -> nn.Module:
    """Train until the plan ends; returns the averaged net. See the module and `Plan`.

    Logs one JSON object a line to `out/log.jsonl` and to `tell`. A loss that is not finite takes
    the run back to its last evaluation, with half the rate; SIGTERM and SIGINT end it cleanly.
    """
    deadline = plan.began + plan.seconds
    device = task.device
    cuda = device.type == "cuda"
    out.mkdir(parents=True, exist_ok=True)
    files_needed(task)
    torch.manual_seed(plan.seed)
    model = _channels_last(task.build())
    ema = copy.deepcopy(model).requires_grad_(False)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=plan.peak, weight_decay=plan.decay, betas=(0.9, 0.99), fused=cuda
    )
    first, before = 0, 0.0
    if resume is not None:
        found, config = load(resume)
        restore(found, model, ema, optimiser, task.rival)
        first, before = int(config.get("step", 0)), float(config.get("seconds", 0.0))
    generator = torch.Generator(device).manual_seed(plan.seed * 1_000_003 + first)
    log = (out / "log.jsonl").open("a", buffering=1)

    def say(**told: Any) -> None:
        line = json.dumps(told)
        log.write(line + "\n")
        tell(line)

    count = sum(p.numel() for p in model.parameters())
    say(event="start", device=str(device), parameters=count, step=first, **task.config)
    net = _compiled(model) if plan.compiled else model
    asked = False

    def ask_to_stop(*_: object) -> None:
        nonlocal asked
        asked = True

    handlers = {s: signal.signal(s, ask_to_stop) for s in (signal.SIGINT, signal.SIGTERM)}
    # writing and looking take a while: what they took last, and half as much again
    reserve = min(12.0, 0.1 * plan.seconds)
    trained, began = before, 0.0
    sums: dict[str, Tensor] = {}
    good: dict[str, Tensor] = {}
    scale, failures = 1.0, 0
    step, since, seen = first, time.monotonic(), 0
    looked = time.monotonic()

    def look() -> None:
        nonlocal reserve, looked
        start = time.monotonic()
        ema.eval()
        say(event="evaluation", step=step, seconds=round(trained, 1), **task.evaluate(ema))
        picture = Image.fromarray(task.sheet(ema))
        picture.save(out / "sheet.webp", quality=85)
        _write(out, keep, state(model, ema, optimiser, task.rival), config_now())
        looked = time.monotonic()
        reserve = max(reserve, 1.5 * (looked - start))

    def config_now() -> dict[str, Any]:
        options = {k: v for k, v in task.config.items() if k != "task"}
        name = task.config["task"]
        config = {"name": name, "task": name, "options": options}
        return {"step": step, "seconds": round(trained, 2), "config": config}

    try:
        while True:
            left = deadline - reserve - time.monotonic()
            if left <= 0 or asked or (plan.steps is not None and step - first >= plan.steps):
                break
            total_time = plan.schedule if plan.schedule is not None else trained + max(left, 0.0)
            progress = min(1.0, trained / max(total_time, 1e-6))
            if plan.steps is not None:
                progress = max(progress, (step - first) / plan.steps)
            warm = plan.warmup if first == 0 else min(plan.warmup, 50)
            for group in optimiser.param_groups:
                group["lr"] = scale * rate(step - first, warm, progress, plan.peak)
            model.train()
            with torch.no_grad():
                batch = task.batch(generator)
            try:
                losses = _step(task, net, ema, batch, progress, plan.bf16, model, optimiser)
            except Exception as error:
                if net is model or step > first:
                    raise
                # no compiler there, or one that does not take this net
                say(event="not compiled", why=str(error)[:300])
                net = model
                losses = _step(task, net, ema, batch, progress, plan.bf16, model, optimiser)
            _average(ema, model, min(plan.average, (1 + step) / (10 + step)))
            step += 1
            if began == 0.0:  # the first step compiles; the schedule does not count that
                if cuda:
                    torch.cuda.synchronize()
                began = since = time.monotonic()
                say(event="first step", after=round(began - plan.began, 1))
            else:
                seen += len(next(iter(batch.values())))
            trained = before + time.monotonic() - began
            if task.rival is not None:
                losses = losses | task.rival.told
            for k, v in losses.items():
                sums[k] = sums[k] + v.detach() if k in sums else v.detach().clone()
            if (step - first) % plan.tell_every == 0:
                told = {k: float(v) / plan.tell_every for k, v in sums.items()}
                sums = {}
                if not all(math.isfinite(v) for v in told.values()):
                    failures += 1
                    say(event="not finite", step=step)
                    if failures > 3 or not good:
                        break
                    scale /= 2
                    restore(good, model, ema, optimiser, task.rival)
                    continue
                now = time.monotonic()
                speed = seen / max(now - since, 1e-6)
                since, seen = now, 0
                say(
                    step=step,
                    seconds=round(trained, 1),
                    progress=round(progress, 4),
                    rate=optimiser.param_groups[0]["lr"],
                    images_s=round(speed, 1),
                    **{k: round(v, 5) for k, v in told.items()},
                )
            if time.monotonic() - looked > plan.every:
                look()
                found_now = state(model, ema, optimiser, task.rival)
                if all(
                    bool(torch.isfinite(v).all()) for k, v in found_now.items() if "average." in k
                ):
                    good = {k: v.clone() for k, v in found_now.items()}
                since, seen = time.monotonic(), 0
        if failures > 3 and good:
            restore(good, model, ema, optimiser, task.rival)
        if step > first:
            look()
        say(event="end", step=step, seconds=round(trained, 1), asked=asked)
    finally:
        log.close()
        for kind, handler in handlers.items():
            signal.signal(kind, handler)
    return ema


def _channels_last(model: nn.Module) -> nn.Module:
    moved: nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def _compiled(model: nn.Module) -> nn.Module:
    return cast(nn.Module, torch.compile(model, dynamic=False))


def _step(
    task: Task,
    net: nn.Module,
    ema: nn.Module,
    batch: dict[str, Tensor],
    progress: float,
    bf16: bool,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> dict[str, Tensor]:
    with torch.autocast(task.device.type, torch.bfloat16, enabled=bf16):
        losses = task.losses(net, ema, batch, progress)
    total = torch.stack(list(losses.values())).sum()
    optimiser.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return losses


@torch.no_grad()
def _average(ema: nn.Module, model: nn.Module, keeping: float) -> None:
    pairs = list(zip(ema.state_dict().values(), model.state_dict().values(), strict=True))
    means = [m for m, _ in pairs if m.dtype.is_floating_point]
    values = [v for m, v in pairs if m.dtype.is_floating_point]
    torch._foreach_lerp_(means, values, 1 - keeping)
    for mean, value in pairs:
        if not mean.dtype.is_floating_point:
            mean.copy_(value)


def _write(out: Path, keep: Path | None, found: dict[str, Tensor], config: dict[str, Any]) -> None:
    averaged = {k: v for k, v in found.items() if k.startswith("average.")}
    plain.write(out / "average.safetensors", plain.halved(averaged), config)
    rest = plain.halved({k: v for k, v in found.items() if k not in averaged})
    for k, part in enumerate(plain.parts(rest, _PART)):
        plain.write(out / f"state-{k}.safetensors", part, config)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        plain.write(keep / "last.safetensors", found, config)
