"""`lab measure`: what it looks at, and that what it measures would be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("skimage")

from small import drawn, small, trained, write_pack
from tonsure.attributes import CELEBA
from tonsure.errors import BadOption, ModelMissing
from tonsure.lab import accuracy, likeness, measuring
from tonsure.lab.data import packed, split
from tonsure.lab.evaluate import judge as judges


class Bright:
    """Says yes to every label of a picture that is bright."""

    def run(self, _: Any, fed: dict[str, np.ndarray]) -> list[np.ndarray]:
        level = 1 / (1 + np.exp(-4 * fed["picture"].mean((1, 2, 3))))
        return [np.repeat(level[:, None], len(CELEBA), 1).astype(np.float32)]


def judge(**fields: Any) -> judges.Judge:
    return judges.Judge(CELEBA, np.full(len(CELEBA), 0.2), Bright(), **fields)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "open", lambda file=None: judge())


def test_in_blocks_it_is_the_same(tmp_path: Path, own: None, monkeypatch) -> None:
    made = small("stgan-128", "train.steps=1")
    run = trained(made, tmp_path / "run")
    write_pack(tmp_path / "pack", made, 7)
    whole = measuring.figures(run, tmp_path / "pack", likeness=False)
    monkeypatch.setattr(measuring, "BLOCK", 2)
    heard: list[tuple[int, int]] = []
    parts = measuring.figures(
        run, tmp_path / "pack", likeness=False, tell=lambda *told: heard.append(told)
    )
    assert parts == whole
    assert heard == [(2, 7), (4, 7), (6, 7), (7, 7)]
    assert (whole["d"], whole["pictures"], whole["part"]) == (1.5, 7, "the last rows")
    other = measuring.figures(run, tmp_path / "pack", likeness=False, split="stargan")
    assert (whole["split"], other["split"], other["part"]) == ("all", "stargan", "test")
    with pytest.raises(BadOption, match="did you mean 'celeba'"):
        measuring.figures(run, tmp_path / "pack", split="celebA")
    by = whole["judges"]["judge"]
    # a judge who knows that yes is rare says it less often at 0.5 than at equal odds
    assert by["at_half"]["switched_on"]["mean"] <= by["equal_odds"]["switched_on"]["mean"]


def test_stargan_is_measured_at_its_labels(tmp_path: Path, own: None) -> None:
    made = small("stargan-128", "train.steps=1")
    run = trained(made, tmp_path / "run")
    write_pack(tmp_path / "pack", made, 4)
    assert measuring.figures(run, tmp_path / "pack", 1.5, likeness=False)["d"] == 1.0
    with pytest.raises(BadOption, match="--count is 1 or more"):
        measuring.figures(run, tmp_path / "pack", count=0)


def test_published_figures_are_of_the_test_split() -> None:
    pack = drawn(small(), 6)
    parts = np.array([0, 0, 1, 1, 2, 2], np.int8)
    assert replace(pack, parts=parts).examined()[0] == "test"
    assert replace(pack, parts=parts).examined()[1].tolist() == [4, 5]
    parts[parts == split.TEST] = split.UNUSED
    assert replace(pack, parts=parts).examined()[1].tolist() == [2, 3]
    assert isinstance(pack, packed.Packed)


def test_a_second_judge_sees_its_own_crop() -> None:
    frames = np.zeros((1, 218, 178, 3), np.uint8)
    frames[:, 26:196, 3:173] = 200  # the official crop
    other = judge(crop="official", size=(128, 128))
    seen = accuracy.views(frames, other)
    assert seen.shape == (1, 128, 128, 3)
    assert (seen == 200).all()
    assert accuracy.views(frames, judge()).shape == (1, *judges.SIZE, 3)
    # and a crop that is put back lies where it was cut
    crop = np.full((2, 64, 64, 3), 90, np.uint8)
    crop[:, :32] = 30
    back = accuracy.framed(crop, "official")
    assert back.shape == (2, 218, 178, 3)
    assert np.array_equal(back[0, :26], np.repeat(back[0, 26:27], 26, 0))
    assert abs(int(back[0, 26 + 42, 80, 0]) - 30) <= 3
    assert abs(int(back[0, 196 - 42, 80, 0]) - 90) <= 3


def test_what_describes_a_judge_comes_back(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "other.onnx"
    file.write_bytes(b"weights")
    judges.describe(file, ("A",), np.array([0.25]), "official", (128, 96))
    monkeypatch.setattr("tonsure.models.session.open_path", lambda *a, **k: None)
    found = judges.open(file)
    assert (found.names, found.crop, found.size) == (("A",), "official", (128, 96))
    with pytest.raises(ModelMissing):
        judges.open(tmp_path / "none.onnx")


def test_frechet_distances_by_hand() -> None:
    random = np.random.default_rng(0)
    a = random.standard_normal((400, 3))
    assert likeness.frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert likeness.frechet(a, a + np.array([3, 0, 4])) == pytest.approx(25)
    # the same mean, twice the deviation along each axis: sum of variances
    a -= a.mean(0)
    assert likeness.frechet(a, 2 * a) == pytest.approx(np.trace(np.cov(a.T)))
    # one that commutes with nothing: against the root by eigenvalues of the product
    b = a @ np.array([[2.0, 1, 0], [0, 1, 0], [0.5, 0, 3]])
    sa, sb = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.linalg.eigvals(sa @ sb).astype(complex)).real.sum()
    assert likeness.frechet(a, b) == pytest.approx(np.trace(sa) + np.trace(sb) - 2 * root)


def test_kernel_distance_is_unbiased() -> None:
    a, b = np.array([[1.0], [2.0]]), np.array([[0.0], [3.0]])
    # (1*2+1)^3 + (0*3+1)^3 - 2 * mean of (1, 64, 1, 343)
    assert likeness.kernel_distance(a, b) == pytest.approx(27 + 1 - 2 * (1 + 64 + 1 + 343) / 4)
    random = np.random.default_rng(0)
    same = [likeness.kernel_distance(*random.standard_normal((2, 20, 4))) for _ in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(len(same))


def test_a_stained_background_costs_and_a_changed_face_does_not(monkeypatch) -> None:
    def left_half(pixels: np.ndarray) -> np.ndarray:
        out = np.zeros(pixels.shape[:2], np.uint8)
        out[:, : pixels.shape[1] // 2] = 255
        return out

    monkeypatch.setattr(likeness, "person", left_half)
    tiles = np.full((1, 4, 64, 64, 3), 100, np.uint8)
    tiles[:, 2, :, :30] = 200  # the person
    tiles[:, 3, :, 32:] = 130  # the wall
    found = likeness.Backgrounds()
    found.add(tiles, tiles)
    told = found.told(("Bald", "Bangs"))["background"]
    assert told == {"reconstruction": 0, "mean": 15, "Bald": 0, "Bangs": 30, "pictures": 1}
    monkeypatch.setattr(likeness, "person", lambda x: np.full(x.shape[:2], 255, np.uint8))
    none = likeness.Backgrounds()
    none.add(tiles, tiles)
    assert none.told(("Bald", "Bangs")) == {}


def test_features_tell_what_went_how_far(monkeypatch, tmp_path: Path) -> None:
    class Net:
        def run(self, names: list[str], fed: dict[str, np.ndarray]) -> list[np.ndarray]:
            x = fed["pictures"].transpose(0, 3, 1, 2) + 1
            assert x.shape[2:] == (128, 128)
            return [x[:, :, ::k, ::k] for k in (2, 4, 8, 16)]

    monkeypatch.setattr(likeness.features, "check", lambda: None)
    monkeypatch.setattr(likeness.session, "open_path", lambda _: Net())
    random = np.random.default_rng(0)
    tiles = np.repeat(random.integers(0, 256, (12, 1, 32, 32, 3)).astype(np.uint8), 4, 1)
    tiles[:, 2] //= 2  # darker: the same direction of features, another length
    tiles[:, 3, :, :, 0] = 255 - tiles[:, 3, :, :, 0]
    looks = likeness.Looks()
    looks.add(tiles, tiles)
    told = looks.told(("Dark", "Other"))
    assert told["perceptual"]["reconstruction"] == 0
    assert abs(told["fid"]["reconstruction"]) < 0.02 * told["fid"]["Other"]
    for key in ("fid", "kid", "perceptual"):
        assert told[key]["reconstruction"] < told[key]["Other"]
        assert told[key]["mean"] == pytest.approx(
            (told[key]["Dark"] + told[key]["Other"]) / 2, abs=1e-4
        )
    assert told["perceptual"]["Dark"] < 0.05 * told["perceptual"]["Other"]
    assert told["fid"]["halves"] > 0
    alone = likeness.Looks()
    alone.add(tiles[:1], tiles[:1])
    assert set(alone.told(("Dark", "Other"))) == {"perceptual"}


def test_persons_are_told_from_the_original(monkeypatch) -> None:
    monkeypatch.setattr(likeness.identity, "check", lambda: None)
    monkeypatch.setattr(likeness, "landmarks", lambda x: (np.zeros((468, 3)), float(x[0, 0, 0])))
    monkeypatch.setattr(likeness.identity, "chip_at", lambda x, points: x)
    monkeypatch.setattr(
        likeness.identity, "descriptors", lambda chips: chips[:, 0, 0, 1:].astype(np.float32) / 100
    )
    frames = np.zeros((2, 3, 218, 178, 3), np.uint8)
    frames[0, :, 0, 0, 0] = 1  # a face; in the second picture there is none
    frames[0, 2, 0, 0, 1] = 90
    found = likeness.Persons()
    found.add(frames, frames)
    told = found.told(("Bald",))
    assert told["identity"] == {"reconstruction": 0, "mean": 0.9, "Bald": 0.9}
    assert told["other_person"]["Bald"] == 1


def test_nets_that_are_not_there_are_named(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = likeness.Likeness()
    assert [type(part) for part in found.parts] == [likeness.Backgrounds]
    told = found.told(("Bald",))
    assert "convert_features.py makes it" in told["left_out"]["fid, kid, perceptual"]
    assert "convert_identity.py makes it" in told["left_out"]["identity"]


def test_the_command_takes_several_judges(monkeypatch, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from tonsure.lab.cli import app

    heard: dict[str, Any] = {}

    def figures(*told: Any, **named: Any) -> dict[str, Any]:
        heard.update(named, told=told)
        return {"psnr": 1.0}

    monkeypatch.setattr(measuring, "figures", figures)
    line = ["measure", "RUN", "--data", "PACK", "--judge", "a.onnx", "--judge", "b.onnx"]
    ran = CliRunner().invoke(app, [*line, "--no-likeness", "--count", "3"])
    assert ran.exit_code == 0, ran.output
    assert heard["told"][2:] == (1.5, [Path("a.onnx"), Path("b.onnx")], 3)
    assert heard["likeness"] is False
    assert SimpleNamespace(**heard).raw is False
