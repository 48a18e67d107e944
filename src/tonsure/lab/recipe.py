"""How a network is trained: what the loop itself needs to know, whatever the task."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tonsure.errors import BadOption


@dataclass(frozen=True)
class Recipe:
    """One step is `critic_steps` updates of the critic, where there is one, and one of the model.

    Attributes
    ----------
    steps : length.
    stages : steps at which the schedule ends; beyond one it begins anew as if all that went before
        had been on the way to the next. Empty: at `steps`.
    rate, critic_rate : of AdamW; `beta1`, `beta2`, `weight_decay` its others.
    schedule : constant; drop (a tenth from `decay_from` on); linear (to 0 from `decay_from` on);
        cosine (`warmup` steps up, then half a cosine down to 1 %). `decay_from` is a share of the
        length.
    clip : the longest gradient of the model; 0 leaves it.
    critic_steps : updates of the critic before each of the model.
    fresh : the model gets a batch of its own; else the last one that the critic saw.
    average : of the model's moving average; 0 for none.
    precision : fp32; bf16 for all but gradient penalties; auto, bf16 where the device has it.
    channels_last : the channels of a pixel lie side by side, which most devices like better.
    compile : by torch.compile, the model only.
    accumulate : parts in which a batch is worked off.
    device : auto, cpu, cuda.
    seed : of weights, batches, targets and noise.
    save_every, keep : steps between checkpoints, and how many stay.
    log_every, evaluate_every, sample_every : steps; the latter two 0 for never.
    samples : pictures of a sheet; 0 for none.
    """

    steps: int = 1000
    stages: tuple[int, ...] = ()
    rate: float = 2e-3
    critic_rate: float = 2e-4
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.01
    schedule: str = "cosine"
    decay_from: float = 0.5
    warmup: int = 100
    clip: float = 5.0
    critic_steps: int = 1
    fresh: bool = False
    average: float = 0.998
    precision: str = "auto"
    channels_last: bool = True
    compile: bool = False
    accumulate: int = 1
    device: str = "auto"
    seed: int = 0
    save_every: int = 200
    keep: int = 3
    log_every: int = 50
    evaluate_every: int = 1000
    sample_every: int = 500
    samples: int = 8

    def __post_init__(self) -> None:
        for key in ("critic_steps", "accumulate", "save_every", "keep", "log_every"):
            if getattr(self, key) < 1:
                raise BadOption(f"train.{key} is 1 or more.")
        for key in ("steps", "evaluate_every", "sample_every", "samples", "warmup"):
            if getattr(self, key) < 0:
                raise BadOption(f"train.{key} is 0 or more.")
        if any(a >= b for a, b in zip(self.stages, self.stages[1:], strict=False)):
            raise BadOption("train.stages are steps, each after the one before.")

    def end(self, step: int, steps: int) -> int:
        """The end of the stage that a step lies in, in a run of `steps` steps."""
        return next((end for end in self.stages if end > step), steps)

    def share(self, step: int, steps: int) -> float:
        """Share of the learning rate at a step of a run of `steps` steps."""
        end = self.end(step, steps)
        if self.schedule == "cosine":
            return cosine(step, end, self.warmup)
        return decayed(self.schedule, self.decay_from, step / end)


SCHEDULES = ("constant", "drop", "linear", "cosine")
PRECISIONS = ("auto", "fp32", "bf16")


def cosine(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up to 1, then half a cosine down to 0.01."""
    if step < warmup:
        return (step + 1) / warmup
    t = (step - warmup) / max(1, steps - warmup)
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, t)))


def decayed(schedule: str, decay_from: float, progress: float) -> float:
    """constant, drop or linear: the share at a share of the length."""
    if schedule == "constant" or progress < decay_from:
        return 1.0
    return 0.1 if schedule == "drop" else max(0.0, (1 - progress) / (1 - decay_from))
