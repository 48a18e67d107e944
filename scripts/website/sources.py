"""From the documents of the repository to the pages of the site: which, and their links."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from pathlib import Path

# section -> pages of docs/ in their order; pages that no section names come at the end of "How to"
SECTIONS: dict[str, tuple[str, ...]] = {
    "": ("index.md",),
    "How to": (
        "cli.md", "attributes.md", "video.md", "scale.md", "page.md", "python.md", "server.md",
        "notebook.md",
    ),
    "The laboratory": ("lab_guide.md", "lab.md", "stylegan.md", "results.md"),
    "How it works": ("how_it_works.md", "faces.md", "evaluation.md", "speed.md"),
    "Serving, privacy, ethics": ("deploy.md", "privacy.md", "ethics.md"),
    "Reference": (
        "reference/python.md", "reference/command_line.md", "reference/errors.md",
        "reference/http.md", "reference/networks.md",
    ),
    "Help": ("faq.md", "glossary.md"),
    "Project": ("contributing.md", "security.md", "conduct.md", "changes.md"),
}  # fmt: skip
OPEN_END = "How to"

# files of the repository that are pages as well
ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
    "CHANGELOG.md": "changes.md",
    "benchmarks/report.md": "speed.md",
}
# what pages made from the code stand for: links to it lead there
FOLDERS = {"src/tonsure/models/cards": "reference/networks.md", "examples": "notebook.md"}

_LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def pages(root: Path) -> dict[str, str]:
    """Path in the repository -> path on the site, of every English page that is written by hand."""
    found = {f"docs/{path.name}": path.name for path in sorted((root / "docs").glob("*.md"))}
    return found | ELSEWHERE


def chinese(root: Path) -> dict[str, str]:
    """The same of the Chinese ones."""
    return {f"docs/zh/{path.name}": path.name for path in sorted((root / "docs/zh").glob("*.md"))}


def navigation(
    there: Iterable[str], sections: dict[str, tuple[str, ...]] | None = None
) -> list[tuple[str, list[str]]]:
    """Sections with those of their pages that are there, and the rest in `OPEN_END`."""
    sections = SECTIONS if sections is None else sections
    there = set(there)
    named = {name for names in sections.values() for name in names}
    out = []
    for section, names in sections.items():
        kept = [name for name in names if name in there]
        if section == OPEN_END:
            kept += sorted(there - named)
        if kept:
            out.append((section, kept))
    return out


def title(text: str) -> str:
    """A page's first heading."""
    found = re.search(r"^# (.+)$", text, re.M)
    return found[1].strip() if found else "?"


def relinked(
    text: str, source: str, site: str, known: dict[str, str], wrong: Callable[[str], None]
) -> str:
    """`text` of the repository's file `source` with links that are right on the page `site`.

    `known` maps files to pages.  A link to a file that is no page becomes its words alone; one to
    nothing is told to `wrong`.
    """
    root = Path(__file__).resolve().parents[2]

    def right(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return found[0]
        path, _, place = target.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if there in known:
            new = posixpath.relpath(known[there], posixpath.dirname(site) or ".")
            return f"{words}({new}{'#' + place if place else ''})"
        if not (root / there).exists():
            wrong(f"{source}: there is no {target}")
        if there.startswith("docs/images/"):
            new = posixpath.relpath(there.removeprefix("docs/"), posixpath.dirname(site) or ".")
            return f"{words}({new})"
        return words.lstrip("!")[1:-1]

    parts, at = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(right, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, _LINK.sub(right, text[at:])])
