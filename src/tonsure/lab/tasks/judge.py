"""The judge: CelebA's 40 labels from one aligned face. It measures editors and trains none.

Real train pictures only. Two things keep it from judging labels by the company they keep (in CelebA
bald means male, and old, and long hair means lipstick):

- in a quarter of each batch the inner face is another person's: labels that hair and scalp decide
  are asked of the head, so that a woman's face above no hair is bald too, labels that the face
  decides of the other, so that a made-up face is made up without hair;
- pictures of half size, which add bald heads, are no blurrier than many of the others are made.

The pictures are cut as they are when the judge is used, see `tonsure.lab.evaluate.judge.view`.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from tonsure.faces import Frame
from tonsure.lab.augment import uniform
from tonsure.lab.data import pack
from tonsure.lab.evaluate.judge import BOX, SCALE, SIZE, view
from tonsure.lab.evaluate.scores import auc, balanced_accuracy
from tonsure.lab.frames import similarity
from tonsure.lab.networks.classifier import Classifier
from tonsure.lab.task import device_of

HAIR_DECIDES = (
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Receding_Hairline",
    "Straight_Hair", "Wavy_Hair", "Wearing_Hat",
)  # fmt: skip
"""Labels that the outer head decides, whoever's face it is."""

FACE_DECIDES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Big_Lips", "Big_Nose",
    "Bushy_Eyebrows", "Eyeglasses", "Heavy_Makeup", "High_Cheekbones", "Male",
    "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "Pointy_Nose", "Rosy_Cheeks", "Smiling",
    "Wearing_Lipstick", "Young",
)  # fmt: skip
"""Labels that the inner face decides, whatever is around it."""

# the inner face in frame units: centre, half axes, and how wide its rim is, in half axes
_FACE = (89.0, 138.0, 36.0, 41.0, 0.25)

Bytes = npt.NDArray[np.uint8]


def inputs(pictures: Tensor) -> Tensor:
    """(N, 3, H, W) of 0..255, any type -> the net's input, -1..1."""
    return pictures.float() / 127.5 - 1


def ellipse() -> Tensor:
    """(144, 112) soft mask of the inner face: brows to mouth, 0..1."""
    x0, y0, rx, ry, rim = _FACE
    xs = BOX[0] + (torch.arange(SIZE[1]) + 0.5) / SCALE
    ys = BOX[1] + (torch.arange(SIZE[0]) + 0.5) / SCALE
    radius = torch.hypot((xs[None] - x0) / rx, (ys[:, None] - y0) / ry)
    return ((1 + rim / 2 - radius) / rim).clamp(0, 1)


def swap_faces(pictures: Tensor, others: Tensor) -> Tensor:
    """`pictures` with the inner faces of `others`, toned alike; both (N, 3, 144, 112) of 0..255."""
    mask = ellipse()[None, None]
    area = mask.sum()

    def spread(x: Tensor) -> tuple[Tensor, Tensor]:
        mean = (x * mask).sum((2, 3), keepdim=True) / area
        return mean, (((x - mean) ** 2 * mask).sum((2, 3), keepdim=True) / area + 1).sqrt()

    (here, width), (there, breadth) = spread(pictures), spread(others)
    toned = (others - there) * (width / breadth).clamp(0.5, 2) + here
    return (pictures + (toned - pictures) * mask).clamp(0, 255)


def warp(x: Tensor, g: torch.Generator) -> Tensor:
    """A small turn, scale and shift, and a mirror for every second picture."""
    n = x.shape[0]
    angle, scale = 0.05 * torch.randn(n, generator=g), torch.exp(0.05 * torch.randn(n, generator=g))
    shift = 0.03 * torch.randn(n, 2, generator=g)
    still = torch.rand(n, generator=g) < 0.25
    angle, scale = angle.masked_fill(still, 0), scale.masked_fill(still, 1)
    shift = shift.masked_fill(still[:, None], 0)
    flip = torch.where(torch.rand(n, generator=g) < 0.5, -1.0, 1.0)
    c, s, ratio = torch.cos(angle) * scale, torch.sin(angle) * scale, SIZE[0] / SIZE[1]
    rows = [
        torch.stack([c * flip, -s * ratio, shift[:, 0]], 1),
        torch.stack([s * flip / ratio, c, shift[:, 1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def spoil(x: Tensor, g: torch.Generator) -> Tensor:
    """Light, colour, lost resolution, JPEG and noise; (N, 3, H, W) of 0..255, changed in place."""
    n = x.shape[0]

    def draw(low: float, high: float) -> Tensor:
        return uniform(g, n, low, high)[:, None, None, None]

    x = 255 * (x / 255).clamp(1e-4, 1) ** torch.exp(draw(-0.25, 0.25))
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * draw(0.7, 1.3)
    x = (x - 128) * draw(0.8, 1.2) + 128 + draw(-15, 15)
    x = x * (1 + 0.04 * torch.randn(n, 3, 1, 1, generator=g))
    order = torch.randperm(n, generator=g)
    part = max(1, n // 8)
    for k in range(3):  # three eighths lose resolution, half size included
        rows = order[k * part : (k + 1) * part]
        size = [round(side / float(uniform(g, 1, 1.15, 2.4))) for side in SIZE]
        low = F.interpolate(x[rows], size=size, mode="bilinear", antialias=True)
        x[rows] = F.interpolate(low, size=SIZE, mode="bicubic" if k else "bilinear")
    for row in order[2 * part : 4 * part].tolist():
        x[row] = _jpeg(x[row], int(uniform(g, 1, 30, 90)))
    rows = torch.randperm(n, generator=g)[: n // 4]
    noise = torch.randn((len(rows), *x.shape[1:]), generator=g)
    x[rows] += noise * uniform(g, len(rows), 0, 8)[:, None, None, None]
    return x.clamp(0, 255)


def _jpeg(picture: Tensor, quality: int) -> Tensor:
    buffer = io.BytesIO()
    array = picture.clamp(0, 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float()


class JudgeTask:
    """See the module.

    Parameters
    ----------
    pictures : (N, 144, 112, 3) uint8, the judge's views.
    labels : (N, 40) +1, -1, or 0 where nobody knows; columns in the order of `names`.
    names : the 40 labels.
    held : (N,) True for pictures kept back for calibration, no person of which is trained on.
    batch : pictures a step.
    repeat : how many times as often as others a bald head is shown.
    widths : of the net.
    """

    NEEDS = (
        "celeba.npz", "celeba_img.npy", "identity_CelebA.txt", "bald-half-size.tar",
        "lm_bald_half.npz",
    )  # fmt: skip
    prepare = staticmethod(pack.masks)

    @classmethod
    def open(
        cls,
        data: Path,
        batch: int = 64,
        repeat: float = 3.0,
        widths: Sequence[int] = (32, 48, 96, 160, 224),
    ) -> JudgeTask:
        """From a folder that holds all of it."""
        lists = data / "identity_CelebA.txt", data / "bald-half-size.tar"
        return cls.from_folder(data, *lists, batch=batch, repeat=repeat, widths=tuple(widths))

    def release(self, network: nn.Module, data: Path, out: Path) -> dict[str, Any]:
        """Write it calibrated, with its description and the figures of val, see `calibration`."""
        from tonsure.lab import calibration

        return calibration.release(self, network, data, out)

    @staticmethod
    def network(widths: Sequence[int] = (32, 48, 96, 160, 224), **_: Any) -> nn.Module:
        """The net itself, (N, 3, 144, 112) -> logits (N, 40)."""
        return Classifier(40, tuple(widths))

    def __init__(
        self,
        pictures: Bytes,
        labels: npt.NDArray[np.int8],
        names: list[str],
        held: npt.NDArray[np.bool_],
        batch: int = 64,
        repeat: float = 3.0,
        widths: tuple[int, ...] = (32, 48, 96, 160, 224),
    ) -> None:
        self.config: dict[str, Any] = {
            "task": "judge",
            "names": names,
            "batch": batch,
            "repeat": repeat,
            "widths": list(widths),
        }
        self.names, self.size, self.widths = names, batch, widths
        self.pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(labels.astype(np.float32))
        self.held = torch.from_numpy(np.nonzero(held)[0])
        bald = self.labels[:, names.index("Bald")] > 0
        self.chance = (1 + (repeat - 1) * bald) * ~torch.from_numpy(held)
        self.hair = torch.tensor([name in HAIR_DECIDES for name in names])
        self.face = torch.tensor([name in FACE_DECIDES for name in names])

    @classmethod
    def from_folder(
        cls, data: Path, identities: Path, half: Path | None = None, **options: Any
    ) -> JudgeTask:
        """From packed CelebA.

        `data` holds `celeba.npz` and `celeba_img.npy`; `identities` is CelebA's own list, by which
        a tenth of the people of the train partition is held back; `half` is a tar of more bald
        faces of that partition at half size, whose landmarks are in `data/lm_bald_half.npz`.
        """
        packed = np.load(data / "celeba.npz")
        names = [str(name) for name in packed["attr_names"]]
        rows = np.nonzero(packed["part"] == 0)[0]
        pictures, labels = views(data, packed, rows), packed["attr"][rows]
        held = people(identities, packed["names"][rows]) % 10 == 0
        if half is not None:
            more = _half_size(half, np.load(data / "lm_bald_half.npz"))
            known = np.zeros((len(more), len(names)), np.int8)
            known[:, names.index("Bald")] = 1
            pictures, labels = np.concatenate([pictures, more]), np.concatenate([labels, known])
            held = np.concatenate([held, np.zeros(len(more), np.bool_)])
        return cls(pictures, labels, names, held, **options)

    def build(self) -> nn.Module:
        return Classifier(len(self.names), self.widths)

    def batch(self, generator: torch.Generator) -> dict[str, Tensor]:
        g = generator
        rows = torch.multinomial(self.chance, self.size, generator=g)
        x, known = self.pictures[rows].float().contiguous(), self.labels[rows]
        quarter = self.size // 4
        x[:quarter] = swap_faces(x[:quarter], x[quarter : 2 * quarter])
        other = torch.where(self.face, known[quarter : 2 * quarter], torch.zeros(()))
        known[:quarter] = torch.where(self.hair, known[:quarter], other)
        return {"picture": inputs(spoil(warp(x, g), g)), "known": known}

    def losses(
        self, model: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> dict[str, Tensor]:
        logits = model(batch["picture"].contiguous(memory_format=torch.channels_last)).float()
        sign = batch["known"]
        wrong = F.softplus(-logits * sign) * sign.abs()
        # the score that counts most gets the weight of several
        weight = torch.ones(len(self.names), device=sign.device)
        weight[self.names.index("Bald")] = 4.0
        return {"entropy": (wrong * weight).sum() / (sign.abs() * weight).sum()}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On the people held back: mean accuracy and area under the curve, and Bald's."""
        known = self.labels[self.held].numpy() > 0
        seen = logits(model, self.pictures[self.held])
        bald = self.names.index("Bald")
        areas = [auc(seen[:, k], known[:, k]) for k in range(len(self.names))]
        return {
            "accuracy": round(float(((seen > 0) == known).mean()), 4),
            "auc": round(float(np.nanmean(areas)), 4),
            "bald_auc": round(areas[bald], 4),
            "bald_balanced": round(balanced_accuracy(seen[:, bald] > 0, known[:, bald]), 4),
        }


@torch.no_grad()
def logits(model: nn.Module, pictures: Tensor) -> npt.NDArray[np.float32]:
    """(N, 40) of pictures (N, 3, 144, 112) of 0..255; the mean of a picture and its mirror."""
    model.eval()
    out, device = [], device_of(model)
    for x in torch.split(pictures, 128):
        one = inputs(x.to(device)).contiguous(memory_format=torch.channels_last)
        out.append((model(one) + model(one.flip(3))) / 2)
    return torch.cat(out).float().cpu().numpy()


def views(data: Path, packed: Any, rows: npt.NDArray[np.int64]) -> Bytes:
    """The judge's views of packed CelebA pictures; where no face was found, the picture as is."""
    images = np.load(data / "celeba_img.npy", mmap_mode="r")
    landmarks, flags = packed["lm"], packed["flag"]
    out = np.empty((len(rows), *SIZE, 3), np.uint8)
    for k, row in enumerate(rows):
        z, t = similarity(landmarks[row]) if flags[row] > 0.5 else (1, 0)
        out[k] = view(np.asarray(images[row]), Frame(z, t))
    return out


def people(identities: Path, names: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Who is on each picture: CelebA's number of the person, (N,)."""
    lines = (line.split() for line in identities.read_text().splitlines())
    number = {name.split(".")[0]: int(person) for name, person in lines}
    return np.array([number[str(name)] for name in names], np.int64)


def _half_size(archive: Path, found: Any) -> Bytes:
    landmarks = dict(zip(found["names"], found["lm"], strict=True))
    flags = dict(zip(found["names"], found["flag"], strict=True))
    out = []
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getnames()):
            name, file = Path(member).stem, tar.extractfile(member)
            if file is None or flags.get(name, 0) <= 0.5:
                continue
            pixels = np.asarray(Image.open(file).convert("RGB"))
            out.append(view(pixels, Frame(*similarity(landmarks[name]))))
    return np.stack(out)
