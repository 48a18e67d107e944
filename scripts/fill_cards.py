"""Write the figures of the trainings into the model cards.

    python scripts/fill_cards.py [--runs runs] [--check]

Reads the last examination in `runs/parser/log.jsonl`, `runs/bare/log.jsonl` and
`runs/hat/log.jsonl` (what `tonsure lab train parser` and its like write) and replaces what lies
between `<!-- figures -->` and `<!-- end -->` in the cards of those nets. `--check`
changes nothing, and fails if a card is out of date. A training whose log is missing leaves its card
as it is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

CARDS = Path(__file__).resolve().parents[1] / "src" / "tonsure" / "models" / "cards"
START, END = "<!-- figures -->", "<!-- end -->"

Figures = dict[str, float]


def last(log: Path) -> tuple[int, Figures] | None:
    """Step and figures of the last examination in a log; None if there is none."""
    found = None
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "evaluation" in entry:
            found = int(entry["step"]), entry["evaluation"]
    return found


def parser_table(step: int, told: Figures) -> str:
    """IoU by class."""
    lines = [
        f"After {step} steps, on CelebAMask-HQ's 100 test pictures of the set, at 48 pixels an eye "
        "distance, one look (in use there are four):",
        "", "| class | IoU |", "|---|---|",
    ]  # fmt: skip
    return "\n".join(lines + [f"| {name} | {value:.3f} |" for name, value in told.items()])


def bare_table(step: int, told: Figures) -> str:
    """Colour error by layer, beside that of the spread colours; further figures below."""
    layers = [name for name in told if f"{name}_spread" in told]
    lines = [
        f"After {step} steps, on bald heads and free necks that were held back, another person's "
        "long hair cut out of them: mean error of colour in the hole, in levels of 255. \"Spread\" "
        "is what the net starts from: the visible colours of the layer, spread over the hole.",
        "", "| layer | net | spread |", "|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {k} | {told[k]:.1f} | {told[f'{k}_spread']:.1f} |" for k in layers]
    rest = [k for k in told if k not in layers and not k.endswith("_spread")]
    lines += [""] + [f"- {k.replace('_', ' ')}: {told[k]:.3f}" for k in rest] if rest else []
    return "\n".join(lines)


def hat_table(step: int, told: Figures) -> str:
    """What the people held back show."""
    return (
        f"After {step} steps, on the tenth of CelebA's people that was held back "
        f"({told['hats']:.0f} pictures with a hat): area under the curve {told['auc']:.3f}, "
        f"balanced accuracy {told['balanced']:.3f}. At the bound in use, 0.25, "
        f"{100 * told['hats_missed']:.1f} % of the hats are missed, and "
        f"{100 * told['none_taken_for_hats']:.1f} % of the other pictures are taken for one."
    )


TABLES: dict[str, tuple[str, Callable[[int, Figures], str]]] = {
    "hair_parser": ("parser", parser_table),
    "bare": ("bare", bare_table),
    "hat": ("hat", hat_table),
}


def filled(card: str, text: str) -> str:
    """The card with `text` between its marks."""
    before, rest = card.split(START)
    return f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}"


def main() -> int:
    """0 if all cards agree with their logs, or do now."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--cards", type=Path, default=CARDS)
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    arguments = parser.parse_args()
    old = 0
    for name, (run, table) in TABLES.items():
        log, path = arguments.runs / run / "log.jsonl", arguments.cards / f"{name}.md"
        examined = last(log) if log.is_file() else None
        if examined is None:
            print(f"{name}: no examination in {log}; left")
            continue
        card = path.read_text(encoding="utf-8")
        fresh = filled(card, table(*examined))
        same = fresh == card
        old += not same
        print(f"{name}: {'agrees' if same else 'out of date' if arguments.check else 'filled'}")
        if not same and not arguments.check:
            path.write_text(fresh, encoding="utf-8")
    return 1 if old and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
