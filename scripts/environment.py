"""A virtual environment with the package in it, for the other scripts of this folder.

Only the standard library is used: this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)


def python(*wanted: str) -> Path:
    """The interpreter of an environment with the package and `wanted`, what pip installs.

    A virtual environment that is active is used as it is; else one is made in `.venv`.
    """
    if sys.prefix != sys.base_prefix:
        _check(sys.version_info[:2])
        interpreter = Path(sys.executable)
    else:
        interpreter = _own()
    stamp = Path(interpreter).parent.parent / ".tonsure-installed"
    project = (ROOT / "pyproject.toml").read_bytes()
    state = hashlib.sha256(repr((wanted, str(ROOT))).encode() + project).hexdigest()
    if not stamp.exists() or state not in stamp.read_text(encoding="utf-8"):
        print(f"Installing into {interpreter.parent.parent} ...", flush=True)
        quiet = ["-q", "--disable-pip-version-check"]
        run(interpreter, "-m", "pip", "install", *quiet, *wanted)
        with stamp.open("a", encoding="utf-8") as file:
            file.write(state + "\n")
    return interpreter


def run(*command: str | Path) -> None:
    """Run a command in the repository; its failure ends this script."""
    result = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if result.returncode:
        sys.exit(result.returncode)


def _own() -> Path:
    folder = ROOT / ".venv"
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not interpreter.exists():
        run(_suitable(), "-m", "venv", folder)
    return interpreter


def _suitable() -> str:
    """This Python if its version will do, else another one of this machine."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        works = found and subprocess.run([found, "-c", ""], check=False, capture_output=True)
        if found and works and works.returncode == 0:
            return found
    return _check(sys.version_info[:2])


def _check(version: tuple[int, ...]) -> str:
    if not OLDEST <= version <= NEWEST:
        sys.exit(
            f"tonsure runs on Python 3.{OLDEST[1]} to 3.{NEWEST[1]}; this is "
            f"{'.'.join(map(str, version))}. Install one of those and run this again with it."
        )
    return sys.executable
