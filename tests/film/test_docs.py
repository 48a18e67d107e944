"""The commands and the code of docs/video.md do what they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tonsure.cli.app import app

from .conftest import read, write

pytest.importorskip("av")

TEXT = (Path(__file__).parent.parent.parent / "docs" / "video.md").read_text(encoding="utf-8")


def test_the_commands(scene, keyed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = re.findall(r"```console\n(.*?)```", TEXT, re.S)[0]
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    commands = [line[1:] for line in lines if line[:2] == ["tonsure", "video"]]
    assert len(commands) >= 4
    for number, command in enumerate(commands):
        source, target = (Path(name) for name in command[1:3])
        if not source.exists():
            write(source, [scene] * 3)
        target.unlink(missing_ok=True)
        ran = CliRunner().invoke(app, [*command, "--threads", "1"])
        assert ran.exit_code == 0, (number, ran.stderr)
        assert len(read(target)) == (1 if "--preview" in command else 3)


def test_the_code(scene, keyed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "me.mp4", [scene] * 3)
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    shown = []
    exec(block, {"frames": [(0.0, scene), (0.04, scene)], "show": shown.append})
    assert len(shown) == 2
    assert (shown[0] != scene).any()
    assert capsys.readouterr().out.startswith("3 1 {")
