"""What only a process of its own shows: pipes that close, start-up, what is never imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

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
        # a suite that runs in the background hands on that SIGINT is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
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


@pytest.mark.skipif(os.name == "nt", reason="there is no pseudo-terminal")
def test_a_terminal_shows_a_bar(data, tmp_path):
    import pty

    photos = [tmp_path / f"{name}.jpg" for name in "ab"]
    for path in photos:
        path.write_bytes((data / "cup.jpg").read_bytes()[:9000])
    ours, theirs = pty.openpty()
    environ = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-m", "tonsure", "bald", *map(str, photos)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, env=environ,
    ) as running:  # fmt: skip
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            said += part
        out, _ = running.communicate(timeout=60)
    os.close(ours)
    assert running.returncode == 5
    assert out == b""
    assert b"2/2" in said
    assert b"photos/s" in said
    assert said.count(b"cut off") == 2


DRAWN = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from conftest import draw_head
from tonsure import head
head.make = draw_head
if {kill}:
    real, calls = os.fsync, []
    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == {kill}:
            os.kill(os.getpid(), signal.SIGKILL)
        real(descriptor)
    os.fsync = fsync
from tonsure.cli import main
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
def test_killed_and_run_again_a_batch_is_whole(data, tmp_path):
    """No half file, nothing done twice, the bytes of a run that nobody killed."""
    for folder in ("killed", "whole"):
        (tmp_path / folder).mkdir()
        for k in range(6):
            (tmp_path / folder / f"{k}.jpg").write_bytes((data / "astronaut.jpg").read_bytes())

    def batch(folder, kill=0):
        script = DRAWN.format(tests=str(Path(__file__).parent.parent), kill=kill)
        return subprocess.run(
            [sys.executable, "-c", script, "bald", tmp_path / folder, "--skip-existing", "--json"],
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip

    def results(folder):
        return {p.name: p.read_bytes() for p in (tmp_path / folder).glob("*.bald.*")}

    assert batch("killed", kill=4).returncode == -signal.SIGKILL
    before = results("killed")
    assert len(before) == 3
    again = batch("killed")
    assert again.returncode == 0
    assert again.stdout.count(b'"skipped"') == 3
    assert batch("whole").returncode == 0
    assert results("killed") == results("whole")
    assert len(results("whole")) == 6


@pytest.mark.skipif(os.name == "nt", reason="shells differ there")
@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        ("- -o - --degree 0 2>&- < {photo} > {out}", 0, ""),
        ("{photo} -o - --degree 0 >&-", 2, "Standard output is closed"),
        ("- <&-", 2, "Standard input is closed"),
        ("{photo} -o - --degree 0 > /dev/full", 1, "No space left"),
    ],
)
def test_streams_that_are_closed_or_full(data, tmp_path, redirected, code, said):
    photo, out = data / "astronaut.jpg", tmp_path / "out.jpg"
    command = f"{sys.executable} -m tonsure bald {redirected.format(photo=photo, out=out)}"
    ran = subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False)
    assert ran.returncode == code
    assert said in ran.stderr.decode()
    assert b"internal fault" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr
    if not code:
        assert out.read_bytes() == photo.read_bytes()


def test_libraries_are_not_heard(tmp_path, picture):
    """libtiff writes to standard error on its own account."""
    from PIL import Image

    from samples import save

    data = bytearray(save(Image.fromarray(picture), "TIFF", compression="tiff_lzw"))
    data[20:200] = bytes(180)
    path = tmp_path / "damaged.tif"
    path.write_bytes(data)
    ran = tonsure("bald", path)
    assert ran.returncode == 5
    assert len(ran.stderr.decode().splitlines()) == 1
    assert b"damaged" in ran.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_leaves_nothing(data, tmp_path, ending):
    script = f"""
import os, signal
from tonsure.photo import write
def fsync(descriptor):
    os.kill(os.getpid(), {int(ending)})
os.fsync = fsync
from tonsure.cli import main
main()
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, "bald", data / "astronaut.jpg", "--degree", "0", "-o",
         tmp_path / "out.jpg"],
        capture_output=True, timeout=60, check=False,
        preexec_fn=lambda: [signal.signal(s, signal.SIG_DFL) for s in (ending,)],
    )  # fmt: skip
    assert ran.returncode == 128 + ending
    assert ran.stderr.decode().strip() == "tonsure: interrupted."
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("library", ["onnxruntime", "numpy", "PIL"])
def test_a_library_that_is_missing_is_told(data, tmp_path, library):
    script = f"import sys; sys.modules[{library!r}] = None; from tonsure.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", script, "bald", data / "astronaut.jpg", "-o", tmp_path / "a.png"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 6
    said = ran.stderr.decode()
    assert library in said
    assert "internal fault" not in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
