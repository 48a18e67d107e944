"""What networks run on: looked up, never guessed; one sentence where nothing runs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tonsure import errors
from tonsure.editor import Editor
from tonsure.models import device, open, session
from tonsure.parallel import both


@pytest.fixture
def only_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "here", lambda: ("cpu",))


def test_onnxruntime_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    """Of its own it keeps a number of the device there, for the telemetry of its makers."""
    line = "from tonsure import models; models.open('hat')"
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    kept = ("XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY")
    place = {key: value for key, value in os.environ.items() if key not in kept} | home
    subprocess.run([sys.executable, "-c", line], env=place, check=True)
    assert [path.name for path in tmp_path.rglob("*")] == []


def test_the_processor_is_always_there() -> None:
    assert device.here()[-1] == "cpu"
    assert device.check("cpu") == "cpu"
    assert device.check(" CPU ") == "cpu"
    assert device.providers("cpu") == ["CPUExecutionProvider"]


@pytest.mark.parametrize("name", ["cuda", "coreml", "directml", "openvino"])
def test_one_sentence_where_nothing_runs(only_cpu: None, name: str) -> None:
    with pytest.raises(errors.BadOption, match=f"device {name} here") as caught:
        Editor(device=name)
    for door in ("python", "cli"):
        said = caught.value.said(door)
        assert "\n" not in said
        assert said.endswith(".")
    assert "Editor(device='cpu')" in str(caught.value)
    assert "--device cpu" in caught.value.said("cli")


@pytest.mark.parametrize("wrong", ["gpu", "cdua", "", 3])
def test_unknown_names(wrong: str) -> None:
    with pytest.raises(errors.BadOption, match="no device"):
        Editor(device=wrong)


def test_automatic_is_what_was_installed_on_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "here", lambda: ("cuda", "coreml", "cpu"))
    assert device.providers("auto") == [
        ("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider",
    ]  # fmt: skip
    assert device.providers("openvino", "person_mask") == ["CPUExecutionProvider"]
    assert device.providers("coreml")[0] == ("CoreMLExecutionProvider", {})


def test_a_provider_that_gives_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime falls back to the processor by itself, and says so on stderr at most."""
    monkeypatch.setattr(device, "here", lambda: ("cuda", "cpu"))
    monkeypatch.setattr(device, "providers", lambda *a: ["CPUExecutionProvider"])
    session.close()
    with device.on("cuda"), pytest.raises(errors.BadOption, match="Nothing runs on the device"):
        open("face_mesh", 1)
    with device.on("auto"):
        assert session.opened_on(open("face_mesh", 1)) == "cpu"
    session.close()


def test_the_choice_goes_along_to_other_threads() -> None:
    with device.on("openvino"):
        assert both(device.chosen, device.chosen, 2) == ("openvino", "openvino")
        seen: list[str] = []
        apart = threading.Thread(target=lambda: seen.append(device.chosen()))
        apart.start()
        apart.join()
    assert seen == ["auto"]  # other work in the process has its own
    assert device.chosen() == "auto"


def test_sessions_are_kept_for_each_device() -> None:
    session.close()
    with device.on("cpu"):
        one = open("face_mesh", 1)
    with device.on("auto"):
        assert open("face_mesh", 1) is not one
    with device.on("cpu"):
        assert open("face_mesh", 1) is one


def test_parity(astronaut: np.ndarray) -> None:
    """Where an accelerator runs, its pictures are the processor's but for rounding."""
    others = device.here()[:-1]
    if not others:
        pytest.skip("onnxruntime has the processor alone; onnxruntime-openvino can be had anywhere")
    on_cpu = Editor(device="cpu").open(astronaut).bald().image.astype(int)
    for name in others:
        apart = np.abs(on_cpu - Editor(device=name).open(astronaut).bald().image)
        # rounding may choose another patch of the same grain
        assert apart.mean() < 0.3, name
        assert (apart > 16).mean() < 0.002, name


def test_edits_use_the_editors_device(monkeypatch: pytest.MonkeyPatch, drawn: object) -> None:
    from tonsure import faces

    seen: list[str] = []
    face = SimpleNamespace(box=(100, 50, 300, 300), height=200.0, iod=80.0)
    monkeypatch.setattr(faces, "find", lambda *a, **k: seen.append(device.chosen()) or [face])
    Editor(device="cpu").open(np.zeros((400, 400, 3), np.uint8)).bald(0.0)
    assert seen == ["cpu"]


def test_attributes_are_estimated_on_the_editors_device(
    monkeypatch: pytest.MonkeyPatch, drawn: object, astronaut: np.ndarray
) -> None:
    from tonsure import edit

    monkeypatch.setattr(edit, "labels", lambda portrait: {"chosen": device.chosen()})
    assert Editor(device="cpu").open(astronaut).has(1) == {"chosen": "cpu"}


def test_keyframes_beside_a_film_use_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    from tonsure.film import track
    from tonsure.film.follower import Follower

    with pytest.raises(errors.BadOption, match="no device"):
        Follower(device="gpu")
    asked: list[Future[str]] = []

    class Pool(ThreadPoolExecutor):
        def submit(self, *work: Any, **more: Any) -> Future[Any]:
            asked.append(super().submit(*work, **more))
            return asked[-1]

    monkeypatch.setattr(track.keys, "make", lambda *a, **k: device.chosen())
    shown: Any = SimpleNamespace(pixels=None, grey=None, time=0.0, number=0)
    with device.on("openvino"), Pool(1) as pool:
        track.Track(SimpleNamespace(number=1), None, 1).ask(shown, pool)
    assert [one.result() for one in asked] == ["openvino"]


@pytest.mark.parametrize(
    "verb", ["bald", "mask", "edit", "sweep", "video", "watch", "inspect", "serve"]
)
def test_every_verb_that_runs_networks_takes_a_device(verb: str) -> None:
    from typer.main import get_command

    from tonsure.cli.app import app

    (own,) = (p for p in get_command(app).commands[verb].params if "--device" in p.opts)
    assert own.default is None  # what the settings say
