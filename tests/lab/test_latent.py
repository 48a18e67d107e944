"""Directions, inversion and edits in w+, with small untrained networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from PIL import Image  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from tonsure.cli.app import app  # noqa: E402
from tonsure.errors import BadOption  # noqa: E402
from tonsure.examples import ASTRONAUT  # noqa: E402
from tonsure.lab import checkpoints, directions, latent, release  # noqa: E402
from tonsure.lab.networks.stylegan2 import Generator, Shape  # noqa: E402
from tonsure.lab.tasks import stylegan  # noqa: E402

OPTIONS = {"size": 32, "latent": 12, "mapping": 2, "base": 256, "widest": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network as it is before training."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("run")
    g = Generator(Shape(**OPTIONS))
    with torch.no_grad():  # brighter colours than those that initial weights make
        for block in g.blocks:
            block.rgb.weight.mul_(0.3)
    tensors = {f"average.{k}": v for k, v in g.state_dict().items()}
    config = {"name": "stylegan2-64", "task": "stylegan", "options": OPTIONS, "train": {}}
    checkpoints.keep(folder, 7, tensors, {"config": config}, 1)
    return folder


def test_a_boundary_is_found_where_it_is() -> None:
    random = np.random.default_rng(0)
    w = random.standard_normal((2000, 12)) * np.linspace(0.5, 2, 12)
    true = random.standard_normal(12)
    likely = 1 / (1 + np.exp(-8 * (w @ true + 3)))
    found = directions.direction("Bald", w, likely)
    cosine = found.vector @ true / np.linalg.norm(true) / np.linalg.norm(found.vector)
    assert cosine > 0.97
    assert found.auc > 0.98
    assert not found.doubtful
    # degree 1 leads from the mean without to the mean with
    yes = likely > 0.5
    step = (w[yes].mean(0) - w[~yes].mean(0)) @ true / (found.vector @ true)
    assert step == pytest.approx(1, abs=0.1)


def test_chance_is_told_as_chance() -> None:
    random = np.random.default_rng(1)
    w = random.standard_normal((1500, 12))
    assert abs(directions.direction("Bald", w, random.random(1500)).auc - 0.5) < 0.12


def test_too_few_are_doubtful() -> None:
    random = np.random.default_rng(2)
    w = random.standard_normal((600, 4))
    found = directions.direction("Bald", w, 0.4 / (1 + np.exp(-w[:, 0])))
    assert found.doubtful
    assert found.seen == 0
    assert found.vector[0] > 3 * np.abs(found.vector[1:]).max()


def test_what_is_kept_does_not_move() -> None:
    random = np.random.default_rng(3)
    a, b, c = random.standard_normal((3, 9))
    left = directions.apart(a, [b, c])
    assert abs(left @ b) < 1e-5
    assert abs(left @ c) < 1e-5
    assert left @ a > 0


def test_a_made_face_is_found_again(run: Path) -> None:
    faces = latent.opened(run)
    known = latent.made(faces, 200)
    g = faces.net
    with torch.no_grad():
        truth = g(torch.randn(1, 12, generator=torch.Generator().manual_seed(9)))
    picture = stylegan.to_bytes(truth)[0]
    guess = latent.inverted(faces, known, picture, steps=0)
    found = latent.inverted(faces, known, picture, steps=60, rate=0.15)
    mean = stylegan.to_bytes(g.synthesise(g.spread(torch.from_numpy(known.w.mean(0))[None])))[0]
    error = [float(np.square(x.astype(float) - picture).mean()) for x in (mean, guess.picture)]
    assert error[1] < 0.7 * error[0]  # the encoder alone
    assert found.psnr > guess.psnr + 4
    assert found.ws.shape == (1, g.shape.styles, 12)


def test_made_faces_are_kept_for_the_next_time(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = latent.opened(run)
    first = latent.made(faces, 200)

    def refused(*_: Any) -> Any:
        raise AssertionError("made anew")

    monkeypatch.setattr(latent.judges, "open", refused)
    again = latent.made(faces, 200)
    assert np.array_equal(first.likely, again.likely)
    with torch.no_grad():
        faces.net.constant.add_(1)
    with pytest.raises(AssertionError, match="made anew"):
        latent.made(faces, 200)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def cli(*words: object) -> Any:
    return CliRunner().invoke(app, ["lab", *map(str, words)])


def test_edit_latent_changes_the_face_alone(run: Path, tmp_path: Path) -> None:
    source, out, strip = ASTRONAUT, tmp_path / "out.png", tmp_path / "strip.png"
    words = ["edit-latent", source, "--run", run, "-o", out, "--direction", "Male", "--steps", 20,
             "--samples", 200, "--strip", strip]  # fmt: skip
    done = cli(*words, "--degree", 1.5, "--keep", "Smiling")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["direction"] == "Male"
    assert 0 <= told["judge"]["found"] <= 1
    before, after = pixels(source), pixels(out)
    changed = np.abs(after - before).max(2) > 0
    assert changed.any()
    assert not changed[-40:].any()  # the chest is far from the face
    assert pixels(strip).shape == (256, 3 * 256 + 8, 3)
    again = cli(*words)
    assert again.exit_code != 0  # no file is overwritten unasked
    assert "--overwrite replaces it" in again.output
    still = cli(*words, "--degree", 0, "--overwrite")
    assert still.exit_code == 0, still.output
    assert np.array_equal(pixels(out), before)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--direction", "bald"], "write 'Bald'"),
        (["--degree", "3"], "from -1.5 to 1.5"),
        (["--keep", "Bald"], "cannot change and be kept"),
        (["--samples", "5"], "100 made faces or more"),
    ],
)
def test_wrong_wishes_are_told(words: list[str], said: str, run: Path, tmp_path: Path) -> None:
    done = cli("edit-latent", ASTRONAUT, "--run", run, "-o", tmp_path / "o.png", *words)
    assert done.exit_code == 2
    assert said in done.output
    assert not (tmp_path / "o.png").exists()


def test_what_cannot_be_done_is_told_before_the_work(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> Any:
        raise AssertionError("faces were made")

    monkeypatch.setattr(latent, "made", refused)
    Image.fromarray(np.full((120, 120, 3), 90, np.uint8)).save(tmp_path / "wall.png")
    nobody = cli("edit-latent", tmp_path / "wall.png", "--run", run, "-o", tmp_path / "o.png")
    assert "face" in nobody.output
    unknown = cli("edit-latent", ASTRONAUT, "--run", run, "-o", tmp_path / "o.docx")
    assert "o.docx" in unknown.output
    for done in (nobody, unknown):
        assert done.exit_code not in (0, 1)


def test_sheets_and_onnx(run: Path, tmp_path: Path) -> None:
    done = cli("faces", run, "-o", tmp_path / "a.png", "--count", 5, "--columns", 3)
    assert done.exit_code == 0, done.output
    assert pixels(tmp_path / "a.png").shape == (64, 96, 3)
    told = release.write(run, tmp_path / "g.onnx")
    assert told["gap"] < 0.02  # weights are stored as float16
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / "g.onnx"))
    fed = {"z": np.zeros((3, 12), np.float32), "keeping": np.array(0, np.float32)}
    (pictures,) = session.run(None, fed)
    assert pictures.shape == (3, 3, 32, 32)


def test_another_run_is_told(tmp_path: Path) -> None:
    config = {"name": "hat", "task": "hat", "options": {}, "train": {}}
    checkpoints.keep(tmp_path, 1, {"average.a": torch.zeros(1)}, {"config": config}, 1)
    with pytest.raises(BadOption, match="is no StyleGAN2"):
        latent.opened(tmp_path)
