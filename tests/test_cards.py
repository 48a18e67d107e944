"""Figures get from the training logs into the model cards."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tonsure.models.registry import MODELS

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "fill_cards.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fill_cards", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def log(path: Path, *entries: dict[str, object]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, script: ModuleType) -> Path:
    """Copies of the cards, and the logs of two short trainings."""
    for name in script.TABLES:
        card = (script.CARDS / f"{name}.md").read_text(encoding="utf-8")
        (tmp_path / f"{name}.md").write_text(card, encoding="utf-8")
    log(
        tmp_path / "parser" / "log.jsonl",
        {"step": 50, "cross_entropy": 1.0},
        {"step": 100, "evaluation": {"hair": 0.5}},
        {"step": 200, "evaluation": {"hair": 0.9123, "hat": 0.7}},
    )
    told = {"head": 8.25, "head_spread": 12.5, "layer_accuracy": 0.95}
    log(tmp_path / "bare" / "log.jsonl", {"step": 300, "evaluation": told})
    return tmp_path


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> int:
    line = ["fill_cards.py", "--runs", str(folder), "--cards", str(folder), *more]
    monkeypatch.setattr(sys, "argv", line)
    return int(script.main())


def test_the_last_examination_is_told(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    before = (folder / "bare.md").read_text(encoding="utf-8")
    assert run(script, monkeypatch, folder, "--check") == 1
    assert (folder / "bare.md").read_text(encoding="utf-8") == before
    assert run(script, monkeypatch, folder) == 0
    parser = (folder / "hair_parser.md").read_text(encoding="utf-8")
    assert "After 200 steps" in parser
    assert "| hair | 0.912 |" in parser
    assert "0.500" not in parser
    bare = (folder / "bare.md").read_text(encoding="utf-8")
    assert "| head | 8.2 | 12.5 |" in bare
    assert "- layer accuracy: 0.950" in bare
    assert bare.split(script.START)[0] == before.split(script.START)[0]
    assert bare.split(script.END)[1] == before.split(script.END)[1]
    assert run(script, monkeypatch, folder, "--check") == 0


def test_without_a_log_a_card_stays(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "bare" / "log.jsonl").unlink()
    before = (folder / "bare.md").read_text(encoding="utf-8")
    assert run(script, monkeypatch, folder) == 0
    assert (folder / "bare.md").read_text(encoding="utf-8") == before


def test_every_network_has_its_card() -> None:
    for entry in MODELS.values():
        text = entry.card_text()
        assert text.startswith(f"# {entry.name}\n")
        assert "**Input**" in text
