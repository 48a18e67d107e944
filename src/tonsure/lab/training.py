"""`tonsure lab train`: a preset, data as they lie or packed, a run's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tonsure.errors import BadOption
from tonsure.lab import config, products
from tonsure.lab.data import packed
from tonsure.lab.group import Group, join
from tonsure.lab.tasks.edits import Edits
from tonsure.lab.train import train

Tell = Callable[[str], None]


def run(
    preset: str, changes: Sequence[str], data: Path, out: Path, *, listed: Path | None = None,
    boards: Sequence[str] = (), quiet: bool = False, tell: Tell = print, bar: bool = False,
    minutes: float | None = None,
) -> bool:  # fmt: skip
    """Train until it is done; False if it was interrupted, or if the `minutes` from the call on
    were over before. Data that is not packed is packed into `out/data` first."""
    if minutes is not None and minutes <= 0:
        raise BadOption("--minutes is more than 0.")
    until = None if minutes is None else time.monotonic() + 60 * minutes
    if products.is_product(preset):
        product = products.load(preset, changes)
        with join(product.train.device) as group:
            if not products.prepared(products.kind(product.task), data):
                data = _pack(out, group, lambda pack: products.prepare(product, data, pack))
            task = products.opened(product, data)
            return train(
                task, out, product.train, group, config=product.as_dict(), boards=boards,
                quiet=quiet, until=until,
            ).whole  # fmt: skip
    chosen = config.load(preset, changes)
    with join(chosen.train.device) as group:
        pack = data
        if not packed.is_pack(data):

            def make(folder: Path) -> None:
                if not packed.is_pack(folder):
                    packed.pack(chosen, data, folder, listed=listed, tell=tell, bar=bar)

            pack = _pack(out, group, make)
        edits = Edits(chosen, packed.open(pack, chosen), group)
        return train(edits, out, edits.recipe, group, boards=boards, quiet=quiet, until=until).whole


def _pack(out: Path, group: Group, make: Callable[[Path], None]) -> Path:
    """The run's own pack, made by the first process."""
    if group.leads:
        make(out / "data")
    group.wait()
    return out / "data"
