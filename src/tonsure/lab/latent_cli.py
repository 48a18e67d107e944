"""`tonsure lab faces` and `tonsure lab edit-latent`: what a trained StyleGAN2 is used for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tonsure.cli.console import emit, ending, say

Run = Annotated[Path, typer.Argument(help="A StyleGAN2 run's folder, or one checkpoint.")]


def faces(
    run: Run,
    out: Annotated[Path, typer.Option("-o", "--out", help="The PNG of the sheet.")],
    count: Annotated[int, typer.Option(help="So many faces.")] = 48,
    columns: Annotated[int, typer.Option(help="Side by side.")] = 8,
    seed: Annotated[int, typer.Option(help="Other faces.")] = 0,
    truncation: Annotated[
        float, typer.Option(help="1 as they come; less is nearer to the mean face.")
    ] = 1.0,
    raw: Annotated[bool, typer.Option(help="The last weights, not their moving average.")] = False,
    debug: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Draw a sheet of faces of nobody from a StyleGAN2."""
    with ending(debug):
        from tonsure.errors import BadOption
        from tonsure.lab import latent, sampling
        from tonsure.lab.tasks import stylegan

        if count < 1 or columns < 1:
            raise BadOption("--count and --columns are 1 or more.")
        opened = latent.opened(run, raw=raw)
        sheet = stylegan.drawn(opened.net, count, columns, seed=seed, keeping=truncation)
        out.parent.mkdir(parents=True, exist_ok=True)
        told = {"step": opened.step, "seed": seed, "truncation": truncation}
        sampling.png(out, sheet, told)
        say(f"{out}")


def edit_latent(
    photo: Annotated[Path, typer.Argument(help="A photo with a face.")],
    run: Annotated[Path, typer.Option(help="A StyleGAN2 run's folder, or one checkpoint.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The edited photo.")],
    direction: Annotated[str, typer.Option(help="One of CelebA's 40 attributes.")] = "Bald",
    degree: Annotated[
        float, typer.Option(help="1 goes as far as faces with it are from faces without; -1 back.")
    ] = 0.8,
    keep: Annotated[
        str, typer.Option(help="Attributes to leave alone, as Male,Young.", metavar="NAMES")
    ] = "",
    steps: Annotated[int, typer.Option(help="Of the search for the photo's face.")] = 400,
    samples: Annotated[int, typer.Option(help="Made faces that directions are drawn from.")] = 2000,
    strip: Annotated[
        Path | None, typer.Option(help="A PNG: the aligned face, as it was found, changed.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the file if it is there.")] = False,
    debug: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Change a photo's largest face through a StyleGAN2: found in w+, moved along a direction.

    The face that is found is the nearest that the network can make. One line of JSON says how near
    it is (psnr), what the judge sees, and how far the person drifts (identity, 0.6 is a stranger).
    """
    with ending(debug):
        from tonsure.lab import latent_edit

        told = latent_edit.edit(
            photo, run, out, name=direction, degree=degree,
            keeping=[name.strip() for name in keep.split(",") if name.strip()], steps=steps,
            count=samples, strip=strip, overwrite=overwrite,
        )  # fmt: skip
        emit(told)
