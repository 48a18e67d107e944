"""`tonsure lab`: its verbs; what a verb needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tonsure.cli.console import emit, ending, say
from tonsure.lab import latent_cli
from tonsure.lab.evaluate import cli as evaluate

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Change a field of the preset."),
]
Preset = Annotated[str, typer.Argument(help="A preset's name, or a TOML file of your own.")]
Run = Annotated[Path, typer.Argument(help="A run's folder, one checkpoint, or an .onnx.")]
Debug = Annotated[bool, typer.Option(hidden=True)]

app = typer.Typer(
    help="The laboratory: train, evaluate, export networks.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.add_typer(evaluate.app, name="evaluate")
app.command("faces")(latent_cli.faces)
app.command("edit-latent")(latent_cli.edit_latent)


@app.callback()
def _root() -> None:
    pass


@app.command()
def presets() -> None:
    """List the presets."""
    from tonsure.lab import config

    for name in [*config.names(), *config.names(product=True)]:
        comment = (config.PRESETS / f"{name}.toml").read_text(encoding="utf-8").split("\n")[0]
        print(f"{name:20}{comment.lstrip('# ')}")


@app.command()
def summary(
    preset: Preset,
    changes: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    debug: Debug = False,
) -> None:
    """Show a preset's networks: parameters, shapes, GMAC a picture."""
    with ending(debug):
        from tonsure.lab import config
        from tonsure.lab.networks.build import summary as summarise

        found = summarise(config.load(preset, changes or []).network)
        if as_json:
            emit(found)
            return
        for name, told in found.items():
            print(f"{name}: {told['parameters']:,} parameters, {told['gmac']} GMAC a picture")
            for way in ("inputs", "outputs"):
                for port, shape in told[way].items():
                    print(f"    {way[:-1]:<7} {port} ({' x '.join(map(str, shape))})")


@app.command()
def prepare(
    preset: Preset,
    data: Annotated[Path, typer.Option(help="The set as it was downloaded.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the pack.")],
    listed: Annotated[
        Path | None, typer.Option("--list", help="The list of labels, if it is called otherwise.")
    ] = None,
    changes: Set = None,
    debug: Debug = False,
) -> None:
    """Pack a set once: checked, cropped, made small, as a uint8 memory map."""
    with ending(debug):
        from tonsure.lab import config, products
        from tonsure.lab.data import packed

        if products.is_product(preset):
            products.prepare(products.load(preset, changes or []), data, out)
            return
        packed.pack(
            config.load(preset, changes or []),
            data,
            out,
            listed=listed,
            tell=_write,
            bar=_terminal(),
        )


@app.command()
def train(
    preset: Preset,
    data: Annotated[Path, typer.Option(help="A pack, or the set as it was downloaded.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The run's folder.")],
    listed: Annotated[
        Path | None, typer.Option("--list", help="The list of labels, if it is called otherwise.")
    ] = None,
    changes: Set = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads.")] = None,
    tensorboard: Annotated[bool, typer.Option(help="Log for TensorBoard, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
    debug: Debug = False,
) -> None:
    """Train a preset; run the same line again to go on. Ctrl-C saves first."""
    with ending(debug):
        import torch

        from tonsure.lab import training

        if threads is not None:
            torch.set_num_threads(threads)
        whole = training.run(
            preset, changes or [], data, out, listed=listed, board=tensorboard, quiet=quiet,
            tell=_write, bar=_terminal(),
        )  # fmt: skip
        if not whole:
            say("saved; the same line goes on.")
            raise KeyboardInterrupt


@app.command()
def sample(
    run: Run,
    data: Annotated[Path, typer.Option(help="A pack to take pictures of.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A PNG, or a folder with --single.")],
    degrees: Annotated[
        str | None,
        typer.Option(help="A growing strip: differences d, as 0.60,0.68,0.76; else the tiles."),
    ] = None,
    attribute: Annotated[str, typer.Option(help="What grows with --degrees.")] = "Bald",
    strength: Annotated[float, typer.Option(help="d of the tiles.")] = 1.0,
    count: Annotated[int, typer.Option(help="So many pictures, held out ones first.")] = 8,
    labels: Annotated[
        Path | None,
        typer.Option(help="A list with labels of your own; its pictures are taken."),
    ] = None,
    single: Annotated[bool, typer.Option(help="Every tile a file of its own.")] = False,
    raw: Annotated[bool, typer.Option(help="The last weights, not their moving average.")] = False,
    debug: Debug = False,
) -> None:
    """Edit pictures of a pack: original, as it is, and each attribute; or a growing strip."""
    with ending(debug):
        from tonsure.lab import sampling

        sampling.write(
            run, data, out, degrees=degrees, attribute=attribute, strength=strength, count=count,
            single=single, raw=raw, told_by=labels,
        )  # fmt: skip
        say(f"{out}")


@app.command()
def measure(
    run: Run,
    data: Annotated[Path, typer.Option(help="A pack.")],
    strength: Annotated[float, typer.Option(help="d of the edits; the papers' is 1.5.")] = 1.5,
    judge: Annotated[
        Path | None, typer.Option(help="The judge's .onnx, if it is not where it belongs.")
    ] = None,
    count: Annotated[int | None, typer.Option(help="So many pictures.")] = None,
    raw: Annotated[bool, typer.Option(help="The last weights, not their moving average.")] = False,
    debug: Debug = False,
) -> None:
    """PSNR and SSIM of reconstructions, accuracy of each attribute, as the papers measured them;
    decided at 0.5 as they did, and with yes and no equally common."""
    with ending(debug):
        from tonsure.lab import measuring

        emit(measuring.figures(run, data, strength, judge, count, raw=raw))


@app.command()
def export(
    run: Run,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The .onnx file; default RUN/PRESET.onnx.")
    ] = None,
    raw: Annotated[bool, typer.Option(help="The last weights, not their moving average.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Packed data, for a net that is calibrated: the judge.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a generator as ONNX, with a card, for `tonsure bald --model` and `tonsure sweep`; or a
    net of the product's own."""
    with ending(debug):
        from tonsure.lab import release

        told = release.write(run, out, raw=raw, data=data)
        say(f"{told['file']}: {told['bytes']} bytes, {told['gap']:.1e} from torch at most")


@app.command()
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            help="net_G.pdparams, a StarGAN .ckpt, an AttGAN .pth, StyleGAN2 .pt or .pkl."
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Our checkpoint, .safetensors.")],
    changes: Set = None,
    debug: Debug = False,
) -> None:
    """Read other people's weights; nothing in their files is executed."""
    with ending(debug):
        from tonsure.lab import convert as conversion

        say(conversion.convert(source, out, changes or []))


def _write(text: str) -> None:
    import sys

    sys.stderr.write(text)
    sys.stderr.flush()


def _terminal() -> bool:
    import sys

    return sys.stderr.isatty()
