"""The documents are true: every command and every line of Python in them is run, or at least read.

Python blocks run one after the other, as a reader would run them, with drawn heads.  Commands of
the quick verbs run; those that train, serve or install are read: verbs, options, files and extras
must be there.  A block below a comment `<!-- not run: why -->` is left out.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from tonsure.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md"),
    )
)  # fmt: skip
RUN = ("bald", "mask", "attributes", "inspect", "sweep", "models", "doctor", "help")
"""Verbs whose commands are run; of the others the options are looked up."""
PYTHON_IS_RUN = (
    "README.md", "README.zh-CN.md", "docs/python.md", "docs/notebook.md", "docs/zh/notebook.md",
    "docs/lab.md", "docs/how_it_works.md",
)  # fmt: skip
SHELL = (
    "cd",
    "torchrun",
    "source",
    "git",
    "cat",
    "find",
    "ffmpeg",
    "printf",
    "docker",
    "jupyter",
    "pre-commit",
    "man",
    "curl",
)
"""Programs that are no concern of these tests; curl lines of server.md have one of their own."""

_PLACE = re.compile(r"(^|/)[A-Z]{2,}([./]|$)")  # PHOTO, RUN/PRESET.onnx: to be replaced
_BLOCK = re.compile(r"(<!-- not run: .+? -->\n)?^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(page: str, kind: str) -> Iterator[str]:
    """The blocks of a page that are written in `kind`."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for left_out, language, content in _BLOCK.findall(text):
        if language == kind and not left_out:
            yield content


def commands(page: str) -> Iterator[list[str]]:
    """The words of each command of a page's console blocks."""
    for block in blocks(page, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            if not line.lstrip().startswith("["):  # a synopsis goes on
                yield from (words for part in line.split("&&") if (words := _words(part)))


def _words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


@pytest.fixture
def place(tmp_path: Path, data: Path, group: np.ndarray, monkeypatch: Any) -> Path:
    """A folder as the documents imagine it: photos of oneself, of a group, of holidays."""
    shipped = "src/tonsure/examples/astronaut.jpg"
    for name in ("me.jpg", "astronaut.jpg", "holiday/a.jpg", "holiday/far/b.jpg", shipped):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data / "astronaut.jpg", tmp_path / name)
    Image.fromarray(group).save(tmp_path / "group.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PYTHON_IS_RUN)
def test_python_runs(page: str, place: Path, request: Any) -> None:
    pytest.importorskip("torch")
    if page != "docs/how_it_works.md":  # which looks at every layer of a head
        request.getfixturevalue("drawn")
    names: dict[str, Any] = {}
    found = list(blocks(page, "python"))
    assert found
    for number, block in enumerate(found):
        exec(compile(block, f"{page}, block {number}", "exec"), names)


@pytest.mark.parametrize("page", sorted(set(PAGES) - set(PYTHON_IS_RUN)))
def test_other_python_can_be_read(page: str) -> None:
    for number, block in enumerate(blocks(page, "python")):
        compile(block, f"{page}, block {number}", "exec")


@pytest.mark.parametrize("page", PAGES)
def test_commands(page: str, place: Path, drawn: Any, monkeypatch: Any) -> None:
    from tonsure import findings

    areas = {"hair": 5.0, "hat": 0.0, "glasses": 0.0}
    monkeypatch.setattr(findings, "of", lambda pixels, face, threads=None: dict(areas))
    for words in commands(page):
        program = Path(words[0]).name
        if program == "cat" and "tonsure" in words:
            _piped(words)
        elif program == "tonsure" or words[:3] == ["python", "-m", "tonsure"]:
            _tonsure(words[1:] if program == "tonsure" else words[3:])
        elif program.startswith(("python", "pip")):
            _python(words)
        else:
            assert program in SHELL or "=" in program, (page, words)


def _tonsure(words: list[str], stdin: bytes | None = None) -> bytes:
    """Run a command, or look its options up; its standard output."""
    verb, rest = words[0], words[1:]
    if any(word == "..." or word.startswith("[") for word in rest):  # a synopsis
        assert verb in get_command(app).commands  # type: ignore[attr-defined]
        return b""
    if verb not in RUN or any(_PLACE.search(word) for word in rest):
        _look_up(verb, rest)
        return b""
    if "--overwrite" not in rest and verb in ("bald", "mask", "sweep") and "-" not in rest:
        rest = [*rest, "--overwrite"]  # documents repeat themselves
    if verb in ("bald", "sweep") and any("runs/" in word for word in rest):
        _look_up(verb, rest)
        return b""
    ran = CliRunner().invoke(app, [verb, *rest], input=stdin)
    assert ran.exit_code == 0, (words, ran.stderr, ran.exception)
    return ran.stdout_bytes


def _look_up(verb: str, rest: list[str]) -> None:
    command: Any = get_command(app).commands.get(verb)  # type: ignore[attr-defined]
    if verb.startswith("-"):
        command, rest = get_command(app), [verb]
    assert command is not None, verb
    known = {"--help", "-h"}
    if verb == "lab":
        pytest.importorskip("torch")
        from tonsure.lab.cli import app as lab

        command = get_command(lab)
        if rest and not rest[0].startswith("-"):
            assert rest[0] in command.commands, rest
            command = command.commands[rest[0]]
    for one in (command, *getattr(command, "commands", {}).values()):
        known |= {opt for each in one.params for opt in (*each.opts, *each.secondary_opts)}
    for word in rest:
        if word.startswith("-") and word != "-":
            assert word.strip("[]").partition("=")[0] in known, (verb, word)


def _piped(words: list[str]) -> None:
    """`cat FILE | tonsure ... > FILE`."""
    assert words[2:4] == ["|", "tonsure"]
    at = words.index(">")
    made = _tonsure(words[4:at], Path(words[1]).read_bytes())
    Path(words[at + 1]).write_bytes(made)
    with Image.open(words[at + 1]) as im:
        im.load()


def _python(words: list[str]) -> None:
    """Scripts must be there and extras known; nothing is installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in words[1:]:
        if word.endswith(".py"):
            assert (ROOT / word).exists(), word
        for extras in re.findall(r"^(?:\.|tonsure)\[(.+)\]$", word):
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), word


def test_every_option_is_in_the_chinese_page_on_bald() -> None:
    text = (ROOT / "docs" / "zh" / "cli.md").read_text(encoding="utf-8")
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        if name in RUN and name != "help":
            assert f"tonsure {name}" in text
    for option in get_command(app).commands["bald"].params:  # type: ignore[attr-defined]
        for spelled in option.opts:
            if spelled.startswith("--") and spelled not in ("--help", "--debug", "--device"):
                assert f"`{spelled}" in text, spelled


def test_both_readmes_show_the_same_pictures_and_commands() -> None:
    texts = [(ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md")]
    pictures = [sorted(re.findall(r"docs/images/([\w-]+)", text)) for text in texts]
    assert [one.replace("-zh-", "-en-") for one in pictures[1]] == pictures[0]
    assert [list(commands(name)) for name in ("README.md",)] == [list(commands("README.zh-CN.md"))]


@pytest.mark.parametrize("name", ["attributes.md", "python.md", "server.md", "video.md"])
def test_chinese_pages_have_the_commands_of_the_english_ones(name: str) -> None:
    """Which are run, here or by tests of their own."""
    for kind in ("console", "python"):
        english, chinese = (
            [re.sub(r"\s*#.*", "", block) for block in blocks(page, kind)]
            for page in (f"docs/{name}", f"docs/zh/{name}")
        )
        assert chinese == english


def test_chinese_pages_name_all_that_can_go_wrong() -> None:
    from tonsure.errors import WARNINGS
    from tonsure.web.problems import STATUS

    python, server = (
        (ROOT / "docs" / "zh" / name).read_text("utf-8") for name in ("python.md", "server.md")
    )
    assert [code for code in WARNINGS if f"`{code}`" not in python] == []
    assert [code for code in STATUS if f"`{code}`" not in server] == []
    for option in get_command(app).commands["serve"].params:  # type: ignore[attr-defined]
        spelled = next(word for word in option.opts if word.startswith("--"))
        if spelled not in ("--threads", "--device", "--min-face", "--debug"):
            assert f"`{spelled}" in server, spelled


def _known(folder: Path) -> Callable[[str], bool]:
    return lambda target: (folder / target).exists()


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_linked_are_there(page: str) -> None:
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
    there = _known((ROOT / page).parent)
    for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", text):
        assert there(target), target
    for target in re.findall(r'(?:src|srcset)="([^":]+)"', text):
        assert there(target), target


def test_the_site_takes_every_page_up() -> None:
    import sys

    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from website import sources
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    found = [
        name for _, names in sources.navigation(sources.pages(ROOT).values()) for name in names
    ]
    assert sorted(found) == sorted(sources.pages(ROOT).values())
    assert all(source.startswith("docs/zh/") for source in sources.chinese(ROOT))
