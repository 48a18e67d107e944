"""The command line: one module a verb; what a verb needs is imported when it runs."""

from __future__ import annotations

import sys

_OWN_CHILDREN = {"lab"}  # verbs whose processes need standard error themselves


def main() -> None:
    """The console command `tonsure`."""
    from . import streams

    wanted = "--debug" in sys.argv or bool(_OWN_CHILDREN & set(sys.argv[1:2]))
    streams.prepare(quiet=not wanted)
    try:
        from .app import app

        app(prog_name="tonsure")
    except KeyboardInterrupt as error:
        sys.exit(streams.exit_code(error))
