"""`tonsure lab`: its verbs; what a verb needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tonsure.cli.console import ending, say

app = typer.Typer(
    help="The laboratory: train, evaluate, export networks.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    pass


@app.command()
def evaluate(
    photos: Annotated[Path, typer.Argument(help="A folder of photos.")],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="Folder for reports and sheets; the sheets show people."),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(help="tonsure, telea or unchanged; may be given several times."),
    ] = None,
    attributes: Annotated[
        Path | None, typer.Option(help="Labels, as CelebA's list_attr_celeba.txt.")
    ] = None,
    partition: Annotated[
        Path | None, typer.Option(help="Parts, as CelebA's list_eval_partition.txt.")
    ] = None,
    part: Annotated[int, typer.Option(help="0 train, 1 val, 2 test.")] = 1,
    having: Annotated[
        list[str] | None, typer.Option("--with", help="Only photos with this label.")
    ] = None,
    lacking: Annotated[
        list[str] | None, typer.Option("--without", help="Only photos without this label.")
    ] = None,
    count: Annotated[int | None, typer.Option(help="So many photos, drawn.")] = None,
    even: Annotated[
        str | None, typer.Option(help="A label that half of the drawn photos have, as Male.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    identity: Annotated[
        Path | None, typer.Option(help="The identity network, if it is not in the cache.")
    ] = None,
    no_identity: Annotated[bool, typer.Option(help="Leave the identity distance out.")] = False,
    threads: Annotated[int | None, typer.Option(help="Of the networks.")] = None,
    debug: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Measure an editor on a folder of photos; see docs/evaluation.md."""
    with ending(debug):
        from tonsure.lab.evaluate import command

        command.run(
            command.Choice(
                photos, attributes, partition, part, having or [], lacking or [], count, even, seed
            ),
            method or ["tonsure"],
            out,
            identity=identity,
            with_identity=not no_identity,
            threads=threads,
            tell=say,
        )
