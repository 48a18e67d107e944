"""Write down anew what is measured of the portraits that the tests know.

    python scripts/measure_portraits.py [NAME ...]

Do so after a change that was meant, when `tests/test_portraits.py` says that figures moved: look at
the people first (`tonsure bald tests/data/people/*.webp -o OUT --face all`). What moved is printed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import portraits  # noqa: E402


def main(names: list[str]) -> None:
    """Measure the portraits of these names, or all."""
    known = portraits.written() if portraits.FIGURES.exists() else {}
    for name in names or portraits.SINGLES:
        seen = portraits.figures(portraits.head(name))
        for line in portraits.departures(name, seen, known.get(name, {})):
            print(line)
        known[name] = {key: round(value, 3) for key, value in seen.items()}
        print(name, known[name], flush=True)
        text = json.dumps(dict(sorted(known.items())), indent=1)
        portraits.FIGURES.write_text(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
