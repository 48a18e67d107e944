"""What only a process of its own shows: pipes that close, start-up, what is never imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest


def tonsure(*arguments: object, **options):
    return subprocess.run(
        [sys.executable, "-m", "tonsure", *map(str, arguments)],
        capture_output=True, timeout=60, check=False, **options,
    )  # fmt: skip


def test_exit_codes_reach_the_shell(data, tmp_path):
    cup = tonsure("bald", data / "cup.jpg", "-o", tmp_path / "cup.jpg")
    assert cup.returncode == 4
    assert b"No face was found" in cup.stderr
    assert cup.stdout == b""
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((data / "astronaut.jpg").read_bytes()[:9000])
    ran = tonsure("bald", cut)
    assert ran.returncode == 5
    assert b"Traceback" not in ran.stderr
    assert os.listdir(tmp_path) == ["cut.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
def test_a_reader_that_leaves_is_no_fault(tmp_path):
    command = f"{sys.executable} -m tonsure models | true"
    ran = subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False)
    assert ran.stderr == b""


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
def test_ctrl_c_is_130_without_a_trace():
    with subprocess.Popen(
        [sys.executable, "-m", "tonsure", "bald", "-", "-o", "x.png"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(3)  # it waits for standard input
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
        assert running.returncode == 130
        assert said.decode().strip() == "tonsure: interrupted."


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("import tonsure", {"numpy", "PIL", "onnxruntime", "typer", "rich"}),
        ("import tonsure.cli.app", {"numpy", "PIL", "onnxruntime", "rich"}),
        (
            "import tonsure.editor, tonsure.steps, tonsure.cli.app",
            {"torch", "onnxruntime", "rich", "cv2", "scipy", "skimage"},
        ),
    ],
)
def test_what_is_imported_late(code, never):
    script = f"import sys; {code}; print(*sorted({never!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert ran.stdout.split() == []
