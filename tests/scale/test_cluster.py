"""A local cluster of Ray with two workers: one is killed in the middle, then the driver is.

Every process is one of its own, as Ray talks over sockets, which tests refuse.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed")

ROOT = Path(__file__).parent.parent.parent
PIPELINE = """
import json, sys
import numpy as np
import ray
import tonsure
ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
ray.data.DataContext.get_current().enable_progress_bars = False
try:
    data = ray.data.read_binary_files(sys.argv[1], include_paths=True)
    rows = sorted(tonsure.batch(data, degree=0, workers=1).take_all(), key=lambda r: r["path"])
    told = [(json.loads(r["tonsure"])["status"], r["bytes"] is None) for r in rows]
    print(json.dumps(told))
finally:
    ray.shutdown()
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=env, timeout=600, check=False
    )


@pytest.mark.slow
def test_a_worker_and_the_driver_are_killed_and_nothing_is_lost_or_done_twice():
    ran = run(
        str(ROOT / "benchmarks" / "killed.py"), "--photos", "24", "--kills", "2", "--verb", "batch",
        "--ray", "2",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "killed: a worker at" in ran.stdout
    assert "the run at" in ran.stdout
    assert "identical: True" in ran.stdout


@pytest.mark.slow
def test_a_dataset_goes_through_warm_actors(source):
    (source / "notes.txt").unlink()
    ran = run("-c", PIPELINE, str(source))
    assert ran.returncode == 0, ran.stderr[-2000:]
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told == [["done", False]] * 3 + [["failed", True], ["done", False]]
