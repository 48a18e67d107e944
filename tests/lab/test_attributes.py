"""The card of the edits: what is counted, on one real face, and how tables are made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skimage")

from tonsure.attributes import STANDARD
from tonsure.errors import BadOption
from tonsure.lab.evaluate import attributes as card
from tonsure.lab.likeness import Looks

ONE = card.Record(
    "a.jpg", card.TOOL, "Pale_Skin", 1.0, ("women", "young", "light"), True, 0.1, 30.0, 0.9, 0.5,
    None,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """One picture, and its row: a young woman without anything that is asked for."""
    (tmp_path / "images").mkdir()
    Image.fromarray(astronaut).save(tmp_path / "images/000001.png")
    row = " ".join("1" if name in ("Young", "No_Beard") else "-1" for name in STANDARD)
    listed = "\n".join(["1", " ".join(STANDARD), f"000001.jpg {row}", ""])
    (tmp_path / "labels.txt").write_text(listed)
    return tmp_path


def test_each_is_turned_to_what_the_label_lacks(folder: Path):
    found = card.figures(
        folder / "images", folder / "labels.txt", attributes=("Pale_Skin", "Young", "Bald"),
        degrees=(0.5, 1.5), count=3, threads=1,
    )  # fmt: skip
    done = {(one.attribute, one.d): one for one in found}
    # beyond 1 goes no way of the tool's own
    assert {("Pale_Skin", 0.5), ("Young", -0.5)} <= set(done) <= {
        ("Pale_Skin", 0.5), ("Young", -0.5), ("Bald", 0.5)
    }  # fmt: skip
    one = done["Pale_Skin", 0.5]
    assert one.group[:2] == ("women", "young")
    assert 0.5 < one.same < 1
    assert 15 < one.psnr < 60
    assert 0 <= one.flipped < 0.5


def test_means_are_by_direction_and_by_group():
    records = [
        ONE, replace(ONE, turned=False, group=("men", "old", "light")), replace(ONE, d=-1.0),
        replace(ONE, method="stgan", d=1.5, identity=0.4),
    ]  # fmt: skip
    rows = card.table(records)
    assert [(r["method"], r["d"], r["people"]) for r in rows] == [
        (card.TOOL, 1.0, 2), (card.TOOL, -1.0, 1), ("stgan", 1.5, 1),
    ]  # fmt: skip
    assert rows[0]["turned"] == 0.5
    assert rows[0]["identity"] is None
    assert rows[2]["identity"] == 0.4
    men = next(r for r in card.groups(records) if r["group"] == "men")
    assert (men["people"], men["turned"]) == (1, 0.0)
    # 1.5 is none of the shares at d = 1
    assert card.overall(records) == {card.TOOL: {"mean": 0.75, "least": 0.5}}
    assert card.markdown(records).count("Pale_Skin") == 3


def test_realism_is_of_each_method_in_named_features():
    rng = np.random.default_rng(0)
    looks = {}
    for name, shift in (("near", 0.0), ("far", 3.0)):
        looks[name] = eyes = object.__new__(Looks)
        before = rng.normal(size=(40, 5)).astype(np.float32)
        after = before + rng.normal(scale=0.1, size=before.shape).astype(np.float32) + shift
        eyes.pooled = list(np.stack([before, after], 1))
    near, far = card.realism(looks)
    assert near["people"] == 40
    assert 0 <= near["fid"] < near["fid_halves"] < far["fid"]
    assert near["kid"] < far["kid"]
    assert "EfficientNet" in card.markdown([ONE], looks)
    assert card.plain([ONE], looks)["realism"][1]["fid"] == far["fid"]
    assert card.realism({}) == []


def test_what_is_missing_is_named(folder: Path, tmp_path: Path):
    (tmp_path / "few.txt").write_text("1\nBald\n000001.jpg 1\n")
    with pytest.raises(BadOption, match="Bangs"):
        card.figures(folder / "images", tmp_path / "few.txt")
    with pytest.raises(BadOption, match="no folder"):
        card.figures(folder / "none", folder / "labels.txt")
    with pytest.raises(BadOption, match="count"):
        card.figures(folder / "images", folder / "labels.txt", count=0)
