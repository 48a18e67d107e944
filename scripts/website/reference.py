"""Pages of reference, made from the code: Python, command line, errors, HTTP, networks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from typer.main import get_command


def python() -> str:
    """The public names, from their docstrings."""
    import tonsure
    from tonsure import hub, photo
    from tonsure.faces import Face
    from tonsure.head import Bare
    from tonsure.steps import plan, write

    out = [
        "# Python: every name",
        "",
        "Made from the docstrings. [Python](../python.md) tells how they go together.",
    ]
    for name in sorted(set(tonsure.__all__) - {"__version__"}, key=str.lower):
        out += _object(f"tonsure.{name}", getattr(tonsure, name))
    for name, value in (
        ("tonsure.faces.Face", Face),
        ("tonsure.head.Bare", Bare),
        ("tonsure.photo.Photo", photo.Photo),
        ("tonsure.photo.read", photo.read),
        ("tonsure.steps.plan", plan),
        ("tonsure.steps.write", write),
        ("tonsure.hub.Module", hub.Module),
    ):
        out += _object(name, value)
    return "\n".join(out) + "\n"


def _object(name: str, value: Any, level: int = 2) -> Iterator[str]:
    yield from ("", f"{'#' * level} `{name}`", "")
    if not isinstance(value, property):
        yield from ("```python", _signature(name, value), "```", "")
    yield docstring(inspect.getdoc(value) or "")
    if inspect.isclass(value) and not issubclass(value, Exception):
        for inner, member in vars(value).items():
            if inner.startswith("_") or not (
                inspect.isfunction(member)
                or isinstance(member, property | classmethod)
                or hasattr(member, "func")  # cached_property
            ):
                continue
            said = member.fget if isinstance(member, property) else getattr(member, "func", member)
            shown = getattr(value, inner) if isinstance(member, classmethod) else said
            if inspect.getdoc(shown):
                kind = shown if callable(member) or isinstance(member, classmethod) else property()
                yield from _member(f"{name.rpartition('.')[2]}.{inner}", shown, kind)


def _member(name: str, shown: Any, kind: Any) -> Iterator[str]:
    yield from ("", f"### `{name}`", "")
    if not isinstance(kind, property):
        yield from ("```python", _signature(name, shown), "```", "")
    yield docstring(inspect.getdoc(shown) or "")


def _signature(name: str, value: Any) -> str:
    try:
        told = inspect.signature(value)
    except (TypeError, ValueError):
        return name
    parts: list[str] = []
    for key, one in told.parameters.items():
        if key in ("self", "cls"):
            continue
        if one.kind is one.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if one.default is one.empty else f" = {one.default!r}"
        annotation = "" if one.annotation is one.empty else f": {one.annotation}"
        parts.append(f"{key}{annotation}{default}")
    line = f"{name}({', '.join(parts)})"
    if len(line) > 90:
        line = f"{name}(\n    " + ",\n    ".join(parts) + ",\n)"
    gives = told.return_annotation
    arrow = "" if gives is inspect.Signature.empty else f" -> {str(gives).strip(chr(39))}"
    return line + arrow


def docstring(text: str) -> str:
    """numpydoc as Markdown: the sections become lists; doctests become code."""
    out: list[str] = []
    listing = False
    lines = text.split("\n")
    for k, line in enumerate(lines):
        if re.fullmatch(r"-{4,}", line):
            continue
        if k + 1 < len(lines) and re.fullmatch(r"-{4,}", lines[k + 1]):
            out += ["", f"**{line}**", ""]
            listing = True
            continue
        found = re.match(r"^([\w*, ]+?) : (.*)$", line)
        if listing and found:
            out.append(f"- `{found[1]}`: {found[2]}")
        elif listing and line.startswith("    "):
            out.append("  " + line.strip())
        elif line.startswith(">>> "):
            out += ["", "    " + line.removeprefix(">>> ").split("  # doctest")[0], ""]
        else:
            listing = listing and bool(line.strip())
            out.append(line)
    return escape("\n".join(out), quote=False).replace("&gt;", ">")


def command_line() -> str:
    """All verbs and options, from the command line itself."""
    from tonsure.cli.app import app

    out = [
        "# Command line: every option",
        "",
        "Made from `tonsure --help`. [The command line](../cli.md) tells how they go together.",
    ]
    root = get_command(app)
    for name, verb in root.commands.items():  # type: ignore[attr-defined]
        out += ["", f"## tonsure {name}", "", _prose(verb.help), ""]
        rows = []
        for one in verb.params:
            if one.name == "help":
                continue
            spelled = ", ".join(f"`{opt}`" for opt in (*one.opts, *one.secondary_opts))
            if one.param_type_name == "argument":
                spelled = f"`{one.metavar or one.name.upper()}`"
            elif one.metavar:
                spelled += f" `{one.metavar}`".replace("|", "\\|")
            default = one.default
            told = "" if default in (None, False, ()) or callable(default) else f"`{default}`"
            rows.append(f"| {spelled} | {_cell(getattr(one, 'help', None) or '')} | {told} |")
        if rows:
            out += ["| option | meaning | default |", "|---|---|---|", *rows]
    out += ["", "The laboratory's verbs are below `tonsure lab`; [the laboratory](../lab.md)."]
    return "\n".join(out) + "\n"


def errors() -> str:
    """Errors and warnings with their codes."""
    from tonsure import errors as known

    kinds = [
        kind
        for _, kind in inspect.getmembers(known, inspect.isclass)
        if issubclass(kind, known.TonsureError)
    ]
    rows = [
        f"| `{kind.__name__}` | `{kind.code}` | {kind.exit_code} | {_cell(_first(kind))} |"
        for kind in sorted(kinds, key=lambda one: (one.exit_code, one.__name__))
    ]
    warnings = [f"| `{code}` | {_cell(said)} |" for code, said in known.WARNINGS.items()]
    return "\n".join([
        "# Errors and warnings", "",
        "Every error is one sentence with the way out. Programs go by its code: the attribute "
        "`code` in Python, the exit code of the command line, `code` in HTTP's problems.", "",
        "## Errors", "", "| class | code | exit code | says |", "|---|---|---|---|", *rows, "",
        "## Warnings", "", "What does not stop the work.", "", "| code | says |", "|---|---|",
        *warnings, "",
    ])  # fmt: skip


def _first(kind: type) -> str:
    """The first paragraph of a class' docstring."""
    return (inspect.getdoc(kind) or "").partition("\n\n")[0]


def http() -> str:
    """The HTTP interface, from its OpenAPI description."""
    from tonsure.web.app import description
    from tonsure.web.problems import STATUS

    told = description()
    out = [
        "# HTTP: every route",
        "",
        "Made from the server's `/openapi.json`. [The server](../server.md) has examples.",
    ]
    for path, methods in told["paths"].items():
        for method, route in methods.items():
            out += ["", f"## {method.upper()} {path}", "", f"{route.get('summary', '')}.", ""]
            out.append(_prose(route.get("description", "")))
            for kind, body in route.get("requestBody", {}).get("content", {}).items():
                out += ["", f"| field of `{kind}` | meaning |", "|---|---|"]
                for name, field in body.get("schema", {}).get("properties", {}).items():
                    out.append(f"| `{name}` | {_cell(_field(field))} |")
            gives = route.get("responses", {}).get("200", {}).get("content", {})
            if gives:
                out += ["", "Gives " + ", ".join(f"`{kind}`" for kind in gives) + "."]
    out += ["", "## Problems", "", "`application/problem+json` with `code` and `detail`.", ""]
    out += ["| code | status |", "|---|---|"]
    out += [f"| `{code}` | {status} |" for code, status in STATUS.items()]
    return "\n".join(out) + "\n"


def _field(field: dict[str, Any]) -> str:
    parts = [field.get("description", "")]
    if "enum" in field:
        parts.append(", ".join(map(str, field["enum"])))
    if "minimum" in field:
        parts.append(f"{field['minimum']:g} to {field['maximum']:g}")
    if "default" in field:
        parts.append(f"default {field['default']}")
    return "; ".join(part for part in parts if part)


def networks() -> str:
    """The networks and their cards."""
    from tonsure.models import MODELS

    out = [
        "# Networks",
        "",
        "What ships, from the registry and the cards. `tonsure models` says the same of an "
        "installation.",
        "",
        "| network | MB | licence |",
        "|---|---|---|",
    ]
    total = 0
    for name, entry in MODELS.items():
        total += entry.bytes
        out.append(f"| [{name}](#{name}) | {entry.bytes / 1e6:.2f} | {_cell(entry.licence)} |")
    out.append(f"| together | {total / 1e6:.1f} | |")
    for entry in MODELS.values():
        text = re.sub(r"^#", "##", entry.card_text().strip(), flags=re.M)
        out += ["", re.sub(r"\]\((?!http)[^)]*\)", "]", text)]
    return "\n".join(out) + "\n"


def _prose(text: str | None) -> str:
    return inspect.cleandoc(text or "").strip()


def _cell(text: str) -> str:
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|")
