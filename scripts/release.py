#!/usr/bin/env python3
"""Build what is given away: wheel and sdist of tonsure, the wheel of tonsure-models, and an SBOM.

    python3 scripts/release.py [--out dist] [--check]

Everything is built twice, from two places, and must come out as the same bytes. The SBOM
(CycloneDX) lists what `uv.lock` has for use, and every network with its hash and licence. `--check`
installs wheel and sdist each into a fresh environment, where there is no git, and makes the person
in the photo that ships bald; pip asks its index for that.
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
import tempfile
from pathlib import Path
from typing import Any

from environment import ROOT, python

TAKEN = (
    "src", "tests", "docs", "scripts", "examples", "benchmarks", "models", "pyproject.toml",
    "uv.lock", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", ".gitignore",
)  # fmt: skip


def built(interpreter: Path, tree: Path, out: Path) -> dict[str, str]:
    """Build from `tree` into `out`: SHA-256 by name of file."""
    for folder, kinds in ((tree, ("sdist", "wheel")), (tree / "models", ("wheel",))):
        for kind in kinds:
            line = [str(interpreter), "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
            subprocess.run(line, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return {path.name: _hash(path) for path in sorted(out.iterdir())}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sbom(interpreter: Path, version: str) -> dict[str, Any]:
    """CycloneDX of what is installed for use, and of the networks."""
    line = [
        str(interpreter), "-m", "uv", "export", "--format", "cyclonedx1.5", "--frozen", "--no-dev",
        "--extra", "heif", "--extra", "web", "--quiet", "--preview-features", "sbom-export",
    ]  # fmt: skip
    told = subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(told)
    found.pop("serialNumber", None)  # and the time: the same tree gives the same file
    found.get("metadata", {}).pop("timestamp", None)
    found["metadata"]["component"]["version"] = version
    list_models = (
        "import json, tonsure.models as m;"
        "told = [[e.name, e.sha256, e.licence, e.provenance] for e in m.MODELS.values()];"
        "print(json.dumps(told))"
    )
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [str(interpreter), "-c", list_models], check=True, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    found.setdefault("components", []).extend(
        {
            "type": "machine-learning-model",
            "bom-ref": f"model-{name}",
            "name": name,
            "description": provenance,
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "licenses": [{"expression": licence}],
        }
        for name, digest, licence, provenance in json.loads(ran.stdout)
    )
    return found


def check(interpreter: Path, artifact: Path) -> None:
    """Install it where nothing is, and use it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([interpreter, "-m", "venv", folder / "venv"], check=True)
        own = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        place = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        place["PATH"] = str(own)  # and no git
        if shutil.which("git", path=place["PATH"]):
            raise SystemExit("There is a git in a fresh environment.")

        def act(*line: str) -> None:
            subprocess.run([str(own / line[0]), *line[1:]], cwd=folder, env=place, check=True)

        act("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", str(artifact))
        act("tonsure", "doctor")
        print(f"{artifact.name}: installed without git, its test photo passed.", flush=True)


def main() -> int:
    """0 if both builds are the same, and what is installed works."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--check", action="store_true", help="install and use what was built")
    given = parser.parse_args()
    interpreter = python("hatchling>=1.25", "uv>=0.9")
    out = given.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name) / "elsewhere"
        tree.mkdir()
        for part in TAKEN:  # with other times
            one = ROOT / part
            if one.is_dir():
                shutil.copytree(one, tree / part, copy_function=shutil.copy)
            else:
                shutil.copy(one, tree / part)
        first, second = built(interpreter, ROOT, out), built(interpreter, tree, Path(name) / "out")
    if first != second:
        print("The two builds differ.", first, second, sep="\n")
        return 1
    found = re.search(r'__version__ = "(.+?)"', (ROOT / "src/tonsure/__init__.py").read_text())
    assert found is not None
    bill = out / f"tonsure-{found[1]}.cdx.json"
    bill.write_text(json.dumps(sbom(interpreter, found[1]), indent=1) + "\n", encoding="utf-8")
    for name, digest in {**first, bill.name: _hash(bill)}.items():
        print(f"{digest}  {name}")
    if given.check:
        for artifact in sorted(out.glob("tonsure-[0-9]*")):
            if artifact != bill:
                check(interpreter, artifact)
    return 0


if __name__ == "__main__":
    sys.exit(main())
