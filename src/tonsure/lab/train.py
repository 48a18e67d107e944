"""The training loop of every network here, in four acts: data, critic, model, book-keeping.

`train(task, run, recipe)` goes on where the run stopped: call it again with the same arguments. On
a CPU the result is the same to the bit as without the stop. A task says what is trained (`task`);
the loop knows nothing about pictures.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tonsure.errors import BadOption
from tonsure.lab import checkpoints, runs
from tonsure.lab.books import Books, NotANumber
from tonsure.lab.group import ALONE, Group
from tonsure.lab.match import Match
from tonsure.lab.player import Batch
from tonsure.lab.recipe import Recipe
from tonsure.lab.task import Duel, Examined, Numbered, Shown, Task

__all__ = ["NotANumber", "Trained", "train"]

AGREED = ("batch", "seed", "critic_steps", "fresh", "targets")
"""Fields of `train` that a run keeps: its batches are numbered by them."""


@dataclass(frozen=True)
class Trained:
    """The model's moving average, the step it has reached, and whether that is the last one."""

    model: nn.Module
    step: int
    whole: bool


def train(
    task: Task | Duel, run: Path, recipe: Recipe, group: Group = ALONE, *,
    config: dict[str, Any] | None = None, boards: Sequence[str] = (), quiet: bool = False,
    until: float | None = None,
) -> Trained:  # fmt: skip
    """Train into folder `run`.

    `config` is what the checkpoints say of the run, by default the task's own and the recipe.
    `boards` are names of `boards.BOARDS`. Ctrl-C ends the step and saves, and so does the first
    step that ends after `until`, a moment of `time.monotonic`. Raises `NotANumber` when a loss is
    not finite and `UnwritableOutput` when the disk is full (the last good checkpoint stays the
    last), `BadOption` when the folder's run was another one, or is being trained.
    """
    config = config or {**task.config, "train": asdict(recipe)}
    with runs.locked(run) if group.leads else nullcontext():
        return _train(task, run, recipe, group, config, boards=boards, quiet=quiet, until=until)


def _train(
    task: Task | Duel, run: Path, recipe: Recipe, group: Group, config: dict[str, Any], *,
    boards: Sequence[str], quiet: bool, until: float | None,
) -> Trained:  # fmt: skip
    match, steps, first = Match(task, recipe, group), recipe.steps, 0
    told: dict[str, Any] = {}
    found = checkpoints.latest(run, lambda line: print(line, file=sys.stderr))
    if found is not None:
        tensors, told, _ = found
        _agree(config, told["config"], run)
        match.unpack(tensors)
        first = int(told["step"])
    if first >= steps:
        if group.leads and not quiet:
            said = f"{run} is finished: it has {first} steps of {steps}."
            print(f"{said} --set train.steps=... goes on.", file=sys.stderr)
        return Trained(match.average, first, True)
    log = None
    if group.leads:
        log = runs.Log(run, first, boards=boards, config=config, quiet=quiet)
    books = Books(recipe, group, run, first, told)
    critic, own = match.critic, recipe.fresh or match.critic is None
    per_step = recipe.critic_steps + own if critic else 1
    batches, stop = _batches(task, recipe, group, first * per_step), _Stop()
    start = ("", "") if critic is None else (f"{match.model.name}_", f"{critic.name}_")
    try:
        for step in range(first, steps):
            for player in match.players:
                player.set_rate(recipe.share(step, steps))
            # dropout and its like are functions of the step, too
            torch.manual_seed(_mixed(recipe.seed, 3, step, group.rank))
            for k in range(recipe.critic_steps if critic else 0):
                batch = books.saw(next(batches))
                books.add(match.learn_critic(batch, step * recipe.critic_steps + k), start[1])
            if own:
                batch = books.saw(next(batches))
            books.add(match.learn_model(batch, step / recipe.end(step, steps)), start[0])
            match.follow(step)
            # book-keeping
            done = step + 1
            asked, last = books.step(done, stop.asked or _over(until)), done == steps
            saving = done % recipe.save_every == 0 or last or asked
            if log is not None:
                due = done % recipe.log_every == 0 or last
                if due or done == first + 1:
                    values = books.told()
                    log.say(done, steps, values)
                    if due:
                        log.write(done, values)
                        books.clear()
                _examine(task, match.average, recipe, log, done, last)
            elif done % recipe.log_every == 0:
                books.clear()
            if saving:
                books.check(done)
                if group.leads:
                    about = {"config": config, **books.spent()}
                    checkpoints.keep(run, done, match.pack(), about, recipe.keep)
            if asked and not last:
                return Trained(match.average, done, False)
        return Trained(match.average, steps, True)
    finally:
        stop.close()
        batches.close()
        if log is not None:
            log.close()


def _over(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until


def _examine(
    task: object, model: nn.Module, recipe: Recipe, log: runs.Log, done: int, last: bool
) -> None:
    """Figures and sheet, when they are due."""

    def due(often: int) -> bool:
        return often > 0 and (done % often == 0 or last)

    model.eval()
    if isinstance(task, Examined) and due(recipe.evaluate_every):
        log.write(done, {"evaluation": task.evaluate(model)})
    if isinstance(task, Shown) and due(recipe.sample_every) and recipe.samples:
        log.picture(done, task.sheet(model))


def _batches(task: Task | Duel, recipe: Recipe, group: Group, first: int) -> Generator[Batch]:
    """Batches on the device from number `first` on, each made by a thread while the one before it
    is used."""

    def draw(number: int) -> Batch:
        if isinstance(task, Numbered):
            made: Batch = task.batch_at(number)
        else:  # each number has its own seed, so that a resumed run sees what an unbroken one would
            seed = recipe.seed * 1_000_003 + number
            if group.rank:
                seed = _mixed(recipe.seed, 1, number, group.rank)
            made = task.batch(torch.Generator().manual_seed(seed))
        if group.device.type == "cuda":
            made = {k: v if v.is_cuda else v.pin_memory() for k, v in made.items()}
        return made

    loader = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
    try:
        coming = loader.submit(draw, first)
        while True:
            made, first = coming.result(), first + 1
            coming = loader.submit(draw, first)
            yield {k: _moved(v, recipe, group.device) for k, v in made.items()}
    finally:
        loader.shutdown(cancel_futures=True)


def _moved(value: Tensor, recipe: Recipe, device: torch.device) -> Tensor:
    value = value.to(device, non_blocking=True)
    if recipe.channels_last and value.ndim == 4 and value.dtype.is_floating_point:
        return value.contiguous(memory_format=torch.channels_last)
    return value


def _mixed(*numbers: int) -> int:
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]
    return int(state) & 0x7FFF_FFFF_FFFF_FFFF


class _Stop:
    """Ctrl-C, or a polite end from outside, asks once; a second one ends at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False
        try:
            self._before = {s: signal.signal(s, self._ask) for s in self.SIGNALS}
        except ValueError:  # not the main thread
            self._before = {}

    def _ask(self, *_: object) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def close(self) -> None:
        for s, before in self._before.items():
            signal.signal(s, before)


def _agree(now: dict[str, Any], earlier: dict[str, Any], run: Path) -> None:
    """`BadOption` unless the run can go on: the same networks, data, batch and seed."""
    here, there = (json.loads(json.dumps(x)) for x in (now, earlier))
    for section, value in here.items():
        if section == "name" or section not in there:
            continue
        fields = {"": value} if not isinstance(value, dict) else value
        others = {"": there[section]} if not isinstance(value, dict) else there[section]
        for name, wanted in fields.items():
            if section == "train" and name not in AGREED:
                continue
            if name in others and others[name] != wanted:
                field = f"{section}.{name}" if name else section
                raise BadOption(
                    f"{run} was begun with {field} = {others[name]}, not {wanted}; use another "
                    "folder."
                )
