"""What a file of other people's weights holds, and what its shapes tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from tonsure.attributes import FIVE, STANDARD
from tonsure.errors import ModelDamaged
from tonsure.lab.networks.config import LAYERS

Tensors = dict[str, Tensor]


@dataclass
class Found:
    """What a file holds, in our names; `preset` has the conventions it was trained with."""

    preset: str
    network: dict[str, Any]
    generator: Tensors
    discriminator: Tensors = field(default_factory=dict)


def wiring(g: Tensors) -> dict[str, Any]:
    """Widths, labels, shortcuts and injects from the shapes of an encoder and a decoder."""
    widths = [channels(g, f"encoder.{i}.0.weight", 0) for i in range(LAYERS)]
    count = channels(g, "decoder.0.0.weight", 0) - widths[-1]
    shortcuts = injects = 0
    for i in range(LAYERS - 1):
        extra = channels(g, f"decoder.{i + 1}.0.weight", 0) - widths[LAYERS - 1 - i]
        skip = widths[LAYERS - 2 - i]
        if extra not in (0, count, skip, skip + count):
            raise ModelDamaged(
                f"decoder.{i + 1} has {extra} joined channels; {count} labels and {skip} "
                "features were expected."
            )
        shortcuts += extra >= skip
        injects += extra in (count, skip + count)
    made = {"base": widths[0], "widest": widths[-1], "shortcuts": shortcuts, "injects": injects}
    return made | names(count)


def channels(g: Tensors, name: str, axis: int) -> int:
    if name not in g:
        raise ModelDamaged(f"The file does not fit: it has no {name}.")
    return int(g[name].shape[axis])


def square(d: Tensors) -> dict[str, Any]:
    """Size and widths from the discriminator, if there is one; pictures are square."""
    if "adversarial.0.weight" not in d:
        return {}
    convs = sorted(
        (int(k.split(".")[1]), v) for k, v in d.items()
        if k.startswith("main.") and v.ndim == 4
    )  # fmt: skip
    hidden, flat = d["adversarial.0.weight"].shape
    side = 32 * math.isqrt(flat // convs[-1][1].shape[0])
    return {
        "height": side, "width": side, "hidden": int(hidden),
        "critic_base": int(convs[0][1].shape[0]), "critic_widest": int(convs[-1][1].shape[0]),
    }  # fmt: skip


def names(count: int) -> dict[str, Any]:
    known: dict[int, tuple[str, ...]] = {13: STANDARD, 5: FIVE}
    return {"attributes": list(known[count])} if count in known else {}
