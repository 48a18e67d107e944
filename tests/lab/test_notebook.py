"""`examples/bald.ipynb` runs: its cells, one after the other, without a kernel."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "bald.ipynb"


def test_the_notebook(tmp_path, monkeypatch, drawn):
    """With drawn heads for the shipped networks, and a model that was hardly trained."""
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from small import small, trained
    from tonsure.lab import release

    release.write(
        trained(small("stgan-128", "train.steps=1"), tmp_path / "run"),
        tmp_path / "stgan_celeba.onnx",
    )
    monkeypatch.setitem(os.environ, "TONSURE_HUB", str(tmp_path))
    names: dict[str, object] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    made = {path.name for path in names["out"].iterdir()}  # type: ignore[attr-defined]
    assert {"strip.png", "tiles.png", "bald.png", "own.png", "shipped.png"} <= made
