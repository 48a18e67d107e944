"""The commands of docs/scale.md that need no cluster and no cloud do what they say."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tonsure.cli.app import app

pytest.importorskip("fsspec")

TEXT = (Path(__file__).parent.parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_commands(source, drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (source / "below" / "3.png").unlink()  # which has no face
    shutil.move(source, "photos")
    (block, *_) = re.findall(r"```console\n(.*?)```", TEXT, re.S)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    commands = [line[1:] for line in lines if line[:2] == ["tonsure", "batch"]]
    run = [command for command in commands if "--ray" not in command]
    assert len(run) >= 2
    for command in run:
        shutil.rmtree("bald", ignore_errors=True)
        ran = CliRunner().invoke(app, command)
        assert ran.exit_code == 0, ran.stderr
        assert Path("bald/_tonsure/report.jsonl").read_text().count("\n") == 4
        ending = "*.tar" if "webdataset" in command else "below/*.bald.png"
        assert list(Path("bald").glob(ending))
