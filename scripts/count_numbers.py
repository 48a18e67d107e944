"""Count the inline numbers of rooms: every one but 0, 1, -1, 0.5 and 2 is somebody's decision.

    python scripts/count_numbers.py [FOLDER ...]

Numbers that are assigned to a name of the module in capitals count as named, and so do those of
tuples and tables there. Without folders: the rooms that see, take and make a head.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOMS = ("hair", "head", "make")
PLAIN = {0, 1, -1, 0.5, 2, 255}
_ROOT = Path(__file__).resolve().parent.parent / "src" / "tonsure"


def inline(source: str) -> list[tuple[int, float]]:
    """Line and value of each inline number."""
    tree = ast.parse(source)
    named: set[ast.AST] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            named.update(ast.walk(node))
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
        and node not in named
        and node.value not in PLAIN
    ]


def main(folders: list[str]) -> None:
    """A line for each module, and the sum."""
    total = lines = 0
    for folder in [Path(name) for name in folders] or [_ROOT / room for room in ROOMS]:
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text()
            count = len(inline(text))
            total, lines = total + count, lines + len(text.splitlines())
            print(f"{count:4d}  {path.parent.name}/{path.name}")
    print(f"{total:4d}  inline numbers in {lines} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
