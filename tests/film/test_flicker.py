"""Flicker: what is laid over a film may change from frame to frame no more than its face does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import tonsure
from tonsure import faces
from tonsure.film import key
from tonsure.film.motion import Motion
from tonsure.hair.people import People

from .conftest import around, moved, noisy

MOST = 1.3
COUNT = 9


@pytest.fixture(scope="module")
def first(astronaut):
    """The first frame of each clip, and its keyframe, made by the networks once."""
    frame = noisy(around(astronaut, (640, 480)), 0)
    made = []

    def make(pixels, grey, face, *, threads=None):
        if not made:
            made.append(plain(pixels, grey, face, threads=threads))
        return made[0]

    plain = key.make
    return frame, make


def still(picture):
    return [noisy(picture, k) for k in range(COUNT)]


def panning(picture):
    return [
        noisy(moved(picture, 2.3 * k, 0.8 * k, 1 + 0.004 * k, 0.2 * k), k) for k in range(COUNT)
    ]


def talking(picture):
    """The head sways before the wall, the mouth opens and closes."""
    points = faces.find(picture, threads=1)[0].landmarks[:, :2]
    high, wide = picture.shape[:2]
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    unit = float(np.linalg.norm(points[33] - points[263]))
    cx, cy = points.mean(0)
    head = np.exp(-((((x - cx) / (1.9 * unit)) ** 2 + ((y - cy) / (2.2 * unit)) ** 2) ** 2))
    mx, my = points[[13, 14]].mean(0)
    jaw = np.exp(-(((x - mx) / (0.5 * unit)) ** 2 + ((y - my) / (0.5 * unit)) ** 2))
    jaw *= np.clip((y - my) / (0.1 * unit), 0, 1)
    frames = []
    for k in range(COUNT):
        sway, mouth = 0.1 * unit * np.sin(k / 4), 0.1 * unit * abs(np.sin(k / 1.5))
        at = (x - head * sway).astype(np.float32), (y - jaw * mouth).astype(np.float32)
        frames.append(noisy(cv2.remap(picture, *at, cv2.INTER_CUBIC), k))
    return frames


@pytest.mark.parametrize("clip", [still, panning, talking])
def test_the_head_is_as_steady_as_the_face(first, monkeypatch, clip):
    frame, make = first
    monkeypatch.setattr(key, "make", make)
    frames = [frame, *clip(frame)[1:]]
    within, beside = [], []
    with tonsure.Follower(threads=1) as follower:
        before = None
        for k, shown in enumerate(frames):
            out = follower.take(shown, k / 25).astype(float)
            (held,) = follower._tracks[0].held
            mask = cv2.warpAffine(
                held.key.mask, held.moves.head.warp(held.key.box[:2], (0, 0)), (640, 480),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            ) > 127  # fmt: skip
            ((_, face),) = follower.faces
            skin = np.zeros(mask.shape, np.uint8)
            hull = cv2.convexHull(face.landmarks[:, :2].copy()).astype(np.int32)
            cv2.fillConvexPoly(skin, hull, 1)
            if before is not None:
                within.append(np.abs(out - before[0])[mask].mean())
                beside.append(np.abs(shown - before[1])[(skin > 0) & ~mask].mean())
            before = out, shown.astype(float)
            assert np.abs(out - shown)[mask].mean() > 15  # it is edited
    assert held.moves.head != Motion() or clip is still
    ratio = np.array(within) / np.array(beside)
    assert ratio.max() < MOST, ratio


def test_a_keyframe_laid_on_its_own_frame_is_the_photo_made_bald(first, monkeypatch, astronaut):
    from tonsure import blend, head

    frame, make = first
    monkeypatch.setattr(key, "make", make)
    with tonsure.Follower(threads=1) as follower:
        out = follower.take(frame)
        ((_, face),) = follower.faces
    bare = head.make(frame, face, threads=1)
    photo = blend.apply(frame, [(bare, bare.mask)])
    off = np.abs(photo.astype(int) - out).max(-1)
    assert off[bare.box[1] : bare.box[3], bare.box[0] : bare.box[2]].mean() < 4
    assert (off > 24).mean() < 0.01


def test_a_head_that_the_frame_cuts_off_is_made_whole(astronaut):
    whole = around(astronaut, (640, 480))
    frame = np.ascontiguousarray(whole[:, 262:])
    (face,) = faces.find(frame, threads=1)[:1]
    made = key.make(frame, cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), face, threads=1)
    assert made.box[0] < -20
    assert made.alpha.shape == made.mask.shape == made.back.shape[:2]
    beyond = made.alpha[:, : -made.box[0]]
    assert (beyond > 200).any(0).sum() > 3  # columns of the head that are not in the frame
    assert np.allclose(made.frame.to_photo(made.frame.to_frame([[30, 40]])), [[30, 40]])
    eyes = made.frame.to_frame(face.eyes)
    assert abs(eyes[1, 0] - eyes[0, 0] - 38.4) < 5
    for points in made.points.values():
        assert (points >= 0).all()
        assert (points <= (frame.shape[1], frame.shape[0])).all()


def test_who_else_is_in_the_frame_is_told_to_the_edit(astronaut, monkeypatch):
    """Also where a frame cuts a head off, and all lies elsewhere in the canvas that is made."""
    head = astronaut[0:300, 130:320]
    two = np.ascontiguousarray(np.hstack([head, head[:, ::-1]])[60:])  # cheek by jowl
    face, other = faces.find(two, threads=1)
    told = []

    class Asked(Exception):
        pass

    def layers(pixels, own, others, *, threads):
        told.extend([own, *People.of(own, others, pixels).others])
        raise Asked

    monkeypatch.setattr(key, "layers", layers)
    with pytest.raises(Asked):
        key.make(two, cv2.cvtColor(two, cv2.COLOR_RGB2GRAY), face, threads=1)
    own, beside = told
    apart = np.subtract(beside.centre, own.centre)
    assert np.allclose(apart, np.subtract(other.centre, face.centre), atol=0.01)
    assert own.centre != face.centre  # the frame cuts it off
