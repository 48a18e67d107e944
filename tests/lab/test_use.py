"""What a run is good for: samples, an exported file, raw photos, the notebook's one-liner."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")

import tonsure  # noqa: E402
from small import drawn, small, trained, write_pack  # noqa: E402
from tonsure import Editor, attributes, crops, hub, photo  # noqa: E402
from tonsure.errors import BadOption, ModelDamaged, ModelMissing, UnreadableInput  # noqa: E402
from tonsure.generator import Generator  # noqa: E402
from tonsure.lab import accuracy, checkpoints, release, sample, sampling  # noqa: E402
from tonsure.models import MODELS  # noqa: E402


def exported(folder: Path, preset: str) -> Path:
    made = small(preset, "train.steps=1")
    run = trained(made, folder / preset)
    return Path(release.write(run, folder / f"{preset}.onnx")["file"])


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    """An exported generator of each system, hardly trained."""
    folder = tmp_path_factory.mktemp("models")
    return {
        name.split("-")[0]: exported(folder, name)
        for name in ("stgan-128", "attgan-128", "stargan-128")
    }


def test_export_agrees_with_torch(models):
    for path in models.values():
        g, config, _ = sample.opened(path.parent / path.stem)
        opened = Generator.open(path)
        c = config.network
        assert opened.names == c.attributes
        random = np.random.default_rng(0)
        pictures = random.integers(0, 256, (3, c.height, c.width, 3)).astype(np.uint8)
        source = random.integers(0, 2, (3, c.count)).astype(np.float32)
        d = attributes.difference(source, attributes.switched(source, "Young", c.attributes))
        wanted = sample.edit(g, c, pictures, source, d)
        for k in range(3):
            told = attributes.condition(opened.kind, opened.scale, source[k], d[k])
            x = pictures[k].astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
            got = opened.run.run(None, {"picture": x, opened.kind: told[None]})[0][0]
            got = np.rint((got.transpose(1, 2, 0) + 1) * 127.5)
            assert np.abs(got - wanted[k]).max() <= 2
        assert "Parity" in path.with_suffix(".md").read_text()
        assert path.with_suffix(".labels.onnx").exists()


def test_tiles_and_strips(models, tmp_path):
    made = small("stgan-128", "train.steps=1")
    write_pack(tmp_path / "pack", made)
    run = models["stgan"].parent / "stgan-128"
    options = {"attribute": "Bald", "strength": 1.0, "count": 2, "single": False, "raw": False}
    sampling.write(run, tmp_path / "pack", tmp_path / "tiles.png", degrees=None, **options)
    with Image.open(tmp_path / "tiles.png") as im:
        assert im.size == (15 * 32 + 14 * 2, 2 * 32)
        columns = json.loads(im.text["tonsure"])["columns"]
    assert [c.get("attribute") for c in columns[2:]] == list(attributes.STANDARD)
    strip = tmp_path / "strip.png"
    sampling.write(run, tmp_path / "pack", strip, degrees="0.60,0.68,0.76", **options)
    with Image.open(strip) as im:
        assert [c.get("d") for c in json.loads(im.text["tonsure"])["columns"]] == [
            None, 0.60, 0.68, 0.76,
        ]  # fmt: skip
    singles = options | {"single": True, "count": 1}
    sampling.write(run, tmp_path / "pack", tmp_path / "one", degrees="0.5", **singles)
    assert len(list((tmp_path / "one").glob("*.png"))) == 2
    with pytest.raises(BadOption, match="not a list of numbers"):
        sampling.parse_degrees("0.6;0.7")


def test_the_original_is_the_first_tile(models):
    g, config, _ = sample.opened(models["stgan"].parent / "stgan-128")
    pack = drawn(config)
    tiles = sample.tiles(g, config.network, pack.pictures[:2], pack.labels[:2])
    assert tiles.shape == (2, 15, 32, 32, 3)
    assert np.array_equal(tiles[:, 0], pack.pictures[:2])


def test_on_a_raw_photo(models, astronaut):
    editor = tonsure.Editor(model=models["stgan"])
    with editor.open(astronaut) as shot:
        made = shot.bald(1.0).photo.pixels
        half = shot.bald(0.5).photo.pixels
        none = shot.bald(0.0).photo.pixels
        view = shot.view(1)
    assert np.array_equal(none, astronaut)
    changed = (made != astronaut).any(2)
    assert changed.any()
    corners = view.frame.to_photo(np.array([[0, 0], [178, 0], [0, 218], [178, 218]], float))
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    ys, xs = np.nonzero(changed)
    assert xs.min() >= x0
    assert ys.max() <= y1
    assert not np.array_equal(half, made)
    assert xs.max() <= x1
    assert ys.min() >= y0


def test_sixteen_bits_and_turned_photos(models, astronaut):
    editor = tonsure.Editor(model=models["attgan"])
    deep = astronaut.astype(np.uint16) * 257
    with editor.open(deep) as shot:
        assert shot.bald(1.0).photo.pixels.dtype == np.uint16
    with editor.open(np.ascontiguousarray(astronaut[::-1, ::-1])) as shot:
        turned = shot.bald(1.0).photo.pixels[::-1, ::-1]
    with editor.open(astronaut) as shot:
        upright = shot.bald(1.0).photo.pixels
    moved = np.abs(turned.astype(int) - upright)[60:180, 180:280]
    assert moved.mean() < 3


def test_the_way_there_and_back_is_exact(models, astronaut):
    """A crop that is warped back lies where it came from."""
    opened = Generator.open(models["stgan"])
    with tonsure.Editor().open(astronaut) as shot:
        face = shot.faces[0]
    view = opened.look(astronaut, face)
    x0, y0, x1, y1 = crops.box(opened.crop)
    h, w = opened.size
    ys, xs = np.meshgrid(np.arange(h) + 0.5, np.arange(w) + 0.5, indexing="ij")
    frame = np.stack([x0 + xs * (x1 - x0) / w, y0 + ys * (y1 - y0) / h], -1).reshape(-1, 2)
    places = view.frame.to_photo(frame).reshape(h, w, 2).astype(np.float32)
    back = opened._to_photo(places, view.frame, (200, 100, 240, 140))
    wanted = np.stack(np.meshgrid(np.arange(200, 240), np.arange(100, 140)), -1) + 0.5
    assert np.abs(back - wanted).max() < 0.1


def test_changes_are_checked(models, astronaut):
    editor = tonsure.Editor(model=models["stgan"])
    with pytest.raises(BadOption, match="1 is what training showed"):
        editor.check(3.0)
    with editor.open(astronaut) as shot:
        with pytest.raises(BadOption, match="Eyeglasses"):
            shot.edit({"Eyeglases": 1.0})
        both = shot.edit({"Eyeglasses": 1.0, "Young": -1.0}, source={"Male": False})
        assert both.photo.edited
    with tonsure.Editor().open(astronaut) as shot, pytest.raises(BadOption, match="model"):
        shot.view(1)
    with pytest.raises(BadOption, match="no attribute 'Bald'"):
        tonsure.Editor(model=models["stargan"]).check(1.0)


def test_another_file_is_no_generator(tmp_path):
    with pytest.raises(ModelDamaged, match="tonsure lab export"):
        Generator.open(MODELS["face_mesh"].path)
    with pytest.raises(ModelMissing):
        Generator.open(tmp_path / "none.onnx")


def test_commands(models, data, tmp_path, capsys):
    from typer.testing import CliRunner

    from tonsure.cli.app import app

    def run(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    me = data / "astronaut.jpg"
    assert run("bald", me, "--model", models["stgan"], "-o", tmp_path / "b.png").exit_code == 0
    steps = run("bald", me, "--model", models["stgan"], "--steps", 3, "-o", tmp_path / "s.png")
    assert steps.exit_code == 0, steps.stderr
    ran = run("sweep", me, "--model", models["stgan"], "-o", tmp_path / "t.png", "--size", 64)
    assert ran.exit_code == 0, ran.stderr
    with Image.open(tmp_path / "t.png") as im:
        assert im.size == (14 * 64 + 13 * 4, 64 + 16)  # captions
        columns = json.loads(im.text["tonsure"])["columns"]
    assert len(columns) == 14
    assert photo.earlier(photo.read(tmp_path / "t.png").xmp) == photo.MARK
    folder = tmp_path / "strip"
    ran = run(
        "sweep", me, "--model", models["stgan"], "-o", folder, "--degrees", "0.60,0.68,0.76",
        "--size", 64, "--json",
    )  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    assert [t.get("d") for t in json.loads(ran.stdout)["tiles"]] == [None, 0.6, 0.68, 0.76]
    assert len(list(folder.glob("*.png"))) == 4
    assert run("sweep", me, "--model", tmp_path / "no.onnx").exit_code == 6
    from tonsure.lab.cli import app as lab

    assert CliRunner().invoke(lab, ["presets"]).exit_code == 0
    ran = CliRunner().invoke(lab, ["summary", "stgan-128", "--json"])
    assert json.loads(ran.stdout)["generator"]["parameters"] == 74_998_771
    assert "74,998,771" in CliRunner().invoke(lab, ["summary", "stgan-128"]).stdout


def test_the_notebooks_line(models, data, tmp_path, monkeypatch):
    me = str(data / "astronaut.jpg")
    for name, path in models.items():
        if name == "stargan":
            continue
        module = hub.Module(name=f"{name}_celeba", model=path)
        told = module.generate({"image": [me], "style": ["Bald"]}, tmp_path)
        assert len(told) == 1
        assert (tmp_path / "Bald_astronaut.png").exists()
    monkeypatch.setenv("TONSURE_HUB", str(tmp_path))
    for end in (".onnx", ".labels.onnx"):
        source = models["stgan"].with_suffix(end)
        (tmp_path / f"stgan_celeba{end}").write_bytes(source.read_bytes())
    module = hub.Module(name="stgan_celeba")
    module.generate(
        data={"image": [me, me], "style": ["Gender", "Aged"], "info": ["Female", "Female,Bangs"]},
        output_dir=tmp_path / "out",
    )
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "Aged_astronaut.png", "Gender_astronaut.png",
    ]  # fmt: skip
    star = hub.Module(name="stargan_celeba", model=models["stargan"])
    star.generate({"image": [me], "style": ["Female"]}, tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"image": ["a"]}, "'style' is missing"),
        ({"image": ["a"], "style": ["Balt"]}, "no style 'Balt'"),
        ({"image": ["a"], "style": ["Bald"], "infos": ["Male"]}, "did you mean 'info'"),
        ({"image": ["a"], "style": ["Bald"], "info": ["Bangs"]}, "Male or Female"),
        ({"image": ["a"], "style": ["Bald"], "info": ["Male,Fringe"]}, "cannot be 'Fringe'"),
        ({"image": ["a", "b"], "style": ["Bald"]}, "1 elements for 2 photos"),
        ({"image": "a", "style": ["Bald"]}, "'image' is a list"),
    ],
)
def test_the_hub_names_what_is_wrong(models, data, said):
    module = hub.Module(name="stgan_celeba", model=models["stgan"])
    with pytest.raises(BadOption, match=said):
        module.generate(data)


def test_stgan_bald(models, astronaut, data, tmp_path, monkeypatch):
    module = hub.Module(name="stgan_bald", model=models["stgan"])
    labels = [[0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1]] * 2
    made = module.bald(
        images=[np.ascontiguousarray(astronaut[..., ::-1])], paths=[data / "astronaut.jpg"],
        org_labels=labels, output_dir=tmp_path,
    )  # fmt: skip
    assert [sorted(one) for one in made] == [["data_0", "data_1", "data_2"]] * 2
    assert made[0]["data_0"].shape == astronaut.shape
    assert not np.array_equal(made[0]["data_0"], made[0]["data_2"])
    assert len(list(tmp_path.glob("*.png"))) == 6
    with pytest.raises(BadOption, match="one row of 13 numbers"):
        module.bald(images=[astronaut], org_labels=labels)
    with pytest.raises(BadOption, match="processor"):
        module.bald(images=[astronaut], use_gpu=True)
    with pytest.raises(BadOption, match="no photo"):
        module.bald()
    with pytest.raises(BadOption, match="did you mean 'stgan_bald'"):
        hub.Module(name="stgan_balt", model=models["stgan"])
    with pytest.raises(BadOption, match="generator of attgan"):
        hub.Module(name="stgan_bald", model=models["attgan"])
    monkeypatch.delitem(MODELS, "attgan_celeba")
    with pytest.raises(ModelMissing, match="TONSURE_HUB"):
        hub.Module(name="attgan_celeba")


def test_the_hub_takes_a_version_and_a_directory(models, tmp_path, monkeypatch):
    monkeypatch.delenv("TONSURE_HUB", raising=False)
    (tmp_path / "mine.onnx").write_bytes(models["attgan"].read_bytes())
    (tmp_path / "mine.labels.onnx").write_bytes(models["attgan"].read_bytes())
    for told in ({"directory": tmp_path}, {"name": "attgan_celeba", "directory": str(tmp_path)}):
        module = hub.Module(**told, version="1.0.0")
        assert module.name == "attgan_celeba"
        assert module.editor.generator.path == tmp_path / "mine.onnx"
    (tmp_path / "stgan_bald.onnx").write_bytes(models["stgan"].read_bytes())
    bald = hub.Module("stgan_bald", directory=tmp_path, version="1.1.0")
    assert bald.editor.generator.path == tmp_path / "stgan_bald.onnx"
    with pytest.raises(BadOption, match="several generators"):
        hub.Module(directory=tmp_path)
    with pytest.raises(
        BadOption, match=r"no version '2\.0' of stgan_bald; there were 1\.0\.0 and 1"
    ):
        hub.Module("stgan_bald", directory=tmp_path, version="2.0")
    with pytest.raises(BadOption, match="Name a module"):
        hub.Module()
    (tmp_path / "old").mkdir()
    with pytest.raises(ModelMissing, match="'tonsure lab convert' reads the weights of 2020"):
        hub.Module("stgan_celeba", directory=tmp_path / "old")
    with pytest.raises(ModelMissing, match="no folder"):
        hub.Module("stgan_celeba", directory=tmp_path / "none")


@pytest.mark.parametrize("name", ["stgan_celeba", "attgan_celeba", "stargan_celeba"])
def test_shipped_generators_change_hair(name, data, tmp_path):
    """No labels are told: they are estimated, and this is somebody without black hair."""
    editor = Editor(model=name)
    with editor.open(data / "astronaut.jpg") as shot:
        names, source = editor.generator.names, shot.view(1).source
        assert source[names.index("Black_Hair")] == 0
        assert source[names.index("Eyeglasses")] == 0
        change = np.asarray(shot.edit({"Black_Hair": 1}).photo.pixels, int) - shot.photo.pixels
        x0, y0, x1, y1 = (int(v) for v in shot.faces[0].box)
    assert change[max(y0 - (y1 - y0) // 2, 0) : y0, x0:x1].mean() < -5
    assert np.abs(change[-20:, -20:]).max() == 0
    made = hub.Module(name=name).generate(
        data={"image": [str(data / "astronaut.jpg")], "style": ["Black_Hair"]},
        output_dir=tmp_path,
    )
    assert len(made) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_run_without_checkpoints_is_named(tmp_path):
    with pytest.raises(BadOption, match="no checkpoint"):
        checkpoints.newest(tmp_path)


def test_labels_of_ones_own(models, tmp_path):
    made = small("stgan-128", "train.steps=1")
    pack = drawn(made)
    (tmp_path / "own.csv").write_text("file,Bald,Male\n000003.png,1,-1\n000001.jpg,-1,1\n")
    rows, told = sampling.listed(pack, tmp_path / "own.csv", attributes.STANDARD)
    assert rows.tolist() == [3, 1]
    assert told[0].tolist() == [1.0] + [0.0] * 12
    assert told[1].nonzero()[0].tolist() == [attributes.STANDARD.index("Male")]
    (tmp_path / "own.csv").write_text("file,Bald\nme.jpg,1\n")
    with pytest.raises(UnreadableInput, match=r"own\.csv:2: me\.jpg is not in the pack"):
        sampling.listed(pack, tmp_path / "own.csv", attributes.STANDARD)


def test_an_exported_file_serves_as_a_run(models):
    for path in models.values():
        g, config, step = sample.opened(path)
        trained_g, wanted, _ = sample.opened(path.parent / path.stem)
        assert step == 1
        for section in (
            "network.system", "network.attributes", "network.height", "data.crop", "data.split",
        ):  # fmt: skip
            part, name = section.split(".")
            assert getattr(getattr(config, part), name) == getattr(getattr(wanted, part), name)
        pack = drawn(wanted)
        one, two = (
            sample.tiles(net, c.network, pack.pictures[:1], pack.labels[:1], 1.5)
            for net, c in ((g, config), (trained_g, wanted))
        )
        assert np.abs(one.astype(int) - two).max() <= 2
    with pytest.raises(ModelDamaged, match="is a checkpoint of the laboratory"):
        Generator.open(models["stgan"].with_suffix(".safetensors"))


class Teller(torch.nn.Module):
    """Draws what it is told: C numbers as rows of a picture."""

    def forward(self, x, told):
        assert x.shape[2] >= told.shape[1]
        out = torch.zeros_like(x)
        out[:, :, : told.shape[1]] = told[:, None, :, None] / 2
        return out


def test_what_is_excluded_goes_by_one_at_most():
    c = small().network
    source = attributes.row(["Bangs"], c.attributes)[None]
    made = sample.tiles(Teller(), c, np.zeros((1, 32, 32, 3), np.uint8), source, 1.5)
    told = np.rint((made[0, 2, :2, 0, 0] / 127.5 - 1) * 20) / 10  # Bald, then Bangs
    assert told.tolist() == [1.5, -1.0]
    half = sample.tiles(Teller(), c, np.zeros((1, 32, 32, 3), np.uint8), source, 0.5)
    assert (np.rint((half[0, 2, :2, 0, 0] / 127.5 - 1) * 20) / 10).tolist() == [0.5, -0.5]
    star = small("stargan-128", 'network.attributes=["Bald", "Bangs"]').network
    source = attributes.row(["Bangs"], star.attributes)[None]
    made = sample.tiles(Teller(), star, np.zeros((1, 32, 32, 3), np.uint8), source, 1.5)
    assert (np.rint((made[0, 2, :2, 0, 0] / 127.5 - 1) * 20) / 10).tolist() == [1.0, 0.0]


def test_accuracies_by_hand():
    """Two labels, two people; the first edit works on one and spoils a label of the other."""
    truth = np.array([[False, True], [True, True]])
    real = truth.copy()
    first = np.array([[True, True], [True, False]])
    second = np.array([[False, False], [True, False]])
    told = accuracy.accuracies(("A", "B"), np.stack([real, truth, first, second]), truth)
    assert told["real"] == {"mean": 1.0, "A": 1.0, "B": 1.0}
    assert told["accuracy"] == {"mean": 0.75, "A": 0.5, "B": 1.0}
    assert told["switched_on"] == {"mean": 1.0, "A": 1.0}
    assert told["switched_off"] == {"mean": 0.5, "A": 0.0, "B": 1.0}
    assert told["others_wrong"] == {"mean": 0.25, "A": 0.5, "B": 0.0}
    assert told["others_kept"] == {"mean": 0.75, "A": 0.5, "B": 1.0}
