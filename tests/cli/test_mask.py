"""`tonsure mask`: masks and layers as files."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tonsure import photo
from tonsure.editor import Editor


def test_a_mask_beside_the_photo(run, photos):
    ran = run("mask", photos / "a.jpg", "--json")
    assert ran.code == 0
    target = photos / "a.mask.png"
    assert ran.records[0]["outputs"] == [str(target)]
    with Image.open(target) as im, Editor().open(photos / "a.jpg") as shot:
        assert im.mode == "L"
        assert np.array_equal(np.asarray(im), shot.mask())
        share = float((shot.mask() > 0).mean())
    assert ran.records[0]["share"] == share
    assert f"({share:.0%} replaced)" in ran.said
    assert run("mask", photos / "a.jpg").code == 3
    assert run("mask", photos / "a.jpg", "--overwrite").code == 0


def test_a_layer_is_marked_and_has_transparency(run, photos, tmp_path):
    target = tmp_path / "layer.tif"
    assert run("mask", photos / "a.jpg", "--layer", "--degree", 0.5, "-o", target).code == 0
    read = photo.read(target)
    with Editor().open(photos / "a.jpg") as shot:
        layer = shot.layer(degree=0.5)
    assert np.array_equal(read.alpha, layer[..., 3])
    assert np.array_equal(read.pixels, layer[..., :3])
    assert photo.earlier(read.xmp) == photo.MARK
    ran = run("mask", photos / "a.jpg", "--layer", "-o", tmp_path / "layer.jpg")
    assert ran.code == 2
    assert "no transparency; save a layer as .png" in ran.said


def test_folders_and_pipes(run, photos, tmp_path):
    ran = run("mask", photos, "-r", "-o", f"{tmp_path}/masks/")
    assert ran.code == 7
    assert (tmp_path / "masks" / "below" / "a.mask.png").exists()
    ran = run("mask", "-", "-o", "-", stdin=(photos / "a.jpg").read_bytes())
    with Image.open(io.BytesIO(ran.bytes)) as im:
        assert (im.mode, im.size) == ("L", (512, 512))
    assert run("mask", photos / "cup.jpg").code == 4
    assert run("mask", photos / "a.jpg", "--degree", 2).code == 2


def test_masks_are_no_photos_of_a_folder(run, photos):
    for path in (photos / "b.JPG", photos / "cup.jpg", photos / "cut.jpg"):
        path.unlink()
    assert run("mask", photos).code == 0
    assert run("mask", photos, "--layer").code == 0
    ran = run("bald", photos, "--json")
    assert [record["input"] for record in ran.records] == [str(photos / "a.jpg")]
