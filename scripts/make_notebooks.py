#!/usr/bin/env python3
"""Write the notebook in English and Chinese, run it, and store it with its pictures.

    python scripts/make_notebooks.py            # examples/bald.ipynb, examples/bald.zh-CN.ipynb
    python scripts/make_notebooks.py --check    # fail if their cells are not what stands here

Words and code are in `examples/bald.py`.  Needs the extra `lab`, nbformat, nbclient and ipykernel.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "examples" / "bald.py"
NAMES = {"en": "bald.ipynb", "zh": "bald.zh-CN.ipynb"}


def cells(language: str) -> list[tuple[str, str]]:
    """Kind and text of every cell, from `examples/bald.py`."""
    text = SOURCE.read_text(encoding="utf-8")
    out = []
    for kind, content in re.findall(r"^# %%(?: (en|zh))?\n(.*?)(?=^# %%|\Z)", text, re.M | re.S):
        if not kind:
            out.append(("code", content.strip()))
        elif kind == language:
            out.append(("markdown", re.sub(r"^# ?", "", content, flags=re.M).strip()))
    return out


def stored(language: str) -> list[tuple[str, str]]:
    """The same of the notebook that lies in `examples`."""
    text = (ROOT / "examples" / NAMES[language]).read_text(encoding="utf-8")
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(text)["cells"]]


def make() -> Iterator[Path]:
    """Run the code once, and store it with its pictures between the words of each language."""
    import nbformat
    from nbclient import NotebookClient

    new = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    outputs: list[Any] = []
    for language, name in NAMES.items():
        told = enumerate(cells(language))
        made: Any = nbformat.v4.new_notebook(
            cells=[new[kind](text, id=f"cell-{k}") for k, (kind, text) in told],
            metadata={
                "kernelspec": {
                    "display_name": "Python 3", "language": "python", "name": "python3"
                },
                "language_info": {"name": "python"},
            },
        )  # fmt: skip
        code = [cell for cell in made.cells if cell.cell_type == "code"]
        if not outputs:
            NotebookClient(made, timeout=1800, kernel_name="python3").execute()
            outputs = [cell.outputs for cell in code]
        for number, (cell, shown) in enumerate(zip(code, outputs, strict=True), 1):
            cell.metadata.pop("execution", None)
            cell.outputs, cell.execution_count = shown, number
        path = ROOT / "examples" / name
        path.write_text(nbformat.writes(made) + "\n", encoding="utf-8")
        yield path


def main() -> int:
    """Make both, or compare them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    check = parser.parse_args().check
    if check:
        old = [language for language in NAMES if stored(language) != cells(language)]
        print("\n".join(f"{NAMES[language]} is out of date" for language in old) or "up to date")
        return 1 if old else 0
    for path in make():
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
