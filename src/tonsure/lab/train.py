"""The training loop, in four acts: data, step, book-keeping, checkpoint.

`train(task, run, steps)` resumes by itself when `run` already holds a checkpoint: call it again
with the same arguments. A task says what is trained (see `Task`); the loop knows nothing about
pictures. A checkpoint is one safetensors file (weights, EMA, optimiser, RNG) with the configuration
in its metadata.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


class Task(Protocol):
    """What the loop needs of a task."""

    config: dict[str, Any]

    def build(self) -> nn.Module: ...

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]: ...

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]: ...

    def evaluate(self, model: nn.Module) -> dict[str, float]: ...


class NotANumber(RuntimeError):
    """The loss is not finite; names the step and the last good checkpoint."""


def learning_rate(step: int, steps: int, peak: float, warmup: int = 100) -> float:
    """Linear warm-up, then half a cosine down to 1 % of `peak`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    t = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, t))))


def save(path: Path, tensors: dict[str, Tensor], config: dict[str, Any]) -> None:
    """Write one safetensors file atomically; `config` goes into its metadata as JSON."""
    half = path.with_suffix(".tmp")
    save_file(
        {k: v.contiguous() for k, v in tensors.items()}, str(half), {"tonsure": json.dumps(config)}
    )
    os.replace(half, path)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote: tensors and config."""
    with safe_open(str(path), framework="pt") as f:
        config = json.loads(f.metadata()["tonsure"])
        return {k: f.get_tensor(k) for k in f.keys()}, config  # noqa: SIM118


def _pack(model: nn.Module, ema: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"ema.{k}": v for k, v in ema.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
    tensors["rng.torch"] = torch.get_rng_state()
    return {k: v.detach().clone() for k, v in tensors.items()}


def _unpack(
    tensors: dict[str, Tensor],
    model: nn.Module,
    ema: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> None:
    def part(name: str) -> dict[str, Tensor]:
        return {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}

    model.load_state_dict(part("model."))
    ema.load_state_dict(part("ema."))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in part("optimiser.").items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
    torch.set_rng_state(tensors["rng.torch"])


def _channels_last(model: nn.Module) -> nn.Module:
    """`model` with the channels of a pixel side by side, which is faster."""
    moved: nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def train(
    task: Task,
    run: Path,
    steps: int,
    *,
    peak: float = 2e-3,
    decay: float = 0.01,
    average: float = 0.998,
    save_every: int = 200,
    evaluate_every: int = 1000,
    seed: int = 0,
    bf16: bool | None = None,
) -> nn.Module:
    """Train `task` for `steps` steps into folder `run`; returns the averaged model.

    Logs one JSON object a line to `run/log.jsonl`; checkpoint in `run/last.safetensors`; Ctrl-C
    saves first.  Raises `NotANumber` when a loss is not finite.
    """
    run.mkdir(parents=True, exist_ok=True)
    if bf16 is None:  # without the processor's own instructions it is several times slower
        bf16 = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    torch.manual_seed(seed)
    model, ema = _channels_last(task.build()), _channels_last(task.build())
    ema.requires_grad_(False)
    ema.load_state_dict(model.state_dict())
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=peak, weight_decay=decay, betas=(0.9, 0.99)
    )
    checkpoint, first = run / "last.safetensors", 0
    if checkpoint.exists():
        tensors, config = load(checkpoint)
        first = int(config["step"])
        _unpack(tensors, model, ema, optimiser)

    def keep(step: int) -> None:
        save(checkpoint, _pack(model, ema, optimiser), {**task.config, "step": step})

    stop = False

    def ask_to_stop(*_: object) -> None:
        nonlocal stop
        stop = True

    previous = signal.signal(signal.SIGINT, ask_to_stop)
    log = (run / "log.jsonl").open("a", buffering=1)

    def draw(step: int) -> dict[str, Tensor]:
        # each step has its own seed, so that a resumed run sees what an unbroken one would
        return task.batch(torch.Generator().manual_seed(seed * 1_000_003 + step))

    loader = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
    coming = loader.submit(draw, first)
    began, seen = time.perf_counter(), 0
    sums: dict[str, float] = {}
    try:
        for step in range(first, steps):
            # data: made by a thread of its own while the step before it runs
            batch = coming.result()
            coming = loader.submit(draw, step + 1)
            # step
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, steps, peak)
            model.train()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                losses = task.losses(model, ema, batch, step / steps)
            total = torch.stack(list(losses.values())).sum()
            if not torch.isfinite(total):
                raise NotANumber(
                    f"the loss is not finite at step {step}; the last good checkpoint is "
                    f"{checkpoint}"
                )
            optimiser.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            keeping = min(average, (1 + step) / (10 + step))
            with torch.no_grad():
                for mean, value in zip(
                    ema.state_dict().values(), model.state_dict().values(), strict=True
                ):
                    if mean.dtype.is_floating_point:
                        mean.lerp_(value, 1 - keeping)
                    else:
                        mean.copy_(value)
            # book-keeping
            seen += next(iter(batch.values())).shape[0]
            for k, v in losses.items():
                sums[k] = sums.get(k, 0.0) + float(v.detach())
            if (step + 1) % 50 == 0:
                rate = seen / (time.perf_counter() - began)
                log.write(
                    json.dumps(
                        {"step": step + 1, "images_s": round(rate, 1)}
                        | {k: round(v / 50, 5) for k, v in sums.items()}
                    )
                    + "\n"
                )
                sums = {}
            # checkpoint
            if (step + 1) % save_every == 0 or step + 1 == steps or stop:
                keep(step + 1)
            if (step + 1) % evaluate_every == 0 or step + 1 == steps:
                ema.eval()
                log.write(json.dumps({"step": step + 1, "evaluation": task.evaluate(ema)}) + "\n")
            if stop:
                break
    finally:
        loader.shutdown(cancel_futures=True)
        log.close()
        signal.signal(signal.SIGINT, previous)
    return ema
