"""What hair hides, at low resolution: the bare net.

One window of 6 x 6 eye distances around a face, another person's hair cut out of it as a hole. What
is still visible of skin, background and clothes is spread over the window first (three membranes);
the net tells which layer each pixel belongs to, and what to add to the spread colour: shading,
highlight, darker sides. An untrained net thus equals the spread colours. Only pixels that are truly
bare of hair in the target teach: a dome is learnt from bald people, a neck from everybody whose
neck shows. The head's outline is an input, so shape is geometry's and tone is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.augment import uniform
from tonsure.lab.data import pack, windows
from tonsure.lab.data.windows import KINDS
from tonsure.lab.export import Port
from tonsure.lab.networks.unet import UNet
from tonsure.lab.task import device_of

LAYERS = ("background", "head", "ear", "neck", "clothes")
_LAYER_OF = torch.tensor([0, 1, -1, -1, 2, 3, 4, 1, -1])  # parser class -> layer; hair has none
SIDE, DENSITY = 192, 32.0  # px of the window, px per eye distance
CENTRE = (0.0, 0.3)  # face units of the window's middle
CHANNELS = 23
RELAX = 3


def _half(planes: Tensor) -> Tensor:
    height, width = planes.shape[2:]
    return F.avg_pool2d(F.pad(planes, (0, width % 2, 0, height % 2)), 2)


def spread(value: Tensor, weight: Tensor, relax: int = RELAX) -> Tensor:
    """`tonsure.planes.membrane` for batches: (N, C, H, W) known where `weight` (N, 1, H, W) is."""
    levels = [(value * weight, weight)]
    while min(levels[-1][0].shape[2:]) > 2:
        numerator, denominator = (_half(p) for p in levels[-1])
        scale = (4 * denominator).clamp(max=1) / denominator.clamp(min=1e-6)
        levels.append((numerator * scale, denominator * scale))
    numerator, denominator = levels[-1]
    total = denominator.sum((2, 3), keepdim=True)
    out = (numerator.sum((2, 3), keepdim=True) / total.clamp(min=1e-6)).expand_as(numerator)
    for numerator, denominator in reversed(levels):
        height, width = numerator.shape[2:]
        twice = F.interpolate(out, scale_factor=2, mode="bilinear", align_corners=False)
        out = twice[..., :height, :width]
        hold = denominator.clamp(max=1)
        known = numerator / denominator.clamp(min=1e-6) * hold
        out = known + out * (1 - hold)
        for _ in range(relax):
            p = F.pad(out, (1, 1, 1, 1), mode="replicate")
            near = p[:, :, :-2, 1:-1] + p[:, :, 2:, 1:-1] + p[:, :, 1:-1, :-2] + p[:, :, 1:-1, 2:]
            out = known + 0.25 * near * (1 - hold)
    return out


def inputs(
    rgb: Tensor, known: Tensor, inside: Tensor, head: Tensor, oval: Tensor, seen: Tensor,
    smooth: Tensor, face: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The net's 23 channels (N, 23, H, W) and the three spread colours (N, 3, 3, H, W).

    `rgb` 0..1 (N, 3); `known` 1 where the picture is kept; `inside` 1 where the photo has pixels;
    `head` and `oval` the outlines filled; `seen` (N, 5) layers of known pixels; `smooth` where skin
    shows its tone; `face` (N, 2) face units. (H, W) each.
    """
    x = rgb * 2 - 1
    weights = (seen[:, 0:1], seen[:, 1:2] * smooth, seen[:, 4:5])
    bases = torch.stack([spread(x, w * known) for w in weights], 1)
    parts = [x * known, known, inside, head, oval, seen * known, bases.flatten(1, 2), face / 3]
    return torch.cat(parts, 1), bases


def painted(bases: Tensor, shares: Tensor, residual: Tensor) -> Tensor:
    """Colours -1..1 (N, 3, H, W): the layers' bases by their shares (N, 5, H, W), and the rest."""
    mixed = torch.stack([shares[:, 0], shares[:, 1] + shares[:, 2] + shares[:, 3], shares[:, 4]], 1)
    return (bases * mixed[:, :, None]).sum(1) + residual


class Bare(nn.Module):
    """U-Net with two answers: what to add to the spread colour (N, 3, H, W), which go from -1 to 1,
    and layer logits (N, 5, H, W)."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 96, 128)) -> None:
        super().__init__()
        self.body = UNet(CHANNELS, 8, widths)
        nn.init.zeros_(self.body.head.weight)

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        y = self.body(window)
        return y[:, :3], y[:, 3:]


class BareTask:
    """See the module; `data` is a folder that `tonsure.lab.data.windows` wrote."""

    NEEDS = (
        "celeba.npz", "cm_train.npz", "win_celeba_idx.npy", "win_mask_idx.npy",
        *(f"win_{s}_{k}.npy" for s in ("celeba", "mask") for k in KINDS),
    )  # fmt: skip

    @staticmethod
    def prepare(data: Path, out: Path, workers: int = 2) -> None:
        """Both sets, and the tool's own view of every face in them."""
        pack.masks(data, out, workers)
        windows.pack(out, workers=workers)

    @staticmethod
    def network(widths: Sequence[int] = (16, 32, 64, 96, 128), **_: Any) -> nn.Module:
        """The net itself, see `Bare`."""
        return Bare(tuple(widths))

    @staticmethod
    def port(network: nn.Module) -> Port:
        """For `tonsure.head.bare`."""
        example = {"window": torch.rand(2, CHANNELS, SIDE, SIDE) * 2 - 1}
        free = {"window": {0: "N"}, "residual": {0: "N"}, "layers": {0: "N"}}
        return Port(network, example, ["residual", "layers"], free)

    def __init__(
        self, data: Path, batch: int = 10, widths: Sequence[int] = (16, 32, 64, 96, 128)
    ) -> None:
        self.config: dict[str, Any] = {"task": "bare", "batch": batch, "widths": list(widths)}
        self.size, self.widths = batch, tuple(widths)
        self.sets = [
            {k: np.load(data / f"win_{s}_{k}.npy", mmap_mode="r") for k in (*KINDS, "idx")}
            for s in ("celeba", "mask")
        ]
        celeba = np.load(data / "celeba.npz")
        rows = self.sets[0]["idx"]
        names = list(celeba["attr_names"])
        attributes = celeba["attr"][rows]
        male = attributes[:, names.index("Male")] == 1
        self.clean = celeba["clean"][rows]
        marked = (attributes[:, names.index("Bald")] == 1) | self.clean
        hair, head = self.sets[0]["hair"], self.sets[0]["head"]
        low = np.array([float((h[100:] > 128).mean()) for h in hair])
        high = np.array([float((h > 128).mean()) for h in hair])
        # a head labelled bald serves if the parser agrees for most of it; its rest is not taught
        upper = np.array(
            [float((h[:80] > 128)[m[:80] > 128].mean()) for h, m in zip(hair, head, strict=True)]
        )
        held = np.arange(len(rows)) % 25 == 0
        bald = marked & (self.clean | (upper < 0.25))
        self.bald, self.bald_test = np.nonzero(bald & ~held)[0], np.nonzero(bald & held)[0]
        self.free = np.nonzero((low < 0.03) & ~marked)[0]
        self.some = np.nonzero((low < 0.12) & ~marked)[0]
        self.long = np.nonzero((low > 0.10) & ~male & ~marked)[0]
        self.short = np.nonzero((high > 0.06) & (low < 0.06) & ~marked)[0]
        self.masked = np.arange(len(self.sets[1]["idx"]))
        kinds = ("bald", "free", "some", "long", "short", "masked")
        self.counts = {k: len(getattr(self, k)) for k in kinds}
        ys, xs = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
        x, y = (xs - SIDE / 2) / DENSITY + CENTRE[0], (ys - SIDE / 2) / DENSITY + CENTRE[1]
        self.face = torch.stack([x, y])

    def build(self) -> nn.Module:
        return self.network(self.widths)

    def _draw(self, g: torch.Generator, pool: Any) -> int:
        return int(pool[int(torch.randint(len(pool), (1,), generator=g))])

    def _warp(self, planes: Tensor, g: torch.Generator, amount: float) -> Tensor:
        """Small similarity jitter of (N, C, H, W), mirrored at random."""
        n = planes.shape[0]
        angle = 0.06 * amount * torch.randn(n, generator=g)
        scale = torch.exp(0.06 * amount * torch.randn(n, generator=g))
        shift = 0.03 * amount * torch.randn(n, 2, generator=g)
        flip = torch.where(torch.rand(n, generator=g) < 0.5, -1.0, 1.0)
        c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
        rows = [
            torch.stack([c * flip, -s, shift[:, 0]], 1),
            torch.stack([s * flip, c, shift[:, 1]], 1),
        ]
        grid = F.affine_grid(torch.stack(rows, 1), list(planes.shape), align_corners=False)
        return F.grid_sample(planes, grid, align_corners=False)

    def targets(self, picks: list[tuple[int, int]]) -> Tensor:
        """Planes (N, 13, H, W): rgb, 5 layers, inside, own hair, head, oval, smooth."""
        rows = []
        for s, i in picks:
            d = self.sets[s]
            kind = torch.from_numpy(np.array(d["cls"][i])).long()
            planes = {k: torch.from_numpy(np.array(d[k][i])).float()[None] / 255 for k in KINDS[2:]}
            if s == 0 and bool(self.clean[i]):  # picked by eye: "hair" here is scalp
                kind = torch.where((kind == 2) & (planes["head"][0] > 0.5), torch.tensor(1), kind)
                planes["hair"] = planes["hair"] * 0
            layer = torch.where(kind < 9, _LAYER_OF[kind.clamp(max=8)], torch.tensor(-1))
            hot = torch.stack([(layer == k).float() for k in range(5)])
            rgb = torch.from_numpy(np.array(d["rgb"][i])).permute(2, 0, 1).float() / 255
            rest = [planes[k] for k in ("hair", "head", "oval", "smooth")]
            rows.append(torch.cat([rgb, hot, (kind != 255).float()[None], *rest]))
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
                picks.append((1, self._draw(g, self.masked)))
            long = float(torch.rand((), generator=g)) < 0.7
            donors.append((0, self._draw(g, self.long if long else self.short)))
        return self.compose(self.targets(picks), self.targets(donors), g)

    def _light(self, rgb: Tensor, g: torch.Generator) -> Tensor:
        """Gamma, gain, cast, so that any light and any skin is met."""
        n = rgb.shape[0]

        def draw(low: float, high: float) -> Tensor:
            return uniform(g, n, low, high)[:, None, None, None]

        rgb = rgb.clamp(1e-3, 1) ** torch.exp(draw(-0.5, 0.5))
        cast = 1 + 0.15 * torch.randn(n, 3, 1, 1, generator=g)
        rgb = (rgb * cast * draw(0.7, 1.2)).clamp(0, 1)
        grey = rgb.mean(1, keepdim=True)
        return (grey + (rgb - grey) * draw(0.3, 1.3)).clamp(0, 1)

    def _crop(self, inside: Tensor, g: torch.Generator) -> Tensor:
        """A photo may end nearer than the training pictures do."""
        cut = torch.ones_like(inside)
        for i in range(inside.shape[0]):
            if float(torch.rand((), generator=g)) < 0.35:
                top, side, low = (float(v) for v in torch.rand(3, generator=g))
                cut[i, :, : int(top * 45)] = 0
                cut[i, :, 155 + int(low * 40) :] = 0
                cut[i, :, :, : int(side * 40)] = 0
        return inside * cut

    def _shadow(self, hole: Tensor, g: torch.Generator) -> Tensor:
        """What hair does to the skin beside it: darker towards the hole, in one picture of two."""
        n = hole.shape[0]
        depth = uniform(g, n, -0.1, 0.35).clamp(min=0)[:, None, None, None]
        near = hole
        for _ in range(2):
            near = F.avg_pool2d(near, 9, 1, 4)
        return 1 - depth * (near * 2).clamp(max=1)

    def compose(
        self, t: Tensor, d: Tensor, g: torch.Generator, jitter: bool = True
    ) -> dict[str, Tensor]:
        """Cut the donors' hair out of the targets; everything the losses need."""
        n = t.shape[0]
        if jitter:
            t, d = self._warp(t, g, 0.7), self._warp(d, g, 1.0)
        rgb, hot, inside = t[:, :3], t[:, 3:8], (t[:, 8:9] > 0.99).float()
        own, head, oval, smooth = t[:, 9:10], t[:, 10:11], t[:, 11:12], t[:, 12:13]
        # the hole: donor's hair and the target's own, grown; never the inner face, mostly
        hole = torch.maximum(d[:, 9:10], own)
        radius = int(torch.randint(2, 7, (1,), generator=g)) if jitter else 4
        hole = F.max_pool2d((hole > 0.35).float(), 2 * radius + 1, 1, radius)
        own_wide = F.max_pool2d((own > 0.25).float(), 9, 1, 4)
        inner = ((self.face[0] / 0.82) ** 2 + ((self.face[1] - 0.32) / 0.95) ** 2 < 1).float()
        keep = (torch.rand(n, 1, 1, 1, generator=g) < 0.8).float() if jitter else 1.0
        hole = torch.maximum(hole * (1 - inner[None, None] * keep), own_wide)
        shown = rgb
        if jitter:
            rgb = self._light(rgb, g)
            shown, inside = rgb * self._shadow(hole, g), self._crop(inside, g)
        known = inside * (1 - hole)
        certain = inside * (1 - own_wide) * (hot.sum(1, keepdim=True) > 0.5).float()
        face = self.face[None].expand(n, -1, -1, -1)
        if jitter:
            wobble = 1 + 0.03 * torch.randn(n, 1, 1, 1, generator=g)
            face = face * wobble + 0.03 * torch.randn(n, 2, 1, 1, generator=g)
        window, bases = inputs(shown, known, inside, head, oval, hot, smooth, face)
        return {
            "input": window, "bases": bases, "rgb": rgb * 2 - 1, "hot": hot, "known": known,
            "certain": certain,
        }  # fmt: skip

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        residual, logits = model(batch["input"].contiguous(memory_format=torch.channels_last))
        residual, logits = residual.float(), logits.float()
        missing = batch["certain"] * (1 - batch["known"])
        weight = batch["certain"] * (0.1 + missing)
        target = batch["rgb"]
        colour = painted(batch["bases"], batch["hot"], residual)
        total = weight.sum() + 1
        out = {"colour": 2 * ((colour - target).abs() * weight).sum() / (3 * total)}
        # slopes: shading and soft edges in the right place, at two sizes
        slope = colour.new_zeros(())
        for size in (1, 4):
            for axis in (2, 3):
                length = colour.shape[axis] - size

                def step(x: Tensor, axis: int = axis, size: int = size, n: int = length) -> Tensor:
                    return x.narrow(axis, size, n) - x.narrow(axis, 0, n)

                both = weight.narrow(axis, size, length) * weight.narrow(axis, 0, length)
                wrong = (step(colour) - step(target)).abs() * both
                slope = slope + wrong.sum() / (3 * both.sum() + 1)
        out["slope"] = slope
        entropy = F.cross_entropy(logits, batch["hot"].argmax(1), reduction="none")[:, None]
        out["layer"] = 0.25 * (entropy * weight).sum() / total
        return out

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Held-out bald heads and free necks with long hair cut out of them: mean absolute colour
        error (0..255) in the hole by layer, that of the spread colours alone, layer accuracy."""
        g, device = torch.Generator().manual_seed(5), device_of(model)
        picks = [(0, int(i)) for i in self.bald_test] + [(0, int(i)) for i in self.free[::200]]
        donors = [(0, int(self.long[(37 * k) % len(self.long)])) for k in range(len(picks))]
        sums = np.zeros((len(LAYERS), 3))
        hits = count = 0.0
        for b in range(0, len(picks), 8):
            batch = self.compose(
                self.targets(picks[b : b + 8]), self.targets(donors[b : b + 8]), g, jitter=False
            )
            window = batch["input"].to(device).contiguous(memory_format=torch.channels_last)
            residual, logits = (x.float().cpu() for x in model(window))
            missing = (batch["certain"] * (1 - batch["known"]))[:, 0]
            layer = batch["hot"].argmax(1)
            hits += float(((logits.argmax(1) == layer) * missing).sum())
            count += float(missing.sum())
            colours = [painted(batch["bases"], batch["hot"], r) for r in (residual, 0 * residual)]
            errors = [(c - batch["rgb"]).abs().mean(1) for c in colours]
            for k in range(len(LAYERS)):
                m = missing * (layer == k)
                sums[k] += [float((errors[0] * m).sum()), float((errors[1] * m).sum()), m.sum()]
        each = 127.5 * sums[:, :2] / np.maximum(sums[:, 2:], 1)
        out = {name: round(each[k, 0], 2) for k, name in enumerate(LAYERS)}
        out |= {f"{name}_spread": round(each[k, 1], 2) for k, name in enumerate(LAYERS)}
        return out | {"layer_accuracy": round(hits / max(count, 1), 4)}
