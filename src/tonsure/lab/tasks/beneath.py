"""What lies beneath long hair, learned from people whose neck, shoulders and clothes are seen.

Other people's hair is laid on them, found and cut out as in use; the net has to give the layers
(background, skin, two sorts of cloth) and the colour of each in the hole. Long-haired people teach
too, where they are seen: else the net would lean to men in shirts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.augment import uniform
from tonsure.lab.data import wide
from tonsure.lab.networks.beneath import LAYERS, Beneath

DENSITY, LEFT, TOP = 16.0, -4.0, -3.1
"""Of the net's window: px per eye distance, its corner in eye distances from between the eyes."""
HEIGHT, WIDTH = 160, 128
BACKGROUND, SKIN, CLOTH, CLOTH2 = range(4)
OTHER, UNKNOWN = 3, 255
"""Labels of targets beside 0..2: what is worn and stays; what nobody can tell."""
_APART = 0.22  # between two sorts of cloth, of colours 0..1


def face_units(device: Any = None) -> tuple[Tensor, Tensor]:
    """x and y (HEIGHT, WIDTH) of the window's pixels in eye distances from between the eyes."""
    y = (torch.arange(HEIGHT, device=device) + 0.5) / DENSITY + TOP
    x = (torch.arange(WIDTH, device=device) + 0.5) / DENSITY + LEFT
    return x[None].expand(HEIGHT, -1), y[:, None].expand(-1, WIDTH)


def two_sorts(rgb: Tensor, cloth: Tensor, known: Tensor) -> Tensor:
    """Cloth (N, 1, H, W) told apart by its visible colours: the second sort's share (N, 1, H, W).

    Two means of the visible pixels of rgb (N, 3, H, W) 0..1 (Lloyd), begun from the darkest and the
    brightest; the first sort is that of most visible pixels; where the means are near to each other
    all is of the first.
    """
    n = rgb.shape[0]
    smooth = F.avg_pool2d(rgb, 5, 1, 2, count_include_pad=False)
    w = ((cloth * known) > 0.5).float().flatten(2)
    flat = smooth.flatten(2)
    luma = flat.mean(1, keepdim=True)
    low = luma.masked_fill(w < 0.5, 9.0).min(2, keepdim=True).values
    high = luma.masked_fill(w < 0.5, -9.0).max(2, keepdim=True).values
    middle = (low + high) / 2
    second = (luma > middle).float()
    for _ in range(6):
        m2, m1 = w * second, w * (1 - second)
        c1 = (flat * m1).sum(2, keepdim=True) / m1.sum(2, keepdim=True).clamp(min=1)
        c2 = (flat * m2).sum(2, keepdim=True) / m2.sum(2, keepdim=True).clamp(min=1)
        d1 = ((flat - c1) ** 2).sum(1, keepdim=True)
        d2 = ((flat - c2) ** 2).sum(1, keepdim=True)
        second = (d2 < d1).float()
    m2, m1 = (w * second).sum(2), (w * (1 - second)).sum(2)
    apart = ((c1 - c2) ** 2).sum(1).sqrt() > _APART
    few = torch.minimum(m1, m2) < 0.04 * (m1 + m2)
    second = torch.where((m2 > m1)[:, :, None], 1 - second, second)
    second = second * (apart & ~few).float()[:, :, None]
    return second.reshape(n, 1, *rgb.shape[2:]) * cloth


class BeneathTask:
    """See the module.

    Parameters
    ----------
    data : folder of `targets-*.npz` (`data.targets.pack`).
    size : windows a batch.
    """

    def __init__(self, data: Path, size: int = 16, widths: tuple[int, ...] = (40, 80, 128, 192)):
        self.config: dict[str, Any] = {"task": "beneath", "size": size, "widths": list(widths)}
        self.size, self.widths = size, widths
        self.sets = self._open(data, "train")
        self.tests = self._open(data, "test")

    @staticmethod
    def _open(data: Path, part: str) -> dict[str, Any]:
        found = sorted(data.glob(f"targets-*-{part}.npz"))
        parts: dict[str, list[Any]] = {}
        for path in found:
            with np.load(path) as d:
                for name in d.files:
                    parts.setdefault(name, []).append(d[name])
        return {name: np.concatenate(arrays) for name, arrays in parts.items()}

    def build(self) -> nn.Module:
        return Beneath(self.widths)

    def _pick(self, sets: dict[str, Any], key: str, count: int, g: torch.Generator) -> Any:
        chance = torch.from_numpy(sets[key])
        return torch.multinomial(chance, count, replacement=True, generator=g).numpy()

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        g = generator
        rows = self._pick(self.sets, "as_target", self.size, g)
        donors = self._pick(self.sets, "as_donor", self.size, g)
        return self.compose(self._planes(self.sets, rows, g), self._donor(self.sets, donors, g), g)

    def _grid(self, n: int, g: torch.Generator, amount: float) -> Tensor:
        """Where the window's pixels lie in a packed one, jittered: (n, H, W, 2)."""
        angle = 0.05 * amount * torch.randn(n, generator=g)
        scale = torch.exp(0.07 * amount * torch.randn(n, generator=g))
        shift = 0.08 * amount * torch.randn(n, 2, generator=g)
        flip = torch.where(torch.rand(n, generator=g) < 0.5, -1.0, 1.0)
        if amount == 0:
            flip = torch.ones(n)
        x, y = face_units()
        c, s = (torch.cos(angle) * scale)[:, None, None], (torch.sin(angle) * scale)[:, None, None]
        u = (c * x - s * y + shift[:, 0, None, None]) * flip[:, None, None]
        v = s * x + c * y + shift[:, 1, None, None]
        u = (u - wide.LEFT) * wide.DENSITY / wide.WIDTH * 2 - 1
        v = (v - wide.TOP) * wide.DENSITY / wide.HEIGHT * 2 - 1
        return torch.stack([u, v], -1)

    def _planes(
        self, sets: dict[str, Any], rows: Any, g: torch.Generator, amount: float = 1.0
    ) -> dict[str, Tensor]:
        """Targets: rgb, inside, own hair, head (n, C, H, W) 0..1 and labels (n, H, W)."""
        grid = self._grid(len(rows), g, amount)
        planes = np.concatenate(
            [sets["rgb"][rows], np.stack([sets[k][rows] for k in ("inside", "own", "head")], -1)], -1
        )
        x = torch.from_numpy(planes).permute(0, 3, 1, 2).float() / 255
        soft = F.avg_pool2d(x, 2, 1)  # a little of area averaging: the packed grid is finer
        soft = F.pad(soft, (0, 1, 0, 1), mode="replicate")
        out = F.grid_sample(soft, grid, padding_mode="border", align_corners=False)
        beyond = (grid.abs() > 1).any(-1)[:, None]
        labels = torch.from_numpy(sets["labels"][rows].astype(np.float32))[:, None] + 1
        labels = F.grid_sample(labels, grid, mode="nearest", align_corners=False)[:, 0] - 1
        labels = torch.where(labels < 0, UNKNOWN, labels).long()
        inside = torch.where(beyond, 0.0, out[:, 3:4])
        return {"rgb": out[:, :3], "inside": (inside > 0.98).float(), "own": out[:, 4:5],
                "head": out[:, 5:6], "labels": labels}  # fmt: skip

    def _donor(
        self, sets: dict[str, Any], rows: Any, g: torch.Generator, amount: float = 1.0
    ) -> Tensor:
        """Hair of others: RGB and alpha (n, 4, H, W) 0..1."""
        own = np.where(sets["inside"][rows] > 250, sets["own"][rows], 0)
        planes = np.concatenate([sets["rgb"][rows], own[..., None]], -1)
        x = torch.from_numpy(planes).permute(0, 3, 1, 2).float() / 255
        out = F.grid_sample(x, self._grid(len(rows), g, 1.6 * amount), align_corners=False)
        alpha = ((out[:, 3:4] - 0.08) / 0.84).clamp(0, 1)
        return torch.cat([out[:, :3], alpha], 1)

    def compose(
        self, t: dict[str, Tensor], donor: Tensor, g: torch.Generator, jitter: bool = True
    ) -> dict[str, Tensor]:
        """Lay the donors' hair on the targets and cut it out; everything the losses need."""
        rgb, inside, own, head, labels = (t[k] for k in ("rgb", "inside", "own", "head", "labels"))
        n = rgb.shape[0]
        x, y = face_units()
        inner = ((x / 0.85) ** 2 + ((y - 0.35) / 1.0) ** 2 < 1).float()[None, None]
        keep = (torch.rand(n, 1, 1, 1, generator=g) < 0.85).float() if jitter else 1.0
        alpha = donor[:, 3:4] * (1 - inner * keep)
        if jitter:
            rgb = self._light(rgb, g)
        truth = rgb
        shown = rgb
        if jitter:
            shade = F.avg_pool2d(F.avg_pool2d(alpha, 11, 1, 5), 11, 1, 5)
            depth = uniform(g, n, -0.15, 0.4).clamp(min=0)[:, None, None, None]
            shown = shown * (1 - depth * (1.5 * shade).clamp(max=1))
            shown = shown * (1 - alpha) + donor[:, :3] * alpha
            inside = inside * self._cut(n, g)
        r1 = int(torch.randint(0, 4, (1,), generator=g)) if jitter else 2
        r2 = int(torch.randint(1, 4, (1,), generator=g)) if jitter else 2
        hole = F.max_pool2d((alpha > 0.3).float(), 2 * r1 + 1, 1, r1)
        own_hole = F.max_pool2d((own > 0.2).float(), 2 * r2 + 1, 1, r2)
        hole = torch.maximum(hole, own_hole)
        known = inside * (1 - hole)
        sure = (labels < 3).float()[:, None] * (1 - own_hole) * t["inside"]
        cloth = (labels == CLOTH).float()[:, None]
        second = two_sorts(truth, cloth, known * sure)
        layer = torch.where((second[:, 0] > 0.5), torch.full_like(labels, CLOTH2), labels)
        layer = torch.where(labels >= 3, torch.zeros_like(labels), layer)
        hot = F.one_hot(layer, len(LAYERS)).permute(0, 3, 1, 2).float() * (labels < 3)[:, None]
        seen = hot * known
        coords = torch.stack([x, y])[None].expand(n, -1, -1, -1) / 4
        window = torch.cat(
            [(shown * 2 - 1) * known, known, inside, head, seen, coords], 1
        )
        return {"window": window, "rgb": truth * 2 - 1, "layer": layer, "known": known, "sure": sure}

    def _light(self, rgb: Tensor, g: torch.Generator) -> Tensor:
        """Gamma, gain, cast and grey, so that any light and any skin is met."""
        n = rgb.shape[0]

        def draw(low: float, high: float) -> Tensor:
            return uniform(g, n, low, high)[:, None, None, None]

        rgb = rgb.clamp(1e-3, 1) ** torch.exp(draw(-0.4, 0.4))
        rgb = (rgb * (1 + 0.1 * torch.randn(n, 3, 1, 1, generator=g)) * draw(0.75, 1.2)).clamp(0, 1)
        grey = rgb.mean(1, keepdim=True)
        vivid = draw(0.4, 1.3) * (draw(0, 1) > 0.08)
        return (grey + (rgb - grey) * vivid).clamp(0, 1)

    def _cut(self, n: int, g: torch.Generator) -> Tensor:
        """Photos end nearer than the packed ones do: (n, 1, H, W) of 0 and 1."""
        out = torch.ones(n, 1, HEIGHT, WIDTH)
        for i in range(n):
            draw = torch.rand(4, generator=g)
            if float(draw[0]) < 0.45:
                end = 1.9 + 4.2 * float(draw[1])
                out[i, :, int((end - TOP) * DENSITY) :] = 0
            if float(draw[2]) < 0.3:
                side = int((0.2 + 1.6 * float(draw[3])) * DENSITY)
                if float(draw[1]) < 0.5:
                    out[i, :, :, :side] = 0
                else:
                    out[i, :, :, WIDTH - side :] = 0
        return out

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        logits, colours = model(batch["window"].contiguous(memory_format=torch.channels_last))
        logits, colours = logits.float(), colours.float()
        n = logits.shape[0]
        planes = colours.view(n, len(LAYERS), 3, HEIGHT, WIDTH)
        missing = batch["sure"] * (1 - batch["known"])
        weight = batch["sure"] * 0.06 + missing
        total = weight.sum() + 1
        layer, target = batch["layer"], batch["rgb"]
        entropy = F.cross_entropy(logits, layer, reduction="none")[:, None]
        index = layer[:, None, None].expand(-1, 1, 3, -1, -1)
        pure = planes.gather(1, index)[:, 0]
        shares = logits.softmax(1)[:, :, None]
        mixed = (planes * shares).sum(1)
        return {
            "layer": 0.35 * (entropy * weight).sum() / total,
            "colour": 1.5 * ((pure - target).abs() * weight).sum() / (3 * total),
            "mixed": 1.0 * ((mixed - target).abs() * weight).sum() / (3 * total),
            "slope": 0.7 * _slopes(pure, target, weight, layer) ,
        }

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Short-haired test people with long test hair cut out of them, 0..255 in the hole: mean
        absolute error of the composed layers (sharpened as in use) by layer, of pull and push, and
        the share of pixels whose layer is right."""
        model.eval()
        g = torch.Generator().manual_seed(5)
        targets = np.nonzero(self.tests["as_target"] > 0.9)[0]
        donors = np.nonzero(self.tests["as_donor"] > 0.9)[0]
        pairs = [(t, donors[(7 * k + j) % len(donors)]) for k, t in enumerate(targets) for j in (0, 3)]
        sums, hits, count = np.zeros((4, 2)), 0.0, 0.0
        spread = below = low_count = 0.0
        for b in range(0, len(pairs), 8):
            rows, others = (np.array(v) for v in zip(*pairs[b : b + 8], strict=True))
            batch = self.compose(
                self._planes(self.tests, rows, g, 0.0), self._donor(self.tests, others, g, 0.0), g,
                jitter=False,
            )  # fmt: skip
            logits, colours = model(batch["window"])
            planes = colours.view(len(rows), 4, 3, HEIGHT, WIDTH)
            out = (planes * (3 * logits).softmax(1)[:, :, None]).sum(1)
            missing = (batch["sure"] * (1 - batch["known"]))[:, 0]
            error = 127.5 * (out - batch["rgb"]).abs().mean(1)
            layer = batch["layer"]
            hits += float(((logits.argmax(1) == layer) * missing).sum())
            count += float(missing.sum())
            for k in range(4):
                m = missing * (layer == k)
                sums[k] += [float((error * m).sum()), float(m.sum())]
            under = missing * (face_units()[1] > 1.9)
            below, low_count = below + float((error * under).sum()), low_count + float(under.sum())
        out_ = {n: round(s / max(c, 1), 2) for n, (s, c) in zip(LAYERS, sums.tolist(), strict=True)}
        return out_ | {
            "all": round(float(sums[:, 0].sum() / max(count, 1)), 2),
            "below_chin": round(below / max(low_count, 1), 2),
            "layer_accuracy": round(hits / max(count, 1), 4),
        }


def _slopes(a: Tensor, b: Tensor, weight: Tensor, layer: Tensor) -> Tensor:
    """Mean absolute difference of slopes within a layer, one and four pixels apart."""
    out = a.new_zeros(())
    for size in (1, 4):
        for axis in (2, 3):
            n = a.shape[axis] - size

            def step(x: Tensor, axis: int = axis, size: int = size, n: int = n) -> Tensor:
                return x.narrow(axis, size, n) - x.narrow(axis, 0, n)

            w = weight.narrow(axis, size, n) * weight.narrow(axis, 0, n)
            same = layer.narrow(axis - 1, size, n) == layer.narrow(axis - 1, 0, n)
            w = w * same[:, None]
            out = out + ((step(a) - step(b)).abs() * w).sum() / (3 * w.sum() + 1)
    return out
