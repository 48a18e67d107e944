"""What a run is made of: networks, data, training; from TOML, into every checkpoint.

A preset is a TOML file of `presets/` by its name, or one of your own by its path. Fields that it
does not name have the defaults below; `--set section.field=value` changes single ones.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tonsure.attributes import CELEBA
from tonsure.crops import CROPS, FILTERS
from tonsure.errors import BadOption, nearest
from tonsure.lab.networks.config import NetworkConfig
from tonsure.lab.recipe import PRECISIONS, SCHEDULES, Recipe

PRESETS = Path(__file__).resolve().parent / "presets"
_T = TypeVar("_T")


@dataclass(frozen=True)
class DataConfig:
    """`crop` and `filter`: see `tonsure.crops`; `split`: see `tonsure.lab.data.split`;
    `flip`: mirror every second training picture."""

    crop: str = "official"
    filter: str = "bicubic"
    split: str = "official"
    flip: bool = False


@dataclass(frozen=True)
class TrainConfig(Recipe):
    """How the three systems are trained: the loop's `Recipe`, and their losses and batches.

    Attributes
    ----------
    batch : pictures of one update, over all processes together.
    epochs, steps : length in passes over the data, or, if not 0, in steps.
    gan : wgan, lsgan, ns (non-saturating) or hinge.
    penalty : line (WGAN-GP), dragan, r1 or none; `penalty_every`: lazily, on every so many
        updates, with its weight as many times.
    class_penalty : weight of the gradient of D's label logits at real pictures; 0, as published.
    class_sum : classification is a sum over attributes (StarGAN) in place of a mean.
    cycle : reconstruction by a second pass, from the fake back (StarGAN).
    targets : permutation (of the batch's labels), single (one attribute flipped) or uniform.
    magnitude : fixed, uniform or normal: random strength of targets, for continuous degrees.
    hold : a GPU holds the pack in its memory.
    """

    batch: int = 32
    epochs: float = 200
    steps: int = 0
    critic_steps: int = 5
    fresh: bool = True
    gan: str = "wgan"
    penalty: str = "line"
    penalty_every: int = 1
    penalty_weight: float = 10.0
    class_penalty: float = 0.0
    critic_class: float = 1.0
    generator_class: float = 10.0
    reconstruction: float = 100.0
    class_sum: bool = False
    cycle: bool = False
    targets: str = "permutation"
    magnitude: str = "fixed"
    rate: float = 2e-4
    critic_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    weight_decay: float = 0.0
    schedule: str = "drop"
    decay_from: float = 0.5
    clip: float = 0.0
    average: float = 0.999
    precision: str = "fp32"
    hold: bool = True
    save_every: int = 500
    log_every: int = 20
    evaluate_every: int = 0


@dataclass(frozen=True)
class Config:
    """A run: `name` of its preset, and its parts."""

    name: str = "stgan-128"
    network: NetworkConfig = field(default_factory=NetworkConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        t, allowed = self.train, _ALLOWED
        for name in allowed:
            section, key = name.split(".")
            value = getattr(getattr(self, section), key)
            if value not in allowed[name]:
                raise BadOption(f"{name} cannot be {value!r}; {nearest(value, allowed[name])}")
        for key in ("batch", "penalty_every"):
            if getattr(t, key) < 1:
                raise BadOption(f"train.{key} is 1 or more.")
        if t.steps < 1 and t.epochs <= 0:
            raise BadOption("train.steps is 1 or more, or 0 with train.epochs above 0.")
        if t.batch < 2 and t.targets == "permutation":
            raise BadOption(
                "train.batch 1 with permuted targets changes nothing: a picture's target would be "
                "its own labels; use 2 or more, or train.targets=single."
            )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)


_ALLOWED: dict[str, tuple[str, ...]] = {
    "data.crop": tuple(CROPS),
    "data.filter": FILTERS,
    "data.split": ("official", "celeba", "stargan", "paddle", "all"),
    "train.gan": ("wgan", "lsgan", "ns", "hinge"),
    "train.penalty": ("line", "dragan", "r1", "none"),
    "train.targets": ("permutation", "single", "uniform"),
    "train.magnitude": ("fixed", "uniform", "normal"),
    "train.schedule": SCHEDULES,
    "train.precision": PRECISIONS,
}
_RENAMED: dict[str, dict[str, str]] = {"train": {"generator_rate": "rate"}}


def names(product: bool = False) -> list[str]:
    """The presets that come with the package: those of the three systems, or the product's own."""
    found = sorted(path.stem for path in PRESETS.glob("*.toml"))
    return [name for name in found if ("task" in table(name)) == product]


def table(preset: str) -> dict[str, Any]:
    """The raw TOML of a preset, or of a file of your own."""
    path = Path(preset) if preset.endswith(".toml") else PRESETS / f"{preset}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        known = sorted(found.stem for found in PRESETS.glob("*.toml"))
        raise BadOption(f"There is no preset {preset!r}; {nearest(preset, known)}") from None
    try:
        return {"name": path.stem} | tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadOption(f"{path} is not TOML: {error}.") from None


def load(preset: str, changes: Sequence[str] = ()) -> Config:
    """The configuration of a preset with `changes` such as "train.batch=16"."""
    return of_dict(changed(table(preset), changes))


def changed(values: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """`values` with "section.field=value" set; the value is TOML, or else plain text."""
    out = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}
    for change in changes:
        key, equals, text = change.partition("=")
        section, dot, name = key.strip().partition(".")
        if not equals or not dot:
            raise BadOption(f"{change!r} is not section.field=value, as in train.batch=16.")
        try:
            value = tomllib.loads(f"value = {text.strip()}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        out.setdefault(section, {})[name] = value
    return out


def of_dict(values: Mapping[str, Any]) -> Config:
    """From TOML or a checkpoint's JSON; unknown names and wrong types are `BadOption`."""
    parts = {"network": NetworkConfig, "data": DataConfig, "train": TrainConfig}
    made: dict[str, Any] = {"name": str(values.get("name", "own"))}
    if "task" in values:
        raise BadOption(
            f"{made['name']} is the product's net {values['task']!r}, no system of edits."
        )
    for section, content in values.items():
        if section == "name":
            continue
        if section not in parts:
            raise BadOption(f"There is no section {section!r}; {nearest(section, parts)}")
        made[section] = record(parts[section], content, section)
    return Config(**made)


def record(kind: type[_T], content: Any, section: str) -> _T:
    """A dataclass from a section's fields; `BadOption` for unknown names and wrong types."""
    if not isinstance(content, Mapping):
        raise BadOption(f"{section} is a section with fields.")
    hints, given = get_type_hints(kind), {}
    renamed = _RENAMED.get(section, {})
    for told, value in content.items():
        name = renamed.get(told, str(told))
        if name not in hints:
            raise BadOption(f"There is no field {section}.{name}; {nearest(name, hints)}")
        given[name] = _fitted(value, hints[name], f"{section}.{name}")
    return kind(**given)


def _fitted(value: Any, hint: Any, name: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if get_origin(hint) is tuple:
        kind = get_args(hint)[0]
        if isinstance(value, list | tuple) and all(type(v) is kind for v in value):
            return tuple(value)
        raise BadOption(f"{name} is a list of {'names' if kind is str else 'whole numbers'}.")
    origin = get_origin(hint)
    wanted = str if origin is not None and origin not in (Union, types.UnionType) else hint
    if origin is None and type(value) is wanted:
        return value
    if origin is not None and value in get_args(hint):
        return value
    if origin is not None:
        raise BadOption(f"{name} cannot be {value!r}; {nearest(str(value), get_args(hint))}")
    kinds = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a word"}
    raise BadOption(f"{name} is {kinds.get(hint.__name__, hint.__name__)}, not {value!r}.")


def with_split(config: Config, split: str | None) -> Config:
    """With another split of the data, unless None."""
    if split is None:
        return config
    return dataclasses.replace(config, data=dataclasses.replace(config.data, split=split))


def check_attributes(config: Config, known: Sequence[str] = CELEBA) -> None:
    """`BadOption` for an attribute that the data has no label of."""
    for name in config.network.attributes:
        if name not in known:
            raise BadOption(f"The data has no label {name!r}; {nearest(name, known)}")
