"""The notebooks run, in both languages: their cells, one after the other, without a kernel."""

from __future__ import annotations

import base64
import io
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NAMES = ("bald.ipynb", "bald.zh-CN.ipynb")


def cells(name: str) -> list[dict[str, Any]]:
    """Of a notebook."""
    found: list[dict[str, Any]] = json.loads((ROOT / "examples" / name).read_text("utf-8"))["cells"]
    return found


def code(name: str) -> list[str]:
    """Its cells of Python."""
    return ["".join(cell["source"]) for cell in cells(name) if cell["cell_type"] == "code"]


def test_the_notebook_runs(drawn):
    """With drawn heads for the shipped networks, and a training that hardly begins."""
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    names: dict[str, Any] = {}
    for source in code("bald.ipynb"):
        exec(source.replace("train.steps=300", "train.steps=2"), names)
    made = {path.name for path in names["out"].iterdir()}
    assert {"recede.png", "thin.png", "tiles-1.png", "stargan.png", "stgan_celeba.onnx"} <= made


def test_both_have_the_same_code_and_are_what_the_script_makes():
    assert code("bald.ipynb") == code("bald.zh-CN.ipynb")
    script = runpy.run_path(str(ROOT / "scripts" / "make_notebooks.py"))
    for language, name in script["NAMES"].items():
        said = [(cell["cell_type"], "".join(cell["source"])) for cell in cells(name)]
        assert said == script["cells"](language), "run: python scripts/make_notebooks.py"


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_stored(name):
    pictures = 0
    for cell in cells(name):
        for output in cell.get("outputs", ()):
            assert output["output_type"] != "error"
            if data := output.get("data", {}).get("image/png"):
                with Image.open(io.BytesIO(base64.b64decode(data))) as im:
                    assert im.width > 300
                    pictures += 1
    assert pictures >= 5
    assert (ROOT / "examples" / name).stat().st_size < 3e6
