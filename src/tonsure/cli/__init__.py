"""The command line: one module a verb; what a verb needs is imported when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """The console command `tonsure`."""
    for stream in (sys.stdout, sys.stderr):
        # names of files need not be valid text; a table must not fail for one of them
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        from .app import app

        app(prog_name="tonsure")
    except KeyboardInterrupt:
        sys.exit(130)
