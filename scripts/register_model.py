"""Write the hash and the length of shipped weights into the registry.

    python scripts/register_model.py                 # all entries
    python scripts/register_model.py hair_parser     # one
    python scripts/register_model.py --check         # change nothing, fail if any is out of date

For every entry of `src/tonsure/models/registry.py` the fields `sha256` and `bytes` are made to
agree with the file in `assets/`.  A new network needs its file, its card and its entry first; the
two fields may hold "" and 0 in it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parents[1] / "src" / "tonsure" / "models"


def entries(source: str) -> dict[str, tuple[int, int]]:
    """Name -> where in the source its `ModelInfo(...)` begins and the next one begins."""
    starts = [m.start() for m in re.finditer(r"^    ModelInfo\($", source, re.MULTILINE)]
    spans = zip(starts, [*starts[1:], len(source)], strict=True)
    return {_field(source[a:b], "name"): (a, b) for a, b in spans}


def _field(entry: str, name: str) -> str:
    match = re.search(rf'^        {name}="([^"]*)",$', entry, re.MULTILINE)
    if not match:
        raise SystemExit(f'An entry of registry.py has no line {name}="...",')
    return match[1]


def updated(entry: str, data: bytes) -> str:
    """The source of one entry with hash and length of `data`."""
    digest = hashlib.sha256(data).hexdigest()
    entry, hashes = re.subn(r'(?m)^(        sha256=)"[^"]*",$', rf'\g<1>"{digest}",', entry)
    entry, lengths = re.subn(r"(?m)^(        bytes=)[\d_]+,$", rf"\g<1>{len(data)},", entry)
    if (hashes, lengths) != (1, 1):
        raise SystemExit("An entry of registry.py needs one line sha256=... and one bytes=...")
    return entry


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries (default: all)")
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    parser.add_argument("--models", type=Path, default=MODELS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    registry = arguments.models / "registry.py"
    source = registry.read_text(encoding="utf-8")
    known = entries(source)
    for name in arguments.names:
        if name not in known:
            parser.error(f"registry.py has no entry {name!r}; there are: {', '.join(known)}")
    changed = []
    for name in arguments.names or known:
        start, stop = entries(source)[name]
        entry = source[start:stop]
        path = arguments.models / "assets" / _field(entry, "file")
        if not path.is_file():
            raise SystemExit(f"{path} is missing")
        fresh = updated(entry, path.read_bytes())
        if fresh != entry:
            changed.append(name)
            source = source[:start] + fresh + source[stop:]
    if changed and not arguments.check:
        registry.write_text(source, encoding="utf-8")
    word = "out of date" if arguments.check else "updated"
    print(f"{word}: {', '.join(changed)}" if changed else "all entries agree with their files")
    return 1 if changed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
