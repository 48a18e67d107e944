"""The examples load, and do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_node_for_comfyui(drawn, astronaut):
    torch = pytest.importorskip("torch")
    loaded = runpy.run_path(str(EXAMPLES / "comfyui_tonsure.py"))
    nodes = loaded["NODE_CLASS_MAPPINGS"]
    assert loaded["NODE_DISPLAY_NAME_MAPPINGS"].keys() == nodes.keys()
    for kind in nodes.values():
        node = kind()
        inputs = kind.INPUT_TYPES()["required"]
        degree, face = inputs["degree"][1]["default"], inputs["face"][1]["default"]
        images = torch.from_numpy(np.stack([astronaut, astronaut[:, ::-1]])) / 255
        made = getattr(node, kind.FUNCTION)(images, degree, inputs["style"][0][0], face)
        assert len(made) == len(kind.RETURN_TYPES)
        edited, masks = made
        assert edited.shape == images.shape
        assert masks.shape == images.shape[:3]
        assert (edited != images).any()
        assert torch.equal(edited[masks == 0], images[masks == 0])
