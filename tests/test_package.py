"""What the package promises as a whole: names, settings, and that the documents are true."""

from __future__ import annotations

import inspect
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

import tonsure
from tonsure import errors, settings
from tonsure.errors import BadOption, TonsureError
from tonsure.photo import FORMATS, Limits

ROOT = Path(__file__).parent.parent
CLI = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_public_names():
    assert tonsure.__all__ == sorted(tonsure.__all__, key=lambda name: (name.lower() == name, name))
    for name in tonsure.__all__:
        assert getattr(tonsure, name) is not None
        assert name in dir(tonsure)
    assert set(dir(tonsure)) == set(tonsure.__all__)
    with pytest.raises(AttributeError, match="blad"):
        tonsure.blad  # noqa: B018


def _errors() -> list[type[TonsureError]]:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    return [kind for kind in kinds if issubclass(kind, TonsureError) and kind is not TonsureError]


def test_errors_are_documented_and_drawn():
    for kind in _errors():
        row = f"| `{kind.__name__}` | `{kind.code}` | {kind.exit_code} |"
        assert row in PYTHON
        assert re.search(rf"{kind.__name__} +{kind.code} +{kind.exit_code}\n", errors.__doc__)
        assert f"| {kind.exit_code} |" in CLI
    codes = [kind.code for kind in _errors()]
    assert len(set(codes)) == len(codes)


def test_warnings_are_documented():
    for code in errors.WARNINGS:
        assert f"| `{code}` |" in PYTHON


def test_heads_give_known_warnings():
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src" / "tonsure" / "head").glob("*.py")
    )
    given = set(re.findall(r'notes\.append\("(\w+)"\)', source))
    assert given <= set(errors.WARNINGS)


def test_verbs_and_options_are_documented():
    from tonsure.cli.app import app

    for name, verb in get_command(app).commands.items():
        assert f"## tonsure {name}" in CLI
        assert verb.help
        for option in verb.params:
            for spelling in option.opts:
                if spelling.startswith("-"):
                    assert f"`{spelling}" in CLI, (name, spelling)
                    assert getattr(option, "help", None)


def test_settings_are_documented_and_limits_are_settings():
    for field in fields(settings.Settings):
        assert f"| `{field.name}` | `TONSURE_{field.name.upper()}` |" in CLI
    for field in fields(Limits):
        assert getattr(settings.Settings(), field.name) == field.default
    assert settings.Settings().limits == Limits()


def test_formats_are_documented():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in FORMATS:
        assert name.replace("HEIF", "HEIC").lower() in readme.lower()


def test_settings_come_from_where_they_should(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('threads = 1\nstyle = "thin"\nmax_side = 100\n')
    environ = {"TONSURE_CONFIG": str(file), "TONSURE_MAX_SIDE": "200", "TONSURE_QUALITY": "70"}
    loaded = settings.load({"quality": 80, "min_face": None}, environ)
    assert loaded.settings == settings.Settings(threads=1, style="thin", max_side=200, quality=80)
    assert loaded.origins["threads"] == str(file)
    assert loaded.origins["max_side"] == "TONSURE_MAX_SIDE"
    assert loaded.origins["quality"] == "option"
    assert loaded.origins["min_face"] == "default"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("threads = 1.5", "a whole number"),
        ("threads = true", "a whole number"),
        ('max_side = "wide"', "a whole number"),
        ("style = 3", "a word"),
        ("max_megapixels = -1", "more than 0"),
        ("max_megapixels = nan", "a number"),
        ("thread = 1", "did you mean 'threads'"),
        ("threads", "cannot be read"),
    ],
)
def test_settings_that_are_wrong(tmp_path, text, said):
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BadOption, match=said):
        settings.load({}, {"TONSURE_CONFIG": str(file)})


def test_an_empty_variable_sets_nothing():
    assert settings.load({}, {"TONSURE_THREADS": "", "TONSURE_STYLE": " "}).settings.threads is None


def test_the_settings_file_lies_where_systems_keep_them(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert settings.config_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/tonsure/config.toml")
    assert settings.config_file({}) == Path.home() / ".config" / "tonsure" / "config.toml"
    monkeypatch.setattr("sys.platform", "win32")
    assert settings.config_file({"APPDATA": "/a"}) == Path("/a/tonsure/config.toml")


def test_modules_are_short():
    for path in (ROOT / "src").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 400, path


def test_the_tool_needs_no_more_than_it_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[>=<]", requirement)[0] for requirement in project["dependencies"]}
    assert names == {
        "numpy", "Pillow", "onnxruntime", "opencv-python-headless", "typer", "rich",
    }  # fmt: skip
