"""Batches: a pure function of their number, so that a run can go on anywhere.

Rows, mirrors, targets and noise of batch k come from a generator seeded by the run's seed and k,
drawn for all processes together; the order of an epoch from one seeded by the epoch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tonsure.errors import BadOption
from tonsure.lab import targets
from tonsure.lab.config import Config
from tonsure.lab.data import split
from tonsure.lab.data.packed import Packed
from tonsure.lab.group import Group


class Feed:
    """Batches of a pack's training part for one process of a group.

    A batch has `real` (n, 3, H, W) in -1..1; `source`, `target` (n, C) of 0/1; `edit`, `same`
    (n, C), what G is told for the target and for "as it is"; `alpha` (n, 1, 1, 1) and `beta` for
    the penalty. `real` is on the device if the pack is held there.
    """

    def __init__(self, packed: Packed, config: Config, group: Group) -> None:
        self.config, self.group, self.pictures = config, group, packed.pictures
        self.rows = packed.rows(split.TRAIN)
        self.labels = torch.from_numpy(packed.labels)
        t = config.train
        self.per_epoch = len(self.rows) // t.batch
        if self.per_epoch < 1:
            raise BadOption(
                f"There are {len(self.rows)} training pictures, fewer than a batch of {t.batch}; "
                "use --set train.batch=..."
            )
        if t.batch % (group.size * t.accumulate):
            raise BadOption(
                f"train.batch {t.batch} cannot be shared by {group.size} processes in "
                f"{t.accumulate} parts."
            )
        self._epoch, self._order = -1, np.zeros(0, np.int64)
        self._held: Tensor | None = None
        if group.device.type == "cuda" and t.hold:
            self._held = torch.from_numpy(np.asarray(packed.pictures)).to(group.device)

    def batch(self, number: int) -> dict[str, Tensor]:
        """This process's part of batch `number`."""
        t, c = self.config.train, self.config.network
        rows = self.order(number)
        g = _generator(t.seed, 1, number)
        source = self.labels[rows]
        target = targets.draw(t.targets, source, c.attributes, g)
        strength = targets.magnitudes(t.magnitude, len(rows), c.count, g)
        edit, same = targets.conditions(c, source, target, strength)
        alpha = torch.rand(len(rows), 1, 1, 1, generator=g)
        mirror = torch.rand(len(rows), generator=g) < 0.5
        mine = self.group.mine(len(rows))
        real = self._load(rows[mine])
        if self.config.data.flip:
            flip = mirror[mine].to(real.device)[:, None, None, None]
            real = torch.where(flip, real.flip(3), real)
        beta = torch.zeros(len(real))
        if t.penalty == "dragan":
            beta = torch.rand(len(rows), *real.shape[1:], generator=g)[mine]
        drawn = {"source": source, "target": target, "edit": edit, "same": same, "alpha": alpha}
        return {"real": real, **{k: v[mine] for k, v in drawn.items()}, "beta": beta}

    def order(self, number: int) -> np.ndarray:
        """The rows of batch `number`, (batch,): full batches only, each epoch in its own order."""
        epoch, place = divmod(number, self.per_epoch)
        if epoch != self._epoch:
            g = _generator(self.config.train.seed, 2, epoch)
            self._order = self.rows[torch.randperm(len(self.rows), generator=g).numpy()]
            self._epoch = epoch
        size = self.config.train.batch
        return self._order[place * size : (place + 1) * size]

    def _load(self, rows: np.ndarray) -> Tensor:
        if self._held is not None:
            x = self._held[torch.from_numpy(rows).to(self._held.device)]
        else:
            x = torch.from_numpy(self.pictures[rows])
        return x.permute(0, 3, 1, 2).float() / 127.5 - 1


def _generator(seed: int, kind: int, number: int) -> torch.Generator:
    mixed = np.random.SeedSequence([seed, kind, number]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed) & 0x7FFF_FFFF_FFFF_FFFF)
