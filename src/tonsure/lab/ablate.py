"""What each rule of seeing, taking and making is worth: it is left out, and the same cases are made
bald again.

A rule is a function of `hair/` or `head/`; without it it says what it would of a photo in which it
finds nothing. Made cases (of `tonsure lab evaluate wide`) have a truth: how far what was put into
the hole is from it, and how much of the laid-on hair stays, is what a rule is judged by. What makes
neither worse is worth nothing there (some rules are for hats, ears and fringes, which made cases
have none of: look before you delete).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tonsure.blend import apply
from tonsure.errors import BadOption
from tonsure.hair import beard, hat, matte, parse
from tonsure.head import bare, compose, evidence, features, mirror, outline
from tonsure.head.make import make
from tonsure.lab.evaluate.wide import cases
from tonsure.lab.evaluate.wide.cases import Case
from tonsure.planes import Plane

Tell = Callable[[str], None]


def _nothing(scene: Any, *given: Any) -> Plane:
    return np.zeros(scene.shape, np.float32)


def _everything(scene: Any, *given: Any) -> Plane:
    return np.ones(scene.shape, np.float32)


def _no_rim(scene: Any, *given: Any) -> Any:
    count = len(outline.ROUND)
    return np.full(count, np.nan)


def _no_evidence(scene: Any, *given: Any) -> Any:
    return tuple(np.full(len(outline.ANGLES), np.nan) for _ in range(4))


RULES: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "hair: strands": (matte, "strands", _nothing),
    "hair: locks": (matte, "locks", _nothing),
    "hair: stray": (matte, "stray", _nothing),
    "hair: rim": (matte, "rim", _nothing),
    "hair: curls": (matte, "curls", _nothing),
    "hair: attached": (matte, "attached", _everything),
    "hair: solid": (matte, "_solid", _nothing),
    "hair: settle": (parse, "settle", lambda scene, classes, mask: classes.copy()),
    "hair: whole ears": (parse, "whole_ears", lambda *given: None),
    "hair: tufts": (parse, "tufts", _nothing),
    "hair: shaggy": (beard, "shaggy", lambda *given: 0.0),
    "hair: hat believed": (hat, "believed", lambda classes, worn: classes),
    "head: outline's evidence": (evidence, "along", _no_evidence),
    "head: outline's cheeks": (evidence, "cheeks", _no_rim),
    "head: hidden ears": (
        features, "hidden_ears", lambda scene, *given: ((), _nothing(scene))
    ),
    "head: ears going on": (bare, "_going_on", lambda ear, *given: np.ones_like(ear)),
    "head: ears' arch": (bare, "_arch", lambda ear, *given: np.zeros_like(ear)),
    "head: mirrored": (mirror, "mirrored", lambda *given: ()),
    "head: grain": (compose, "_grains", lambda *given: []),
    "head: shadow": (compose, "_light", lambda *given: None),
}  # fmt: skip
"""Name of a rule -> module, function, and what stands in for it."""


@dataclass(frozen=True)
class Worth:
    """Means over the cases: `error` in the hole (levels of 255), `left` (share of the laid-on hair
    that stays), `area` (squared eye distances that are replaced), `seconds` of processor time."""

    error: float
    left: float
    area: float
    seconds: float

    def minus(self, other: Worth) -> dict[str, float]:
        """What is more here than there."""
        return {key: round(value - getattr(other, key), 4) for key, value in vars(self).items()}


def run(folder: Path, out: Path, count: int | None, rules: Sequence[str], tell: Tell) -> None:
    """Measure the `rules`, or all, on `count` of the made cases in `folder`; `ablate.json` and
    `ablate.md` in `out`. Raises `BadOption` for rules that are none and a folder without cases."""
    unknown = [name for name in rules if name not in RULES]
    if unknown:
        raise BadOption(f"There is no rule {unknown[0]!r}; there are: {', '.join(RULES)}.")
    known = cases.names(folder)
    if not known:
        raise BadOption(
            f"There are no made cases in {folder}; `tonsure lab evaluate wide` leaves them in "
            "OUT/cases."
        )
    step = max(1, len(known) // (count or len(known)))
    chosen = [Case.read(folder, name) for name in known[::step][:count]]
    whole = measure(chosen)
    tell(f"{len(chosen)} cases, nothing left out: {vars(whole)}")
    found: dict[str, dict[str, float]] = {}
    out.mkdir(parents=True, exist_ok=True)
    for name in rules or RULES:
        with without(name):
            found[name] = measure(chosen).minus(whole)
        tell(f"without {name}: {found[name]}")
        told = {"cases": [case.name for case in chosen], "whole": vars(whole), "without": found}
        (out / "ablate.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (out / "ablate.md").write_text(table(whole, found, len(chosen)), encoding="utf-8")


@contextmanager
def without(rule: str) -> Iterator[None]:
    """The rule finds nothing for a while."""
    owner, name, instead = RULES[rule]
    before = getattr(owner, name)
    setattr(owner, name, instead)
    try:
        yield
    finally:
        setattr(owner, name, before)


def measure(chosen: Sequence[Case]) -> Worth:
    """The cases made bald as the tool is now."""
    rows = []
    for case in chosen:
        began = time.process_time()
        head = make(case.made, case.face, threads=1)
        seconds = time.process_time() - began
        x0, y0, x1, y1 = head.box
        mask = np.zeros(case.hole.shape, np.uint8)
        mask[y0:y1, x0:x1] = head.mask
        after = apply(case.made, [(head, head.mask)])
        off = np.abs(after.astype(np.float32) - case.truth.astype(np.float32)).mean(-1)
        area = float((mask > 127).sum()) / case.face.iod**2
        hidden = case.hole
        rows.append((off[hidden].mean(), (mask[hidden] < 128).mean(), area, seconds))
    return Worth(*(round(float(value), 4) for value in np.mean(rows, 0)))


def table(whole: Worth, found: dict[str, dict[str, float]], count: int) -> str:
    """Markdown: what is more (or less) without each rule, the most useful first."""
    lines = [
        f"{count} made cases: error {whole.error:.2f}, hair left {100 * whole.left:.2f} %, "
        f"replaced {whole.area:.2f}, {whole.seconds:.2f} s each.",
        "",
        "| without | error | hair left, % | replaced | seconds |",
        "|---|---|---|---|---|",
    ]
    for name, off in sorted(found.items(), key=lambda item: -item[1]["error"]):
        lines.append(
            f"| {name} | {off['error']:+.2f} | {100 * off['left']:+.2f} | {off['area']:+.2f} "
            f"| {off['seconds']:+.2f} |"
        )
    return "\n".join(lines) + "\n"
