"""The 13 attributes of the published systems, which exclude each other, and the difference d.

Order, names and rules are those of the official AttGAN and STGAN. Everything is numpy: the
laboratory and the tool share this one list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .errors import BadOption, nearest

Labels = npt.NDArray[np.float32]

STANDARD = (
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses",
    "Male", "Mouth_Slightly_Open", "Mustache", "No_Beard", "Pale_Skin", "Young",
)  # fmt: skip
"""The attributes of AttGAN and STGAN, in their order."""

FIVE = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
"""The attributes of StarGAN, in their order."""

CELEBA = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs",
    "Big_Lips", "Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows",
    "Chubby", "Double_Chin", "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup",
    "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard",
    "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns",
    "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat",
    "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip
"""All 40 of CelebA, in its order."""

_BALD = ("Bald", "Receding_Hairline")
_COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
_SHAPES = ("Straight_Hair", "Wavy_Hair")


def excluded(name: str) -> tuple[str, ...]:
    """What cannot be where `name` is."""
    if name in _BALD:
        return ("Bangs",)
    if name == "Bangs":
        return _BALD
    for group in (_COLOURS, _SHAPES):
        if name in group:
            return tuple(other for other in group if other != name)
    return ()


def switched(labels: npt.ArrayLike, name: str, names: Sequence[str]) -> Labels:
    """`labels` (..., C) of 0/1 with `name` flipped; where that switches it on, what it excludes
    goes off (the official rule: nothing else changes when an attribute is switched off)."""
    out = np.array(labels, dtype=np.float32)
    flat = out.reshape(-1, out.shape[-1])
    at = index(name, names)
    flat[:, at] = 1 - flat[:, at]
    for other in excluded(name):
        if other in names:
            flat[flat[:, at] > 0.5, list(names).index(other)] = 0
    return out


def difference(source: npt.ArrayLike, target: npt.ArrayLike) -> Labels:
    """d of labels of 0/1 (..., C): what is switched on is 1, off -1, kept 0.

    The papers' (2b - 1) t - (2a - 1) t at their training strength t = 0.5.
    """
    return np.asarray(np.asarray(target, np.float32) - np.asarray(source, np.float32))


def single(name: str, amount: float, source: npt.ArrayLike, names: Sequence[str]) -> Labels:
    """d (C,) of one attribute by a signed `amount`; with a positive one, what it excludes and
    `source` (C,) of 0/1 has goes by as much. Needs of `source` only those exclusions."""
    d = np.zeros(len(names), np.float32)
    d[index(name, names)] = amount
    if amount > 0:
        for other in excluded(name):
            if other in names and np.asarray(source)[list(names).index(other)] > 0.5:
                d[list(names).index(other)] = -amount
    return d


def index(name: str, names: Sequence[str]) -> int:
    """Where `name` is in `names`; `BadOption` with the nearest one otherwise."""
    if name in names:
        return list(names).index(name)
    lowered = {known.lower(): known for known in names}
    if name.lower() in lowered:
        raise BadOption(f"There is no attribute {name!r}; write {lowered[name.lower()]!r}.")
    starts = [known for known in names if len(name) > 3 and known.lower().startswith(name.lower())]
    hint = f"did you mean {starts[0]!r}?" if len(starts) == 1 else nearest(name, names)
    raise BadOption(f"There is no attribute {name!r}; {hint}")


def row(told: Mapping[str, bool] | Iterable[str], names: Sequence[str]) -> Labels:
    """Labels (C,) of 0/1 from names that apply, or from a mapping."""
    chosen = [k for k, v in told.items() if v] if isinstance(told, Mapping) else list(told)
    out = np.zeros(len(names), np.float32)
    for name in chosen:
        out[index(name, names)] = 1
    return out


def condition(kind: str, scale: float, source: npt.ArrayLike, d: npt.ArrayLike) -> Labels:
    """What a generator is told, from labels (..., C) of 0/1 and a difference d of unit 1.

    "difference" (STGAN): 2 t d; "target" (AttGAN): (2a - 1) t + 2 t d; "labels" (StarGAN): a + d.
    With d in -1, 0, 1 these are the values of training; 1.5 is the strength at which STGAN and
    AttGAN published their accuracies.
    """
    a, d = np.asarray(source, np.float32), np.asarray(d, np.float32)
    if kind == "labels":
        return np.asarray(a + d)
    moved = np.asarray(2 * scale * d, np.float32)
    return moved if kind == "difference" else np.asarray((2 * a - 1) * scale + moved, np.float32)
