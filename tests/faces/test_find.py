"""Finding: every size, every way up, several at once, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tonsure import errors, faces
from tonsure.faces import align, detect, landmarks, search

Picture = npt.NDArray[np.uint8]

HEAD = (130, 30, 320, 240)  # the astronaut's


def find(pixels: Picture, **options: float) -> list[faces.Face]:
    return faces.find(np.ascontiguousarray(pixels), threads=2, **options)  # type: ignore[arg-type]


def turned(pixels: Picture, degrees: float) -> tuple[Picture, complex, complex]:
    """Clockwise about the middle, and the similarity (z, t) that does it."""
    side = pixels.shape[0]
    z = complex(np.exp(1j * np.radians(degrees)))
    middle = complex(side, side) / 2
    t = middle - z * middle
    return align.sample(pixels, -t / z, 1 / z, (side, side)), z, t


def eye_error(face: faces.Face, truth: npt.NDArray[np.complex128]) -> float:
    """In eye distances."""
    return float(np.abs(align.to_complex(face.eyes) - truth).mean() / abs(truth[1] - truth[0]))


def head(astronaut: Picture, width: int) -> Picture:
    """The head alone, `width` pixels wide; the face is 0.55 of that high."""
    part = Image.fromarray(astronaut).crop(HEAD)
    return np.asarray(part.resize((width, width * part.height // part.width), reducing_gap=3.0))


def put(canvas: Picture, piece: Picture, x: int, y: int) -> None:
    canvas[y : y + piece.shape[0], x : x + piece.shape[1]] = piece


def canvas(width: int, height: int) -> Picture:
    """A calm background: a gradient with a little grain."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[:height, :width]
    light = 90 + 60 * x / width + 40 * y / height
    return (light[..., None] + random.normal(0, 3, (height, width, 3))).astype(np.uint8)


def test_a_portrait(astronaut: Picture, face: faces.Face) -> None:
    assert face.landmarks.shape == (468, 3)
    assert face.landmarks.dtype == np.float32
    assert face.score >= 0.5
    assert face.flag > 0.99
    assert abs(face.roll) < 8
    left, right = face.eyes
    assert left == pytest.approx([204, 102], abs=4)
    assert right == pytest.approx([247, 105], abs=4)
    assert face.iod == pytest.approx(43, abs=2)
    assert 95 < face.height < 115
    x0, y0, x1, y1 = face.box
    assert (x0, y0, x1, y1) == pytest.approx((179, 70, 272, 177), abs=5)
    low, high = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
    assert (low >= [x0, y0]).all()
    assert (high <= [x1, y1]).all()


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_quarters(astronaut: Picture, face: faces.Face, quarter: int) -> None:
    (one,) = find(np.rot90(astronaut, quarter))
    assert one.flag > 0.9
    want = face.roll - 90 * quarter
    assert abs((one.roll - want + 180) % 360 - 180) < 3
    back = align.to_complex(one.eyes)
    for _ in range(quarter):  # undo one quarter counter-clockwise: x = 512 - y, y = x
        back = 512 + 1j * back
    assert np.abs(back - align.to_complex(face.eyes)).mean() < 0.05 * face.iod


@pytest.mark.parametrize("degrees", range(15, 360, 15))
def test_any_roll(astronaut: Picture, face: faces.Face, degrees: int) -> None:
    picture, z, t = turned(astronaut, degrees)
    (one,) = find(picture)
    assert eye_error(one, z * align.to_complex(face.eyes) + t) < 0.06
    assert abs((one.roll - face.roll - degrees + 180) % 360 - 180) < 4


def test_small_on_a_large_canvas(astronaut: Picture) -> None:
    large = canvas(2400, 1600)
    put(large, head(astronaut, 87), 1500, 300)  # a face of 48 px
    (one,) = find(large, min_face=40)
    assert 43 < one.height < 53
    assert one.centre == pytest.approx((1543, 343), abs=12)
    (same,) = find(large)  # nothing larger is there, so it is found without being asked for
    assert same.centre == pytest.approx(one.centre, abs=3)
    assert find(large, min_face=70) == []


def test_a_face_larger_than_its_picture(astronaut: Picture) -> None:
    (whole,) = find(astronaut)
    x0, y0, x1, y1 = (round(v) for v in whole.box)
    for trim in (-5, 8):
        part = astronaut[y0 + trim : y1 - trim, x0 + trim : x1 - trim]
        (one,) = find(np.asarray(Image.fromarray(part).resize((720, 800))))
        assert one.flag > 0.9
        assert one.iod == pytest.approx(whole.iod * 720 / part.shape[1], rel=0.1)


def test_a_thumbnail(astronaut: Picture) -> None:
    (one,) = find(np.asarray(Image.fromarray(astronaut[20:260, 100:340]).resize((64, 64))))
    assert one.height == pytest.approx(28, abs=3)


def test_grey_and_sixteen_bits(astronaut: Picture, face: faces.Face) -> None:
    truth = align.to_complex(face.eyes)
    grey = np.repeat(np.asarray(Image.fromarray(astronaut).convert("L"))[..., None], 3, 2)
    (one,) = find(grey)
    assert eye_error(one, truth) < 0.04
    (deep,) = faces.find(astronaut.astype(np.uint16) * 257, threads=2)
    assert eye_error(deep, truth) < 1e-3


def test_several_largest_first_each_its_own_way_up(astronaut: Picture) -> None:
    large = canvas(1600, 1200)
    put(large, head(astronaut, 160), 100, 100)
    put(large, np.rot90(head(astronaut, 320)), 600, 100)
    put(large, np.rot90(head(astronaut, 240), 2), 1200, 700)
    put(large, head(astronaut, 640), 300, 480)
    found = find(large)
    assert [round(f.roll / 90) % 4 for f in found] == [0, 3, 2, 0]
    heights = [f.height for f in found]
    assert heights == sorted(heights, reverse=True)
    assert heights == pytest.approx([0.55 * w for w in (640, 320, 240, 160)], rel=0.1)


@pytest.mark.parametrize(
    ("degrees", "score", "logit", "kept"),
    [
        (165.0, 0.52, 2.5, False),  # what a street sign was taken for
        (-90.0, 0.62, 5.5, False),
        (165.0, 0.90, 9.0, True),  # somebody does lie that way
        (20.0, 0.52, 2.5, True),  # the same way up: as before
    ],
)
def test_a_doubtful_face_is_the_same_way_up_as_a_sure_one(
    astronaut: Picture, face: faces.Face, monkeypatch: pytest.MonkeyPatch,
    degrees: float, score: float, logit: float, kept: bool,
) -> None:  # fmt: skip
    def laid(z: complex, t: complex) -> npt.NDArray[np.float32]:
        flat = z * align.to_complex(face.landmarks) + t
        depth = face.landmarks[:, 2] * abs(z)
        return np.column_stack([flat.real, flat.imag, depth]).astype(np.float32)

    up = complex(1.3 * np.exp(1j * np.radians(degrees)))  # larger than the sure one
    away = 420 + 380j - up * complex(*face.centre)
    sure = detect.Found(complex(*face.centre), 100.0, 0.96, 1 + 0j)
    doubtful = detect.Found(420 + 380j, 130.0, score, up / abs(up))
    meshes = {sure: landmarks.Mesh(face.landmarks, 25.0)}
    meshes[doubtful] = landmarks.Mesh(laid(up, away), logit)
    seen = [sure, doubtful]
    monkeypatch.setattr(search, "again", lambda *_: [[found] for found in seen])
    monkeypatch.setattr(search, "mesh", lambda _, founds, __: [meshes[f] for f in founds])
    found = find(astronaut)
    assert len(found) == 1 + kept
    assert faces.choose(found)[0].score == (score if kept else 0.96)
    seen.remove(sure)  # alone it is all there is
    (alone,) = find(astronaut)
    assert alone.score == score


def test_long_pictures(astronaut: Picture) -> None:
    panorama = canvas(4000, 400)
    put(panorama, head(astronaut, 200), 3000, 100)
    (one,) = find(panorama)
    assert one.centre == pytest.approx((3100, 200), abs=30)


def test_no_face(cup: Picture) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    for picture in (cup, noise, canvas(640, 480), np.zeros((1, 1, 3), np.uint8)):
        assert find(picture) == []
    assert faces.find(np.zeros((0, 5, 3), np.uint8)) == []
    with pytest.raises(errors.NoFace):
        faces.choose(find(cup))


def test_the_same_again_and_with_other_threads(astronaut: Picture, face: faces.Face) -> None:
    (one,) = faces.find(astronaut, threads=2)
    assert (one.landmarks == face.landmarks).all()
    (other,) = faces.find(astronaut, threads=1)
    assert np.abs(other.landmarks - face.landmarks).max() < 0.05


def test_the_picture_is_not_changed(astronaut: Picture) -> None:
    picture = astronaut.copy()
    picture.flags.writeable = False
    find(picture)
    assert (picture == astronaut).all()


@pytest.mark.parametrize("smallest", [0, -3, float("nan"), float("inf")])
def test_nonsense_is_refused(astronaut: Picture, smallest: float) -> None:
    with pytest.raises(errors.BadOption, match="more than 0"):
        faces.find(astronaut, min_face=smallest)
    with pytest.raises(TypeError, match="uint8"):
        faces.find(astronaut.astype(np.float32))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="uint8"):
        faces.find(astronaut[..., 0])
