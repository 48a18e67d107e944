"""What is wrong with a built site: links to nothing, things fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FETCHED = {"script": "src", "img": "src", "source": "src", "video": "src", "iframe": "src"}


class _Page(HTMLParser):
    """Links, fetched things and ids of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if "id" in told:
            self.ids.add(told["id"])
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        if tag == "link" and told.get("rel") in ("stylesheet", "icon", "preload", "modulepreload"):
            self.fetched.append(told.get("href", ""))
        if tag in _FETCHED and told.get(_FETCHED[tag]):
            self.fetched.append(told[_FETCHED[tag]])


def wrong(site: Path) -> Iterator[str]:
    """A line for each fault."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        if path.name == "404.html":  # shown at any address, its links begin at the root
            continue
        here = path.relative_to(site)
        for address in page.fetched:
            if urlsplit(address).netloc:
                yield f"{here} fetches {address}"
        for address in (*page.links, *page.fetched):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                yield f"{here} links to {address}, which is not there"
                continue
            places = pages[target].ids if target in pages else set()
            if parts.fragment and target in pages and unquote(parts.fragment) not in places:
                yield f"{here} links to {address}, a place that is not there"
