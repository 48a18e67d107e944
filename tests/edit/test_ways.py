"""Each way on a real face: what changes does, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure.edit.fine import Patch
from tonsure.editor import Editor
from tonsure.planes import LUMA


@pytest.fixture(scope="module")
def shot(astronaut):
    with Editor(threads=1).open(astronaut) as opened:
        yield opened


@pytest.fixture(scope="module")
def hair(shot):
    """Where surely hair is, on the photo: (512, 512) bool."""
    portrait = shot._portrait(1)
    sure = portrait.scene.to_photo(portrait.hair, (0, 0, 512, 512)) > 0.97
    assert sure.sum() > 3000
    return sure


@pytest.fixture(scope="module")
def skin(shot):
    """Bare skin of the face."""
    portrait = shot._portrait(1)
    sure = portrait.scene.to_photo(portrait.bare * portrait.oval, (0, 0, 512, 512)) > 0.97
    assert sure.sum() > 1500
    return sure


def luma(pixels, where):
    return pixels[where].astype(np.float32) @ LUMA


def test_hair_takes_the_light_and_colours_of_the_wanted_one(shot, astronaut, hair, skin):
    before = luma(astronaut, hair)
    found = {n: shot.edit({n: 1}).image for n in ("Black_Hair", "Blond_Hair", "Brown_Hair")}
    means = {name: luma(image, hair).mean() for name, image in found.items()}
    assert means["Black_Hair"] < means["Brown_Hair"] < means["Blond_Hair"]
    assert means["Black_Hair"] < 0.6 * before.mean()
    black = found["Black_Hair"][hair].astype(float).mean(0)
    brown = found["Brown_Hair"][hair].astype(float).mean(0)
    assert brown[0] / brown[2] > 1.4 * black[0] / black[2] * 0.9
    for name, image in found.items():
        # strands keep their order: where it was lighter it is lighter
        assert np.corrcoef(before, luma(image, hair))[0, 1] > 0.8, name
        assert np.abs(luma(image, skin) - luma(astronaut, skin)).mean() < 1.0, name
        assert np.array_equal(image[330:], astronaut[330:]), name


def test_half_of_a_colour_lies_between(shot, astronaut, hair):
    whole, half = (shot.edit({"Black_Hair": d}).image for d in (1, 0.5))
    means = [luma(image, hair).mean() for image in (whole, half, astronaut)]
    assert means[0] + 5 < means[1] < means[2] - 5


def test_a_photo_without_colours_gets_none(astronaut):
    grey = np.repeat((astronaut @ LUMA).astype(np.uint8)[..., None], 3, 2)
    with Editor(threads=1).open(grey) as opened:
        image = opened.edit({"Brown_Hair": 1}).image.astype(int)
    assert not np.array_equal(image, grey)
    assert (image.max(-1) - image.min(-1)).max() <= 2


def test_skin_alone_is_paler_or_darker(shot, astronaut, hair, skin):
    before = luma(astronaut, skin).mean()
    for d, sign in ((1, 1), (-1, -1)):
        image = shot.edit({"Pale_Skin": d}).image
        assert sign * (luma(image, skin).mean() - before) > 5
        assert np.abs(luma(image, hair) - luma(astronaut, hair)).mean() < 1.5


def test_glasses_are_seen_by_the_parser(shot):
    assert shot.has(1)["Eyeglasses"] == 0
    result = shot.edit({"Eyeglasses": 1})
    with Editor(threads=1).open(result.image) as again:
        assert again.has(1)["Eyeglasses"] == 1
        off = again.edit({"Eyeglasses": -1})
        assert off.edits[0]["changed"]


def test_there_is_nothing_to_take_or_to_add_twice(shot, astronaut):
    result = shot.edit({"Eyeglasses": -1, "Mouth_Slightly_Open": 1})
    assert np.array_equal(result.image, astronaut)
    notes = [note.text for note in result.warnings if note.code == "nothing_to_do"]
    assert len(notes) == 2
    assert any("no glasses" in note for note in notes)
    assert not any(step["changed"] for step in result.edits)
    assert result.report["faces"][0]["edited"] is False


def test_a_smile_closes(shot):
    from tonsure.edit import mouth

    before = mouth.gap(shot._portrait(1).scene)
    with Editor(threads=1).open(shot.edit({"Mouth_Slightly_Open": -1}).image) as again:
        assert mouth.gap(again._portrait(1).scene) < 0.6 * before
        opened = again.edit({"Mouth_Slightly_Open": 1})
        with Editor(threads=1).open(opened.image) as third:
            assert mouth.gap(third._portrait(1).scene) > mouth.OPEN


def test_brows_go_both_ways(shot, astronaut):
    from tonsure import brow

    portrait = shot._portrait(1)
    area = sum(brow.area(portrait.scene, side) for side in (0, 1))
    where = portrait.scene.to_photo(area, (0, 0, 512, 512)) > 0.5
    before = luma(astronaut, where).mean()
    assert luma(shot.edit({"Bushy_Eyebrows": 1}).image, where).mean() < before - 5
    assert luma(shot.edit({"Bushy_Eyebrows": -1}).image, where).mean() > before + 2


def test_hairs_grow_where_none_are_and_are_shaved(shot, astronaut):
    grown = shot.edit({"Mustache": 1})
    changed = (grown.image != astronaut).any(-1)
    x0, y0, x1, y1 = shot.faces[0].box
    ys, xs = np.nonzero(changed)
    assert y0 + 0.5 * (y1 - y0) < ys.min() < ys.max() < y1
    assert x0 < xs.min() < xs.max() < x1
    with Editor(threads=1).open(grown.image) as again:
        shaved = again.edit({"Mustache": -1}).image
    away = [np.abs(image[changed].astype(float) - astronaut[changed]).mean()
            for image in (grown.image, shaved)]  # fmt: skip
    assert away[1] < 0.8 * away[0]


def test_the_same_hairs_grow_each_time(shot):
    first, second = (shot.edit({"No_Beard": -1}).image for _ in range(2))
    assert np.array_equal(first, second)


def test_tones_of_a_face_are_told_by_the_rest():
    """A tenth of the points is hidden: told from the others better than by their mean."""
    from tonsure.edit import tones

    model = tones.model()
    rng = np.random.default_rng(2)
    share = rng.standard_normal(len(model.spread)) * model.spread
    whole = (model.mean + share @ model.parts).reshape(-1, 3)
    hidden = rng.random(468) < 0.1
    found = model.likeliest(whole, ~hidden)
    error = np.abs(found - whole)[hidden].mean()
    assert error < 0.35 * np.abs(model.mean.reshape(-1, 3) - whole)[hidden].mean()


def test_a_fringe_hangs_over_the_forehead_in_the_hairs_own_tones(shot, astronaut, hair):
    found = {d: shot.edit({"Bangs": d}).image for d in (1, 0.4)}
    changed = {
        d: (np.abs(image.astype(int) - astronaut).max(-1) > 12) for d, image in found.items()
    }
    scene = shot._portrait(1).scene
    brows = float(shot._portrait(1).face.landmarks[[105, 334], 1].mean())
    low = {d: np.nonzero(there.any(1))[0].max() for d, there in changed.items()}
    # down to the brows, and not so far by less
    assert abs(low[1] - brows) < 0.6 * shot.faces[0].iod
    assert low[0.4] < low[1]
    forehead = scene.to_photo(scene.mesh_polygon((66, 69, 10, 299, 296)), (0, 0, 512, 512)) > 0.9
    assert changed[1][forehead].mean() > 0.5
    tones = found[1][forehead & changed[1]].astype(float)
    own = np.quantile(luma(astronaut, hair), (0.02, 0.98))
    assert own[0] - 10 < np.median(tones @ LUMA) < own[1] + 10
    # below the eyes everything keeps its bits
    eyes = int(shot.faces[0].landmarks[[33, 263], 1].max() + 0.5 * shot.faces[0].iod)
    assert np.array_equal(found[1][eyes:], astronaut[eyes:])


def test_drawn_hairs_cover_what_they_should(shot):
    """One thick hair across: its colour, its width, and multiplied by what it covers."""
    from tonsure.edit import strands

    scene = shot._portrait(1).scene
    x0, y0, x1, y1 = box = tuple(int(v) for v in shot.faces[0].box)
    ends = scene.frame.to_frame(np.array([[x0, (y0 + y1) / 2], [x1, (y0 + y1) / 2]], float))
    line = ends[0] + np.linspace(0, 1, 5)[:, None] * (ends[1] - ends[0])
    ink = np.array([200, 100, 50], np.float32)
    over, cover = strands.laid(scene, line[None], ink[None, None], 0.1, box)
    middle = (y1 - y0) // 2
    across = (x1 - x0) // 4
    assert cover[middle, across] > 0.95
    assert np.allclose(over[middle, across], ink * cover[middle, across], atol=3)
    tall = cover[:, across].sum()
    assert abs(tall - 0.1 * shot.faces[0].iod) < 2
    assert cover[: middle // 2].max() == 0


def test_a_face_moves_towards_the_other_kind_and_back_less(shot, astronaut):
    """Shape by the mesh that is found anew; the sides differ; only the face and its rim change."""
    from tonsure.edit import prototypes

    portrait = shot._portrait(1)
    model = prototypes.model()
    laid, back = prototypes.turned(portrait.scene.mesh, model.mean)
    # the turn there and the turn back are one another's inverse
    vector = np.array([[0.1, -0.2, 0.3]])
    again = vector @ back
    assert np.allclose(np.linalg.norm(again) / np.linalg.norm(vector),
                       np.linalg.norm(portrait.scene.mesh - portrait.scene.mesh.mean(0))
                       / np.linalg.norm(laid), rtol=1e-6)  # fmt: skip
    patches = {d: prototypes.step(portrait, astronaut, "male", d) for d in (1, -1)}
    x0, _, x1, _ = patches[1].box
    face = shot.faces[0]
    assert (x1 - x0) < 5 * face.iod
    assert patches[1].weight.max() == 255
    difference = patches[1].colour.astype(int) - patches[-1].colour
    assert np.abs(difference).mean() > 1
    for d in (1, -1):
        # the rim is the photo's own
        rim = patches[d].weight[:2]
        assert rim.mean() < 60


def test_men_and_women_both_ways(shot, astronaut):
    for d in (1, -1):
        result = shot.edit({"Male": d})
        assert result.edits[0]["changed"]
        x0, y0, x1, y1 = (int(v) for v in shot.faces[0].box)
        changed = (result.image != astronaut).any(-1)
        assert changed[y0:y1, x0:x1].mean() > 0.3
        assert not changed[330:].any()


def test_a_forehead_without_hair_has_no_fringe_to_lose(shot, astronaut):
    from tonsure.edit import fringe

    portrait = shot._portrait(1).again(astronaut)
    portrait.__dict__ |= {"_seen": shot._portrait(1)._seen, "hair": 0 * shot._portrait(1).hair}
    x0, y0, x1, y1 = box = tuple(int(v) for v in shot.faces[0].box)
    head = Patch(box, np.full((y1 - y0, x1 - x0, 3), 200, np.uint8), None)
    weight = np.full((y1 - y0, x1 - x0), 255, np.uint8)
    assert fringe.away(portrait, astronaut, 1.0, head, weight) == []


def test_a_fringe_that_grew_goes_again(shot, astronaut):
    """The forehead is the bald head's down to the eyes, nothing of that head is seen below."""
    from tonsure.edit import fringe

    with Editor(threads=1).open(shot.edit({"Bangs": 1}).image) as fringed:
        portrait = fringed._portrait(1)
        x0, y0, x1, y1 = box = tuple(int(v) for v in shot.faces[0].box)
        head = Patch(box, np.full((y1 - y0, x1 - x0, 3), 200, np.uint8), None)
        weight = np.full((y1 - y0, x1 - x0), 255, np.uint8)
        first, *_ = fringe.away(portrait, portrait.pixels, 1.0, head, weight)
        assert np.array_equal(first.colour, head.colour)
        eyes = int(fringed.faces[0].landmarks[[33, 263], 1].max() + 0.5 * fringed.faces[0].iod)
        assert first.weight[: (eyes - y0) // 2].max() == 255
        assert first.weight[eyes - y0 :].max() == 0
