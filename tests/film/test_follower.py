"""People followed from frame to frame."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tonsure
from tonsure.errors import BadOption
from tonsure.film import key
from tonsure.film.cuts import is_cut, view
from tonsure.film.people import Person, known, traits

from .conftest import around, dome, draw_key, moved, noisy


def test_the_head_goes_with_the_face(scene, keyed):
    with tonsure.Follower(threads=1) as follower:
        middles = []
        for k in range(6):
            out = follower.take(noisy(moved(scene, 6 * k, -2 * k), k), k / 25)
            ys, xs = np.nonzero(dome(out))
            middles.append((xs.mean(), ys.mean()))
        ((number, face),) = follower.faces
    went = np.diff(np.array(middles), axis=0)
    assert np.abs(went - (6, -2)).max() < 0.8
    assert keyed["calls"] == 1
    assert number == 1
    assert face.height > 100
    assert (follower.frames, follower.edited, follower.cuts) == (6, 6, 0)


def test_what_is_not_hair_keeps_its_bits(scene, keyed):
    with tonsure.Follower(threads=1) as follower:
        for k in range(3):
            frame = noisy(moved(scene, 3 * k, 0), k)
            kept = frame.copy()
            out = follower.take(frame, k / 25)
            assert np.array_equal(frame, kept)
            changed = (out != frame).any(-1)
            assert changed[:200].any()
            assert not changed[250:].any()
            assert not changed[:, :60].any()


@pytest.mark.parametrize("style", ["recede", "thin"])
def test_degrees_of_each_frame(scene, keyed, style):
    with tonsure.Follower(style=style, threads=1) as follower:
        changed = [
            np.abs(follower.take(scene, k / 25, k / 4).astype(int) - scene).sum() for k in range(5)
        ]
    assert changed[0] == 0
    assert sorted(changed) == changed
    assert 0 < changed[1] < changed[2] < changed[4]


def test_sixteen_bits(scene, keyed):
    deep = scene.astype(np.uint16) * 257 + 5
    with tonsure.Follower(threads=1) as follower:
        out = follower.take(deep)
    assert out.dtype == np.uint16
    changed = (out != deep).any(-1)
    assert 0.02 < changed.mean() < 0.5
    assert dome((out >> 8).astype(np.uint8)).sum() > 500


def test_through_a_cut_the_same_person_is_known_again(astronaut, scene, keyed):
    other = around(astronaut[:, ::-1])[:, ::-1].copy()
    far = np.roll(255 - other, 0)
    empty = np.full_like(scene, 40)
    empty[::7] = 200
    with tonsure.Follower(threads=1) as follower:
        for k in range(3):
            follower.take(noisy(scene, k), k / 25)
        gone = follower.take(empty, 0.2)
        assert np.array_equal(gone, empty)
        back = around(astronaut, (480, 360))
        back[:, :80] = 255
        back[:, 400:] = 0
        for k in range(2):
            out = follower.take(noisy(back, k), 0.5 + k / 25)
        assert dome(out).sum() > 500
    assert follower.cuts == 2
    assert len(follower.people) == 1
    assert keyed["calls"] == 2
    assert far.shape == scene.shape


def test_only_the_chosen_one_is_edited(group, keyed):
    with tonsure.Follower(face=2, threads=1) as follower:
        for k in range(3):
            out = follower.take(noisy(group, k), k / 25)
    changed = (np.abs(out.astype(int) - group).max(-1) > 20).any(0)
    assert changed[510:690].any()
    assert not changed[:505].any()
    with tonsure.Follower(face="all", threads=1) as follower:
        out = follower.take(group, 0)
    assert keyed["calls"] == 4


def test_a_turned_head_gets_a_new_keyframe_which_fades_in(scene, keyed, monkeypatch):
    from tonsure.film import track

    monkeypatch.setattr(track, "_SIZE", 0.03)
    outs = []
    with tonsure.Follower(threads=1) as follower:
        for k in range(34):
            grown = moved(scene, 0, 0, 1 + 0.04 * min(k / 20, 1))
            outs.append(follower.take(grown, k / 25).astype(float))
    assert keyed["calls"] == 2
    assert follower.keyframes == 2
    jumps = [np.abs(b - a).mean() for a, b in itertools.pairwise(outs)]
    assert max(jumps) < 4 * np.median(jumps) + 0.5


def test_a_film_comes_out_the_same_each_time(scene, keyed, monkeypatch):
    from tonsure.film import track

    monkeypatch.setattr(track, "_SIZE", 0.02)

    def run() -> list[np.ndarray]:
        with tonsure.Follower(threads=1) as follower:
            return [follower.take(moved(scene, k, 0, 1 + 0.003 * k), k / 25) for k in range(32)]

    for one, other in zip(run(), run(), strict=True):
        assert np.array_equal(one, other)
    assert keyed["calls"] == 4


def test_live_frames_are_never_waited_for(scene, keyed, monkeypatch):
    import threading

    ready = threading.Event()

    def slow(*arguments, **options):
        ready.wait(20)
        return draw_key(*arguments, **options)

    monkeypatch.setattr(key, "make", slow)
    with tonsure.Follower(live=True, threads=1) as follower:
        assert np.array_equal(follower.take(scene, 0), scene)
        ready.set()
        for k in range(1, 400):
            out = follower.take(scene, k / 25)
            if not np.array_equal(out, scene):
                break
            threading.Event().wait(0.02)
        assert dome(out).any()


def test_the_head_has_the_light_of_now(scene, keyed):
    with tonsure.Follower(threads=1) as follower:
        first = follower.take(scene, 0)
        where = dome(first)
        dark = np.clip(scene.astype(int) - 24, 0, 255).astype(np.uint8)
        for k in range(1, 12):
            out = follower.take(dark, k / 25)
    change = out[where].astype(int) - first[where]
    # a dark red cannot get much darker, green and blue can
    assert -30 < np.median(change[:, 1]) < -14
    assert keyed["calls"] == 1


def test_a_lost_face_fades(scene, keyed):
    covered = scene.copy()
    covered[60:330, 150:330] = np.random.default_rng(0).integers(0, 255, (270, 180, 3))
    with tonsure.Follower(threads=1) as follower:
        for k in range(3):
            follower.take(scene, k / 25)
        for k in range(3, 20):
            out = follower.take(covered, k / 25)
        assert np.array_equal(out, covered)


def test_cuts_and_pans_are_told_apart(scene):
    before = view(scene)
    assert not is_cut(before, view(moved(scene, 25, 5)))
    assert not is_cut(before, view(np.clip(scene * 0.9, 0, 255).astype(np.uint8)))
    assert is_cut(before, view(255 - scene))


def test_people_are_known_by_what_they_look_like(astronaut, data):
    from tonsure import faces

    face = faces.find(astronaut, threads=1)[0]
    darker = np.clip(astronaut * 0.8 + 10, 0, 255).astype(np.uint8)
    one = traits(astronaut, face, 1)
    same = traits(darker, faces.find(darker, threads=1)[0], 1)
    people = [Person(1, one), Person(2, np.clip(1 - one, 0, 1))]
    assert known(people, [same]) == [people[0]]
    assert known(people, [same, one])[1] is people[0]  # nobody twice
    assert known([], [one]) == [None]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"degree": 2}, "degree"),
        ({"style": "x"}, "style"),
        ({"face": "larges"}, "largest"),
        ({"threads": 0}, "threads"),
    ],
)
def test_what_is_wrong_is_said(arguments, said):
    with pytest.raises(BadOption, match=said):
        tonsure.Follower(**arguments)


@pytest.mark.parametrize("frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), [[1]]])
def test_frames_are_arrays(frame):
    with tonsure.Follower(threads=1) as follower, pytest.raises(BadOption, match="H, W, 3"):
        follower.take(frame)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2)])
def test_tiny_frames_pass(size):
    frame = np.zeros((*size, 3), np.uint8)
    with tonsure.Follower(threads=1) as follower:
        assert np.array_equal(follower.take(frame), frame)
