"""The interface's reference at /docs, made from its OpenAPI description: nothing is fetched."""

from __future__ import annotations

from html import escape
from typing import Any

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tonsure: the interface</title>
<link rel="icon" href="page/icon.svg">
<link rel="stylesheet" href="page/style.css">
</head>
<body class="reference">
<main>
"""
_FOOT = "</main>\n</body>\n</html>\n"


def page(description: dict[str, Any], server: str) -> str:
    """The page, of an OpenAPI description; `server` is the address that examples call."""
    info = description["info"]
    out = [
        _HEAD,
        f"<h1>tonsure <small>{escape(info['version'])}</small></h1>\n",
        f"<p>{escape(info['summary'])} This is the interface for programs; people use "
        '<a href="./">the page</a>. Machines read <a href="openapi.json">openapi.json</a>.</p>\n',
    ]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            out.append(_operation(server, path, method.upper(), operation))
    return "".join(out) + _FOOT


def _operation(server: str, path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [
        f"<section><h2><code>{method} {escape(path)}</code></h2>\n",
        f"<p><strong>{escape(operation.get('summary', ''))}.</strong> "
        f"{_prose(operation.get('description', ''))}</p>\n",
    ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(_fields(kind, content.get("schema", {})))
        example = escape(_example(server + path, kind, content))
        parts.append(f'<pre tabindex="0"><code>{example}</code></pre>\n')
    rows = "".join(
        f"<tr><td>{escape(str(status))}</td><td>{_prose(response.get('description', ''))}</td>"
        f"<td>{', '.join(f'<code>{escape(k)}</code>' for k in response.get('content', {}))}</td>"
        "</tr>\n"
        for status, response in sorted(operation.get("responses", {}).items())
    )
    parts.append(
        "<table><thead><tr><th>Status</th><th>Meaning</th><th>Content</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></section>\n"
    )
    return "".join(parts)


def _fields(kind: str, schema: dict[str, Any]) -> str:
    rows = []
    for name, field in schema.get("properties", {}).items():
        values = ", ".join(map(str, field.get("enum", [])))
        if "minimum" in field:
            values = f"{field['minimum']} to {field['maximum']}"
        said = [field.get("description", ""), values]
        if "default" in field:
            said.append(f"default {field['default']}")
        if name in schema.get("required", []):
            said.append("required")
        text = escape("; ".join(part for part in said if part))
        rows.append(f"<tr><td><code>{escape(name)}</code></td><td>{text}</td></tr>\n")
    return (
        f"<table><thead><tr><th>Field</th><th>of {escape(kind)}</th></tr></thead>\n"
        f"<tbody>{''.join(rows)}</tbody></table>\n"
    )


def _example(address: str, kind: str, content: dict[str, Any]) -> str:
    if kind == "application/json":
        return f"curl -H 'Content-Type: application/json' -d @me.json {address}"
    extra = ""
    if "edits" in content.get("schema", {}).get("properties", {}):
        extra = " -F 'edits={\"bald\": 0.8}'"
    if "style" in content.get("schema", {}).get("required", []):
        extra = " -F style=Bald"
    return f"curl -F image=@me.jpg{extra} -o result {address}"


def _prose(text: str) -> str:
    """Text with its `code`."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if k % 2 else p for k, p in enumerate(pieces))
