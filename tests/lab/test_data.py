"""Sets as they are downloaded, and every way in which one can be wrong."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tonsure import crops
from tonsure.attributes import CELEBA
from tonsure.errors import BadOption, UnwritableOutput
from tonsure.lab import config
from tonsure.lab.data import labels, packed, split
from tonsure.lab.data.labels import BadList
from tonsure.lab.data.source import find

NUMBERS = (1, 2, 182_000, 182_001, 182_637, 182_638)
TINY = ["network.height=32", "network.width=32"]


def picture(number: int, size=(178, 218)) -> bytes:
    random = np.random.default_rng(number)
    pixels = random.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def rows(names, attributes=CELEBA) -> str:
    lines = [str(len(names)), " ".join(attributes) + " "]
    for k, name in enumerate(names):
        values = "  ".join("1" if (k + j) % 3 == 0 else "-1" for j in range(len(attributes)))
        lines.append(f"{name}  {values}")
    return "\n".join(lines) + "\n\n"


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """CelebA as downloaded, of six pictures."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{n:06d}.jpg" for n in NUMBERS]
    for n, name in zip(NUMBERS, names, strict=True):
        (folder / "img_align_celeba" / name).write_bytes(picture(n))
    (folder / "list_attr_celeba.txt").write_text(rows(names))
    parts = (0, 0, 0, 1, 1, 2)
    told = "".join(f"{n} {p}\n" for n, p in zip(names, parts, strict=True))
    (folder / "list_eval_partition.txt").write_text(told)
    return folder


def test_celeba_in_a_folder(celeba):
    source = find(celeba)
    assert len(source) == 6
    assert source.labels.attributes == CELEBA
    assert source.picture(3).shape == (218, 178, 3)
    assert source.labels.values[0, :4].tolist() == [1, 0, 0, 1]


def test_celeba_as_zip_and_with_csv(celeba):
    with zipfile.ZipFile(celeba / "img_align_celeba.zip", "w") as archive:
        for path in (celeba / "img_align_celeba").iterdir():
            archive.write(path, f"img_align_celeba/{path.name}")
            path.unlink()
    (celeba / "img_align_celeba").rmdir()
    lines = (celeba / "list_attr_celeba.txt").read_text().split("\n")
    (celeba / "list_attr_celeba.txt").unlink()
    table = ["image_id," + ",".join(CELEBA)]
    table += [",".join(line.split()) for line in lines[2:] if line]
    (celeba / "list_attr_celeba.csv").write_text("\n".join(table))
    source = find(celeba)
    assert source.picture(0).shape == (218, 178, 3)
    assert source.labels.values[0, :4].tolist() == [1, 0, 0, 1]


def test_tars_with_a_list_or_with_json(celeba, tmp_path):
    shards = tmp_path / "shards"
    shards.mkdir()
    told = {"Bald": 1, "Male": -1}
    with tarfile.open(shards / "train-000.tar", "w") as tar:
        for n in NUMBERS[:3]:
            for name, data in (
                (f"{n:06d}.png", picture(n)), (f"{n:06d}.json", json.dumps(told).encode()),
            ):  # fmt: skip
                member = tarfile.TarInfo(f"deep/{name}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    source = find(shards)
    assert source.labels.attributes == ("Bald", "Male")
    assert source.labels.values.tolist() == [[1, 0]] * 3
    assert np.array_equal(source.picture(1), find(celeba).picture(1))
    # a list of .jpg names fits shards of .png: names are compared without their ending
    (shards / "list_attr_celeba.txt").write_text(rows([f"{n:06d}.jpg" for n in NUMBERS[:3]]))
    assert find(shards).labels.attributes == CELEBA


def test_celeba_hq_goes_by_celebas_numbers(tmp_path):
    folder = tmp_path / "hq"
    (folder / "CelebA-HQ-img").mkdir(parents=True)
    names = [f"{k}.jpg" for k in range(6)]
    for k, name in enumerate(names):
        (folder / "CelebA-HQ-img" / name).write_bytes(picture(k, (96, 96)))
    (folder / "CelebAMask-HQ-attribute-anno.txt").write_text(rows(names))
    mapping = ["idx orig_idx orig_file"]
    mapping += [f"{k} {n - 1} {n:06d}.jpg" for k, n in enumerate(NUMBERS)]
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(mapping))
    made = config.load("stgan-128", [*TINY, "data.crop=whole"])
    packed.pack(made, folder, tmp_path / "pack", tell=lambda text: None)
    assert packed.open(tmp_path / "pack", made).parts.tolist() == [0, 0, 0, 1, 1, 2]
    aligned = config.load("stgan-128", TINY)
    with pytest.raises(BadList, match=r"anno.txt:3: 0.jpg: a picture of 96 x 96 .* 'whole'"):
        packed.pack(aligned, folder, tmp_path / "other", tell=lambda text: None)


def test_any_folder_with_a_csv(tmp_path):
    (tmp_path / "mine.png").write_bytes(picture(1, (50, 40)))
    (tmp_path / "mine.csv").write_text("file,Bald,Hat\nmine.png,1,0\n")
    source = find(tmp_path)
    assert source.labels.attributes == ("Bald", "Hat")
    with pytest.raises(BadOption, match="no label 'Bangs'"):
        packed.pack(config.load("stgan-128", TINY), tmp_path, tmp_path / "p")


def listed(tmp_path, text, name="list.txt"):
    path = tmp_path / name
    path.write_text(text)
    return labels.read(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x\nA\n", r"list.txt:1: the number"),
        ("2\nA B\na.jpg 1 1\n", r"list.txt:1: 2 pictures are announced, 1 follow"),
        ("1\nA B\na.jpg 1\n", r"list.txt:3: 1 values were found, 2 expected"),
        ("1\nA B\na.jpg 1 2\n", r"list.txt:3: '2' is not a label"),
        ("2\nA\na.jpg 1\na.jpg 1\n", r"list.txt:4: a.jpg stands in line 3"),
        ("1\nA A\na.jpg 1 1\n", r"list.txt:2: A is named twice"),
        ("0\nA\n", r"no picture"),
    ],
)
def test_bad_rows_are_named(tmp_path, text, said):
    with pytest.raises(BadList, match=said):
        listed(tmp_path, text)


def test_missing_and_broken_pictures_are_named(celeba, tmp_path):
    (celeba / "img_align_celeba" / "182000.jpg").write_bytes(b"no picture")
    made = config.load("stgan-128", TINY)
    with pytest.raises(BadList, match=r"list_attr_celeba.txt:5: 182000.jpg cannot be read"):
        packed.pack(made, celeba, tmp_path / "pack", tell=lambda text: None)
    assert not packed.is_pack(tmp_path / "pack")
    (celeba / "img_align_celeba" / "182000.jpg").unlink()
    with pytest.raises(BadList, match=r"list_attr_celeba.txt:5: 182000.jpg is not among"):
        find(celeba)


def test_splits_by_name(celeba):
    source = find(celeba)
    files = source.labels.files
    assert split.parts("official", files).tolist() == [0, 0, 0, 1, 1, 2]
    partition = source.partition
    assert split.parts("celeba", files, None, partition).tolist() == [0, 0, 0, 1, 1, 2]
    many = [f"{k}.jpg" for k in range(3000)]
    found = split.parts("paddle", many)
    assert (found == split.TRAIN).sum() == 2700
    assert np.nonzero(found == split.TEST)[0].tolist() == list(range(2700, 2709))
    star = split.parts("stargan", many)
    assert (star == split.TEST).sum() == 1999
    order = list(range(3000))
    random.seed(1234)
    random.shuffle(order)
    assert star[order[1998]] == split.TEST
    assert star[order[1999]] == split.TRAIN
    with pytest.raises(BadOption, match=r"me\.jpg has none"):
        split.parts("official", ["me.jpg"])
    with pytest.raises(BadOption, match="list_eval_partition"):
        split.parts("celeba", files)


def test_crops():
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[26, 3], pixels[195, 172] = 255, 254
    one = crops.cut(pixels, "official")
    assert one.shape == (170, 170, 3)
    assert one[0, 0, 0] == 255
    assert one[-1, -1, 0] == 254
    assert crops.cut(pixels, "centre-178").shape == (178, 178, 3)
    assert crops.cut(pixels[::2, ::2], "official").shape == (85, 85, 3)
    with pytest.raises(BadOption, match="whole"):
        crops.cut(pixels[:178], "official")


def test_the_official_filter_takes_four_taps_and_averages_nothing():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (170, 170, 3)).astype(np.uint8)
    made = crops.resize(pixels, (85, 85), "bicubic")
    assert np.array_equal(made, pixels[::2, ::2])  # corner to corner: every second pixel
    slope = np.repeat(np.arange(170, dtype=np.uint8)[:, None, None], 170, 1).repeat(3, 2)
    made = crops.resize(slope, (128, 128), "bicubic")
    wanted = np.rint(np.arange(128) * 170 / 128)
    assert np.abs(made[2:-2, 0, 0] - wanted[2:-2]).max() <= 1
    assert crops.resize(slope, (64, 32), "bilinear").shape == (64, 32, 3)


def test_a_pack_knows_how_it_was_made(celeba, tmp_path):
    made = config.load("stgan-128", TINY)
    packed.pack(made, celeba, tmp_path / "pack", tell=lambda text: None)
    got = packed.open(tmp_path / "pack", made)
    assert got.pictures.shape == (6, 32, 32, 3)
    assert got.labels.shape == (6, 13)
    assert got.rows(split.TRAIN).tolist() == [0, 1, 2]
    assert got.held_out().tolist() == [3, 4]
    whole = find(celeba).picture(2)
    wanted = crops.resize(crops.cut(whole, "official"), (32, 32), "bicubic")
    assert np.array_equal(got.pictures[2], wanted)
    # other labels and splits of the same pixels need no new pack
    other = config.load("attgan-128", [*TINY, "data.split=celeba", 'network.attributes=["Bald"]'])
    assert packed.open(tmp_path / "pack", other).labels.shape == (6, 1)
    with pytest.raises(BadOption, match=r"crop official, not centre-170"):
        packed.open(tmp_path / "pack", config.load("stgan-128-paddle", TINY))


def test_half_a_download_is_named(tmp_path, celeba):
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "img_align_celeba.zip").write_bytes(b"PK\3\4 and no more")
    listed = (celeba / "list_attr_celeba.txt").read_text()
    (tmp_path / "half" / "list_attr_celeba.txt").write_text(listed)
    with pytest.raises(BadList, match="not a whole zip file; its download may have stopped"):
        find(tmp_path / "half")


def test_the_folder_of_png(celeba):
    (celeba / "img_align_celeba").rename(celeba / "img_align_celeba_png")
    assert len(find(celeba)) == len(NUMBERS)


def test_a_broken_picture_has_its_own_name(celeba):
    (celeba / "img_align_celeba" / "000002.jpg").write_bytes(b"no picture")
    with pytest.raises(BadList, match=r"000002\.jpg cannot be read as a picture\.$"):
        find(celeba).picture(1)


def test_semicolons_are_named(tmp_path):
    (tmp_path / "labels.csv").write_text("file;Bald\na.jpg;1\n")
    with pytest.raises(BadList, match=r"labels\.csv:1: values are parted by ;"):
        labels.read(tmp_path / "labels.csv")


def test_what_is_no_pack_is_named(tmp_path):
    with pytest.raises(BadOption, match="is no pack"):
        packed.open(tmp_path / "nothing", config.load("stgan-128"))


@pytest.fixture
def full(tmp_path):
    """A folder on a disk of a quarter megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(line, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_a_sentence_and_leaves_nothing(celeba, full):
    made = config.load("stgan-128", ["network.height=128", "network.width=128"])
    with pytest.raises(UnwritableOutput, match="cannot be written: No space left on device"):
        packed.pack(made, celeba, full / "pack")
    assert list(full.iterdir()) == []


def test_a_full_disk_keeps_what_was_exported_and_leaves_no_half(full):
    pytest.importorskip("onnx")
    from tonsure.lab import sampling

    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    sampling.png(full / "tiles.png", pixels, {})
    before = (full / "tiles.png").read_bytes()
    large = np.random.default_rng(0).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    with pytest.raises(UnwritableOutput, match=r"tiles\.png cannot be written: No space left"):
        sampling.png(full / "tiles.png", large, {})
    assert [path.name for path in full.iterdir()] == ["tiles.png"]
    assert (full / "tiles.png").read_bytes() == before


def test_what_is_written_half_is_gone(tmp_path):
    from tonsure.lab.data import disk

    def fails() -> None:
        with disk.whole(tmp_path / "x.bin") as half:
            half.write_bytes(b"1")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fails()
    assert not list(tmp_path.glob("x*"))


def test_a_full_disk_in_training_keeps_what_is_there(full):
    torch = pytest.importorskip("torch")
    from tonsure.lab import checkpoints

    checkpoints.keep(full, 1, {"model.a": torch.zeros(1000)}, {"config": {}}, 3)
    with pytest.raises(UnwritableOutput, match="step-00000002"):
        checkpoints.keep(full, 2, {"model.a": torch.zeros(200_000)}, {"config": {}}, 3)
    assert [path.name for path in full.iterdir()] == ["step-00000001.safetensors"]
