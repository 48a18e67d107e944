#!/usr/bin/env python3
"""Build the documentation site, in English and Chinese, without any connection.

    python scripts/make_site.py            # build/site/html; open index.html in a browser
    python scripts/make_site.py --check    # and fail if a link leads nowhere or anything is fetched

Pages are `docs/*.md` and `docs/zh/*.md`; a new one is taken up by itself.  Reference and drawing
are made from the code.  Needs `pip install -e .[docs,web]`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from website import check, drawing, reference, sources

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "site"
_DRAWING = "<!-- drawing -->"
_STYLE = """.md-typeset td:nth-child(-n+2) > code { word-break: normal; overflow-wrap: normal; }
"""  # names in tables, which are looked for and copied, stay whole
_GENERATED = {
    "reference/python.md": reference.python,
    "reference/command_line.md": reference.command_line,
    "reference/errors.md": reference.errors,
    "reference/http.md": reference.http,
    "reference/networks.md": reference.networks,
}
_ZH_SECTIONS: dict[str, tuple[str, ...]] = {
    "": ("index.md",),
    "How to": (
        "cli.md", "attributes.md", "video.md", "page.md", "python.md", "server.md", "notebook.md",
    ),
    "Rights": ("privacy.md", "ethics.md"),
    "Help": ("faq.md", "glossary.md"),
}  # fmt: skip
_ZH_WORDS = {"": "", "How to": "使用", "Rights": "隐私与伦理", "Help": "帮助"}
_CONFIG = """[project]
site_name = {name}
site_description = {description}
docs_dir = "docs"
site_dir = "site"
use_directory_urls = false
extra_css = ["site.css"]
nav = [
{nav}
]

[project.theme]
language = {language}
font = false
features = [
  "content.code.copy", "navigation.indexes", "navigation.sections", "navigation.top",
  "navigation.footer", "search.highlight", "toc.follow",
]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = {dark}

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = {light}

[project.extra]
generator = false

[[project.extra.alternate]]
name = "English"
link = {english}
lang = "en"

[[project.extra.alternate]]
name = "中文"
link = {chinese}
lang = "zh"

[project.markdown_extensions]
admonition = {{}}
attr_list = {{}}
md_in_html = {{}}
tables = {{}}
toc.permalink = true
pymdownx.highlight = {{}}
pymdownx.superfences = {{}}
"""


def assemble(language: str, wrong: list[str]) -> Path:
    """The pages of one language and its settings, in a folder of their own."""
    folder = BUILD / language
    docs = folder / "docs"
    shutil.rmtree(folder, ignore_errors=True)
    docs.mkdir(parents=True)
    shutil.copytree(ROOT / "docs" / "images", docs / "images")
    (docs / "site.css").write_text(_STYLE, encoding="utf-8")
    pages = sources.pages(ROOT) if language == "en" else sources.chinese(ROOT)
    known = pages | (sources.FOLDERS if language == "en" else {})
    titles: dict[str, str] = {}
    for source, site in pages.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        titles[site] = sources.title(text)
        text = sources.relinked(text, source, site, known, wrong.append)
        text = text.replace(_DRAWING, drawing.svg(ROOT) if _DRAWING in text else "")
        (docs / site).write_text(text, encoding="utf-8")
    if language == "en":
        for site, make in _GENERATED.items():
            (docs / site).parent.mkdir(exist_ok=True)
            text = make()
            titles[site] = sources.title(text)
            (docs / site).write_text(text, encoding="utf-8")
    (folder / "zensical.toml").write_text(_config(language, titles), encoding="utf-8")
    return folder


def _config(language: str, titles: dict[str, str]) -> str:
    english = language == "en"
    lines = []
    for section, names in sources.navigation(titles, None if english else _ZH_SECTIONS):
        entries = [
            f"{{ {json.dumps(titles[n], ensure_ascii=False)} = {json.dumps(n)} }}" for n in names
        ]
        if not section:
            lines += [f"  {entry}," for entry in entries]
            continue
        said = json.dumps(section if english else _ZH_WORDS[section], ensure_ascii=False)
        lines.append(f"  {{ {said} = [ {', '.join(entries)} ] }},")
    return _CONFIG.format(
        name='"tonsure"', nav="\n".join(lines),
        description=json.dumps(
            "The same photo with the person in it bald." if english else "同一张照片，变成光头。",
            ensure_ascii=False,
        ),
        language='"en"' if english else '"zh"',
        dark='"Switch to dark"' if english else '"切换到深色"',
        light='"Switch to light"' if english else '"切换到浅色"',
        english='"./"' if english else '"../"', chinese='"./zh/"' if english else '"./"',
    )  # fmt: skip


def build(wrong: list[str]) -> Path:
    """Both languages; the site's folder."""
    html = BUILD / "html"
    shutil.rmtree(html, ignore_errors=True)
    for language in ("en", "zh"):
        folder = assemble(language, wrong)
        command = [sys.executable, "-m", "zensical", "build", "--clean"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            wrong.append(f"zensical, {language}: {done.stdout}{done.stderr}")
        else:
            shutil.copytree(folder / "site", html if language == "en" else html / "zh")
    return html


def main() -> int:
    """0 if the site is there, and, with --check, nothing is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="fail if a link leads nowhere")
    wanted = parser.parse_args()
    wrong: list[str] = []
    html = build(wrong)
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        sources.relinked(text, name, name, {}, wrong.append)
    wrong += check.wrong(html) if html.exists() else ["there is no site"]
    for line in wrong:
        print(f"site: {line}", file=sys.stderr)
    pages = len(list(html.rglob("*.html")))
    print(f"{html}: {pages} pages, {len(wrong)} faults")
    return 1 if wrong and wanted.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
