"""The verbs, and what `tonsure --help` says."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand
from typer.main import get_command

from .. import __version__
from . import values
from .attributes import attributes
from .bald import bald
from .batch import batch
from .console import ending
from .doctor import doctor
from .edit import edit
from .inspect import inspect
from .lab import lab
from .mask import mask
from .models import models
from .serve import serve
from .sweep import sweep
from .video import video
from .watch import watch

_EPILOG = """Exit codes: 0 done, 1 internal fault, 2 wrong usage, 3 output exists, 4 no usable face,
5 unreadable input, 6 model missing or damaged, 7 some photos failed, 8 limit exceeded,
130 interrupted."""

_EXAMPLES = """Examples: tonsure bald me.jpg --degree 0.6; tonsure bald trip -r -o bald/ --face all;
tonsure bald me.jpg --steps 11 -o me.gif; cat me.jpg | tonsure bald - > bald.jpg"""

app = typer.Typer(
    help="The same photo with the person in it bald: any size, any degree, offline.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs more than all the rest of the help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Verb(TyperCommand):
    """A verb whose help has the names of its arguments alone: of typer, their Python types, too."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """Arguments and options."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[arg-type]
        for one in found:
            if isinstance(one, TyperArgument):
                one.display_type_rich = _no_type  # type: ignore[method-assign]
        return found


def _no_type(ctx: object) -> str:
    return ""


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
        verbs = get_command(app).commands  # type: ignore[attr-defined]
        if verb is not None and verb not in verbs:
            raise BadOption(f"There is no verb {verb!r}; {nearest(verb, verbs)}")
        if verb is None:
            print(root.get_help())
        else:
            with type(root)(verbs[verb], info_name=verb, parent=root) as own:
                print(own.get_help())


verb = partial(app.command, cls=Verb)
verb(epilog=_EXAMPLES)(bald)
verb()(edit)
verb()(attributes)
verb()(mask)
verb()(sweep)
verb()(video)
verb()(watch)
verb()(batch)
verb()(inspect)
verb()(serve)
verb()(models)
verb()(doctor)
verb(name="help")(help_of)
verb(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(lab)
