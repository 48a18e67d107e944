"""A second opinion on what belongs to people at all, laid over the parser's classes.

The parser tells hair from skin; the person mask (`person_mask`, a network for calls before a
camera) tells people from what is behind them, and does it better. So hair that is nobody's becomes
background, and what is somebody's, looks like this hair and lies beside it becomes hair.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..models import session
from ..planes import Plane, blur, eased, grow, reached, resize, smoothstep
from ..scene import EAR_LENGTH, OVAL, Scene
from .classes import BACKGROUND, CLOTHES, EAR, HAIR, HAT, JEWELLERY, SKIN

_SIDE = 256
_CHIN = 152  # of the mesh
_SEEN = 0.5  # of the face, by a mask that is believed
_SURE = 0.9  # is hair whose colours may stand for all hair


def person(scene: Scene) -> Plane:
    """How surely a pixel of the scene belongs to a person: (H, W) 0..1.

    The mean of a look at it and at its mirror image: where the net is not sure, they differ.
    """
    image = Image.fromarray(scene.rgb.clip(0, 255).astype(np.uint8))
    small = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
    net = session.open("person_mask", scene.threads)
    plain, turned = (
        net.run(None, {"image": np.ascontiguousarray(view[None]) / np.float32(255)})[0][0]
        for view in (small, small[:, ::-1])
    )
    return resize(0.5 * (plain + turned[:, ::-1]), scene.shape)


def alike(scene: Scene, where: npt.NDArray[np.bool_]) -> Plane:
    """How much every pixel's colour is like those of `where` (H, W), 0..1; like nothing it is 0."""
    if not where.any():
        return np.zeros(scene.shape, np.float32)
    tones = scene.rgb[where]
    middle, spread = tones.mean(0), 1.3 * (tones.std(0) + 14)
    apart = np.zeros(scene.shape, np.float32)
    for c in range(3):  # numpy is slow along an axis of three
        off = (scene.rgb[..., c] - middle[c]) / spread[c]
        apart += off * off
    return np.asarray(np.exp(apart / np.float32(-6)), dtype=np.float32)


def flesh(scene: Scene, skin: npt.NDArray[np.bool_]) -> Plane:
    """What has the colour of the `skin` (H, W), however bright: (H, W) 0..1."""
    if not skin.any():
        return np.zeros(scene.shape, np.float32)
    rgb = blur(scene.rgb, 0.02 * scene.unit)
    total = rgb @ np.ones(3, np.float32) + 1  # quicker than a sum along three
    tone = scene.rgb[skin].mean(0)
    off = np.zeros(scene.shape, np.float32)
    for c in range(3):
        off = np.maximum(off, np.abs(rgb[..., c] / total - tone[c] / (tone.sum() + 1)))
    bright = smoothstep(0.45, 0.6, total / (tone.sum() + 1))
    return np.asarray(smoothstep(0.06, 0.03, off) * bright, dtype=np.float32)


def discriminant(
    seen: Plane, one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]
) -> tuple[Plane, float]:
    """How `seen` (H, W, 3) lies between the means of `other` (-0.5) and `one` (0.5), (H, W); and
    the squared Mahalanobis distance of the two."""
    a, b = seen[one].astype(np.float64), seen[other].astype(np.float64)
    apart = a.mean(0) - b.mean(0)
    way = np.linalg.solve((np.cov(a.T) + np.cov(b.T)) / 2 + 25 * np.eye(3), apart)
    distance = float(way @ apart)
    way /= max(distance, 1e-6)
    middle = way @ (a.mean(0) + b.mean(0)) / 2
    return np.asarray(seen @ way.astype(np.float32) - np.float32(middle)), distance


def settle(scene: Scene, classes: Plane, mask: Plane) -> Plane:
    """The parser's `classes` (H, W, 9), settled by the `mask` (H, W) of `person`.

    For arms and hands the parser has no class: what is flesh above the chin goes with the
    jewellery, which stays and tells nothing of what is beneath; shoulders and sleeves become
    clothes.

    Curls beside the neck are a little of everything to the parser: what it is sure of (but
    background) stays, and what may be clothes stays from the chin down.
    """
    u = scene.unit
    out = classes.copy(order="K")
    if not _sees(scene, mask):
        return out
    # dark hair behind an ear before a dark wall is nobody's to the mask
    ears = grow((classes[..., EAR] > 0.6).astype(np.float32), 0.55 * u)
    nobody = (1 - smoothstep(0.05, 0.4, mask)) * (1 - ears)
    for k in (HAIR, HAT):
        out[..., BACKGROUND] += classes[..., k] * nobody
        out[..., k] -= classes[..., k] * nobody
    sure = classes[..., HAIR] > 0.8
    if sure.sum() < 0.05 * u * u:
        return out
    bare = classes[..., SKIN] > 0.95
    limb = _limbs(scene, out[..., BACKGROUND], out[..., HAIR] + out[..., HAT], mask, bare)
    chin = float(scene.to_scene(scene.mesh[[_CHIN], :2])[0, 1])
    rows = (np.arange(scene.shape[0], dtype=np.float32) - chin)[:, None] / u
    above = smoothstep(0.3, -0.1, rows)
    if limb.any():
        share = blur(limb * above * flesh(scene, bare), 0.1 * u) / (blur(limb, 0.1 * u) + 1e-3)
        hands = limb * share
        for k in (BACKGROUND, HAIR):
            out[..., JEWELLERY] += out[..., k] * hands
            out[..., CLOTHES] += out[..., k] * (limb - hands)
            out[..., k] *= 1 - limb
    like = alike(scene, sure)
    face = scene.mesh_polygon(OVAL)
    like = like * smoothstep(0.9, 1.8, like / (alike(scene, face > 0.9) + 0.05))
    beside = smoothstep(0.0, 0.2, grow(smoothstep(0.4, 0.7, out[..., HAIR]), 1.2 * u))
    others = [k for k in range(out.shape[-1]) if k not in (HAIR, BACKGROUND)]
    rest = out[..., others[0]]
    for k in others[1:]:
        rest = np.maximum(rest, out[..., k])
    unsure = 1 - smoothstep(0.55, 0.85, rest)
    worn = np.maximum(smoothstep(0.3, 0.1, classes[..., CLOTHES]), above)
    where = smoothstep(0.45, 0.75, mask) * beside * unsure * worn * (1 - face) * (1 - limb)
    seed = where * smoothstep(0.3, 0.6, like)
    # what lies between the curls goes with them
    between = smoothstep(0.08, 0.25, blur(seed, 0.09 * u)) * smoothstep(0.3, 0.6, where)
    found = np.maximum(smoothstep(0.1, 0.4, seed), between)
    out *= (1 - found)[..., None]
    out[..., HAIR] += found
    return out


def _sees(scene: Scene, mask: Plane) -> bool:
    """Whether the `mask` (H, W) has this person at all: in dark photos, or behind letters, it may
    have nobody, and has no word then."""
    face = scene.mesh_polygon(OVAL) > 0.5
    return bool(face.any()) and float(mask[face].mean()) > _SEEN


def _unlike(score: Plane) -> float:
    """0..1 from hair's own `score` beside skin (any shape): hair that is of the skin's tone where
    light falls on it is no ground to tell the two apart."""
    return 1 - eased(0.04, 0.07, float((score < -0.1).mean()))


def _limbs(
    scene: Scene, background: Plane, hair: Plane, mask: Plane, skin: npt.NDArray[np.bool_]
) -> Plane:
    """Arms and hands, (H, W) 0..1: what is a person's (`mask`, H, W) though the parser says
    `background` or unsurely `hair` or hat (H, W), and has the colour of the sure `skin` (H, W)
    rather than of the sure hair. Shoulders that locks cover in part are found, too."""
    u = scene.unit
    sure = hair > _SURE
    if min(int(skin.sum()), int(sure.sum())) < 0.1 * u * u:
        return np.zeros_like(mask)
    score, apart = discriminant(blur(scene.rgb, 0.02 * u), sure, skin)
    fleshy = smoothstep(0.7, 0.9, mask) * smoothstep(0.1, -0.2, score) * eased(2.0, 4.0, apart)
    told = _unlike(score[sure])
    told *= eased(0.08, 0.15, float(sure.sum() / (hair > 0.5).sum()))
    beside = (1 - grow(scene.mesh_polygon(OVAL), 0.05 * u)) * fleshy
    found, core = (
        beside * smoothstep(0.3, 0.6, background + hair * smoothstep(*least, hair) * told)
        for least in ((0.97, _SURE), (_SURE, 0.75))
    )
    # as broad as a finger at least, and somewhere as a hand
    broad = reached(blur(core, 0.15 * u) > 0.7, blur(found, 0.04 * u) > 0.6, 2)
    around = grow(broad.astype(np.float32), 0.06 * u)
    limb: Plane = around * np.maximum(smoothstep(0.3, 0.6, background), found)
    return limb


def whole_ears(scene: Scene, classes: Plane, mask: Plane) -> None:
    """Give ears their rims back, in `classes` (H, W, 9), which changes.

    What a person (`mask`, H, W) has beside an ear and is of the ear's colour rather than of the
    hair's is a part of it, even if the parser takes it for hair or background.
    """
    u = scene.unit
    sure, hair = classes[..., EAR] > 0.7, classes[..., HAIR] > 0.8
    if sure.sum() < 0.02 * u * u or hair.sum() < 100:
        return
    score, apart = discriminant(blur(scene.rgb, 0.01 * u), hair, sure)
    told = _unlike(score[hair])
    x, y = scene.face_units()
    fleshy = smoothstep(0.5, 0.8, mask) * smoothstep(-0.1, -0.3, score) * eased(1.0, 2.5, apart)
    for side in (x < 0, x >= 0):  # nothing hangs below a lobe
        if (sure & side).any():
            lobe = float(y[sure & side].max())
            length = smoothstep(lobe + 0.06, lobe, y) * smoothstep(
                -EAR_LENGTH - 0.17, -EAR_LENGTH - 0.02, y - lobe
            )
            fleshy = fleshy * np.where(side, length, 1)
    for _ in range(2):
        core = (classes[..., EAR] > 0.5).astype(np.float32)
        found = smoothstep(0.05, 0.3, grow(core, 0.2 * u)) * fleshy
        for k in (HAIR, BACKGROUND):
            share = classes[..., k] * found
            if k == HAIR:  # sure hair only where the two are hardly alike
                unsure = smoothstep(0.8, 0.5, classes[..., k])
                share *= told * np.maximum(unsure, eased(4.0, 8.0, apart))
            classes[..., k] -= share
            classes[..., EAR] += share
