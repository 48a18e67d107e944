"""The OpenAPI description against the server: what it says is what happens, whatever is sent."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

NOT_OURS = "ignored_auth,missing_required_header,positive_data_acceptance"
"""There is no token here, no header is required, and no schema can say "with a face in it"."""


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed"
)
def test_no_fault_and_no_surprise(process, tmp_path):
    there = process("--rate", "0", "--timeout", "60")
    ran = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{there.port}/openapi.json",
            "--checks", "all", "--exclude-checks", NOT_OURS,
            "--max-examples", os.environ.get("EXAMPLES", "10"), "--seed", "1",
            "--phases", "examples,coverage,fuzzing", "--request-timeout", "60", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert " 500 " not in there.log.read_text()
