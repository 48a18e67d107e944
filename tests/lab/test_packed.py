"""What the parser and the bare net are trained on, on a packed data set of a few pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")

from tonsure import faces  # noqa: E402
from tonsure.faces import Frame  # noqa: E402
from tonsure.hair import classes  # noqa: E402
from tonsure.head import bare as room  # noqa: E402
from tonsure.lab.data.pack import _CLASS_OF, _majority  # noqa: E402
from tonsure.lab.data.windows import KINDS, OUTSIDE, window  # noqa: E402
from tonsure.lab.tasks import bare, parser  # noqa: E402
from tonsure.planes import membrane  # noqa: E402
from tonsure.scene import EYE_DISTANCE, EYES_MIDDLE  # noqa: E402

ATTRIBUTES = ["Bald", "Black_Hair", "Eyeglasses", "Male", "Wearing_Hat"]


def landmarks(scale: float = 1.0) -> np.ndarray:
    points = np.zeros((468, 3), np.float32)
    places = {(33, 133): (69.63, 112.59), (362, 263): (108.03, 112.76), (61, 291): (88.96, 152.74)}
    for ends, place in places.items():
        points[list(ends), :2] = place
    return points * np.float32(scale)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four labelled pictures, a disc of skin under hair, and eight unlabelled ones."""
    random, out = np.random.default_rng(0), tmp_path_factory.mktemp("packed")
    y, x = np.mgrid[0:256, 0:256]
    label = np.zeros((256, 256), np.uint8)
    label[np.hypot(x - 128, y - 150) < 70] = parser.SKIN
    label[(np.hypot(x - 128, y - 120) < 80) & (y < 120)] = parser.HAIR
    colour = np.array([[90, 120, 150], [220, 170, 150], [50, 40, 30]], np.uint8)
    picture = colour[label]
    for part, count in (("train", 4), ("test", 2)):
        np.savez(
            out / f"cm_{part}.npz", img=np.stack([picture] * count), lab=np.stack([label] * count),
            lm=np.stack([landmarks(256 / 218)] * count), flag=np.ones(count),
        )  # fmt: skip
    small = random.integers(0, 256, (8, 218, 178, 3)).astype(np.uint8)
    np.save(out / "celeba_img.npy", small)
    yes = np.zeros((8, 5), bool)
    yes[:2, 0] = yes[2:4, 2] = yes[4:6, 4] = yes[6, [1, 3]] = True  # 6: short dark hair
    np.savez(
        out / "celeba.npz", attr_names=np.array(ATTRIBUTES), attr=np.where(yes, 1, -1),
        part=np.zeros(8, int), flag=np.ones(8), clean=yes[:, 0], masked=np.arange(8),
        person=np.full((8, 218, 178), 255, np.uint8), lm=np.stack([landmarks()] * 8),
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def task(folder: Path) -> parser.ParserTask:
    return parser.ParserTask(folder, size=64, labelled=3, weak=5, widths=(8, 8, 16, 16, 16))


def test_the_parsers_classes_have_the_same_names_in_use() -> None:
    assert parser.CLASSES == classes.CLASSES
    assert len(parser.WEIGHTS) == len(parser.CLASSES)
    assert _CLASS_OF.max() == len(parser.CLASSES) - 1


def test_blocks_get_the_class_of_most() -> None:
    classes = np.zeros((4, 4), np.uint8)
    classes[:2, :2] = [[3, 3], [3, 1]]
    classes[2:, 2:] = 8
    assert _majority(classes, 2).tolist() == [[3, 0], [0, 8]]


def test_a_batch_for_the_parser(task: parser.ParserTask) -> None:
    one, two = (task.batch(torch.Generator().manual_seed(2)) for _ in range(2))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert one["picture"].shape == (3, 5, 64, 64)
    assert one["weak"].shape == one["plain"].shape == (5, 5, 64, 64)
    assert one["picture"].isfinite().all()
    kinds = set(one["labels"].unique().tolist())
    assert kinds <= {parser.BACKGROUND, parser.SKIN, parser.HAIR, parser.IGNORE}
    assert {parser.SKIN, parser.HAIR} <= kinds


def test_every_loss_of_the_parser_is_finite_and_teaches(task: parser.ParserTask) -> None:
    torch.manual_seed(0)
    model, teacher = task.build().train(), task.build()
    batch = task.batch(torch.Generator().manual_seed(3))
    losses = task.losses(model, teacher, batch, 0.5)
    assert set(losses) == {"cross_entropy", "dice", "labels", "bald", "crown", "teacher"}
    assert all(bool(v.isfinite()) for v in losses.values())
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())


class Only(torch.nn.Module):
    """Sees one class everywhere."""

    def __init__(self, which: int) -> None:
        super().__init__()
        self.which = which

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(window.shape[0], 9, *window.shape[2:])
        out[:, self.which] = 6.0
        return out


def test_what_a_person_has_high_above_the_eyes_is_hat_where_one_is_worn(
    task: parser.ParserTask,
) -> None:
    batch = task.batch(torch.Generator().manual_seed(3))
    amiss = {
        which: float(task.losses(Only(which), task.build(), batch, 0.1)["crown"])
        for which in (parser.HAT, parser.HAIR, parser.BACKGROUND)
    }
    assert amiss[parser.HAT] < amiss[parser.HAIR] < amiss[parser.BACKGROUND]


class Oracle(torch.nn.Module):
    """Tells skin from hair and background by the colours of the packed pictures."""

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        red = window[:, 0]
        out = torch.zeros(red.shape[0], 9, *red.shape[1:])
        out[:, parser.HAIR] = (red < -0.45).float()
        out[:, parser.SKIN] = (red > 0.3).float()
        out[:, parser.BACKGROUND] = ((red >= -0.45) & (red <= 0.3)).float()
        return out


def test_the_examination_knows_a_good_parser(task: parser.ParserTask) -> None:
    told = task.evaluate(Oracle())
    assert set(told) == set(parser.CLASSES)
    assert min(told[name] for name in ("background", "skin", "hair")) > 0.96
    assert told["hat"] == 0


@pytest.mark.parametrize("known", ["hole", "few", "corner", "middle", "bottom"])
def test_training_spreads_colours_as_use_does(known: str) -> None:
    random, side = np.random.default_rng(0), bare.SIDE
    y, x = np.mgrid[0:side, 0:side]
    weight = {
        "hole": np.hypot(x - 96, y - 90) > 50,
        "few": random.random((side, side)) < 0.01,
        "corner": (x < 40) & (y < 40),
        "middle": np.hypot(x - 96, y - 96) < 20,
        "bottom": y > 150,
    }[known].astype(np.float32)
    value = (np.stack([x, y, x + y], -1) / 96 - 1 + random.normal(0, 0.1, (side, side, 3))).astype(
        np.float32
    )
    told = membrane(value, weight, bare.RELAX)
    batch = torch.from_numpy(value).permute(2, 0, 1)[None]
    found = bare.spread(batch, torch.from_numpy(weight)[None, None])[0].permute(1, 2, 0).numpy()
    assert np.abs(found - told).max() < 1e-5


def test_training_and_use_agree_on_the_window() -> None:
    assert (bare.SIDE, bare.DENSITY, bare.CENTRE) == (room.SIDE, room.DENSITY, room.CENTRE)
    assert bare.LAYERS == room.LAYERS
    assert bare.RELAX == room._RELAX


def test_training_and_use_ask_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the net is asked of one window, and how its answer comes back."""
    random, side = np.random.default_rng(1), bare.SIDE
    rgb, rest = random.random((side, side, 3)), random.random((5, side, side))
    seen = random.dirichlet(np.ones(5), (side, side))
    known, inside, head, oval, smooth = rest = np.float32(rest > 0.5)
    low = SimpleNamespace(seen=np.float32(seen), head=head, oval=oval, smooth=smooth)
    corner = [EYES_MIDDLE[k] + (bare.CENTRE[k] - 3) * EYE_DISTANCE for k in (0, 1)]
    asked, answer = [], np.float32(random.normal(size=(8, side, side)))

    def run(_: None, given: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
        asked.append(given["window"])
        both = np.stack([answer, answer[:, :, ::-1]])
        return both[:, :3], both[:, 3:]

    monkeypatch.setattr(room.session, "open", lambda *_: SimpleNamespace(run=run))
    scene: Any = SimpleNamespace(box=(*corner, 0.0, 0.0), threads=1)
    residual, layers, answered = room._ask(scene, np.float32(rgb * 255), known, inside, low)  # type: ignore[arg-type]

    step = (torch.arange(side) + 0.5 - side / 2) / bare.DENSITY
    down, across = torch.meshgrid(step + bare.CENTRE[1], step + bare.CENTRE[0], indexing="ij")
    picture, shares = (torch.tensor(p, dtype=torch.float32).permute(2, 0, 1) for p in (rgb, seen))
    planes = [torch.from_numpy(p)[None, None] for p in rest]
    k, there, filled, face, even = planes
    told = torch.stack([across, down])[None]
    window = bare.inputs(picture[None], k, there, filled, face, shares[None], even, told)[0]
    assert np.abs(asked[0][0] - window[0].numpy()).max() < 1e-4
    mirrored = asked[0][1][:, :, ::-1] * np.where(np.arange(23) == 21, -1, 1)[:, None, None]
    assert np.abs(mirrored - window[0].numpy()).max() < 1e-4
    assert answered.min() == 1
    assert np.abs(residual.transpose(2, 0, 1) - answer[:3] * 127.5).max() < 1e-3
    assert (layers.argmax(-1) == answer[3:].argmax(0)).all()


@pytest.fixture(scope="module")
def planes(astronaut: np.ndarray) -> dict[str, np.ndarray]:
    (face,) = faces.find(astronaut, threads=1)
    return window((astronaut, face.landmarks))


def pixel(x: float, y: float) -> tuple[int, int]:
    """Row and column of a window at a place in face units."""
    column = (x - bare.CENTRE[0]) * bare.DENSITY + bare.SIDE / 2
    return int((y - bare.CENTRE[1]) * bare.DENSITY + bare.SIDE / 2), int(column)


def test_a_window_of_a_real_photo(planes: dict[str, np.ndarray]) -> None:
    assert set(planes) == set(KINDS)
    for name, plane in planes.items():
        assert plane.shape[:2] == (bare.SIDE, bare.SIDE)
        assert plane.dtype == np.uint8
        assert plane.ndim == (3 if name == "rgb" else 2)
    forehead, above = pixel(0, -0.35), pixel(0, -1.25)
    assert planes["cls"][forehead] == classes.SKIN
    assert planes["cls"][above] == classes.HAIR
    assert planes["hair"][above] > 128 > planes["hair"][forehead]
    assert planes["oval"][forehead] == planes["head"][forehead] == 255
    assert planes["oval"][above] < 128 < planes["head"][above]
    assert planes["smooth"][forehead] > 128 > planes["smooth"][pixel(0.5, 0.0)]  # an eye
    assert set(np.unique(planes["cls"])) <= {*range(9), OUTSIDE}


def test_a_window_lies_where_the_face_is(
    planes: dict[str, np.ndarray], astronaut: np.ndarray
) -> None:
    (face,) = faces.find(astronaut, threads=1)
    frame = Frame.of(face)
    scale = bare.DENSITY / EYE_DISTANCE
    left = EYES_MIDDLE[0] + (bare.CENTRE[0] - 3) * EYE_DISTANCE
    top = EYES_MIDDLE[1] + (bare.CENTRE[1] - 3) * EYE_DISTANCE
    box = (left, top, left + 6 * EYE_DISTANCE, top + 6 * EYE_DISTANCE)
    direct = frame.cut(astronaut, scale, box).astype(int)
    inside = (planes["cls"] != OUTSIDE) & frame.inside(astronaut.shape, scale, box)
    assert inside.mean() > 0.8
    assert np.abs(direct - planes["rgb"])[inside].mean() < 4
