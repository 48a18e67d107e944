"""The simulation of fleets: what must come out where one knows it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.fixture
def scale(monkeypatch: Any) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("scale_benchmark", BENCHMARKS / "scale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "scale_benchmark", module)
    spec.loader.exec_module(module)
    return module


def test_without_trouble_nothing_is_lost(scale):
    fleet = scale.Fleet(10, 1.0, spread=0, start=0, life=1e15, slow=0, unit=10)
    found = scale.simulate(10_000, fleet)
    assert found["deaths"] == 0
    assert found["redone_percent"] == 0
    assert 0.9 < found["of_ideal"] < 1.1  # no two workers are equally fast


def test_deaths_and_stragglers_cost_and_a_seed_repeats_it(scale):
    calm, rough = scale.Fleet(20, 1.0, life=1e15), scale.Fleet(20, 1.0, life=2000.0)
    one, two = scale.simulate(20_000, calm, 1), scale.simulate(20_000, rough, 1)
    assert two["deaths"] > 0
    assert two["hours"] > one["hours"]
    assert two == scale.simulate(20_000, rough, 1)
    fine = scale.simulate(20_000, scale.Fleet(20, 1.0, life=2000.0, unit=16), 1)
    assert fine["redone_percent"] < two["redone_percent"]  # small units lose less
