"""Splits by name: which rows of a list train, validate and test.

official  AttGAN's and STGAN's: CelebA's numbers up to 182,000, to 182,637, the rest
celeba    CelebA's own `list_eval_partition.txt`, or the splits of a set that has its own
stargan   lines shuffled by Python's generator with seed 1234; the first 1,999 test
paddle    by position: the first 90 % train, the next 0.3 % test, the rest unused
all       everything trains, and the last rows are looked at
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tonsure.errors import BadOption

TRAIN, VAL, TEST, UNUSED = 0, 1, 2, 3
_LAST = (182_000, 182_637)


def parts(
    how: str,
    files: Sequence[str],
    numbers: dict[str, int] | None = None,
    partition: dict[str, int] | None = None,
) -> npt.NDArray[np.int8]:
    """(N,) of TRAIN, VAL, TEST, UNUSED for the files of a list.

    `numbers` give CelebA's number for files that are not called by it (CelebA-HQ); `partition` is
    CelebA's own, by stem.
    """
    n = len(files)
    out = np.full(n, TRAIN, np.int8)
    stems = [Path(name).stem for name in files]
    if how == "official":
        known = [numbers.get(s) if numbers is not None else _number(s) for s in stems]
        for row, number in enumerate(known):
            if number is None:
                raise BadOption(
                    f"The split 'official' goes by CelebA's numbers, and {files[row]} has none; "
                    "use --set data.split=paddle (by position), stargan or all."
                )
            out[row] = TRAIN if number <= _LAST[0] else VAL if number <= _LAST[1] else TEST
    elif how == "celeba":
        if partition is None:
            raise BadOption(
                "The split 'celeba' needs list_eval_partition.txt beside the list of labels; "
                "use another one with --set data.split=..."
            )
        missing = next((s for s in stems if s not in partition), None)
        if missing is not None:
            raise BadOption(f"list_eval_partition.txt has no line for {missing}.")
        out[:] = [partition[s] for s in stems]
    elif how == "stargan":
        order = list(range(n))
        random.Random(1234).shuffle(order)
        out[order[:1999]] = TEST
    elif how == "paddle":
        out[int(n * 0.9) : int(n * 0.9) + int(n * 0.003)] = TEST
        out[int(n * 0.9) + int(n * 0.003) :] = UNUSED
    return out


def _number(stem: str) -> int | None:
    return int(stem) if stem.isdigit() else None
