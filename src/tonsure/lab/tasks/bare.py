"""What hair hides, at low resolution: the bare net.

One window of 6 x 6 eye distances around a face, another person's hair cut out of it as a hole; the net gives the
colour and the class (head, ear, neck, clothes, background) of every pixel. Only pixels that are truly bare of hair in
the target teach: a dome is learnt from bald people, a neck from everybody whose neck shows. The head's outline is an
input (the statistical shape draws it), so shape is geometry's and tone is learnt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.augment import uniform
from tonsure.lab.networks.unet import UNet

LAYERS = ("background", "head", "ear", "neck", "clothes")
# parser class -> layer; hair and unknown have none, jewellery and hats neither
_LAYER_OF = torch.tensor([0, 1, -1, -1, 2, 3, 4, 1, -1])
SIDE, DENSITY = 192, 32.0  # px of the window, px per eye distance
CENTRE = (0.0, 0.3)  # face units of the window's middle


def inputs(
    rgb: Tensor,
    known: Tensor,
    inside: Tensor,
    head: Tensor,
    oval: Tensor,
    seen: Tensor,
    face: Tensor,
) -> Tensor:
    """The net's 14 channels (N, 14, H, W).

    ``rgb`` 0..1 (N, 3); ``known`` 1 where the picture is kept; ``inside`` 1 where the photo has pixels; ``head`` and
    ``oval`` the outlines filled; ``seen`` (N, 5) layers of known pixels; ``face`` (N, 2) face units. (H, W) each.
    """
    return torch.cat([(rgb * 2 - 1) * known, known, inside, head, oval, seen * known, face / 3], 1)


class Bare(nn.Module):
    """U-Net with two answers: colour (N, 3, H, W) in 0..1 (not clipped) and layer logits (N, 5, H, W)."""

    def __init__(self, widths: tuple[int, ...] = (28, 48, 80, 128, 160)) -> None:
        super().__init__()
        self.body = UNet(14, 8, widths)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.body(x)
        return y[:, :3] * 0.5 + 0.5, y[:, 3:]


class BareTask:
    """See the module; ``data`` is the folder that ``tonsure lab prepare bare`` wrote."""

    def __init__(
        self, data: Path, batch: int = 14, widths: tuple[int, ...] = (28, 48, 80, 128, 160)
    ) -> None:
        self.config: dict[str, Any] = {"task": "bare", "batch": batch, "widths": list(widths)}
        self.size, self.widths = batch, widths
        parts = [
            {
                k: np.load(data / f"win_{s}_{k}.npy", mmap_mode="r")
                for k in ("rgb", "cls", "hair", "head", "oval", "idx")
            }
            for s in ("celeba", "mask")
        ]
        self.sets = parts
        celeba = np.load(data / "celeba.npz")
        clean = celeba["clean"][parts[0]["idx"]]
        names = list(celeba["attr_names"])
        attr = celeba["attr"][parts[0]["idx"]]
        hat = attr[:, names.index("Wearing_Hat")] == 1
        male = attr[:, names.index("Male")] == 1
        hair = parts[0]["hair"]
        # hair beside and below the face: who can lend it, and whose neck is free
        low = np.array([float((h[100:] > 128).mean()) for h in hair])
        high = np.array([float((h > 128).mean()) for h in hair])
        val = np.arange(len(clean)) % 25 == 0
        self.clean = clean
        self.bald = np.nonzero(clean & ~val)[0]
        self.bald_test = np.nonzero(clean & val)[0]
        self.free = np.nonzero((low < 0.03) & ~hat & ~clean)[0]
        self.some = np.nonzero((low < 0.12) & ~hat & ~clean)[0]
        self.long = np.nonzero((low > 0.10) & ~hat & ~male)[0]
        self.short = np.nonzero((high > 0.06) & (low < 0.06) & ~hat)[0]
        self.mask_set = np.arange(len(parts[1]["idx"]))
        self.counts = {
            k: len(getattr(self, k)) for k in ("bald", "free", "some", "long", "short", "mask_set")
        }
        ys, xs = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
        self.face = torch.stack(
            [(xs - SIDE / 2) / DENSITY + CENTRE[0], (ys - SIDE / 2) / DENSITY + CENTRE[1]]
        )

    def build(self) -> nn.Module:
        return Bare(self.widths)

    def _draw(self, g: torch.Generator, pool: Any) -> int:
        return int(pool[int(torch.randint(len(pool), (1,), generator=g))])

    def _warp(self, planes: Tensor, g: torch.Generator, amount: float) -> Tensor:
        """Small similarity jitter of (N, C, H, W), mirrored at random."""
        n = planes.shape[0]
        angle, scale = (
            0.06 * amount * torch.randn(n, generator=g),
            torch.exp(0.06 * amount * torch.randn(n, generator=g)),
        )
        shift = 0.03 * amount * torch.randn(n, 2, generator=g)
        flip = torch.where(torch.rand(n, generator=g) < 0.5, -1.0, 1.0)
        c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
        theta = torch.stack(
            [
                torch.stack([c * flip, -s, shift[:, 0]], 1),
                torch.stack([s * flip, c, shift[:, 1]], 1),
            ],
            1,
        )
        grid = F.affine_grid(theta, list(planes.shape), align_corners=False)
        return F.grid_sample(planes, grid, align_corners=False)

    def targets(self, picks: list[tuple[int, int]]) -> Tensor:
        """Planes (N, 12, H, W): rgb, 5 layers, known truth, inside, head, oval."""
        rows = []
        for s, i in picks:
            d = self.sets[s]
            cls = torch.from_numpy(np.array(d["cls"][i])).long()
            clean = s == 0 and bool(self.clean[i])
            if clean:  # picked by eye: what the parser takes for hair here is scalp, or background
                cls = torch.where(
                    (cls == 2) & (torch.from_numpy(np.array(d["head"][i])) > 127),
                    torch.tensor(1),
                    cls,
                )
            layer = torch.where(cls < 9, _LAYER_OF[cls.clamp(max=8)], torch.tensor(-1))
            hot = torch.stack([(layer == k).float() for k in range(5)])
            rgb = torch.from_numpy(np.array(d["rgb"][i])).permute(2, 0, 1).float() / 255
            planes = [
                torch.from_numpy(np.array(d[k][i])).float()[None] / 255
                for k in ("hair", "head", "oval")
            ]
            planes[0] = planes[0] * (not clean)
            rows.append(torch.cat([rgb, hot, (cls != 255).float()[None], *planes]))
        return torch.stack(rows)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        g = generator
        picks, donors = [], []
        for i in range(self.size):
            share = i / self.size
            if share < 0.42:
                picks.append((0, self._draw(g, self.bald)))
            elif share < 0.72:
                picks.append((0, self._draw(g, self.free)))
            elif share < 0.86:
                picks.append((0, self._draw(g, self.some)))
            else:
                picks.append((1, self._draw(g, self.mask_set)))
            donors.append(
                (
                    0,
                    self._draw(
                        g, self.long if float(torch.rand((), generator=g)) < 0.7 else self.short
                    ),
                )
            )
        return self.compose(self.targets(picks), self.targets(donors), g)

    def compose(
        self, t: Tensor, d: Tensor, g: torch.Generator, jitter: bool = True
    ) -> dict[str, Tensor]:
        """Cut the donors' hair out of the targets; everything the losses need."""
        n = t.shape[0]
        if jitter:
            t = self._warp(t, g, 0.7)
            d = self._warp(d, g, 1.0)
        rgb, hot, truth, own, head, oval = (
            t[:, :3],
            t[:, 3:8],
            t[:, 8:9],
            t[:, 9:10],
            t[:, 10:11],
            t[:, 11:12],
        )
        inside = (truth > 0.99).float()
        # colour: gamma, gain, cast, so that any light and any skin is met
        if jitter:

            def draw(low: float, high: float, c: int = 1) -> Tensor:
                return uniform(g, n * c, low, high).view(n, c, 1, 1)

            rgb = rgb.clamp(1e-3, 1) ** torch.exp(draw(-0.5, 0.5))
            rgb = (rgb * (1 + 0.15 * torch.randn(n, 3, 1, 1, generator=g)) * draw(0.7, 1.2)).clamp(
                0, 1
            )
            grey = rgb.mean(1, keepdim=True)
            rgb = (grey + (rgb - grey) * draw(0.3, 1.3)).clamp(0, 1)
        # the hole: donor's hair and the target's own, grown; never the inner face, mostly
        hole = torch.maximum(d[:, 9:10], own)
        radius = 3 if not jitter else int(torch.randint(2, 7, (1,), generator=g))
        hole = F.max_pool2d((hole > 0.35).float(), 2 * radius + 1, 1, radius)
        own_wide = F.max_pool2d((own > 0.25).float(), 7, 1, 3)
        inner = (((self.face[0] / 0.82) ** 2 + ((self.face[1] - 0.32) / 0.95) ** 2) < 1).float()[
            None, None
        ]
        keep = (
            (torch.rand(n, 1, 1, 1, generator=g) < 0.8).float()
            if jitter
            else torch.ones(n, 1, 1, 1)
        )
        hole = torch.maximum(hole * (1 - inner * keep), own_wide)
        # a photo may end nearer than the training pictures do
        cut = torch.ones_like(inside)
        if jitter:
            for i in range(n):
                if float(torch.rand((), generator=g)) < 0.35:
                    top, side, low = (float(v) for v in torch.rand(3, generator=g))
                    cut[i, :, : int(top * 45)] = 0
                    cut[i, :, 155 + int(low * 40) :] = 0
                    cut[i, :, :, : int(side * 40)] = 0
        inside = inside * cut
        known = inside * (1 - hole)
        certain = inside * (1 - own_wide) * (hot.sum(1, keepdim=True) > 0.5).float()
        face = self.face[None].expand(n, -1, -1, -1)
        if jitter:
            face = face * (1 + 0.03 * torch.randn(n, 1, 1, 1, generator=g)) + 0.03 * torch.randn(
                n, 2, 1, 1, generator=g
            )
        return {
            "input": inputs(rgb, known, inside, head, oval, hot, face),
            "rgb": rgb,
            "hot": hot,
            "known": known,
            "certain": certain,
            "inside": inside,
        }

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        colour, logits = model(batch["input"].contiguous(memory_format=torch.channels_last))
        colour, logits = colour.float(), logits.float()
        missing = batch["certain"] * (1 - batch["known"])
        weight = batch["certain"] * (0.15 + missing)
        target, error = batch["rgb"], (colour - batch["rgb"]).abs()
        total = weight.sum() + 1
        out = {"colour": 4 * (error * weight).sum() / (3 * total)}
        # slopes: shading and soft edges in the right place, at two sizes
        slope = torch.zeros(())
        for size in (1, 3):
            for axis in (2, 3):
                a = colour.narrow(axis, size, colour.shape[axis] - size) - colour.narrow(
                    axis, 0, colour.shape[axis] - size
                )
                b = target.narrow(axis, size, target.shape[axis] - size) - target.narrow(
                    axis, 0, target.shape[axis] - size
                )
                w = weight.narrow(axis, size, weight.shape[axis] - size) * weight.narrow(
                    axis, 0, weight.shape[axis] - size
                )
                slope = slope + ((a - b).abs() * w).sum() / (3 * w.sum() + 1)
        out["slope"] = 2 * slope
        layer = batch["hot"].argmax(1)
        entropy = F.cross_entropy(logits, layer, reduction="none")[:, None]
        out["layer"] = 0.25 * (entropy * weight).sum() / total
        return out

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Held-out bald heads with held-out holes: mean absolute colour error (0..255) and layer accuracy in the hole."""
        g = torch.Generator().manual_seed(5)
        picks = [(0, int(i)) for i in self.bald_test] + [(0, int(i)) for i in self.free[::200]]
        donors = [(0, int(self.long[(37 * k) % len(self.long)])) for k in range(len(picks))]
        sums = {
            "head": [0.0, 0.0],
            "neck": [0.0, 0.0],
            "ear": [0.0, 0.0],
            "clothes": [0.0, 0.0],
            "background": [0.0, 0.0],
        }
        hits = 0.0
        count = 0.0
        for b in range(0, len(picks), 8):
            batch = self.compose(
                self.targets(picks[b : b + 8]), self.targets(donors[b : b + 8]), g, jitter=False
            )
            colour, logits = model(batch["input"].contiguous(memory_format=torch.channels_last))
            missing = (batch["certain"] * (1 - batch["known"]))[:, 0]
            error = (colour.float() - batch["rgb"]).abs().mean(1)
            layer = batch["hot"].argmax(1)
            hits += float(((logits.argmax(1) == layer) * missing).sum())
            count += float(missing.sum())
            for k, name in enumerate(LAYERS):
                m = missing * (layer == k)
                sums[name][0] += float((error * m).sum())
                sums[name][1] += float(m.sum())
        return {k: round(255 * a / max(b, 1), 2) for k, (a, b) in sums.items()} | {
            "layer_accuracy": round(hits / max(count, 1), 4)
        }
