"""Batch augmentation in torch: geometry by similarity, then light, colour, blur, noise, JPEG."""

from __future__ import annotations

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from tonsure.lab.frames import EYE_DISTANCE, EYES_MIDDLE


def uniform(generator: torch.Generator, n: int, low: float, high: float) -> Tensor:
    """(n,) uniform numbers in [low, high), on the generator's device."""
    return low + (high - low) * torch.rand(n, generator=generator, device=generator.device)


def sampling_grid(
    similarities: Tensor,
    scale: Tensor,
    roll: Tensor,
    centre: Tensor,
    flip: Tensor,
    size: tuple[int, int],
    picture: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Where each output pixel lies in its picture, and in face units.

    Parameters
    ----------
    similarities : (N, 4), z and t of picture -> frame: real, imaginary, real, imaginary.
    scale : (N,) output pixels per eye distance.
    roll : (N,) radians.
    centre : (N, 2), the output's middle in face units: eye distances from between the eyes.
    flip : (N,), -1 mirrors, 1 does not.
    size, picture : (height, width) of the output and of the pictures.

    Returns a grid for `grid_sample` (N, h, w, 2) and the pixels' places in face units (N, 2, h, w).
    """
    height, width = size
    ys, xs = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    u = (xs[None] - width / 2) / scale[:, None, None]
    v = (ys[None] - height / 2) / scale[:, None, None]
    c, s = torch.cos(roll)[:, None, None], torch.sin(roll)[:, None, None]
    x = (c * u - s * v + centre[:, 0, None, None]) * flip[:, None, None]
    y = s * u + c * v + centre[:, 1, None, None]
    face = torch.stack([x * flip[:, None, None], y], 1)
    fx, fy = x * EYE_DISTANCE + EYES_MIDDLE[0], y * EYE_DISTANCE + EYES_MIDDLE[1]
    zr, zi, tr, ti = (similarities[:, i, None, None] for i in range(4))
    dx, dy = fx - tr, fy - ti
    norm = zr * zr + zi * zi
    px, py = (dx * zr + dy * zi) / norm, (dy * zr - dx * zi) / norm
    return torch.stack([2 * px / picture[1] - 1, 2 * py / picture[0] - 1], -1), face


def jitter_colour(x: Tensor, generator: torch.Generator) -> Tensor:
    """Light, colour, blur, noise and JPEG of (N, 3, H, W) in 0..1, each picture its own draw."""
    n = x.shape[0]

    def draw(low: float, high: float) -> Tensor:
        return uniform(generator, n, low, high)[:, None, None, None]

    x = x.clamp(1e-4, 1) ** torch.exp(draw(-0.5, 0.5))
    x = (x - 0.5) * draw(0.65, 1.35) + 0.5 + draw(-0.12, 0.12)
    gains = 1 + 0.12 * torch.randn(n, 3, 1, 1, generator=generator)
    x = x * gains
    grey = x.mean(1, keepdim=True)
    mix = draw(0.4, 1.5) * (draw(0, 1) > 0.08)
    x = grey + (x - grey) * mix
    small = x
    for index in range(n):
        kind = float(torch.rand((), generator=generator))
        if kind < 0.25:
            factor = float(uniform(generator, 1, 1.5, 3.5))
            low = F.interpolate(
                x[index : index + 1], scale_factor=1 / factor, mode="bilinear", antialias=True
            )
            small[index] = F.interpolate(
                low, size=x.shape[2:], mode="bicubic" if kind < 0.12 else "bilinear"
            )[0]
        elif kind < 0.5:
            quality = int(uniform(generator, 1, 15, 80))
            array = (x[index].clamp(0, 1).permute(1, 2, 0).numpy() * 255).astype(np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(array).save(buffer, "JPEG", quality=quality)
            back = np.asarray(Image.open(buffer), np.float32) / 255
            small[index] = torch.from_numpy(back).permute(2, 0, 1)
    noise = draw(0, 0.05) * (draw(0, 1) > 0.6)
    return (small + noise * torch.randn(x.shape, generator=generator)).clamp(0, 1)


def scenery(n: int, side: int, generator: torch.Generator) -> Tensor:
    """Invented backgrounds (N, 3, side, side) in 0..1: soft noise of several sizes, and shapes.

    What stands behind a head in real photos (writing, leaves, bricks, lamps) is what a net trained
    on few pictures takes for hair or for a hat.
    """
    rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    out = np.empty((n, 3, side, side), np.float32)
    for picture in out:
        field = np.full((side, side, 3), rng.uniform(20, 235, 3), np.float32)
        for cells in (2, 4, 9, 20, 45):
            size = (cells, max(2, int(cells * rng.uniform(0.4, 2.5))))
            amount = rng.choice([0, 10, 35, 60]) * (rng.uniform(0, 1, (*size, 3)) - 0.5)
            if rng.random() < 0.5:  # grey structure is commoner than coloured
                amount = np.broadcast_to(amount.mean(2, keepdims=True), amount.shape)
            tile = Image.fromarray((amount + 128).clip(0, 255).astype(np.uint8))
            field += np.asarray(tile.resize((side, side), Image.Resampling.BICUBIC), np.float32)
            field -= 128
        canvas = Image.fromarray(field.clip(0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(canvas)
        palette = [tuple(int(v) for v in rng.uniform(0, 255, 3)) for _ in range(3)]
        for _ in range(int(rng.choice([0, 0, 4, 12, 40]))):
            x, y = rng.uniform(-0.1, 1.1, 2) * side
            w, h = np.exp(rng.uniform(np.log(2), np.log(side / 2), 2))
            colour = palette[int(rng.integers(3))]
            shape = int(rng.integers(4))
            if shape == 0:
                draw.rectangle((x, y, x + w, y + h), fill=colour)
            elif shape == 1:
                draw.ellipse((x, y, x + w, y + h), fill=colour)
            else:
                ends = [tuple(rng.uniform(-0.1, 1.1, 2) * side) for _ in range(shape)]
                draw.line([(x, y), *ends], fill=colour, width=int(rng.integers(1, 9)))
        picture[:] = np.asarray(canvas, np.float32).transpose(2, 0, 1) / 255
    return torch.from_numpy(out)
