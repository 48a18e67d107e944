#!/usr/bin/env python3
"""Build wheel and sdist, the wheel of tonsure-models and an SBOM; refuse them if anything is wrong.

    python3 scripts/release.py            # into dist/, with the notes of this version
    python3 scripts/release.py --draft    # the same between releases: no version or date

Everything is built twice, from two places, and must come out as the same bytes.  Checked are: the
change log and the version (dated, nothing left under "Unreleased"), that the project's addresses,
if it names any, are not made up, that every network is in the wheel where it belongs and is the
registry's, that licences, cards, manual page and example are there and nothing else is that should
not be, the sizes, and that wheel and sdist, each in an environment of its own where there is no
git, make the person in their own example bald.  Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import bill
from environment import ROOT, python

DIST = ROOT / "dist"
WHEEL_MB, SDIST_MB, FILE_MB = 45, 60, 12  # at most
TAKEN = (
    "src", "tests", "docs", "scripts", "examples", "benchmarks", "models", "share",
    "pyproject.toml", "uv.lock", "README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md",
    "CITATION.cff", "LICENSE", "NOTICE", ".gitignore",
)  # fmt: skip
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".avif")
_NEVER = re.compile(
    r"(^|/)(\.git|\.venv|runs|data/wide|__pycache__)(/|$)|\.(pyc|pt|pdparams)$|token$"
)
_MADE_UP = re.compile(r"[A-Z]{4}|example\.|localhost|<|>")
_SHIPPED = "tonsure/examples/astronaut.jpg"


def version() -> str:
    """The package's."""
    text = (ROOT / "src" / "tonsure" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.M)
    assert found is not None
    return found[1]


def section(name: str) -> tuple[str, str] | None:
    """Heading and text of a version's part of the change log; None if there is none."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## ({re.escape(name)}.*)\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return (found[1], found[2].strip()) if found else None


def wrong_before() -> Iterator[str]:
    """What is against a release, before anything is built."""
    told = section(version())
    if told is None:
        yield f"CHANGELOG.md has no part for {version()}; call Unreleased '{version()} – DATE'."
    elif not re.search(r"\d{4}-\d\d-\d\d", told[0]):
        yield f"CHANGELOG.md gives {version()} no date."
    if (left := section("Unreleased")) and left[1]:
        yield "CHANGELOG.md still has lines under Unreleased."
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name, address in project.get("urls", {}).items():
        if _MADE_UP.search(address) or not address.startswith("https://"):
            yield f"pyproject.toml: {name} of [project.urls] is no address: {address}."
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if changed.returncode or changed.stdout.strip():
        yield "The working tree has changes; commit them first."


def built(tree: Path, out: Path) -> dict[str, str]:
    """Build from `tree` into `out`: SHA-256 by name of file."""
    for folder, kinds in ((tree, ("sdist", "wheel")), (tree / "models", ("wheel",))):
        for kind in kinds:
            line = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
            subprocess.run(line, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return {path.name: _hash(path) for path in sorted(out.iterdir())}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wrong_networks(path: Path, folder: str, apart: bool) -> Iterator[str]:
    """What is wrong with the networks in a wheel: those of `tonsure`, or those that are `apart`."""
    from tonsure.models import MODELS

    with zipfile.ZipFile(path) as wheel:
        there = set(wheel.namelist())
        for name, entry in MODELS.items():
            inside = f"{folder}/{entry.file}"
            if entry.apart != apart:
                if inside in there:
                    yield f"{path.name} has the network {name}, which is in the other wheel."
            elif inside not in there:
                yield f"{path.name} lacks the network {name}."
            elif hashlib.sha256(wheel.read(inside)).hexdigest() != entry.sha256:
                yield f"{path.name}: the network {name} is not the registry's."


def wrong_wheel(path: Path) -> Iterator[str]:
    """What is wrong with the wheel of tonsure."""
    from tonsure.models import MODELS

    yield from wrong_networks(path, "tonsure/models/assets", apart=False)
    with zipfile.ZipFile(path) as wheel:
        sizes = {entry.filename: entry.file_size for entry in wheel.infolist()}
        yield from _sizes(path, sizes, WHEEL_MB)
        for entry in MODELS.values():
            for other in (f"cards/{entry.card}", f"licences/{entry.licence_file}"):
                if not other.endswith("/") and f"tonsure/models/{other}" not in sizes:
                    yield f"{path.name} lacks {other}."
        metadata = wheel.read(next(name for name in sizes if name.endswith("METADATA"))).decode()
    for needed in (
        "tonsure/py.typed",
        _SHIPPED,
        "licenses/LICENSE",
        "licenses/NOTICE",
        "tonsure.1",
    ):
        if not any(name.endswith(needed) for name in sizes):
            yield f"{path.name} lacks {needed}."
    for name in sizes:
        if name.endswith(_PICTURES) and name != _SHIPPED:
            yield f"{path.name} has a picture that should not be in it: {name}."
        if name.startswith("tests/") or _NEVER.search(name):
            yield f"{path.name} has what should not be in it: {name}."
    if f"Version: {version()}" not in metadata or "# tonsure" not in metadata:
        yield f"{path.name}: its metadata lack version or description."


def wrong_sdist(path: Path) -> Iterator[str]:
    """What is wrong with an sdist."""
    with tarfile.open(path) as sdist:
        files = [entry for entry in sdist.getmembers() if entry.isfile()]
    sizes = {entry.name.partition("/")[2]: entry.size for entry in files}
    yield from _sizes(path, sizes, SDIST_MB)
    for needed in (
        "pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "NOTICE",
        "scripts/test.py", "tests/conftest.py", "docs/cli.md", "examples/bald.ipynb",
        "src/tonsure/__init__.py", "share/man/man1/tonsure.1", "models/pyproject.toml", "uv.lock",
    ):  # fmt: skip
        if needed not in sizes:
            yield f"{path.name} lacks {needed}."
    for name in sizes:
        if _NEVER.search(name):
            yield f"{path.name} has what should not be in it: {name}."


def _sizes(path: Path, sizes: dict[str, int], most: int) -> Iterator[str]:
    if path.stat().st_size > most * 1e6:
        yield f"{path.name} has {path.stat().st_size / 1e6:.1f} MB, at most {most} are allowed."
    for name, size in sizes.items():
        if size > FILE_MB * 1e6:
            yield f"{path.name}: {name} has {size / 1e6:.1f} MB, at most {FILE_MB} are allowed."


def wrong_installed(artifact: Path) -> Iterator[str]:
    """What wheel or sdist does not do in an environment of its own, away from source and git."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        bin_ = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        place = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        place["PATH"] = str(bin_)
        quiet = ("-q", "--disable-pip-version-check")
        for command in (
            [bin_ / "python", "-m", "pip", "install", *quiet, artifact],
            [bin_ / "tonsure", "--version"],
            [bin_ / "tonsure", "doctor"],
        ):
            done = subprocess.run(
                [str(part) for part in command], cwd=folder, capture_output=True, text=True,
                check=False, env=place,
            )  # fmt: skip
            if done.returncode:
                yield f"{' '.join(str(part) for part in command)}: {done.stdout}{done.stderr}"
                return


def main() -> int:
    """0 if wheel and sdist may go out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--draft", action="store_true", help="between releases")
    draft = parser.parse_args().draft
    interpreter = python("-e", ".", "hatchling>=1.25", "uv>=0.9")
    if interpreter != Path(sys.executable):  # the checks need the package
        return subprocess.run([str(interpreter), *sys.argv], check=False).returncode
    wrong = [] if draft else list(wrong_before())
    if not wrong:
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        with tempfile.TemporaryDirectory() as name:
            tree = Path(name) / "elsewhere"
            tree.mkdir()
            for part in TAKEN:  # with other times
                one = ROOT / part
                if one.is_dir():
                    shutil.copytree(one, tree / part, copy_function=shutil.copy)
                else:
                    shutil.copy(one, tree / part)
            if built(ROOT, DIST) != built(tree, Path(name) / "out"):
                wrong.append("Two builds of the same source differ.")
        (wheel,), (sdist,) = DIST.glob("tonsure-*.whl"), DIST.glob("tonsure-*.tar.gz")
        (models,) = DIST.glob("tonsure_models-*.whl")
        wrong += [*wrong_wheel(wheel), *wrong_networks(models, "tonsure_models", apart=True)]
        wrong += [*wrong_sdist(sdist), *wrong_installed(wheel), *wrong_installed(sdist)]
        sbom = DIST / f"tonsure-{version()}.cdx.json"
        told_in_it = bill.of_release(interpreter, version())
        sbom.write_text(json.dumps(told_in_it, indent=1) + "\n", encoding="utf-8")
        for path in (wheel, sdist, models, sbom):
            size = path.stat().st_size / 1e6
            print(f"{path.relative_to(ROOT)}: {size:.1f} MB, sha256 {_hash(path)}")
        told = section("Unreleased" if draft else version())
        if told is not None:
            (DIST / "NOTES.md").write_text(f"# tonsure {told[0]}\n\n{told[1]}\n", encoding="utf-8")
    for line in wrong:
        print(f"release: {line}", file=sys.stderr)
    print("Refused." if wrong else "Ready: nothing was uploaded.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
