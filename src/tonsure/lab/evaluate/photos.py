"""Which photos: those of a folder, or CelebA's by its own lists."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tonsure.errors import BadOption, nearest
from tonsure.photo.formats import SUFFIXES

Labels = dict[str, bool]


@dataclass(frozen=True)
class Item:
    """A photo and, where known, its labels."""

    path: Path
    labels: Labels | None = None


def folder(path: Path) -> list[Path]:
    """All photos below a folder, by name. Raises `BadOption` if there are none."""
    if not path.is_dir():
        raise BadOption(f"{path} is not a folder.")
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not found:
        raise BadOption(f"There are no photos in {path}.")
    return found


def attributes(file: Path) -> dict[str, Labels]:
    """CelebA's `list_attr_celeba.txt`: labels by the name's stem. Raises `BadOption`."""
    lines = _lines(file)
    if len(lines) < 2:
        raise BadOption(f"{file} is not a list of attributes as CelebA has it.")
    names, out = lines[1].split(), {}
    for line in lines[2:]:
        name, *signs = line.split()
        if len(signs) != len(names):
            raise BadOption(f"{file} has {len(signs)} labels for {name}, not {len(names)}.")
        out[Path(name).stem] = {key: sign == "1" for key, sign in zip(names, signs, strict=True)}
    return out


def partition(file: Path, part: int) -> set[str]:
    """CelebA's `list_eval_partition.txt`: the stems of a part (0 train, 1 val, 2 test)."""
    pairs = (line.split() for line in _lines(file) if line)
    return {Path(name).stem for name, number in pairs if int(number) == part}


def choose(
    paths: Iterable[Path],
    labels: dict[str, Labels] | None = None,
    *,
    part: set[str] | None = None,
    having: Iterable[str] = (),
    lacking: Iterable[str] = (),
    count: int | None = None,
    even: str | None = None,
    seed: int = 0,
) -> list[Item]:
    """The photos to measure, in the order of their names.

    Parameters
    ----------
    paths : to choose from.
    labels : by stem, see `attributes`; a photo without is left out where labels are asked for.
    part : only these stems.
    having, lacking : labels that must be yes, and no.
    count : so many at most, drawn with `seed`.
    even : a label, of yes and no of which half of `count` each is drawn.
    """
    having, lacking = list(having), list(lacking)
    asked = [*having, *lacking, *([even] if even else [])]
    if asked and labels is None:
        raise BadOption("Choosing by labels needs --attributes.")
    items = [Item(path, labels.get(path.stem) if labels else None) for path in sorted(paths)]
    items = [item for item in items if part is None or item.path.stem in part]
    if labels:
        known = next(iter(labels.values()))
        for name in asked:
            if name not in known:
                raise BadOption(f"There is no label {name!r}; {nearest(name, known)}")
        items = [
            item
            for item in items
            if item.labels is not None
            and all(item.labels[name] for name in having)
            and not any(item.labels[name] for name in lacking)
        ]
    if not items:
        raise BadOption("No photo matches that choice; choose with fewer labels, or another part.")
    draw = random.Random(seed)
    if count is not None and even:
        halves = [[i for i in items if (i.labels or {})[even] is want] for want in (True, False)]
        items = [i for half in halves for i in draw.sample(half, min(count // 2, len(half)))]
    elif count is not None and count < len(items):
        items = draw.sample(items, count)
    return sorted(items, key=lambda item: item.path)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"The list {file} cannot be read: {error}.") from error
