"""The weights: the list is true, and nothing else than what it says is ever opened."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tonsure import errors, models
from tonsure.models import protobuf, registry, session

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
NAMES = list(models.MODELS)


# -- the list -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_tells_the_truth(name: str) -> None:
    entry = models.info(name)
    data = entry.path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry.sha256
    assert len(data) == entry.bytes
    assert not protobuf.names_other_files(data)
    assert entry.card_text().startswith(f"# {name}\n")
    assert entry.licence
    assert entry.provenance
    assert not entry.licence_file or len(entry.licence_text()) > 500


@pytest.mark.parametrize("name", NAMES)
def test_the_ports_are_those_of_the_graph(name: str) -> None:
    entry = models.info(name)
    net = models.open(name, threads=1)
    for ports, real in ((entry.inputs, net.get_inputs()), (entry.outputs, net.get_outputs())):
        assert [p.name for p in ports] == [r.name for r in real]
        for port, there in zip(ports, real, strict=True):
            assert len(port.shape) == len(there.shape)
            fixed = [(a, b) for a, b in zip(port.shape, there.shape, strict=True) if a != b]
            assert all(isinstance(a, str) and isinstance(b, str) for a, b in fixed)


def test_all_files_are_listed() -> None:
    folder = models.info(NAMES[0]).path.parent
    assert {p.name for p in folder.glob("*.onnx")} == {m.file for m in models.MODELS.values()}
    assert sum(m.bytes for m in models.MODELS.values()) < 40e6


def test_an_unknown_name_gets_a_hint() -> None:
    with pytest.raises(errors.ModelMissing, match="did you mean face_mesh"):
        models.open("face_mash")
    with pytest.raises(errors.ModelMissing, match="face_detector, face_mesh") as caught:
        models.info("?")
    assert caught.value.exit_code == 6


def test_the_list_costs_no_runtime() -> None:
    code = "import sys, tonsure.models, tonsure.faces; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- opening --------------------------------------------------------------------------------


def test_a_session_is_kept() -> None:
    assert models.open("face_mesh", threads=1) is models.open("face_mesh", threads=1)
    assert models.open("face_mesh", threads=1) is not models.open("face_mesh", threads=2)
    assert models.open("face_mesh") is models.open("face_mesh", session.default_threads())


def test_prepared_networks_are_open_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = session._session
    monkeypatch.setattr(session, "_session", lambda *a: opened.append(a[2]) or real(*a))
    monkeypatch.setattr(session, "cores", lambda: 2)
    session.close()
    session.prepare(["face_mesh", "no_such_network", "hat"], 2)
    for thread in threading.enumerate():
        if thread.name == "prepare":
            thread.join()
    assert len(opened) == 2  # what is wrong is told when it is opened, not here
    models.open("hat", 2)
    assert len(opened) == 2
    session.close()
    session.prepare(["hat"], 1)
    assert len(opened) == 2


def test_threads_share_one_session(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = session._session
    monkeypatch.setattr(session, "_session", lambda *a: opened.append(a) or real(*a))
    session.close()
    picture = np.zeros((1, 192, 192, 3), np.float32)
    results: list[object] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        net = models.open("face_mesh", threads=1)
        results.append((net, float(net.run(["flag"], {"image": picture})[0][0])))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(opened) == 1
    assert len(results) == 4
    assert len(set(results)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_process_can_run_them_too() -> None:
    code = """
import os, numpy as np
from tonsure import models
picture = np.zeros((1, 192, 192, 3), np.float32)
def run():
    return float(models.open("face_mesh", 2).run(["flag"], {"image": picture})[0][0])
here = run()
child = os.fork()
if child == 0:
    os._exit(0 if run() == here else 3)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == 0


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> models.ModelInfo:
    """A model "copy" whose file is a copy of the mesh's in a temporary folder."""
    mesh = models.info("face_mesh")
    path = tmp_path / "copy.onnx"
    shutil.copy(mesh.path, path)
    copy = dataclasses.replace(mesh, name="copy", file=str(path))
    monkeypatch.setitem(registry.MODELS, "copy", copy)
    session.close()
    return copy


def one_sentence(error: pytest.ExceptionInfo[BaseException]) -> bool:
    text = str(error.value)
    return "\n" not in text and text.endswith(".") and len(text) < 300


def test_a_file_that_is_gone(entry: models.ModelInfo) -> None:
    entry.path.unlink()
    with pytest.raises(errors.ModelMissing, match="missing") as caught:
        models.open("copy")
    assert one_sentence(caught)
    assert caught.value.exit_code == 6


def test_a_changed_file_is_not_even_parsed(
    entry: models.ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(entry.path.read_bytes())
    data[len(data) // 2] ^= 1
    entry.path.write_bytes(data)
    monkeypatch.setattr(session, "_session", lambda *a: pytest.fail("parsed"))
    with pytest.raises(errors.ModelDamaged, match="hash") as caught:
        models.open("copy")
    assert one_sentence(caught)
    assert caught.value.exit_code == 6


def test_the_copy_itself_is_fine(entry: models.ModelInfo) -> None:
    assert models.open("copy", 1).get_inputs()[0].name == "image"


# -- a user's own file ----------------------------------------------------------------------


def test_own_file(entry: models.ModelInfo) -> None:
    net = models.open_path(entry.path, sha256=entry.sha256.upper(), threads=1)
    assert net.get_outputs()[0].name == "landmarks"
    with pytest.raises(errors.ModelDamaged, match="expected hash"):
        models.open_path(entry.path, sha256="0" * 64)
    with pytest.raises(errors.ModelMissing, match="cannot be read"):
        models.open_path(entry.path.with_name("none.onnx"))


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


TENSOR = field(8, b"w") + field(13, field(1, b"location") + field(2, b"/etc/passwd"))
ONLY_LOCATION = field(8, b"w") + field(14, 1)


@pytest.mark.parametrize(
    "model",
    [
        field(7, field(5, TENSOR)),
        field(7, field(5, ONLY_LOCATION)),
        field(7, field(1, field(5, field(5, TENSOR)))),  # a constant: node, attribute
        field(7, field(1, field(5, field(6, field(5, TENSOR))))),  # a graph in an attribute
        field(7, field(1, field(5, field(11, field(5, TENSOR))))),
        field(7, field(15, field(1, TENSOR))),  # a sparse initialiser
        field(20, field(1, field(5, TENSOR))),  # training
        field(25, field(7, field(5, field(5, TENSOR)))),  # a function
    ],
)
def test_models_that_name_other_files_are_refused(model: bytes, tmp_path: Path) -> None:
    assert protobuf.names_other_files(model)
    path = tmp_path / "evil.onnx"
    path.write_bytes(model)
    with pytest.raises(errors.ModelDamaged, match="other files") as caught:
        models.open_path(path)
    assert one_sentence(caught)


def test_a_tensor_within_the_file_is_fine() -> None:
    assert not protobuf.names_other_files(field(7, field(5, field(8, b"w") + field(14, 0))))


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(64), b"\xff" * 40, field(7, b"")[:1] + b"\x7f"],
)
def test_what_is_no_model(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(data)
    with pytest.raises(errors.ModelDamaged) as caught:
        models.open_path(path)
    assert one_sentence(caught)


def test_a_truncated_file(entry: models.ModelInfo) -> None:
    data = entry.path.read_bytes()
    entry.path.write_bytes(data[: len(data) // 3])
    with pytest.raises(errors.ModelDamaged):
        models.open_path(entry.path)


def test_nesting_has_an_end(tmp_path: Path) -> None:
    deep = b""
    for _ in range(300):
        deep = field(1, field(5, field(6, deep)))
    path = tmp_path / "deep.onnx"
    path.write_bytes(field(7, deep))
    with pytest.raises(errors.ModelDamaged, match="nested"):
        models.open_path(path)


# -- the tool that keeps the list true ------------------------------------------------------


def register(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "register_model.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_register_model(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    shutil.copytree(Path(registry.__file__).parent, folder)
    assert register("--check", "--models", str(folder)).returncode == 0
    path = folder / "assets" / "face_mesh.onnx"
    path.write_bytes(b"other")
    late = register("--check", "--models", str(folder))
    assert late.returncode == 1
    assert "face_mesh" in late.stdout
    assert register("face_detector", "--models", str(folder)).returncode == 0
    assert register("--check", "--models", str(folder)).returncode == 1
    assert register("face_mesh", "--models", str(folder)).returncode == 0
    assert register("--check", "--models", str(folder)).returncode == 0
    source = (folder / "registry.py").read_text(encoding="utf-8")
    assert hashlib.sha256(b"other").hexdigest() in source
    assert "bytes=5," in source
    assert register("none", "--models", str(folder)).returncode == 2
