"""The manual page says what the command line says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_manual_page_is_what_the_script_makes():
    script = runpy.run_path(str(ROOT / "scripts" / "make_man.py"))
    kept = script["PAGE"].read_text(encoding="utf-8")
    assert kept == script["page"](), "run: python scripts/make_man.py"
    for line in kept.splitlines():  # what man(7) would take for an order that it does not know
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in (
            ".TH", ".SH", ".SS", ".PP", ".TP", ".nf", ".fi",
        )  # fmt: skip
