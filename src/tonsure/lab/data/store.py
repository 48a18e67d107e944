"""Targets as a training step wants them: rows in, uint8 tensors on the step's device out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tonsure.lab.data import small


class Store:
    """The windows of one part.

    `take(rows)` gives (n, 7, H, W) uint8 on `device`: RGB, inside, own hair, head (0..255) and
    labels. `as_target`, `as_donor` (N,) float32 on `device` are the chances; `grid` says where a
    pixel lies.
    """

    def __init__(
        self,
        grid: small.Grid,
        sources: list[dict[str, Any]] | Tensor,
        as_target: Tensor,
        as_donor: Tensor,
    ) -> None:
        self.grid, self.as_target, self.as_donor = grid, as_target, as_donor
        self.device = as_target.device
        self._sources = sources
        lengths = [0] if isinstance(sources, Tensor) else [0, *(len(s["rgb"]) for s in sources)]
        self._starts = np.cumsum(lengths)

    def __len__(self) -> int:
        return len(self.as_target)

    @classmethod
    def open(
        cls,
        data: Path,
        part: str,
        device: torch.device | str = "cpu",
        *,
        workers: int = 1,
        most: int | None = None,
    ) -> Store:
        """Of `data`, a folder of `targets-*-PART.npz` (left on disk and mapped) or the one file of
        `data.small` (decoded by `workers` processes into the device's memory)."""
        if data.is_file():
            found = small.read(data, part, workers=workers, most=most)
            chances = (torch.from_numpy(c).to(device) for c in (found.as_target, found.as_donor))
            return cls(found.grid, torch.from_numpy(found.windows).to(device), *chances)
        sources = [small.members(path) for path in sorted(data.glob(f"targets-*-{part}.npz"))]
        if not sources:
            raise FileNotFoundError(f"no targets-*-{part}.npz in {data}")
        chances = (
            torch.from_numpy(np.concatenate([s[k] for s in sources])).to(device)
            for k in ("as_target", "as_donor")
        )
        return cls(small.WIDE, sources, *chances)

    def pick(self, chance: str, count: int, g: torch.Generator) -> Tensor:
        """(count,) rows drawn by `chance`, `as_target` or `as_donor`."""
        return torch.multinomial(getattr(self, chance), count, replacement=True, generator=g)

    def take(self, rows: Tensor) -> Tensor:
        """See the class."""
        if isinstance(self._sources, Tensor):
            return self._sources[rows]
        told = rows.tolist()
        out = torch.empty(len(told), small.CHANNELS, self.grid.height, self.grid.width).byte()
        for into, row in zip(out, told, strict=True):
            at = int(np.searchsorted(self._starts, row, side="right")) - 1
            source, k = self._sources[at], row - int(self._starts[at])
            into[:3] = torch.from_numpy(np.array(source["rgb"][k])).permute(2, 0, 1)
            for channel, name in enumerate(("inside", "own", "head", "labels"), 3):
                into[channel] = torch.from_numpy(np.array(source[name][k]))
        return out.to(self.device)
