"""`tonsure help`: what `--help` says, for who types it as a verb."""

from __future__ import annotations

from typing import Annotated

import typer

from . import values
from .console import ending


def help_of(
    ctx: typer.Context,
    verb: Annotated[
        str | None,
        typer.Argument(metavar="VERB", help="One of the verbs.", autocompletion=values.verbs),
    ] = None,
) -> None:
    """Show this help, or that of a verb."""
    with ending(debug=False):
        from ..errors import BadOption, nearest

        root = ctx.find_root()
        if verb is None:
            print(root.get_help())
            return
        verbs = root.command.commands  # type: ignore[attr-defined]
        if verb not in verbs:
            raise BadOption(f"There is no verb {verb!r}; {nearest(verb, verbs)}")
        with type(root)(verbs[verb], info_name=verb, parent=root) as own:
            print(own.get_help())
