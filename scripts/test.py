#!/usr/bin/env python3
"""Run all checks and tests. Sets up all that it needs by itself: in `.venv`, or in the virtual
environment that is active. Arguments go to pytest."""

from __future__ import annotations

import subprocess
import sys
import time

from environment import ROOT, python

# the laboratory is tested with this one version of torch; the tool never imports it
TORCH = "torch==2.13.0"

TEXTS = ("src", "tests", "docs", "scripts", "benchmarks", "README.md", "CONTRIBUTING.md")

CHECKS = {
    "ruff": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "codespell": ["-m", "codespell_lib", *TEXTS],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"],
    "mypy": ["-m", "mypy"],
    "site": ["scripts/make_site.py", "--check"],
    "pytest": ["-m", "pytest"],
}


def main() -> int:
    """0 if everything passes."""
    interpreter = python("-e", ".[heif,web,video,batch,lab,docs,dev]", TORCH)
    failed = []
    for name, arguments in CHECKS.items():
        began = time.perf_counter()
        more = sys.argv[1:] if name == "pytest" else []
        done = subprocess.run([str(interpreter), *arguments, *more], cwd=ROOT, check=False)
        seconds = time.perf_counter() - began
        print(f"== {name}: {'FAILED' if done.returncode else 'ok'}, {seconds:.0f} s", flush=True)
        if done.returncode:
            failed.append(name)
    print(f"Failed: {', '.join(failed)}" if failed else "All passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
