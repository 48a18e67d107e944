"""A small run of each system, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tonsure.lab import config
from tonsure.lab.config import Config
from tonsure.lab.data.packed import Packed
from tonsure.lab.group import ALONE
from tonsure.lab.tasks.edits import Edits
from tonsure.lab.train import Trained, train

SMALL = [
    "network.height=32", "network.width=32", "network.base=4", "network.widest=16",
    "network.critic_base=4", "network.critic_widest=16", "network.hidden=8", "train.batch=4",
    "train.epochs=0", "train.steps=4", "train.critic_steps=2", "train.save_every=2",
    "train.log_every=1", "train.sample_every=100", "train.samples=2", "data.split=all",
]  # fmt: skip


def small(preset: str = "stgan-128", *changes: str) -> Config:
    return config.load(preset, [*SMALL, *changes])


def drawn(made: Config, count: int = 24) -> Packed:
    """A pack of noise."""
    random = np.random.default_rng(0)
    c = made.network
    return Packed(
        random.integers(0, 256, (count, c.height, c.width, 3)).astype(np.uint8),
        random.integers(0, 2, (count, c.count)).astype(np.float32), c.attributes,
        np.zeros(count, np.int8), np.array([f"{k:06d}.jpg" for k in range(count)]),
    )  # fmt: skip


def write_pack(folder: Path, made: Config, count: int = 24) -> None:
    """The same as files."""
    import json

    from tonsure.lab.data.packed import recipe

    pack = drawn(made, count)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "pictures.npy", pack.pictures)
    unknown = np.full(count, -1)
    np.savez(
        folder / "labels.npz", attributes=np.array(made.network.attributes),
        labels=pack.labels.astype(np.int8), files=pack.files, parts=pack.parts, celeba=unknown,
        partition=unknown, recipe=json.dumps(recipe(made)),
    )  # fmt: skip


def go(made: Config, pack: Packed, run: Path) -> Trained:
    """Train on a pack, quietly, on this processor."""
    edits = Edits(made, pack, ALONE)
    return train(edits, run, edits.recipe, quiet=True)


def trained(made: Config, run: Path) -> Path:
    """A run of it."""
    assert go(made, drawn(made), run).whole
    return run
