"""Folders of Hugging Face's `datasets` as input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tonsure.errors import BadOption
from tonsure.lab import config
from tonsure.lab.data import packed, split
from tonsure.lab.data.labels import BadList
from tonsure.lab.data.source import find


def picture(number: int) -> bytes:
    random, out = np.random.default_rng(number), io.BytesIO()
    Image.fromarray(random.integers(0, 256, (218, 178, 3)).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def table(first: int, count: int, paths: bool = True) -> Any:
    arrow = pytest.importorskip("pyarrow")
    rows = range(first, first + count)
    return arrow.table({
        "image": [
            {"bytes": picture(k), "path": f"{k:06d}.png" if paths else None} for k in rows
        ],
        "celeb_id": [40 + k for k in rows],
        "Bald": [k % 2 == 0 for k in rows],
        "Male": [1 if k % 3 == 0 else -1 for k in rows],
        "caption": [f"number {k}" for k in rows],
    })  # fmt: skip


def save_to_disk(folder: Path, told: Any) -> None:
    """As `Dataset.save_to_disk`: a stream of record batches, and what describes it."""
    arrow = pytest.importorskip("pyarrow")
    folder.mkdir(parents=True)
    file = str(folder / "data-00000-of-00001.arrow")
    with arrow.OSFile(file, "wb") as opened, arrow.ipc.new_stream(opened, told.schema) as writer:
        writer.write_table(told, max_chunksize=2)
    (folder / "dataset_info.json").write_text("{}")
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state))


def same(row: np.ndarray, number: int) -> bool:
    with Image.open(io.BytesIO(picture(number))) as opened:
        return bool(np.array_equal(row, np.asarray(opened)))


def test_saved_to_disk_with_splits(tmp_path: Path) -> None:
    for name, first, count in (("train", 1, 5), ("test", 6, 2)):
        save_to_disk(tmp_path / "set" / name, table(first, count))
    (tmp_path / "set" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    source = find(tmp_path / "set")
    assert source.labels.attributes == ("Bald", "Male")
    assert source.labels.files[5] == "000006.png"
    assert source.labels.values.tolist() == [[k % 2 == 0, k % 3 == 0] for k in range(1, 8)]
    assert same(source.picture(4), 5)
    assert same(source.picture(6), 7)
    change = ["network.height=32", "network.width=32", "data.split=celeba"]
    made = config.load("stgan-128", [*change, 'network.attributes=["Bald", "Male"]'])
    packed.pack(made, tmp_path / "set", tmp_path / "pack", tell=lambda text: None)
    pack = packed.open(tmp_path / "pack", made)
    assert pack.rows(split.TRAIN).tolist() == [0, 1, 2, 3, 4]
    assert pack.rows(split.TEST).tolist() == [5, 6]


def test_one_split_and_pictures_without_names(tmp_path: Path) -> None:
    save_to_disk(tmp_path / "set", table(1, 3, paths=False))
    source = find(tmp_path / "set")
    assert source.labels.files == ("train-000000.png", "train-000001.png", "train-000002.png")
    assert source.partition is None
    assert same(source.picture(2), 3)


def test_a_snapshot_of_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "data").mkdir()
    for name, first in (
        ("train-00000-of-00002", 1),
        ("train-00001-of-00002", 6),
        ("validation", 11),
    ):
        parquet.write_table(
            table(first, 5), tmp_path / "data" / f"{name}.parquet", row_group_size=2
        )
    source = find(tmp_path)
    assert len(source) == 15
    assert [source.partition[f"{k:06d}"] for k in (1, 10, 11)] == [0, 0, 1]
    assert all(same(source.picture(k), k + 1) for k in (0, 9, 3, 14, 4))
    (tmp_path / "data" / "validation.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(BadList, match=r"validation\.parquet is damaged"):
        find(tmp_path)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_an_image_folder_needs_no_package(tmp_path: Path, monkeypatch, ending: str) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for name, first in (("train", 1), ("test", 3)):
        (tmp_path / name / "deep").mkdir(parents=True)
        rows = []
        for k in (first, first + 1):
            (tmp_path / name / "deep" / f"{k}.png").write_bytes(picture(k))
            rows.append({"file_name": f"deep/{k}.png", "Bald": k % 2, "text": f"no {k}"})
        lines = [json.dumps(row) for row in rows]
        if ending == "csv":
            lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        (tmp_path / name / f"metadata.{ending}").write_text("\n".join(lines))
    source = find(tmp_path)
    assert source.labels.attributes == ("Bald",)
    assert source.labels.values.tolist() == [[1], [0], [1], [0]]
    assert source.partition == {"1": 0, "2": 0, "3": 2, "4": 2}
    assert same(source.picture(3), 4)
    (tmp_path / "test" / "deep" / "3.png").unlink()
    with pytest.raises(BadList, match=rf"metadata\.{ending}:\d: deep/3\.png is not in"):
        find(tmp_path)


def test_what_is_no_such_set_is_named(tmp_path: Path, monkeypatch) -> None:
    arrow = pytest.importorskip("pyarrow")
    save_to_disk(tmp_path / "a", table(1, 2).select(["image", "caption", "celeb_id"]))
    with pytest.raises(BadList, match=r"No column .* is a label: .* it has celeb_id"):
        find(tmp_path / "a")
    save_to_disk(tmp_path / "b", table(1, 2).select(["Bald"]))
    with pytest.raises(BadList, match="no column of pictures; it has Bald"):
        find(tmp_path / "b")
    file = tmp_path / "a" / "data-00000-of-00001.arrow"
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(BadList, match="is damaged, or no set"):
        find(tmp_path / "a")
    empty = arrow.table({"image": [{"bytes": None, "path": "gone.png"}], "Bald": [True]})
    save_to_disk(tmp_path / "c", empty)
    with pytest.raises(BadList, match=r"gone\.png cannot be read as a picture"):
        find(tmp_path / "c").picture(0)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadOption, match="need 'pip install pyarrow'"):
        find(tmp_path / "c")
