"""The compact editor: attributes that a procedure does not change well, learned on CelebA.

The model is `networks.editor.Editor`, its critic tells real from edited and reads the labels. A
picture's difference vector asks for one label or two: a label is drawn first, then pictures of
which as many have it as lack it, so that rare ones are as common as others; degrees between 0.4 and
1 make magnitudes continuous. Losses: hinge with lazy R1 (Mescheder et al. 2018), labels as they
were but for what shall change, the way back to the picture (identity), small and smooth masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.errors import BadOption, nearest
from tonsure.faces import Frame
from tonsure.lab import losses
from tonsure.lab.augment import uniform
from tonsure.lab.data import pack
from tonsure.lab.evaluate import judge as judges
from tonsure.lab.export import Port
from tonsure.lab.frames import similarity
from tonsure.lab.networks.editor import Critic, Editor
from tonsure.lab.task import device_of
from tonsure.lab.tasks.judge import inputs

SIZE = (192, 160)
"""Height and width of what the net sees, unless the task is told otherwise."""
LEARNED = ("Bangs", "Male", "Mouth_Slightly_Open", "Young")
WIDTHS = (24, 48, 96, 160, 224)
CRITIC = (32, 64, 128, 192, 256)

_LEAST = 0.4  # of a degree that is asked for
_SECOND = 0.25  # of the pictures shall change a second label
_SHOWN = 64  # pictures of an examination
_SIDES, _MIDDLE = (0.0, 178.0), 109.0  # of the aligned frame
Bytes = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]


def box(window: Sequence[int]) -> Box:
    """Where a window (height, width) lies in the aligned frame, x0 y0 x1 y1: as wide as it."""
    half = (_SIDES[1] - _SIDES[0]) * window[0] / window[1] / 2
    return _SIDES[0], _MIDDLE - half, _SIDES[1], _MIDDLE + half


class EditorTask:
    """See the module.

    Parameters
    ----------
    pictures : (N, H, W, 3) uint8, `views` of CelebA.
    labels : (N, C) bool, columns in the order of `attributes`.
    held : (N,) True for pictures of the val partition, which are never trained on.
    size : pictures a batch.
    weights : of the terms `class`, `back`, `mask`, `smooth`, `small`, and of the penalty.
    """

    NEEDS = ("celeba.npz", "celeba_img.npy")
    prepare = staticmethod(pack.masks)
    names = ("model", "critic")

    @classmethod
    def open(
        cls, data: Path, size: int = 16, attributes: Sequence[str] = LEARNED,
        widths: Sequence[int] = WIDTHS, critic: Sequence[int] = CRITIC,
        window: Sequence[int] = SIZE, weights: dict[str, float] | None = None,
    ) -> EditorTask:  # fmt: skip
        """From a folder that holds `NEEDS`."""
        packed = np.load(data / "celeba.npz")
        known = [str(name) for name in packed["attr_names"]]
        for name in attributes:
            if name not in known:
                raise BadOption(f"There is no label {name!r}; {nearest(name, known)}")
        rows = np.nonzero(packed["flag"] > 0.5)[0]
        columns = [known.index(name) for name in attributes]
        labels = packed["attr"][rows][:, columns] > 0
        return cls(
            views(data, packed, rows, window), labels, packed["part"][rows] != 0, size=size,
            attributes=attributes, widths=widths, critic=critic, weights=weights,
        )  # fmt: skip

    @staticmethod
    def network(
        attributes: Sequence[str] = LEARNED, widths: Sequence[int] = WIDTHS, **_: Any
    ) -> nn.Module:
        """The net itself, without any data."""
        return Editor(len(attributes), tuple(widths))

    @staticmethod
    def port(network: nn.Module) -> Port:
        """For use: `picture`, `difference` -> `change`, `mask`."""
        body: Any = network.body
        count = int(body.config["inputs"]) - 3
        examples = {
            "picture": torch.rand(2, 3, *SIZE) * 2 - 1, "difference": torch.rand(2, count) * 2 - 1
        }  # fmt: skip
        free = {name: {0: "N"} for name in ("picture", "difference", "change", "mask")}
        return Port(network, examples, ["change", "mask"], free)

    def __init__(
        self, pictures: Bytes, labels: npt.NDArray[np.bool_], held: npt.NDArray[np.bool_], *,
        size: int = 16, attributes: Sequence[str] = LEARNED, widths: Sequence[int] = WIDTHS,
        critic: Sequence[int] = CRITIC, weights: dict[str, float] | None = None,
    ) -> None:  # fmt: skip
        unknown = next((key for key in weights or {} if key not in WEIGHTS), None)
        if unknown is not None:
            raise BadOption(f"There is no weight {unknown!r}; {nearest(unknown, list(WEIGHTS))}")
        self.attributes, self.size = tuple(attributes), size
        self.widths, self.critic_widths = tuple(widths), tuple(critic)
        self.weights = WEIGHTS | (weights or {})
        self.window = tuple(pictures.shape[1:3])
        self.config: dict[str, Any] = {
            "task": "editor", "size": size, "window": list(self.window),
            "attributes": list(attributes), "widths": list(widths), "critic": list(critic),
            "weights": self.weights,
        }  # fmt: skip
        self.pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(labels.astype(np.float32))
        self.held = torch.from_numpy(np.nonzero(held)[0])
        self.pools = [
            [
                torch.from_numpy(np.nonzero(~held & (labels[:, k] == has))[0])
                for has in (True, False)
            ]
            for k in range(len(self.attributes))
        ]
        poor = [n for n, both in zip(self.attributes, self.pools, strict=True)
                if not all(len(one) for one in both)]  # fmt: skip
        if poor:
            raise BadOption(f"The pack has nobody with, or nobody without, {poor[0]}.")

    def build(self) -> nn.Module:
        return Editor(len(self.attributes), self.widths)

    def build_critic(self) -> nn.Module:
        return Critic(len(self.attributes), self.critic_widths)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        """`picture`, `labels` 0..1, `difference` -1..1, and `drawn` for the penalty."""
        g, count = generator, len(self.attributes)
        asked = torch.randint(count, (self.size,), generator=g)
        rows = []
        for n, k in enumerate(asked.tolist()):
            pool = self.pools[k][n % 2]
            rows.append(pool[int(torch.randint(len(pool), (), generator=g))])
        row = torch.stack(rows)
        known = self.labels[row]
        wanted = F.one_hot(asked, count).float()
        second = F.one_hot(torch.randint(count, (self.size,), generator=g), count).float()
        also = (torch.rand(self.size, 1, generator=g) < _SECOND).float()
        wanted = torch.maximum(wanted, second * also)
        degree = uniform(g, self.size, _LEAST, 1.0)[:, None]
        x = self.pictures[row].float()
        flip = torch.rand(self.size, generator=g) < 0.5
        x = torch.where(flip[:, None, None, None], x.flip(3), x)
        return {
            "picture": inputs(x), "labels": known, "difference": wanted * (1 - 2 * known) * degree,
            "drawn": torch.rand(self.size, 1, generator=g),
        }  # fmt: skip

    def critic_losses(
        self, critic: nn.Module, model: nn.Module, batch: dict[str, Tensor], update: int
    ) -> dict[str, Tensor]:
        d: Any = critic
        g: Any = model
        x = batch["picture"]
        with torch.no_grad():
            fake = g.edited(x, batch["difference"]).float()
        scores, logits = d(torch.cat([x, fake]))
        n = len(x)
        terms = {
            "adversarial": losses.critic_adversarial("hinge", scores[:n], scores[n:]),
            "class": losses.classification(logits[:n], batch["labels"], True),
        }
        every = int(self.weights["penalty_every"])
        if update % every == 0:
            with torch.autocast(x.device.type, enabled=False):  # gradients of gradients in float32
                strength = every * self.weights["penalty"]
                real = x.float()
                terms["penalty"] = strength * losses.penalty("r1", d.scores, real)
                turning = losses.class_penalty(d.logits, real, batch["drawn"])
                terms["class_penalty"] = 0.1 * strength * turning
        return terms

    def losses_against(
        self, critic: nn.Module, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor],
        progress: float,
    ) -> dict[str, Tensor]:  # fmt: skip
        g: Any = model
        w, x, difference = self.weights, batch["picture"], batch["difference"]
        change, mask = g(x, difference)
        fake = (x + mask * change).clamp(-1, 1)
        scores, logits = critic(fake)
        # half a degree is half an answer
        target = batch["labels"] + difference
        back = g.edited(fake, -difference)
        return {
            "adversarial": losses.generator_adversarial("hinge", scores),
            "class": w["class"] * losses.classification(logits, target, True),
            "back": w["back"] * (back.float() - x.float()).abs().mean(),
            "mask": w["mask"] * mask.float().mean(),
            "smooth": w["smooth"] * _steps(mask.float()),
            "small": w["small"] * (fake.float() - x.float()).abs().mean(),
        }

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On people of val, every label turned: how many the judge calls turned (yes and no equally
        common), how much of the picture changes and by how many levels."""
        model.eval()
        sees, out = judges.open(threads=1), {}
        rows = self.held[:: max(1, len(self.held) // _SHOWN)][:_SHOWN]
        for k, name in enumerate(self.attributes):
            x, made, mask = self._turned(model, rows, k)
            column = sees.names.index(name)
            said = sees.balanced(sees.probabilities(to_judge(made)))[:, column] > 0.5
            had = self.labels[rows, k].numpy() > 0.5
            out[f"{name}_turned"] = round(float((said != had).mean()), 4)
            out[f"{name}_mask"] = round(float(mask.mean()), 4)
            out[f"{name}_levels"] = round(float((made - x).abs().mean()) * 127.5, 3)
        return out

    @torch.no_grad()
    def sheet(self, model: nn.Module) -> Bytes:
        """Of eight people of val: as they are, and with each label turned; (H, W, 3)."""
        model.eval()
        rows = self.held[:: max(1, len(self.held) // 8)][:8]
        columns = [inputs(self.pictures[rows])]
        columns += [self._turned(model, rows, k)[1] for k in range(len(self.attributes))]
        whole = torch.cat([torch.cat(list(column), 1) for column in columns], 2)
        levels = ((whole + 1) * 127.5).round().clamp(0, 255).byte()
        return levels.permute(1, 2, 0).contiguous().numpy()

    def _turned(
        self, model: nn.Module, rows: Tensor, label: int
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Pictures, edits, -1..1, and masks of `rows` with one label turned."""
        x = inputs(self.pictures[rows])
        difference = torch.zeros(len(rows), len(self.attributes))
        difference[:, label] = 1 - 2 * self.labels[rows, label]
        device = device_of(model)
        change, mask = model(x.to(device), difference.to(device))
        change, mask = change.float().cpu(), mask.float().cpu()
        return x, (x + mask * change).clamp(-1, 1), mask


WEIGHTS = {
    "class": 1.0, "back": 10.0, "mask": 0.3, "smooth": 0.1, "small": 2.0, "penalty": 5.0,
    "penalty_every": 16,
}  # fmt: skip
"""Of the terms, by name."""


def to_judge(pictures: Tensor) -> Bytes:
    """(N, 3, H, W) of -1..1 as the judge wants to see them, (N, 144, 112, 3)."""
    x0, y0, x1, y1 = judges.BOX
    here = box(pictures.shape[2:])
    height, width = judges.SIZE
    xs = torch.linspace(x0 + 0.5 / judges.SCALE, x1 - 0.5 / judges.SCALE, width)
    ys = torch.linspace(y0 + 0.5 / judges.SCALE, y1 - 0.5 / judges.SCALE, height)
    xs, ys = (
        2 * (at - low) / (high - low) - 1
        for at, low, high in ((xs, here[0], here[2]), (ys, here[1], here[3]))
    )
    grid = torch.stack(torch.meshgrid(ys, xs, indexing="ij")[::-1], -1)
    seen = F.grid_sample(
        pictures, grid.expand(len(pictures), -1, -1, -1), padding_mode="border",
        align_corners=False,
    )  # fmt: skip
    levels = ((seen + 1) * 127.5).round().clamp(0, 255).byte()
    return levels.permute(0, 2, 3, 1).contiguous().numpy()


def views(
    data: Path, packed: Any, rows: npt.NDArray[np.int64], window: Sequence[int] = SIZE
) -> Bytes:
    """(N, H, W, 3): packed CelebA in the aligned frame."""
    images = np.load(data / "celeba_img.npy", mmap_mode="r")
    where, points = box(window), packed["lm"]  # an archive unpacks it anew each time
    out = np.empty((len(rows), *window, 3), np.uint8)
    scale = window[1] / (where[2] - where[0])
    for k, row in enumerate(rows):
        frame = Frame(*similarity(points[row]))
        out[k] = frame.cut(np.asarray(images[row]), scale, where)
    return out


def _steps(mask: Tensor) -> Tensor:
    """How much a mask changes from pixel to pixel."""
    across = (mask[..., 1:] - mask[..., :-1]).abs().mean()
    return across + (mask[..., 1:, :] - mask[..., :-1, :]).abs().mean()
