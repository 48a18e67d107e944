"""The root of the verbs, and what `tonsure --help` says."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from .verbs import Group

_EPILOG = """Exit codes: 0 done, 1 internal fault, 2 wrong usage, 3 output exists, 4 no usable face,
5 unreadable input, 6 model missing or damaged, 7 some photos failed, 8 limit exceeded,
130 interrupted."""

app = typer.Typer(
    cls=Group,
    help="The same photo with the person in it bald: any size, any degree, offline.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs more than all the rest of the help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"tonsure {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_show_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass
