"""Loose hair that the parser does not see: strands before the background, strands over the face,
and what lies between hair and skin."""

from __future__ import annotations

import numpy as np

from ..planes import LUMA, Plane, blur, eased, grow, highest, reached, smoothstep
from ..scene import Scene
from .classes import BACKGROUND, CLOTHES, EAR, HAIR, JEWELLERY, NECK, SKIN
from .person import alike, discriminant

_TUFT = 0.04  # squared eye distances, the most that hangs out from behind an ear
_RESOLVED = 48.0  # pixels per eye distance that show single strands
_PLAIN = 5.0  # levels: a wall with less fine structure than this is plain
_STUBBLE = 0.06  # of the chin's area, like hair: more is a beard


def strands(scene: Scene, classes: Plane, hair: Plane) -> Plane:
    """Loose hair that the parser does not see: thin lines before the background, near the hair.

    How much thinner structure the background itself has is measured further out; where it has as
    much, nothing is found.
    """
    u = scene.unit
    near = grow(hair, 0.7 * u)
    open_air = smoothstep(0.4, 0.65, classes[..., BACKGROUND] + 0.7 * classes[..., HAIR])
    open_air = open_air * smoothstep(0.5, 0.3, blur(classes[..., CLOTHES], 0.03 * u))
    # within the open air alone: the rims of ears and shoulders are no strands
    weight = open_air[..., None] + np.float32(1e-3)
    fine, wide = (blur(scene.rgb * weight, k * u) / blur(weight, k * u) for k in (0.006, 0.045))
    thin = highest(np.abs(fine - wide))
    air = (classes[..., BACKGROUND] > 0.8) & (scene.inside > 0.5)
    sample = thin[air & (grow(hair, 0.25 * u) < 0.1)]
    if sample.size < 200:
        return np.zeros_like(hair)
    level = max(2.5, 2.0 * float(np.quantile(sample, 0.75)))
    found = smoothstep(level, 1.6 * level, thin) * open_air
    busy = float(np.quantile(sample, 0.9))
    # before a plain wall what hangs on strands is one; below the jaw it may be a collar
    if busy < min(_PLAIN, 1.15 * level) and u > _RESOLVED:
        own = 1 - classes[..., BACKGROUND] - classes[..., HAIR]  # its outline is no strand
        free = (found > 0.3) & (classes[..., BACKGROUND] > 0.85) & (grow(own, 0.08 * u) < 0.3)
        free &= scene.face_units()[1] < 0.8
        hanging = reached((found * near > 0.3) | (hair > 0.5), free, 4, int(0.4 * u))
        near = np.maximum(near, blur(hanging.astype(np.float32), 0.01 * u))
    found *= near
    # a strand is long: lone specks are the background's
    dense = blur(found, 0.05 * u)
    found = found * smoothstep(0.04, 0.12, dense)
    out: Plane = np.clip(grow(found, 0.05 * u) * open_air, 0, 1)
    return out


def locks(
    scene: Scene, classes: Plane, hair: Plane, like: Plane, hairy: Plane, hole: Plane
) -> Plane:
    """Ends of locks beside the hole: (H, W) 0..1. The parser is unsure of them; they have the
    hair's colour (`like`, `hairy`, H, W) and not that of the wall behind. Before a wall of the
    hair's own colour nothing is found."""
    u = scene.unit
    air = (classes[..., BACKGROUND] > 0.9) & (scene.inside > 0.5)
    air &= grow(hole, 0.2 * u) < 0.02
    if air.sum() < 0.3 * u * u or (hair > 0.8).sum() < 50:
        return np.zeros_like(hole)
    weight = air[..., None].astype(np.float32) + np.float32(1e-4)
    wall = blur(scene.rgb * weight, 0.6 * u) / blur(weight, 0.6 * u)
    apart = highest(np.abs(blur(scene.rgb, 0.008 * u) - wall))
    off = smoothstep(25, 45, apart)
    plain = eased(25, 12, float(np.quantile(apart[air], 0.95)))
    y = scene.face_units()[1]
    # a neck of the hair's colour and not of the rest of the neck's is none; unsure clothes do
    # not reach up behind an ear
    wrong = classes[..., NECK] * _foreign(scene, classes, like, hole)
    doubtful = classes[..., CLOTHES] * smoothstep(0.75, 0.5, classes[..., CLOTHES])
    ear = smoothstep(0.2, 0.5, classes[..., EAR])
    wrong = wrong + doubtful * hairy * smoothstep(1.4, 1.1, y) * grow(ear, 0.6 * u)
    off = np.maximum(off, smoothstep(0.2, 0.5, wrong))
    others = 1 - classes[..., BACKGROUND] - classes[..., HAIR] - wrong
    # beside the neck little is enough, less before a plain wall; higher up structure is the wall's
    # own more often than not
    low = smoothstep(0.3, 0.7, y) * np.maximum(smoothstep(0.01, 0.04, classes[..., HAIR]), plain)
    doubt = np.maximum(smoothstep(0.1, 0.2, classes[..., HAIR]), low)
    ear = np.maximum(ear, grow(ear, 0.15 * u) * (1 - hairy))
    free = smoothstep(0.75, 0.55, others) * doubt * (1 - ear)
    free = free * smoothstep(0.3, 0.15, classes[..., JEWELLERY])
    # beads and flowers have the hair's colour here and there
    bright = highest(scene.rgb) + highest(-scene.rgb)
    gaudy = (bright > 1.5 * float(np.quantile(bright[hair > 0.8], 0.95)) + 20) & (off > 0.5)
    free = free * (1 - grow(gaudy.astype(np.float32), 0.15 * u))
    passable = off * free * smoothstep(0.25, 0.5, like) > 0.4
    near = int(0.1 * u)
    found = reached(hole > 0.5, passable, 6, near) & (hole <= 0.5)
    # a tuft from behind an ear hangs together with nothing else; what is larger is a hood
    passable &= classes[..., BACKGROUND] < 0.8
    tuft = reached(ear > 0.5, passable, 6, near) & (ear <= 0.5) & (hole <= 0.5) & ~found
    across = scene.face_units()[0]
    for side in (tuft & (across < 0), tuft & (across >= 0)):
        if side.sum() < _TUFT * u * u:
            found |= side
    out: Plane = grow(found.astype(np.float32), 0.1 * u) * free
    return out


def hairy(scene: Scene, classes: Plane, hair: Plane) -> Plane:
    """How much nearer a pixel's colour is to that of the `hair` than to skin's, (H, W) 0..1."""
    sure = highest(classes[..., [SKIN, EAR, NECK]]) > 0.9
    if sure.sum() < 100 or (hair > 0.8).sum() < 100:
        return np.zeros_like(hair)
    score, apart = discriminant(blur(scene.rgb, 0.01 * scene.unit), hair > 0.8, sure)
    return smoothstep(0.0, 0.3, score) * eased(2.0, 4.0, apart)


def _foreign(scene: Scene, classes: Plane, like: Plane, hole: Plane) -> Plane:
    """How much more a pixel is `like` the hair than like the neck, (H, W) 0..1."""
    sure = (classes[..., NECK] > 0.8) & (grow(hole, 0.1 * scene.unit) < 0.02)
    if sure.sum() < 0.05 * scene.unit**2:
        return np.zeros_like(like)
    return smoothstep(1.5, 3.0, like / (alike(scene, sure) + 0.05))


def rim(scene: Scene, oval: Plane, face: Plane, smooth: Plane, like: Plane, hole: Plane) -> Plane:
    """What lies on the `face`, bounded by `oval`, right beside the hole and is not of the skin's
    tone: locks that the parser half saw (of the hair's colour, `like`), and the dark line in which
    hair meets skin. (H, W) 0..1."""
    u = scene.unit
    luma = (scene.rgb @ LUMA).astype(np.float32)
    near = grow(hole, 0.25 * u)
    weight = smooth * (1 - grow(hole, 0.1 * u)) + 1e-4
    skin = blur(luma * weight, 0.15 * u) / blur(weight, 0.15 * u)
    known = smoothstep(0.002, 0.02, blur(weight, 0.15 * u))
    ratio = blur(luma, 0.012 * u) / np.maximum(skin, 4)
    # beside the jaw darker skin is its own shade
    jaw = grow(1 - oval, 0.18 * u) * smoothstep(0.6, 1.0, scene.face_units()[1])
    dark = smoothstep(0.9, 0.8, ratio) * (1 - jaw)
    # and brighter skin has its highlights: only what has the hair's colour
    fair = smoothstep(1.06, 1.2, ratio) * smoothstep(0.3, 0.6, like)
    if fair.any():
        fair *= smoothstep(1.0, 2.0, like / (alike(scene, smooth * (1 - near) > 0.8) + 0.05))
    off = np.maximum(dark, fair) * known
    return grow(off * near * face, 0.05 * u) * face


def curls(
    scene: Scene, classes: Plane, oval: Plane, like: Plane, hairy: Plane, hole: Plane
) -> Plane:
    """Curls beside jaw and neck that the parser half takes for skin: (H, W) 0..1, near the hole.

    They have the hair's colour (`like`, `hairy`, H, W) rather than any skin's, and the parser is
    not sure of them. `oval` (H, W) is the face's filled outline.
    """
    u = scene.unit
    y = scene.face_units()[1]
    alike_hair = hairy * smoothstep(0.5, 0.8, like)
    edge = grow(1 - oval, 0.18 * u)
    chin = (edge < 0.1) & (y > 0.8)
    if not chin.any() or float(alike_hair[chin].mean()) > _STUBBLE:
        return np.zeros_like(hole)  # a beard's edge is no curl
    skin = np.maximum(classes[..., SKIN], classes[..., NECK])
    own = classes[..., SKIN] + classes[..., NECK] + classes[..., HAIR]
    found = alike_hair * edge * smoothstep(0.85, 0.75, skin) * smoothstep(0.3, 0.5, own)
    found *= smoothstep(0.5, 0.8, y) * grow(hole, 0.5 * u)
    # a tone between the two, one pixel wide, is an edge; curls lie densely
    return grow(found * smoothstep(0.25, 0.5, blur(found, 0.04 * u)), 0.06 * u)


def stray(scene: Scene, skin: Plane, smooth: Plane, like: Plane, hole: Plane, keep: Plane) -> Plane:
    """Single strands over forehead and cheeks: long thin lines off the skin's tone that hang
    together with the hole; fair ones only where they are `like` the hair: skin has its highlights.
    They are followed beneath what is to `keep`, brows and eyes. All (H, W), 0..1."""
    u = scene.unit
    out = np.zeros_like(hole)
    if not (skin > 0.5).any():
        return out
    rows, columns = (slice(int(k.min()), int(k.max()) + 1) for k in np.nonzero(skin > 0.5))
    luma = (scene.rgb[rows, columns] @ LUMA).astype(np.float32)
    skin, smooth, like, hole, keep = (p[rows, columns] for p in (skin, smooth, like, hole, keep))
    thin = blur(luma, 0.045 * u) - blur(luma, 0.006 * u)
    plain = (smooth > 0.9) & (hole < 0.01)
    if plain.sum() < 100:
        return out
    line, share = np.zeros_like(thin), plain.astype(np.float32)
    room = blur(share, 0.4 * u) + np.float32(0.1)
    alike_hair = smoothstep(0.3, 0.6, like)

    def level(found: Plane, times: float) -> Plane:
        """Beard, wrinkles, freckles make lines, too: how strong they are, and how strong here."""
        usual = float(np.quantile(found[plain], 0.5))
        local = (blur(found * share, 0.4 * u) + 0.1 * usual) / room
        return np.float32(times) * np.minimum(local, usual) + np.float32(1.5)

    for reach, times in ((0.1, 3.0), (0.05, 4.5)):  # long ones, and curls
        dark, fair = _lines(thin, reach * u), _lines(-thin, reach * u)
        # beside a bright line skin only seems dark
        dark -= blur(np.maximum(fair - dark, 0), 0.03 * u)
        np.maximum(line, dark / level(np.maximum(dark, 0.7 * fair), times), out=line)
        np.maximum(line, fair / level(fair, 1.4 * times) * alike_hair, out=line)
    followed = reached(hole > 0.5, (line > 1) & (skin > 0.5), 4, int(1.2 * u))
    found = (followed & (hole < 0.5)).astype(np.float32)
    out[rows, columns] = grow(found * (1 - keep), 0.05 * u) * (1 - keep)
    return out


def _lines(thin: Plane, reach: float) -> Plane:
    """Means of `thin` (H, W) along lines of twice `reach` pixels, in the best direction but level
    ones: those are wrinkles."""
    pad = int(reach) + 1
    height, width = thin.shape
    wide = np.pad(thin, pad, mode="edge")
    best = np.full_like(thin, -np.inf)
    steps = np.arange(-reach, reach + 0.1, max(1.0, reach / 4))
    for turn in np.radians(np.arange(30, 151, 10)):
        total = np.zeros_like(thin)
        for step in steps:
            y, x = round(pad + step * np.sin(turn)), round(pad + step * np.cos(turn))
            total += wide[y : y + height, x : x + width]
        np.maximum(best, total, out=best)
    return best / np.float32(len(steps))
