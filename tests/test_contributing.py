"""The files for contributors name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import tonsure

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_map_of_the_house_has_every_room():
    rooms = {path.name + "/" for path in (ROOT / "src" / "tonsure").iterdir() if path.is_dir()}
    rooms -= {"__pycache__/", "examples/"}
    for room in rooms:
        assert f"`{room}`" in GUIDE, room


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_files_that_are_named_are_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (ROOT / target).exists(), target
    for path in re.findall(r"`((?:src|scripts|tests|docs|benchmarks)/[\w./-]+)`", text):
        assert (ROOT / path).exists() or "NAME" in path, path


def test_the_citation_has_the_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == tonsure.__version__


def test_the_workflow_runs_what_ci_runs_on_three_systems_and_pythons():
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["test"]
    assert len(job["strategy"]["matrix"]["os"]) == 3
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    script = job["steps"][-1]["run"].split()[-1]
    assert script in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_forms_for_issues_are_whole():
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.name != "config.yml":
            assert form["name"]
            assert form["description"]
            assert all({"type", "attributes"} <= set(part) for part in form["body"])
