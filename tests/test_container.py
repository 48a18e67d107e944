"""The container's files say what is there: a daemon that could build it is not on every machine."""

from __future__ import annotations

import fnmatch
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from tonsure.cli.app import app

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STEPS = [
    (words[0], words[1])
    for line in re.sub(r"\\\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
    if line.strip() and not line.startswith("#") and len(words := line.split(maxsplit=1)) == 2
]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["tonsure"]


def steps(kind: str) -> list[str]:
    """What follows each instruction of a kind."""
    return [text for name, text in STEPS if name == kind]


def copied() -> list[str]:
    """What the first stage takes from the repository."""
    found = [text.split()[:-1] for text in steps("COPY") if not text.startswith("--from")]
    return [name for names in found for name in names]


def ignored(name: str) -> bool:
    """Whether .dockerignore leaves a file of the top out: the last line that fits says so."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split():
        if fnmatch.fnmatch(name, line.lstrip("!")):
            out = not line.startswith("!")
    return out


def options(verb: str) -> set[str]:
    """All spellings of a verb's options."""
    return {word for one in get_command(app).commands[verb].params for word in one.opts}


def test_what_is_copied_is_there_and_let_in():
    assert copied()
    for name in copied():
        assert (ROOT / name).exists(), name
        assert not ignored(name), name


def test_all_that_the_wheel_is_built_from_is_copied():
    project, wheel = PROJECT["project"], PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["readme"], *project["license-files"]}
    needed |= {name.partition("/")[0] for name in (*wheel["packages"], *wheel["shared-data"])}
    assert needed <= set(copied())


def test_extras_and_python_are_the_project_s():
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', " ".join(steps("RUN")))
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    versions = {
        tuple(map(int, re.findall(r"3\.\d+", base)[0].split("."))) for base in steps("FROM")
    }
    assert len(versions) == 1
    low, high = (
        tuple(map(int, one.split(".")))
        for one in re.findall(r"3\.\d+", PROJECT["project"]["requires-python"])
    )
    assert low <= versions.pop() < high


def test_what_is_started_is_a_command_with_these_options():
    (entry,) = map(yaml.safe_load, steps("ENTRYPOINT"))
    assert entry[0] in PROJECT["project"]["scripts"]
    (default,) = map(yaml.safe_load, (text for text in steps("CMD") if text.startswith('["--')))
    for words in (default, COMPOSE["command"]):
        given = {word for word in (*entry[2:], *words) if word.startswith("--")}
        assert given <= options(entry[1])


def test_the_health_check_asks_what_the_server_answers():
    pytest.importorskip("fastapi")
    from tonsure.web.app import make
    from tonsure.web.options import Options

    (check,) = (text for _, text in STEPS if "urlopen" in text)
    script = yaml.safe_load(check[check.index("[") :])[2]
    compile(script, "HEALTHCHECK", "exec")
    port, path = re.findall(r"127\.0\.0\.1:(\d+)(/\w+)", script)[0]
    assert [port] == steps("EXPOSE")
    guard, _ = make(Options())
    assert path in {getattr(route, "path", None) for route in guard.app.routes}


def test_the_token_that_compose_reads_is_the_secret_that_it_gets():
    words = shlex.split(" ".join(COMPOSE["command"]))
    assert words[words.index("--token-file") + 1] == f"/run/secrets/{COMPOSE['secrets'][0]}"
