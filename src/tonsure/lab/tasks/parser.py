"""The hair parser: nine soft classes in the aligned frame.

Labelled: CelebAMask-HQ. Unlabelled CelebA joins by four weak signs, since CelebAMask has hardly
any bald head, hat or pair of glasses: clean bald heads (the person mask says skin or background,
never hair), hats (what the person mask holds high above the eyes is hat), the picture's own labels
(Wearing_Hat, Eyeglasses: some of it must, none of it may be there), and the teacher's sure pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tonsure.lab.augment import jitter_colour, sampling_grid, scenery, uniform
from tonsure.lab.data import pack
from tonsure.lab.export import Port
from tonsure.lab.frames import similarity
from tonsure.lab.networks.unet import UNet
from tonsure.lab.task import device_of

CLASSES = ("background", "skin", "hair", "hat", "ear", "neck", "clothes", "glasses", "jewellery")
BACKGROUND, SKIN, HAIR, HAT, EAR, NECK, CLOTHES, GLASSES, JEWELLERY = range(9)
IGNORE = 255
WEIGHTS = (1.0, 1.0, 1.2, 2.0, 1.7, 1.2, 1.3, 1.7, 1.5)


def inputs(picture: Tensor, face: Tensor) -> Tensor:
    """RGB in 0..1 (N, 3, H, W) and face units (N, 2, H, W) -> the net's five channels."""
    return torch.cat([picture * 2 - 1, face.clamp(-4, 4) / 2], 1)


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[2], images.shape[3]


class Parser(nn.Module):
    """A trained net for use: channels (N, 5, H, W) -> soft classes (N, 9, H, W) summing to 1."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, picture: Tensor) -> Tensor:
        return torch.softmax(self.body(picture), 1)


class ParserTask:
    """See the module.

    Parameters
    ----------
    data : the folder that `tonsure.lab.data.pack.masks` wrote.
    size : side of the training pictures in pixels.
    labelled, weak : pictures of a batch with labels, and without.
    widths : of the `UNet`.
    """

    NEEDS = ("cm_train.npz", "cm_test.npz", "celeba.npz", "celeba_img.npy")

    def __init__(
        self,
        data: Path,
        size: int = 160,
        labelled: int = 11,
        weak: int = 5,
        widths: Sequence[int] = (16, 32, 64, 96, 128),
    ) -> None:
        self.config: dict[str, Any] = {
            "task": "parser",
            "size": size,
            "labelled": labelled,
            "weak": weak,
            "widths": list(widths),
        }
        self.size, self.labelled, self.weak, self.widths = size, labelled, weak, tuple(widths)
        train = np.load(data / "cm_train.npz")
        ok = train["flag"] > 0.5
        self.images = torch.from_numpy(train["img"][ok]).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(train["lab"][ok])
        self.similarities = self._similarities(train["lm"][ok])
        share = torch.stack([(self.labels == c).float().mean((1, 2)) for c in range(9)], 1)
        self.chance = 1.0 + 4.0 * (share[:, HAT] > 0.01) + 2.0 * (share[:, GLASSES] > 0.004)
        test = np.load(data / "cm_test.npz")
        self.test = (
            torch.from_numpy(test["img"]).permute(0, 3, 1, 2),
            torch.from_numpy(test["lab"]),
            self._similarities(test["lm"]),
        )
        celeba = np.load(data / "celeba.npz")
        names = list(celeba["attr_names"])
        usable = (celeba["part"] == 0) & (celeba["flag"] > 0.5)
        person = np.full(len(usable), -1)
        person[celeba["masked"]] = np.arange(len(celeba["masked"]))
        self.weak_images = np.load(data / "celeba_img.npy", mmap_mode="r")
        self.weak_similarities = self._similarities(celeba["lm"])
        self.person, self.person_row = torch.from_numpy(celeba["person"]), person
        column = {
            k: celeba["attr"][:, names.index(k)] == 1 for k in ("Wearing_Hat", "Eyeglasses", "Bald")
        }
        self.hat, self.glasses = (
            torch.from_numpy(column["Wearing_Hat"]),
            torch.from_numpy(column["Eyeglasses"]),
        )
        self.clean = torch.from_numpy(celeba["clean"])
        half = ~column["Bald"] | celeba["clean"]
        # short dark hair is what a net takes for a hat first
        men = (celeba["attr"][:, names.index("Male")] == 1) & ~column["Wearing_Hat"]
        dark = men & (celeba["attr"][:, names.index("Black_Hair")] == 1)
        plain = ~column["Bald"] & ~column["Wearing_Hat"]
        kinds = (celeba["clean"], column["Wearing_Hat"], dark, column["Eyeglasses"], plain)
        self.pools = [np.nonzero(usable & kind & half)[0] for kind in kinds]

    @staticmethod
    def _similarities(landmarks: Any) -> Tensor:
        pairs = [similarity(p) for p in landmarks]
        return torch.tensor([[z.real, z.imag, t.real, t.imag] for z, t in pairs])

    prepare = staticmethod(pack.masks)

    @staticmethod
    def network(widths: Sequence[int] = (16, 32, 64, 96, 128), **_: Any) -> nn.Module:
        """The net itself, (N, 5, H, W) -> logits (N, 9, H, W)."""
        return UNet(5, len(CLASSES), tuple(widths))

    @staticmethod
    def port(network: nn.Module) -> Port:
        """For `tonsure.hair.parse`: soft classes of any size."""
        example = {"picture": torch.rand(2, 5, 192, 160) * 2 - 1}
        free = {"picture": {0: "N", 2: "H", 3: "W"}, "classes": {0: "N", 2: "H", 3: "W"}}
        return Port(Parser(network), example, ["classes"], free)

    def build(self) -> nn.Module:
        return self.network(self.widths)

    def _geometry(
        self,
        g: torch.Generator,
        similarities: Tensor,
        picture: tuple[int, int],
        low: float,
        high: float,
    ) -> tuple[Tensor, Tensor]:
        n = similarities.shape[0]
        scale = torch.exp(uniform(g, n, float(np.log(low)), float(np.log(high))))
        roll = torch.randn(n, generator=g) * torch.where(
            torch.rand(n, generator=g) < 0.15, 0.35, 0.05
        )
        centre = torch.stack(
            [torch.randn(n, generator=g) * 0.4, 0.1 + torch.randn(n, generator=g) * 0.6], 1
        )
        flip = torch.where(torch.rand(n, generator=g) < 0.5, -1.0, 1.0)
        grid, face = sampling_grid(
            similarities, scale, roll, centre, flip, (self.size, self.size), picture
        )
        wobble = 1 + 0.04 * torch.randn(n, 1, 1, 1, generator=g)
        shift = 0.03 * torch.randn(n, 2, 1, 1, generator=g)
        return grid, face * wobble + shift

    @staticmethod
    def _pick(images: Tensor, grid: Tensor, g: torch.Generator) -> Tensor:
        """Pictures at the grid; outside: edge, mirror or one colour."""
        x = images.float() / 255
        kind = float(torch.rand((), generator=g))
        mode = "border" if kind < 0.5 else "reflection" if kind < 0.7 else "zeros"
        out = F.grid_sample(x, grid, mode="bilinear", padding_mode=mode, align_corners=False)
        if mode == "zeros":
            outside = (grid.abs() > 1).any(-1)[:, None]
            out = torch.where(outside, torch.rand(x.shape[0], 3, 1, 1, generator=g), out)
        return out

    def _elsewhere(
        self, picture: Tensor, labels: Tensor, grid: Tensor, g: torch.Generator
    ) -> Tensor:
        """Some people stand before another background: invented, or the corner of a photo."""
        behind = (labels == BACKGROUND).float()[:, None]
        alpha = F.grid_sample(behind, grid, padding_mode="border", align_corners=False)
        n = len(picture)
        # zoomed corners of CelebA pictures seldom hold more than background
        rows = torch.randint(len(self.weak_images), (n,), generator=g).numpy()
        side = int(torch.randint(24, 56, (), generator=g))
        corners = np.stack([self.weak_images[r][:side, :side] for r in rows])
        corner = torch.from_numpy(corners).permute(0, 3, 1, 2).float() / 255
        corner = F.interpolate(corner, size=picture.shape[2:], mode="bicubic").clamp(0, 1)
        draw = torch.rand(n, generator=g)[:, None, None, None]
        new = torch.where(draw < 0.12, corner, scenery(n, self.size, g))
        return torch.where(draw < 0.35, picture + alpha * (new - picture), picture)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        g = generator
        rows = torch.multinomial(self.chance, self.labelled, replacement=True, generator=g)
        grid, face = self._geometry(g, self.similarities[rows], _size(self.images), 24, 60)
        picture = self._pick(self.images[rows], grid, g)
        picture = jitter_colour(self._elsewhere(picture, self.labels[rows], grid, g), g)
        labels = (
            F.grid_sample(
                self.labels[rows][:, None].float() + 1,
                grid,
                mode="nearest",
                padding_mode="zeros",
                align_corners=False,
            )[:, 0].long()
            - 1
        )
        labels[(labels < 0) | (labels > 8)] = IGNORE
        pools = [self.pools[i % len(self.pools)] for i in range(self.weak)]
        picks = np.array([p[int(torch.randint(len(p), (1,), generator=g))] for p in pools])
        weak_rows = torch.from_numpy(picks)
        wgrid, wface = self._geometry(g, self.weak_similarities[weak_rows], (218, 178), 22, 52)
        plain = self._pick(torch.from_numpy(self.weak_images[picks]).permute(0, 3, 1, 2), wgrid, g)
        inside = (wgrid.abs() <= 1).all(-1)
        person = torch.zeros(self.weak, *plain.shape[2:])
        for i, row in enumerate(picks):
            if self.person_row[row] >= 0:
                mask = self.person[self.person_row[row]][None, None].float() / 255
                person[i] = F.grid_sample(mask, wgrid[i : i + 1], align_corners=False)[0, 0]
        return {
            "picture": inputs(picture, face),
            "labels": labels,
            "weak": inputs(jitter_colour(plain.clone(), g), wface),
            "plain": inputs(plain, wface),
            "inside": inside,
            "person": person,
            "hat": self.hat[weak_rows],
            "glasses": self.glasses[weak_rows],
            "clean": self.clean[weak_rows],
        }

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        n = batch["picture"].shape[0]
        both = torch.cat([batch["picture"], batch["weak"]]).contiguous(
            memory_format=torch.channels_last
        )
        logits = model(both).float()
        strong, weak = logits[:n], logits[n:]
        labels = batch["labels"]
        weights = torch.tensor(WEIGHTS, device=logits.device)
        out = {
            "cross_entropy": F.cross_entropy(strong, labels, weight=weights, ignore_index=IGNORE)
        }
        probability = strong.softmax(1)
        known = (labels != IGNORE).float()
        dice = strong.new_zeros(())
        for c, share in ((HAIR, 0.5), (HAT, 0.3), (EAR, 0.15), (GLASSES, 0.15)):
            p, t = probability[:, c] * known, (labels == c).float()
            dice = dice + share * (1 - (2 * (p * t).sum() + 50) / (p.sum() + t.sum() + 50))
        out["dice"] = dice
        # the picture's own labels
        q = weak.softmax(1)
        inside = batch["inside"].float()
        weak_loss = q.new_zeros(())
        for c, flag, share in ((HAT, batch["hat"], 0.06), (GLASSES, batch["glasses"], 0.012)):
            flat = (q[:, c] * inside).flatten(1)
            top = flat.topk(int(flat.shape[1] * share), dim=1).values.mean(1)
            absent = -torch.log1p(-flat.clamp(max=0.999)).mean(1) * 3
            absent = absent - 0.5 * torch.log1p(-top.clamp(max=0.99))
            weak_loss = weak_loss + torch.where(flag, -torch.log(top + 1e-3), absent).mean()
        out["labels"] = 0.1 * weak_loss
        # bald heads: skin where the person mask says person, above the eyes background elsewhere,
        # and never hair
        clean = batch["clean"].float()[:, None, None]
        upper = (batch["weak"][:, 4] * 2 < -0.35).float() * inside * clean
        sure_person, sure_behind = (
            (batch["person"] > 0.8).float() * upper,
            (batch["person"] < 0.2).float() * upper,
        )
        skin = -torch.log(q[:, SKIN] + q[:, GLASSES] + q[:, EAR] + 1e-4) * sure_person
        behind = -torch.log(q[:, BACKGROUND] + 1e-4) * sure_behind
        never = -torch.log1p(-q[:, HAIR].clamp(max=0.999)) * inside * clean
        out["bald"] = 0.6 * (skin + behind + never).sum() / (inside.sum() + 1)
        # where a hat is worn: its crown, but for the visors and headbands that let hair stand above
        high = (batch["weak"][:, 4] * 2 < -0.95).float() * inside
        high = high * batch["hat"].float()[:, None, None]
        crown = -torch.log(0.9 * q[:, HAT] + 0.1 * q[:, HAIR] + 1e-4) * (batch["person"] > 0.8)
        air = -torch.log(q[:, BACKGROUND] + 1e-4) * (batch["person"] < 0.1)
        out["crown"] = 0.3 * ((crown + air) * high).sum() / (high.sum() + 1)
        # the teacher's sure pixels
        if progress > 0.25:
            with torch.no_grad():
                teacher.eval()
                t = (
                    teacher(batch["plain"].contiguous(memory_format=torch.channels_last))
                    .float()
                    .softmax(1)
                )
                sure, target = t.max(1)
                mask = (sure > 0.9).float() * inside
                mask = mask * (1 - ((target == HAT) & ~batch["hat"][:, None, None]).float())
                mask = mask * (
                    1
                    - (
                        (target == HAIR)
                        & batch["hat"][:, None, None]
                        & (batch["weak"][:, 4] * 2 < -0.7)
                    ).float()
                )
                mask = mask * (1 - ((target == HAIR).float() * clean))
            out["teacher"] = (
                0.5
                * (F.cross_entropy(weak, target, weight=weights, reduction="none") * mask).sum()
                / (mask.sum() + 1)
            )
        return out

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """IoU per class, 0..1, on the 100 test pictures at 48 px per eye distance.

        Pixels outside the picture do not count.
        """
        images, labels, similarities = self.test
        device = device_of(model)
        hits, union = torch.zeros(9), torch.zeros(9)
        for i in range(0, len(images), 10):
            s = similarities[i : i + 10]
            n = len(s)
            grid, face = sampling_grid(
                s,
                torch.full((n,), 48.0),
                torch.zeros(n),
                torch.tensor([[0.0, 0.1]]).repeat(n, 1),
                torch.ones(n),
                (256, 224),
                _size(images),
            )
            x = F.grid_sample(
                images[i : i + 10].float() / 255, grid, padding_mode="border", align_corners=False
            )
            t = (
                F.grid_sample(
                    labels[i : i + 10][:, None].float() + 1,
                    grid,
                    mode="nearest",
                    align_corners=False,
                )[:, 0].long()
                - 1
            )
            known = (t >= 0) & (t < 9)
            p = (
                model(inputs(x, face).to(device).contiguous(memory_format=torch.channels_last))
                .float()
                .argmax(1)
                .cpu()
            )
            for c in range(9):
                hits[c] += ((p == c) & (t == c) & known).sum()
                union[c] += (((p == c) | (t == c)) & known).sum()
        return {
            name: round(float(hits[c] / union[c].clamp(min=1)), 4) for c, name in enumerate(CLASSES)
        }
