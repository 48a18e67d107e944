"""A short run of `benchmarks/hostile.py`: files made to do harm, the same ones each time."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_PATH = Path(__file__).parent.parent.parent / "benchmarks" / "hostile.py"


@pytest.fixture(scope="module")
def hostile():
    spec = importlib.util.spec_from_file_location("hostile", _PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


def test_reading(hostile, astronaut):
    files = hostile.seeds(np.ascontiguousarray(astronaut[::8, ::8]))
    outcomes, faults = hostile.run(files, 300, 100_000, hostile.through_reading)
    assert faults == []
    assert outcomes["done"] > 30
    assert outcomes["unreadable_input"] > 30


def test_the_whole_edit(hostile, astronaut, drawn):
    files = hostile.seeds(np.ascontiguousarray(astronaut[::4, ::4]))
    outcomes, faults = hostile.run(files, 25, 200_000, hostile.through_the_edit)
    assert faults == []
    assert outcomes.total() == 25
