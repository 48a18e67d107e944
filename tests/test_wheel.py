"""What is built: nothing too much in it, the same bytes each time, and it works by itself."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytest.importorskip("hatchling")


def build(folder: Path, out: Path) -> Path:
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(line, cwd=folder, check=True, capture_output=True, timeout=300)
    (wheel,) = out.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """tonsure's and tonsure-models'."""
    out = tmp_path_factory.mktemp("wheels")
    return build(ROOT, out / "tonsure"), build(ROOT / "models", out / "models")


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name.rpartition("/")[2] for name in archive.namelist() if name.endswith(".onnx")}


def test_every_network_is_in_one_of_two_wheels(wheels: tuple[Path, Path]) -> None:
    from tonsure.models import MODELS

    base, models = map(names, wheels)
    assert base == {entry.file for entry in MODELS.values() if not entry.apart}
    assert models == {entry.file for entry in MODELS.values() if entry.apart} | {"judge.onnx"}
    assert wheels[0].stat().st_size < 25e6


def test_building_again_elsewhere_gives_the_same_bytes(
    wheels: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "share/man/man1/tonsure.1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)  # with another time
    shutil.copytree(
        ROOT / "src", tmp_path / "src", copy_function=shutil.copyfile,
        ignore=shutil.ignore_patterns("__pycache__"),
    )  # fmt: skip
    again = build(tmp_path, tmp_path / "out")
    assert again.name == wheels[0].name
    first, second = (hashlib.sha256(one.read_bytes()).hexdigest() for one in (wheels[0], again))
    assert first == second


def test_a_wheel_works_by_itself(wheels: tuple[Path, Path], tmp_path: Path, data: Path) -> None:
    """Unpacked, without git or anything of the repository; then with the other one beside it."""
    place = tmp_path / "installed"
    with zipfile.ZipFile(wheels[0]) as archive:
        archive.extractall(place)
    photo = tmp_path / "me.jpg"
    shutil.copyfile(data / "astronaut.jpg", photo)

    def tonsure(*line: str) -> subprocess.CompletedProcess[str]:
        kept = {"SYSTEMROOT", "HOME", "TONSURE_CONFIG", "OMP_NUM_THREADS"}
        environment = {key: os.environ[key] for key in kept & os.environ.keys()}
        environment |= {"PYTHONPATH": str(place), "PATH": ""}
        return subprocess.run(
            [sys.executable, "-m", "tonsure", *line], cwd=tmp_path, env=environment, check=False,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    done = tonsure("doctor")
    assert done.returncode == 0, done.stderr
    assert "stgan_celeba     not installed" in done.stdout
    refused = tonsure("sweep", str(photo), "--model", "stgan_celeba")
    assert refused.returncode == 6
    assert refused.stderr.count("\n") == 1
    assert "pip install ./models" in refused.stderr
    with zipfile.ZipFile(wheels[1]) as archive:
        archive.extractall(place)
    swept = tonsure("sweep", str(photo), "--model", "stgan_celeba", "--size", "64")
    assert swept.returncode == 0, swept.stderr
    assert (tmp_path / "me.sweep.png").exists()
