"""That the documents are true: each `curl` line is run, each option is there."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from PIL import Image

from filming import around, write

ROOT = Path(__file__).parent.parent.parent
SERVER = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def lines() -> list[str]:
    """Lines of console blocks that talk to a server, in their order."""
    blocks = re.findall(r"```console\n(.*?)```", SERVER, re.S)
    return [line for block in blocks for line in block.splitlines() if not line.startswith("pip")]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_lines(process, portrait, astronaut, tmp_path):
    pytest.importorskip("av")
    there = process("--rate", "0")
    (tmp_path / "me.jpg").write_bytes(portrait)
    write(tmp_path / "me.mp4", [around(astronaut)] * 2)
    count = 0
    for line in lines():
        if line == "tonsure serve":
            continue
        command = line.replace("127.0.0.1:8000", f"127.0.0.1:{there.port}")
        command = command.replace("curl ", "curl -sS --fail-with-body ")
        ran = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, timeout=300, check=False
        )
        assert ran.returncode == 0, (line, ran.stdout[:500], ran.stderr)
        count += line.startswith("curl")
        if line.startswith("curl") and " -o " not in line and "metrics" not in line:
            json.loads(ran.stdout)
    assert count >= 13
    for name in ("me-bald.jpg", "me-bald.png", "me.gif", "strip.jpg", "pair.jpg"):
        with Image.open(tmp_path / name) as im:
            im.load()
    assert "report" in json.loads((tmp_path / "me-bald.json").read_text())
    with zipfile.ZipFile(io.BytesIO((tmp_path / "frames.zip").read_bytes())) as archive:
        assert len(archive.namelist()) == 3


def test_codes_and_options_are_documented():
    from typer.main import get_command

    from tonsure.cli.app import app
    from tonsure.web.problems import STATUS

    for code, status in STATUS.items():
        row = next(line for line in SERVER.splitlines() if f"`{code}`" in line)
        assert str(status) in row
    shared = {"--help", "--threads", "--device", "--min-face", "--debug"}
    for option in get_command(app).commands["serve"].params:
        for spelling in option.opts:
            if spelling.startswith("--") and spelling not in shared:
                assert f"`{spelling}" in SERVER, spelling


def test_the_container_keeps_its_promises():
    told = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001", told, re.M)
    assert "HEALTHCHECK" in told
    assert "/readyz" in told
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    service = compose["services"]["tonsure"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", told, re.M):
        for name in source.split():
            assert f"!{name}" in ignored
            assert (ROOT / name).exists()
