"""The wide parser: nine soft classes from the crown to the waist.

What a photo shows is taught by whoever knows it, as sets of classes a pixel may have (`data.wide`):
garments and skin by CCP, the person by EG1800, hair and skin by LFW, hair everywhere by the teacher
net, all classes of close faces by CelebAMask-HQ. What the parser before it knew of hats and bald
heads is kept by asking for its own answers on CelebA (distillation).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.hair.classes import CLASSES, EAR, GLASSES, HAIR, HAT, NECK
from tonsure.lab.augment import jitter_colour, uniform
from tonsure.lab.data import areas, mended, pack, review, wide
from tonsure.lab.data.pasted import Pastes, Windows
from tonsure.lab.export import Port
from tonsure.lab.networks.unet import UNet
from tonsure.lab.shipped import spread, warm
from tonsure.lab.task import device_of
from tonsure.lab.tasks.parser import ParserTask, inputs

WIDTHS = (16, 32, 64, 96, 128)
SIZE = (256, 192)
"""Height and width of the training pictures."""
_PASTED = {"hair": 0.3, "arm": 0.08, "hat": 0.08, "beard": 0.05}
"""How often something is laid on a window (`data.pasted`)."""
_SOFT = 0.5  # weight of the teacher's own hair where no label tells
_SETS = {"ccp": 1.0, "eg1800": 1.2, "lfw": 0.6, "figaro": 0.8}
"""Of `data.wide`, and how often each is met."""
_MISTAKEN = 2.5  # times as often: photos of which an eye has labelled areas (`data.areas`)
_WEIGHTS = {HAIR: 1.2, HAT: 2.0, EAR: 1.7, NECK: 1.4, GLASSES: 1.7}


def set_loss(logits: Tensor, sets: Tensor) -> Tensor:
    """Minus the logarithm of the probability of a pixel's set, mean over all pixels of which
    something is known; single classes weigh as `_WEIGHTS` tells.

    logits (N, 9, H, W); sets (N, H, W) int64, bit k is class k.
    """
    bits = torch.arange(len(CLASSES), device=sets.device).view(1, -1, 1, 1)
    member = ((sets[:, None] >> bits) & 1).bool()
    inside = torch.logsumexp(logits.masked_fill(~member, -1e4), 1)
    loss = torch.logsumexp(logits, 1) - inside
    weight = (sets != wide.ANY).float()
    for k, w in _WEIGHTS.items():
        weight = torch.where(sets == 1 << k, w, weight)
    return (loss * weight).sum() / weight.sum().clamp(min=1)


class Crops:
    """Windows of one kind on memory: pictures (N, H, W, 3), sets (N, H, W), where their pixels lie.

    `density` px per eye distance and `corner` (x, y) in eye distances of the pictures; `scales`
    from and to of the crops, px per eye distance; `middle` of the crops in eye distances.
    """

    def __init__(
        self, pictures: Any, sets: Any, density: float, corner: tuple[float, float],
        scales: tuple[float, float], middle: tuple[float, float], turn: Any = None,
        floor: Any = None,
    ) -> None:  # fmt: skip
        self.pictures, self.sets = pictures, sets
        self.density, self.corner, self.scales, self.middle = density, corner, scales, middle
        # (N, 4) of pictures that are not upright: z, t of picture -> eye distances
        self.turn = turn
        # (N,) where the photos end, eye distances below the eyes: crops lie anywhere above
        self.floor = floor

    def draw(
        self, rows: Any, g: torch.Generator, size: tuple[int, int], made: Any = None
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Pictures (n, 3, h, w) 0..1, sets (n, h, w) or None, face units (n, 2, h, w). `made` are
        pictures, sets and hair to take in place of those of `rows`; the hair is a fourth channel
        of the pictures then."""
        n, (height, width) = len(rows), size
        low, high = np.log(self.scales)
        scale = torch.exp(uniform(g, n, float(low), float(high)))
        lean = torch.where(torch.rand(n, generator=g) < 0.15, 0.3, 0.05)
        roll = torch.randn(n, generator=g) * lean
        centre = torch.tensor(self.middle) + torch.randn(n, 2, generator=g) * 0.6
        if self.floor is not None:
            room = torch.from_numpy(self.floor[rows]) - 0.4 * height / scale - self.middle[1]
            centre[:, 1] += room.clamp(min=0) * torch.rand(n, generator=g)
        flip = torch.where(torch.rand(n, generator=g) < 0.5, -1.0, 1.0)
        ys, xs = torch.meshgrid(
            torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij"
        )
        u = (xs[None] - width / 2) / scale[:, None, None]
        v = (ys[None] - height / 2) / scale[:, None, None]
        c, s = torch.cos(roll)[:, None, None], torch.sin(roll)[:, None, None]
        x = c * u - s * v + centre[:, 0, None, None]
        y = s * u + c * v + centre[:, 1, None, None]
        face = torch.stack([x, y], 1)
        x = x * flip[:, None, None]
        if self.turn is None:
            px, py = (x - self.corner[0]) * self.density, (y - self.corner[1]) * self.density
        else:
            z = torch.from_numpy(self.turn[rows])[:, :, None, None]
            dx, dy = x - z[:, 2], y - z[:, 3]
            norm = z[:, 0] ** 2 + z[:, 1] ** 2
            px = (dx * z[:, 0] + dy * z[:, 1]) / norm
            py = (dy * z[:, 0] - dx * z[:, 1]) / norm
        pictures, known = (self.pictures[rows], None) if made is None else (made[0], made[1])
        if made is not None:
            pictures = np.concatenate([pictures, made[2][..., None]], -1)
        picture = torch.from_numpy(np.ascontiguousarray(pictures))
        picture = picture.permute(0, 3, 1, 2).float() / 255
        h, w = picture.shape[2:]
        grid = torch.stack([2 * px / w - 1, 2 * py / h - 1], -1)
        out = F.grid_sample(picture, grid, padding_mode="border", align_corners=False)
        wobble = 1 + 0.04 * torch.randn(n, 1, 1, 1, generator=g)
        face = face * wobble + 0.03 * torch.randn(n, 2, 1, 1, generator=g)
        if self.sets is None:
            return out, None, face
        known = self.sets[rows] if known is None else known
        told = torch.from_numpy(known.astype(np.float32))[:, None]
        sets = F.grid_sample(told, grid, mode="nearest", align_corners=False)[:, 0].long()
        return out, torch.where(sets == 0, wide.ANY | review.SILENT, sets), face


class SightTask:
    """See the module.

    Parameters
    ----------
    data : folder with `sight*` (`data.mended`), `cm_train.npz`, `celeba_img.npy` and `celeba.npz`
        (`data.pack.masks`), and for the examination the test parts of `data.wide`.
    start : the parser whose weights are gone on from.
    kept : the parser whose answers on CelebA are kept.
    counts : people to the waist, labelled faces and faces without labels of one batch.
    """

    NEEDS = (
        *(f"sight-{k}.npy" for k in mended.PLANES),
        "sight.npz",
        *("cm_train.npz", "celeba.npz", "celeba_img.npy"),
    )

    def __init__(
        self, data: Path, start: str = "hair_parser", kept: str = "hair_parser",
        counts: Sequence[int] = (12, 1, 1),
    ) -> None:  # fmt: skip
        self.config: dict[str, Any] = {
            "task": "sight", "counts": list(counts), "start": start, "kept": kept,
        }  # fmt: skip
        self.counts, self.start = counts, start
        planes = {k: np.load(data / f"sight-{k}.npy", mmap_mode="r") for k in mended.PLANES}
        with np.load(data / "sight.npz") as d:
            floor, self.mesh = d["floor"], d["mesh"]
            # labels of their own, long hair, hats and mended mistakes are met more often
            more = np.array([_SETS[str(k)] for k in d["kind"]])
            more *= np.where(d["labels"] == "", 0.5, 1.0) * np.where(d["length"] == "long", 2, 1)
            more *= np.where(d["hat"] > 0.005, 3, 1)
            mistaken = [key in areas.seen() for key in zip(d["kind"], d["name"], strict=True)]
            self.chance = torch.from_numpy(more * np.where(mistaken, _MISTAKEN, 1.0))
        self.wide = Crops(
            planes["rgb"], planes["sets"], wide.DENSITY, (wide.LEFT, wide.TOP), (19.0, 36.0),
            (0.0, 0.8), floor=floor,
        )  # fmt: skip
        self.hair = planes["hair"]
        self.pastes = Pastes(Windows(planes["rgb"], planes["sets"], self.hair, self.mesh))
        with np.load(data / "cm_train.npz") as d:
            ok = d["flag"] > 0.5
            one = (1 << d["lab"][ok].astype(np.uint16)).astype(np.uint16)
            turn = _turns(d["lm"][ok])
            self.close = Crops(d["img"][ok], one, 0, (0, 0), (24.0, 60.0), (0.0, 0.1), turn)
            hat = (d["lab"][ok] == HAT).mean((1, 2)) > 0.01
            self.close_chance = torch.from_numpy(1.0 + 4.0 * hat)
        with np.load(data / "celeba.npz") as d:
            names = list(d["attr_names"])
            usable = (d["part"] == 0) & (d["flag"] > 0.5)
            hat, bald = (d["attr"][:, names.index(k)] == 1 for k in ("Wearing_Hat", "Bald"))
            self.celeba_chance = torch.from_numpy(
                usable * (1.0 + 6 * hat + 9 * (bald | d["clean"]))
            )
            turn = _turns(d["lm"])
        images = np.load(data / "celeba_img.npy", mmap_mode="r")
        self.celeba = Crops(images, None, 0, (0, 0), (24.0, 52.0), (0.0, 0.0), turn)
        self.test = [
            mended.truth(data, kind) for kind in ("ccp", "eg1800")
            if (data / f"wide-{kind}-test.npz").exists()
        ]  # fmt: skip
        self.before = warm(UNet(5, len(CLASSES), WIDTHS), kept).eval().requires_grad_(False)

    @staticmethod
    def prepare(data: Path, out: Path, workers: int) -> None:
        """Pack `data`, which has `wide`, `teacher`, `celeba` and `celebamask`."""
        pack.masks(data, out, workers)
        for part in ("train", "test"):
            wide.pack(
                data / "wide", data / "teacher" / "hair_segmenter.onnx", out,
                part=part, workers=workers,
            )  # fmt: skip
            for kind in _SETS:
                if (out / f"wide-{kind}-{part}.npz").exists():
                    review.opinions(out, kind, part, workers)
        mended.pack(out, tuple(_SETS))

    @staticmethod
    def network(**_: Any) -> nn.Module:
        """The net itself, (N, 5, H, W) -> logits (N, 9, H, W)."""
        return UNet(5, len(CLASSES), WIDTHS)

    @staticmethod
    def port(network: nn.Module) -> Port:
        """For `tonsure.hair.parse`: soft classes of any size."""
        return ParserTask.port(network)

    def build(self) -> nn.Module:
        net = warm(UNet(5, len(CLASSES), WIDTHS), self.start)
        return spread(net, self.batch(torch.Generator().manual_seed(1))["picture"])

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        g = generator
        parts, sets, soft = [], [], []
        draws = (self.wide, self.chance), (self.close, self.close_chance)
        for (crops, chance), count in zip(draws, self.counts[:2], strict=True):
            rows = torch.multinomial(chance, count, replacement=True, generator=g).numpy()
            made = self._made(rows, g) if crops is self.wide else None
            picture, told, face = crops.draw(rows, g, SIZE, made)
            hair = picture[:, 3] if made is not None else torch.zeros_like(picture[:, 0])
            parts.append(inputs(jitter_colour(picture[:, :3].contiguous(), g), face))
            sets.append(told)
            soft.append(hair)
        some = torch.multinomial(self.celeba_chance, self.counts[2], replacement=True, generator=g)
        picture, _, face = self.celeba.draw(some.numpy(), g, SIZE)
        plain = inputs(picture, face)
        parts.append(inputs(jitter_colour(picture.clone(), g), face))
        told = torch.cat([s for s in sets if s is not None])
        return {
            "picture": torch.cat(parts), "sets": told, "hair": torch.cat(soft), "plain": plain,
        }  # fmt: skip

    def _made(self, rows: Any, g: torch.Generator) -> tuple[Any, Any, Any]:
        """Pictures, sets and the teacher's hair of `rows`, on many of which something is laid."""
        pictures, sets = self.wide.pictures[rows], self.wide.sets[rows]
        hair = self.hair[rows]
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=g)))
        for k, row in enumerate(rows):
            if random.random() < _PASTED["hair"]:
                self.pastes.hair(pictures[k], sets[k], random)
            if random.random() < _PASTED["beard"]:
                self.pastes.beard(pictures[k], sets[k], self.mesh[row], random)
            if random.random() < _PASTED["hat"]:
                self.pastes.hat(pictures[k], sets[k], random)
            if random.random() < _PASTED["arm"]:
                self.pastes.arm(pictures[k], sets[k], self.mesh[row], random)
        return pictures, sets, hair

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        logits = model(batch["picture"].contiguous(memory_format=torch.channels_last)).float()
        n = len(batch["sets"])
        with torch.no_grad():
            self.before.to(logits.device)
            plain = batch["plain"].contiguous(memory_format=torch.channels_last)
            told = self.before(plain).float().softmax(1)
        kept = -(told * logits[n:].log_softmax(1)).sum(1).mean()
        sets = batch["sets"] & wide.ANY
        labels = set_loss(logits[:n], sets)
        p = logits[:n].softmax(1)[:, HAIR]
        is_hair = (sets == 1 << HAIR).float()
        never = ((sets >> HAIR) & 1 == 0).float()
        asked = (batch["sets"] & review.SILENT == 0) & (is_hair + never == 0)
        free = p.clamp(1e-4, 1 - 1e-4)
        apart = F.binary_cross_entropy(free, batch["hair"], reduction="none")
        edges = (apart * asked).sum() / asked.sum().clamp(min=1000)
        hit = (p * is_hair).sum() + 50
        dice = 1 - 2 * hit / ((p * (is_hair + never)).sum() + is_hair.sum() + 100)
        return {"sets": labels, "dice": 0.5 * dice, "edges": _SOFT * edges, "kept": 0.5 * kept}

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Hair's IoU (0..1) with the teacher, mended by eye, on the test parts of wide/, as in use:
        at the windows' own density, as they are and mirrored; over all pixels, and the median of
        the pictures. And of the areas there that an eye has labelled, most of them mistakes of a
        parser before, the share of pixels that are right."""
        place = device_of(model)
        hits = union = 0.0
        each = []
        right: dict[str, Any] = {}
        size = (wide.HEIGHT // 32 * 32, wide.WIDTH // 32 * 32)
        face = units(size, wide.DENSITY)
        mirror = torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
        for rgb, hair, inside, labels in self.test:
            for k in range(0, len(rgb), 10):
                rows = slice(k, k + 10), slice(size[0]), slice(size[1])
                x = torch.from_numpy(rgb[rows]).permute(0, 3, 1, 2).float() / 255
                where = face.expand(len(x), -1, -1, -1)
                looks = [inputs(x, where), inputs(x.flip(3), where.flip(3) * mirror)]
                one, other = (model(v.to(place)).float().softmax(1).cpu() for v in looks)
                told = (one + other.flip(3)).argmax(1)
                for classes, areas_of in zip(told.numpy(), labels[rows[0]], strict=True):
                    for label, count in areas.right(classes, areas_of).items():
                        right[label] = right.get(label, 0) + count
                p = told == HAIR
                ground = torch.from_numpy(inside[rows]) > 230
                truth = (torch.from_numpy(hair[rows]) > 127) & ground
                p &= ground
                both = (p & truth).sum((1, 2)).float()
                either = (p | truth).sum((1, 2)).float()
                hits, union = hits + float(both.sum()), union + float(either.sum())
                each += (both / either.clamp(min=1)).tolist()
        return {
            "hair": round(hits / max(union, 1), 4),
            "hair_median": round(float(np.median(each)), 4) if each else 0.0,
        } | {f"{label}_areas": round(float(n[0] / n[1]), 4) for label, n in right.items()}


def units(size: tuple[int, int], density: float) -> Tensor:
    """(1, 2, H, W): x and y in eye distances of a window that begins where `data.wide`'s does."""
    y = (torch.arange(size[0]) + 0.5) / density + wide.TOP
    x = (torch.arange(size[1]) + 0.5) / density + wide.LEFT
    return torch.stack([x[None].expand(size), y[:, None].expand(size)])[None]


def _turns(landmarks: Any) -> Any:
    """(N, 4) from pictures' pixels to eye distances from between the eyes, by (N, 468, 3)."""
    from tonsure.lab.frames import similarity
    from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE

    out = []
    for points in landmarks:
        z, t = similarity(points)
        t = t - complex(*EYES_MIDDLE)
        out.append([z.real, z.imag, t.real, t.imag])
    return (np.array(out) / EYE_DISTANCE).astype(np.float32)
