"""`tonsure lab`: the laboratory, which has its own verbs and needs torch."""

from __future__ import annotations

import typer

from .console import say

_NEEDED = ("torch", "safetensors", "onnx", "skimage")


def lab(ctx: typer.Context) -> None:
    """The laboratory: train, evaluate, export networks."""
    from importlib.util import find_spec

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        say(
            f"tonsure: the laboratory needs {', '.join(missing)}; install it from the "
            "source with 'pip install \".[lab]\"'."
        )
        raise typer.Exit(2)
    from ..lab.cli import app

    app(ctx.args, prog_name="tonsure lab")
