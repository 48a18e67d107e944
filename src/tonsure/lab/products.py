"""The product's own networks from the same command: parser, hat, judge, bare.

A preset is a TOML file with `task`, `[options]` of the task and `[train]`, a `Recipe`; it is the
one place where the recipe of the shipped weights stands. A task is a class of `tasks`, named in
`TASKS`; besides what `task.Task` asks it has

    TaskClass(data, **options)  from a folder of packed data; or a class method `open` like that
    NEEDS                       names of the files that such a folder has
    prepare(data, out, workers) packs the sets of `data` as they were downloaded; it is told those
                                options, too, that it has a parameter for
    network(**options)          its network without any data, to export a run
    port(network)               an `export.Port`; or, where that needs data,
                                `release(network, data, out)`, which writes it and tells how
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tonsure.errors import BadOption, nearest
from tonsure.lab import config as configs
from tonsure.lab.recipe import PRECISIONS, SCHEDULES, Recipe
from tonsure.lab.task import Task

TASKS = {
    "parser": "tonsure.lab.tasks.parser:ParserTask",
    "hat": "tonsure.lab.tasks.hat:HatTask",
    "judge": "tonsure.lab.tasks.judge:JudgeTask",
    "classifier": "tonsure.lab.tasks.classifier:ClassifierTask",
    "bare": "tonsure.lab.tasks.bare:BareTask",
    "sight": "tonsure.lab.tasks.sight:SightTask",
    "beneath": "tonsure.lab.tasks.beneath:BeneathTask",
    "stylegan": "tonsure.lab.tasks.stylegan:StyleGANTask",
    "editor": "tonsure.lab.tasks.editor:EditorTask",
}
"""Where the class of a task stands, by its name in presets."""


@dataclass(frozen=True)
class Product:
    """A preset of one of `TASKS`: `options` of the task, and how it is trained."""

    name: str
    task: str
    options: dict[str, Any] = field(default_factory=dict)
    train: Recipe = field(default_factory=Recipe)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)


def names() -> list[str]:
    """The presets of the product's networks."""
    return configs.names(product=True)


def is_product(preset: str) -> bool:
    """Whether a preset, or a TOML file of your own, is one of these."""
    return "task" in configs.table(preset)


def load(preset: str, changes: Sequence[str] = ()) -> Product:
    """A preset with `changes` such as "train.steps=100" or "options.batch=8"."""
    return of_dict(configs.changed(configs.table(preset), changes))


def of_dict(values: dict[str, Any]) -> Product:
    """From TOML or a checkpoint's JSON; unknown names and wrong types are `BadOption`."""
    known = [f.name for f in dataclasses.fields(Product)]
    wrong = next((name for name in values if name not in known), None)
    if wrong is not None:
        raise BadOption(f"There is no section {wrong!r}; {nearest(wrong, known)}")
    recipe = configs.record(Recipe, values.get("train", {}), "train")
    for name, allowed in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
        value = getattr(recipe, name)
        if value not in allowed:
            raise BadOption(f"train.{name} cannot be {value!r}; {nearest(value, allowed)}")
    if recipe.steps < 1:
        raise BadOption("train.steps is 1 or more.")
    product = Product(
        str(values.get("name", "own")), str(values.get("task")), values.get("options", {}), recipe
    )
    allowed_options = _options(kind(product.task))
    for name in product.options:
        if name not in allowed_options:
            raise BadOption(
                f"The task {product.task!r} has no option {name!r}; "
                f"{nearest(name, allowed_options or ['none'])}"
            )
    return product


def kind(task: str) -> Any:
    """The class of a task."""
    if task not in TASKS:
        raise BadOption(f"There is no task {task!r}; {nearest(task, TASKS)}")
    module, _, name = TASKS[task].partition(":")
    return getattr(importlib.import_module(module), name)


def _options(task: Any) -> list[str]:
    """What a task can be told besides its data."""
    made = inspect.signature(getattr(task, "open", task)).parameters
    return [name for name in made if name != "data"]


def prepared(task: Any, data: Path) -> bool:
    """Whether a folder holds all that a task needs."""
    return all((data / name).exists() for name in task.NEEDS)


def prepare(product: Product, data: Path, out: Path) -> None:
    """Pack `data`, a folder of sets as they were downloaded, into `out`; what is there stays."""
    if not data.is_dir():
        raise BadOption(f"There is no folder {data}.")
    packer = kind(product.task).prepare
    asked = {k: v for k, v in product.options.items() if k in inspect.signature(packer).parameters}
    packer(data, out, os.cpu_count() or 1, **asked)


def opened(product: Product, data: Path) -> Task:
    """The task, on packed data; `BadOption` if a file of it is missing."""
    task = kind(product.task)
    missing = [name for name in getattr(task, "NEEDS", ()) if not (data / name).exists()]
    if missing:
        raise BadOption(
            f"{data} has no {missing[0]}: it is not packed for {product.name!r}; "
            f"tonsure lab prepare {product.name} --data DIR --out {data} packs it."
        )
    made: Task = getattr(task, "open", task)(data, **product.options)
    return made
