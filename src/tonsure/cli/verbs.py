"""The verbs by name. The module of one is imported when the verb is used, not for the list of all.

Most of what `tonsure --help`, and each verb, took until it began was reading the options of all the
other verbs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.main import get_command

_EXAMPLES = """Examples: tonsure bald me.jpg --degree 0.6; tonsure bald trip -r -o bald/ --face all;
tonsure bald me.jpg --steps 11 -o me.gif; cat me.jpg | tonsure bald - > bald.jpg"""

SAID = {
    "bald": "Make the person in a photo bald.",
    "edit": "Change hair colour, skin, brows, glasses and more of the person in a photo.",
    "attributes": "List what `tonsure edit` can change.",
    "mask": "Save the mask of what an edit replaces, for other programs.",
    "sweep": "Show a photo beside each edit that can be made of it, one attribute a tile.",
    "video": "Make the people in a film bald.",
    "watch": "Make people bald in photos as they arrive in a folder.",
    "batch": "Make the people of very many photos bald, each exactly once.",
    "inspect": "Show the faces in photos.",
    "serve": "Serve the page and the API.",
    "models": "List the networks.",
    "doctor": "Check this installation.",
    "help": "Show this help, or that of a verb.",
    "lab": "The laboratory: train, evaluate, export networks.",
}
"""Every verb, in the order of the list, with the first sentence of its function's docstring."""

_FUNCTIONS = {"help": "help_of"}  # where the verb is no good name for one
_MORE: dict[str, dict[str, Any]] = {
    "bald": {"epilog": _EXAMPLES},
    "lab": {
        "add_help_option": False,
        "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    },
}


class Verb(TyperCommand):
    """A verb whose help has the names of its arguments alone: of typer, their Python types, too."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments and options."""
        found: list[Any] = super().get_params(ctx)
        for one in found:
            if isinstance(one, TyperArgument):
                one.display_type_rich = _no_type  # type: ignore[method-assign]
        return found


def _no_type(ctx: object) -> str:
    return ""


class Verbs(Mapping[str, Any]):
    """Commands by the names of verbs, each made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in SAID:
            raise KeyError(name)
        if name not in self._made:
            module = import_module(f".{name}", __package__)
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            function = getattr(module, _FUNCTIONS.get(name, name))
            alone.command(name, cls=Verb, **_MORE.get(name, {}))(function)
            self._made[name] = get_command(alone)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in SAID

    def __iter__(self) -> Iterator[str]:
        return iter(SAID)

    def __len__(self) -> int:
        return len(SAID)


class Group(TyperGroup):
    """The root command: it knows its verbs by name and sentence."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Verbs()  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:
        """Every verb."""
        return list(SAID)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of verbs in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SAID.items()))
