"""`tonsure lab`: its verbs; what a verb needs is imported when it runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tonsure.cli.console import emit, ending, say
from tonsure.lab import latent_cli
from tonsure.lab.evaluate import cli as evaluate

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.FIELD=VALUE",
        help="Change a field of the preset; may be repeated.",
    ),
]
Preset = Annotated[str, typer.Argument(help="A preset's name, or a TOML file of your own.")]
Run = Annotated[Path, typer.Argument(help="The folder of a run, a checkpoint, or an .onnx file.")]
Split = Annotated[
    str | None,
    typer.Option(help="Another data.split than the run's own."),
]
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object to standard output.")
    ] = False,
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
    data: Annotated[Path, typer.Option(help="Folder of the data set, as it was downloaded.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the pack.")],
    listed: Annotated[
        Path | None, typer.Option("--list", help="The list of labels, if it has another name.")
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(help="Pictures as WebP of this quality: a tenth of the size, with a loss."),
    ] = None,
    changes: Set = None,
    debug: Debug = False,
) -> None:
    """Check a data set and pack it once: cropped and resized, in one memory-mapped file."""
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
            quality=quality,
            tell=_write,
            bar=_terminal(),
        )


@app.command()
def train(
    preset: Preset,
    data: Annotated[Path, typer.Option(help="A pack, or the data set as it was downloaded.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The run's folder.")],
    listed: Annotated[
        Path | None, typer.Option("--list", help="The list of labels, if it has another name.")
    ] = None,
    changes: Set = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads.")] = None,
    tensorboard: Annotated[bool, typer.Option(help="Also log for TensorBoard.")] = False,
    wandb: Annotated[bool, typer.Option(help="Also log to Weights & Biases.")] = False,
    minutes: Annotated[
        float | None,
        typer.Option(help="Stop after so many, with all saved; the same command continues."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
    debug: Debug = False,
) -> None:
    """Train a preset. The same command continues a run that stopped; Ctrl-C saves first."""
    with ending(debug):
        import torch

        from tonsure.lab import training

        if threads is not None:
            torch.set_num_threads(threads)
        asked = {"tensorboard": tensorboard, "wandb": wandb}
        began = time.monotonic()
        whole = training.run(
            preset, changes or [], data, out, listed=listed, quiet=quiet, tell=_write,
            boards=[name for name, wanted in asked.items() if wanted], bar=_terminal(),
            minutes=minutes,
        )  # fmt: skip
        if not whole:
            say("saved; the same line goes on.")
            if minutes is None or time.monotonic() - began < 60 * minutes:
                raise KeyboardInterrupt


@app.command()
def sample(
    run: Run,
    data: Annotated[Path, typer.Option(help="The pack to take pictures from.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A PNG file; with --single, a folder.")],
    degrees: Annotated[
        str | None,
        typer.Option(
            help="Make a strip of one attribute at these differences d instead: 0.60,0.68,0.76."
        ),
    ] = None,
    attribute: Annotated[str, typer.Option(help="The attribute of --degrees.")] = "Bald",
    strength: Annotated[float, typer.Option(help="Strength d of the tiles.")] = 1.0,
    count: Annotated[int, typer.Option(help="How many pictures; those held out come first.")] = 8,
    labels: Annotated[
        Path | None,
        typer.Option(help="A list with labels of your own; its pictures are used."),
    ] = None,
    split: Split = None,
    single: Annotated[bool, typer.Option(help="Write every tile as a file of its own.")] = False,
    raw: Annotated[
        bool, typer.Option(help="Use the last weights, not their moving average.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Edit pictures of a pack: the original, the reconstruction, and each attribute; or a strip."""
    with ending(debug):
        from tonsure.lab import sampling

        sampling.write(
            run, data, out, degrees=degrees, attribute=attribute, strength=strength, count=count,
            single=single, raw=raw, told_by=labels, split=split,
        )  # fmt: skip
        say(f"{out}")


@app.command()
def measure(
    run: Run,
    data: Annotated[Path, typer.Option(help="A pack.")],
    strength: Annotated[
        float, typer.Option(help="Strength d of the edits; the papers used 1.5.")
    ] = 1.5,
    judge: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another judge's .onnx file beside the laboratory's own; may be repeated."
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="How many pictures; default: all.")] = None,
    split: Split = None,
    likeness: Annotated[
        bool,
        typer.Option(
            "--likeness/--no-likeness",
            help="Also FID, KID, perceptual distance, identity and background.",
        ),
    ] = True,
    raw: Annotated[
        bool, typer.Option(help="Use the last weights, not their moving average.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Measure as the papers did: PSNR and SSIM of reconstructions, accuracy of each attribute.

    Judges decide at 0.5, as theirs did, and also as if yes and no were equally common. What an edit
    costs is measured, too.
    """
    with ending(debug):
        from tonsure.lab import measuring

        def tell(done: int, whole: int) -> None:
            if _terminal():
                _write(f"\r{done}/{whole}" + ("\n" if done == whole else ""))

        told = measuring.figures(
            run,
            data,
            strength,
            judge or (),
            count,
            raw=raw,
            likeness=likeness,
            split=split,
            tell=tell,
        )
        emit(told)


@app.command()
def ablate(
    cases: Annotated[
        Path, typer.Argument(help="Made cases: the folder `cases` of `lab evaluate wide`.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for ablate.md and ablate.json.")],
    count: Annotated[int | None, typer.Option(help="So many cases, evenly taken.")] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="This rule alone; may be given several times.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Tell what each rule of hair/ and head/ is worth: it is left out on made cases with truth."""
    with ending(debug):
        from tonsure.lab import ablate as leaving_out

        leaving_out.run(cases, out, count, rule or [], say)


@app.command()
def export(
    run: Run,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The .onnx file; default: RUN/PRESET.onnx.")
    ] = None,
    raw: Annotated[
        bool, typer.Option(help="Use the last weights, not their moving average.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="A pack, for a network that is calibrated (the judge).")
    ] = None,
    hub: Annotated[
        Path | None, typer.Option(help="A folder as model hubs expect it, in place of one file.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="What 'lab measure' wrote, for the card in --hub.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Export a generator as ONNX, with a card, for `tonsure bald --model` and `tonsure sweep`.

    Of the product's own presets: the network as the tool uses it.
    """
    with ending(debug):
        from tonsure.lab import publish, release

        if hub is not None:
            publish.write(run, hub, raw=raw, figures=figures)
            say(f"{hub}")
            return
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
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The checkpoint to write, .safetensors.")
    ],
    changes: Set = None,
    debug: Debug = False,
) -> None:
    """Convert weights of other projects; nothing in their files is executed."""
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
