"""The flow of one photo, with drawn heads: what is promised whatever a head looks like."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tonsure
from samples import save
from tonsure.editor import Editor
from tonsure.errors import BadOption, FaceTooSmall, LimitExceeded, NoFace
from tonsure.photo import Limits

pytestmark = pytest.mark.usefixtures("drawn")


@pytest.fixture
def shot(astronaut):
    with Editor().open(astronaut) as opened:
        yield opened


def test_degree_0_is_the_photo(shot, astronaut):
    result = shot.bald(0)
    assert np.array_equal(result.image, astronaut)
    assert not result.photo.edited
    assert result.report["faces"][0]["edited"] is False


def test_degree_0_of_a_file_is_its_bytes(data):
    path = data / "astronaut.jpg"
    with Editor().open(path.read_bytes()) as opened:
        assert opened.bald(0).image == path.read_bytes()
    out = io.BytesIO()
    tonsure.bald(path, degree=0).save(out)
    assert out.getvalue() == path.read_bytes()


def test_pixels_outside_the_mask_are_the_photos(shot, astronaut):
    bare = shot.head(1)
    x0, y0, x1, y1 = bare.box
    mask = np.zeros(astronaut.shape[:2], bool)
    mask[y0:y1, x0:x1] = bare.mask > 0
    out = shot.bald(1).image
    assert np.array_equal(out[~mask], astronaut[~mask])
    assert not np.array_equal(out[mask], astronaut[mask])


@pytest.mark.parametrize("style", ["recede", "thin"])
def test_baldness_grows_with_the_degree(shot, astronaut, style):
    bare = shot.head(1)
    x0, y0, x1, y1 = bare.box
    before = astronaut[y0:y1, x0:x1].astype(int)
    goal = bare.colour.astype(int)
    areas, gaps = [], []
    for degree in np.linspace(0, 1, 11):
        out = shot.bald(float(degree), style).image[y0:y1, x0:x1].astype(int)
        areas.append((out != before).any(axis=2).sum())
        gaps.append(np.abs(out - goal).sum())
    assert areas == sorted(areas)
    assert gaps == sorted(gaps, reverse=True)
    assert areas[0] == 0


def test_heads_are_made_once(shot, drawn):
    for degree in (0.2, 0.7, 1.0):
        shot.bald(degree)
    assert drawn["calls"] == 1


def test_one_shot_serves_many_threads(group, drawn):
    with Editor(threads=1).open(group) as opened:
        results = {}

        def work(degree):
            results[degree] = opened.bald(degree, face="all").image

        workers = [threading.Thread(target=work, args=(k / 8,)) for k in range(9)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert drawn["calls"] == 3
        for degree, image in results.items():
            assert np.array_equal(image, opened.bald(degree, face="all").image)


def test_faces_are_chosen_by_size_number_and_place(group):
    with Editor().open(group) as opened:
        assert len(opened.faces) == 3
        assert opened.bald(face="largest").faces == [opened.faces[0]]
        assert 200 < opened.faces[0].centre[0] < 480
        assert len(opened.bald(face="all").faces) == 3
        third = opened.faces[2]
        x, y = third.centre
        assert opened.bald(face=3).faces == opened.bald(face=f"{x:.0f},{y:.0f}").faces == [third]
        changed = (opened.bald(face=3).image != group).any(axis=2)
        assert changed[:, :200].any()
        assert not changed[:, 200:].any()
        with pytest.raises(NoFace, match="no face 4"):
            opened.bald(face=4)


def test_no_face(data):
    with (
        Editor().open(data / "cup.jpg") as opened,
        pytest.raises(NoFace, match="min_face=") as caught,
    ):
        opened.bald()
    assert "--min-face" in caught.value.said("cli")
    assert "min_face" not in caught.value.said("http")


def test_small_faces(astronaut):
    def sized(side):
        canvas = np.full((400, 400, 3), 120, np.uint8)
        small = Image.fromarray(astronaut[0:300, 75:375]).resize((side, side))
        canvas[20 : 20 + side, 20 : 20 + side] = np.asarray(small)
        return Editor(min_face=15).open(canvas)

    with sized(150) as opened:
        assert [note.code for note in opened.bald().warnings] == ["small_face"]
    with sized(75) as opened, pytest.raises(FaceTooSmall, match="48 are needed"):
        opened.bald()


def test_the_small_ones_of_a_group_are_left(group, astronaut):
    crowd = group.copy()
    crowd[220:290, 20:90] = np.asarray(
        Image.fromarray(astronaut[0:300, 75:375]).resize((70, 70), Image.Resampling.LANCZOS)
    )
    with Editor(min_face=20).open(crowd) as opened:
        assert len(opened.faces) == 4
        result = opened.bald(face="all")
        assert len(result.faces) == 3
        assert [note.code for note in result.warnings if note.face == 4] == ["face_skipped"]


def test_limits_and_values(group, shot):
    few = Limits(max_faces=2)
    with Editor(limits=few).open(group) as opened, pytest.raises(LimitExceeded, match="max_faces"):
        opened.bald(face="all")
    for wrong in (
        {"degree": 1.5}, {"degree": float("nan")}, {"degree": None}, {"degree": "0.5"},
        {"degree": True}, {"style": "fade"}, {"face": "first"}, {"face": (1, 2, 3)},
    ):  # fmt: skip
        with pytest.raises(BadOption):
            shot.bald(**wrong)
        with pytest.raises(BadOption):
            Editor().check(**wrong)
    Editor().check(0.5, "thin", "12,40")


def test_a_bald_head_is_left_alone(astronaut, drawn):
    drawn["warnings"] = ("already_bald",)
    result = tonsure.bald(astronaut)
    assert np.array_equal(result.image, astronaut)
    assert [note.code for note in result.warnings] == ["already_bald"]
    assert result.report["faces"][0]["edited"] is False


def test_warnings_say_which_face(group, drawn):
    drawn["warnings"] = ("long_hair", "hair_leaves_picture")
    with Editor().open(group) as opened:
        result = opened.bald(face=1)
    assert [(note.code, note.face) for note in result.warnings] == [
        ("long_hair", 1),
        ("hair_leaves_picture", 1),
    ]


def test_grey_photos_stay_grey(astronaut):
    for image in (astronaut[..., 1], np.repeat(astronaut[..., 1:2], 3, axis=2)):
        out = tonsure.bald(image).image
        assert out.shape == image.shape
        assert not np.array_equal(out, image)
        assert out.ndim == 2 or (out == out[..., :1]).all()


def test_sixteen_bits_outside_the_mask(astronaut):
    deep = astronaut.astype(np.uint16) * 257 - (astronaut > 128)
    with Editor().open(deep) as opened:
        bare = opened.head(1)
        x0, y0, x1, y1 = bare.box
        mask = np.zeros(deep.shape[:2], bool)
        mask[y0:y1, x0:x1] = bare.mask > 0
        result = opened.bald()
        assert result.image.dtype == np.uint16
        assert np.array_equal(result.image[~mask], deep[~mask])
        out = io.BytesIO()
        result.save(out, format="png")
        assert np.array_equal(tonsure.bald(out.getvalue(), 0).photo.pixels, result.image)


def test_alpha_is_carried_through(astronaut):
    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    alpha[:, :40] = np.random.default_rng(0).integers(0, 256, (512, 40))
    rgba = np.dstack([astronaut, alpha])
    assert np.array_equal(tonsure.bald(rgba).image[..., 3], rgba[..., 3])


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_file_gives_the_upright_result(astronaut, orientation):
    turns = {3: 2, 6: 1, 8: 3}
    tags = Image.Exif()
    tags[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(astronaut, turns[orientation])))
    result = tonsure.bald(save(stored, "PNG", exif=tags.tobytes()))
    assert np.array_equal(result.photo.pixels, tonsure.bald(astronaut).image)


def test_the_same_photo_gives_the_same_bytes(data):
    one = tonsure.bald(data / "astronaut.jpg").encode()
    assert one == tonsure.bald(data / "astronaut.jpg").encode()


def test_results_are_of_the_kind_given(astronaut, data, tmp_path):
    assert isinstance(tonsure.bald(data / "astronaut.jpg").image, Image.Image)
    assert isinstance(tonsure.bald(Image.fromarray(astronaut)).image, Image.Image)
    assert tonsure.bald((data / "astronaut.jpg").read_bytes()).image[:2] == b"\xff\xd8"
    saved = tonsure.bald(astronaut).save(tmp_path / "a.webp")
    assert isinstance(saved, tonsure.Result)
    assert Path(tmp_path / "a.webp").stat().st_size > 1000


def test_the_report_is_plain_and_complete(data):
    import json

    report = tonsure.bald(data / "astronaut.jpg", 0.5, "thin").report
    assert json.loads(json.dumps(report)) == report
    assert report["schema"] == 1
    assert report["degree"] == 0.5
    assert report["style"] == "thin"
    assert report["photo"]["format"] == "JPEG"
    assert {"read", "faces", "heads", "blend"} <= report["seconds"].keys()
    assert report["faces"][0].keys() == {
        "number", "box", "eyes", "height", "roll", "score", "edited",
    }  # fmt: skip


def test_an_earlier_mark_is_told(data):
    again = tonsure.bald(tonsure.bald(data / "astronaut.jpg").encode())
    assert "earlier_edit" in [note.code for note in again.warnings]
    assert again.report["photo"]["earlier_edit"].endswith("compositeWithTrainedAlgorithmicMedia")


def test_faces_by_themselves_and_by_pairs(group, shot):
    with Editor().open(group) as opened:
        third = opened.faces[2]
        assert opened.bald(face=third).faces == [third]
        assert opened.bald(face=third.centre).faces == [third]
        with pytest.raises(NoFace, match=r"Shot\.faces"):
            opened.bald(face=shot.faces[0])


def test_faces_are_counted_from_1(shot):
    with pytest.raises(BadOption, match="from 1"):
        shot.head(0)
    with pytest.raises(NoFace, match="no face 2"):
        shot.head(2)
    with pytest.raises(NoFace):
        shot.look(2)


@pytest.mark.parametrize("threads", [0, -1, "two", 1.5])
def test_threads_that_cannot_be(threads):
    with pytest.raises(BadOption, match="threads"):
        Editor(threads=threads)


def test_threads_are_bounded_by_the_cores():
    from tonsure.models.session import bounded, cores

    assert Editor(threads=10_000).threads == cores()
    assert bounded(10_000) == cores()
    assert bounded(None) <= 2


def test_a_result_is_shown_in_short(astronaut):
    result = tonsure.bald(astronaut)
    assert repr(result) == "<Result 512 × 512, 1 face, recede 1>"
    with Image.open(io.BytesIO(result._repr_png_())) as im:
        assert im.size == (512, 512)


def test_text_files_and_closed_ones(data):
    from tonsure.errors import UnreadableInput, WrongType

    with open(data / "astronaut.jpg") as text, pytest.raises(WrongType, match="'rb'"):
        tonsure.bald(text)
    with open(data / "astronaut.jpg", "rb") as file:
        pass
    with pytest.raises(UnreadableInput, match="closed"):
        tonsure.bald(file)


def test_a_file_that_lacks_its_end_is_told(data):
    result = tonsure.bald((data / "astronaut.jpg").read_bytes()[:-2])
    assert [note.code for note in result.warnings] == ["cut_off"]
    assert "its end mark" in result.warnings[0].text


def test_the_last_edit_needs_no_second_photo(astronaut, drawn):
    with Editor().open(astronaut) as shot:
        wanted = shot.bald(0.7).image
        before = shot.photo.pixels
        last = shot.bald(0.7, last=True)
    assert np.array_equal(last.image, wanted)
    assert last.photo.pixels is before
    assert not before.flags.writeable
    assert not np.array_equal(wanted, astronaut)  # the caller's own array is as it was


def test_masks_say_what_changes(group):
    with Editor().open(group) as opened:
        for degree, style in ((1.0, "recede"), (0.4, "thin")):
            mask = opened.mask("all", degree, style)
            assert mask.dtype == np.uint8
            out = opened.bald(degree, style, "all").image
            changed = (out != group).any(axis=2)
            assert changed.any()
            assert not changed[mask == 0].any()
        assert opened.mask("left").any(axis=0).argmax() < 200
        assert opened.mask("left")[:, 300:].max() == 0
        assert opened.mask(degree=0).max() == 0


def test_a_layer_over_the_photo_is_the_result(group):
    with Editor().open(group) as opened:
        layer = opened.layer("all", 0.6)
        over = Image.alpha_composite(
            Image.fromarray(group).convert("RGBA"), Image.fromarray(layer)
        ).convert("RGB")
        gap = np.asarray(over).astype(int) - opened.bald(0.6, face="all").image
        assert np.abs(gap).max() <= 1
        assert np.array_equal(layer[..., 3], opened.mask("all", 0.6))


def test_the_layer_of_a_grey_photo_is_grey(astronaut):
    with Editor().open(astronaut[..., 0]) as opened:
        layer = opened.layer()
        assert layer[..., 3].max() == 255
        assert np.array_equal(layer[..., 0], layer[..., 1])
        assert np.array_equal(layer[..., 0], layer[..., 2])


def test_masks_of_heads_that_are_bald(shot, drawn):
    drawn["warnings"] = ("already_bald",)
    assert shot.mask().max() == 0


def test_degrees_of_single_faces(group):
    with Editor().open(group) as opened:
        result = opened.bald(each={2: 0.5, 3: 1.0})
        assert list(result.found) == [2, 3]
        x0, y0, x1, y1 = opened.head(1).box
        assert np.array_equal(result.image[y0:y1, x0:x1], group[y0:y1, x0:x1])
        both = opened.bald(0.3, face="largest", each={2: 0.5})
        assert list(both.found) == [1, 2]
        with pytest.raises(NoFace, match="no face 4"):
            opened.bald(each={4: 1.0})
        with pytest.raises(BadOption, match="degree is 7"):
            opened.bald(each={1: 7})


def test_a_tensor_is_edited(astronaut):
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(astronaut.copy()).permute(2, 0, 1)[None] / 255
    result = tonsure.bald(tensor)
    assert result.image.shape == tensor.shape
    changed = (result.image != tensor).any(dim=1)[0].numpy()
    with Editor().open(astronaut) as opened:
        mask = opened.mask()
    assert changed.any()
    assert not changed[mask == 0].any()


def test_everything_is_shown_in_short(shot):
    assert repr(shot) == "<Shot of <array>: 512 × 512, faces not looked for yet>"
    assert repr(shot.faces).startswith("[<Face ")
    assert repr(shot).endswith(", 1 face>")
    assert repr(shot.photo) == "<Photo <array>: 512 × 512, RGB, 8 bits>"
    assert repr(Editor(threads=1)) == "Editor(threads=1, min_face=None)"


def test_a_result_opens_in_a_viewer(shot, monkeypatch):
    seen = []
    monkeypatch.setattr(Image.Image, "show", lambda image, title=None: seen.append(image.size))
    shot.bald().show()
    assert seen == [(512, 512)]
