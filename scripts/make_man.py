#!/usr/bin/env python3
"""Write the manual page from the command line itself.

    python scripts/make_man.py [--out share/man/man1/tonsure.1]

Wheels install it, so that `man tonsure` finds it. A test compares the file with what this makes.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from tonsure.cli.app import app
from tonsure.errors import INTERRUPTED, TonsureError

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "share" / "man" / "man1" / "tonsure.1"


def page() -> str:
    """The manual page, in the language of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    root = get_command(app)
    yield '.TH TONSURE 1 "" "tonsure" "User Commands"'
    yield from (".SH NAME", r"tonsure \- the same photo with the person in it bald")
    yield ".SH SYNOPSIS"
    yield from (r"\fBtonsure\fR \fIVERB\fR [\fIOPTION\fR]... [\fIPHOTO\fR]...",)
    yield from (".SH DESCRIPTION", _text(root.help or ""))
    yield "Nothing is fetched and nothing is sent. No file is overwritten unasked."
    yield ".SH VERBS"
    with root.make_context("tonsure", [], resilient_parsing=True) as above:
        for name, verb in root.commands.items():  # type: ignore[attr-defined]
            yield from _verb(name, verb, above)
    yield from (".SH EXIT STATUS", *_codes())
    yield from (
        ".SH FILES", ".TP", r"\fI~/.config/tonsure/config.toml\fR", "Settings; see "
        r"\fBtonsure doctor\fR.", ".SH ENVIRONMENT", ".TP", r"\fBTONSURE_CONFIG\fR",
        "Names another settings file.", ".TP", r"\fBTONSURE_DEBUG\fR",
        "If 1, faults show their trace.", ".SH EXAMPLES", ".nf",
        "tonsure bald me.jpg --degree 0.6", "tonsure bald holiday/ -r -o bald/ --face all",
        "tonsure bald me.jpg --steps 11 -o me.html", "cat me.jpg | tonsure bald - > bald.jpg",
        ".fi",
    )  # fmt: skip


def _verb(name: str, verb: Any, above: Any) -> Iterator[str]:
    with type(above)(verb, info_name=name, parent=above, resilient_parsing=True) as context:
        usage = " ".join(verb.collect_usage_pieces(context))
        usage = re.sub(r"\{(\w+)\}", r"\1", usage)
        yield from (f".SS {name}", rf"\fBtonsure {name}\fR {_text(usage)}", ".PP")
        yield _text(verb.help or "")
        for parameter in verb.params:
            record = parameter.get_help_record(context)
            if record is None or parameter.name == "help":
                continue
            opts = ", ".join((*parameter.opts, *parameter.secondary_opts))
            head = rf"\fI{_text(parameter.metavar or parameter.name.upper())}\fR"
            if parameter.param_type_name == "option":
                value = "" if parameter.is_flag else rf" \fI{_text(_value(parameter))}\fR"
                head = rf"\fB{_text(opts)}\fR{value}"
            yield from (".TP", head, _text(parameter.help or ""))


def _value(parameter: Any) -> str:
    return parameter.metavar or str(parameter.name).upper()


def _codes() -> Iterator[str]:
    yield from (".TP", "0", "Done.")
    said: dict[int, list[str]] = {}
    for kind in _below(TonsureError):
        said.setdefault(kind.exit_code, []).append((kind.__doc__ or "").split("\n")[0])
    for code in sorted(said):
        yield from (".TP", str(code), _text(" ".join(said[code])))
    yield from (".TP", str(INTERRUPTED), "Interrupted (143 by SIGTERM, 129 by SIGHUP).")


def _below(kind: type[TonsureError]) -> Iterator[type[TonsureError]]:
    for one in kind.__subclasses__():
        if one.__module__ == kind.__module__:  # the laboratory's are not the command line's
            yield one
            yield from _below(one)


def _text(text: str) -> str:
    """`text` as one paragraph a block, with what man(7) would obey made harmless."""
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text.strip())]
    out = "\n.PP\n".join(block.replace("\\", r"\e").replace("-", r"\-") for block in blocks)
    return re.sub(r"^(['.])(?!PP$)", r"\\&\1", out, flags=re.M)


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=PAGE)
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(), encoding="utf-8")
    print(out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
