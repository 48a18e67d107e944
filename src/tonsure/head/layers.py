"""A face taken apart: what the photo shows, what the hair owns, and every layer completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..faces import Face
from ..hair import hat
from ..hair.classes import BACKGROUND, CLOTHES, EAR, GLASSES, HAIR, NECK, SKIN
from ..hair.matte import Matte, matte
from ..hair.parse import COARSE, parse, survey
from ..hair.people import People
from ..hair.person import flesh
from ..make.body import Body, body
from ..parallel import both
from ..planes import Plane, grow, membrane, smoothstep
from ..scene import Scene, look
from . import bare, evidence, features, mirror, outline

Pixels = npt.NDArray[np.uint8]

_DENSITY = 72.0  # pixels per eye distance of the scene, at most
_HALO = 0.25  # eye distances around the hair that a cut-out's soft rim reaches


@dataclass(frozen=True)
class Layers:
    """A photo's face taken apart, all planes on the scene's grid but those of `beneath`.

    `classes` (H, W, 9) the parser's; `rim` (N, 2) the bare head's outline in frame units; what the
    hair owns; what stays visible; what lies beneath at low resolution; the sides whose ears the
    hair hides; brows and eyes taken from the other side; neck, clothes and background; whose face
    it is among which `people`; of a photo with transparent parts how opaque is what lies behind.
    """

    scene: Scene
    classes: Plane
    rim: npt.NDArray[np.float64]
    matte: Matte
    visible: bare.Visible
    beneath: bare.Beneath
    hidden_ears: tuple[features.HiddenEar, ...]
    mirrored: tuple[mirror.Mirrored, ...]
    body: Body
    people: People
    clear: Plane | None = None

    @property
    def brow_colour(self) -> Plane:
        """(3,) of a drawn brow: darker than the hair, as most are."""
        tones = self.scene.rgb[self.matte.hair > 0.9]
        if len(tones) < 50:
            return np.full(3, 40, np.float32)
        order = np.argsort(tones.sum(-1))[: max(1, len(tones) // 2)]
        return np.asarray(0.75 * tones[order].mean(0), dtype=np.float32)


def layers(
    pixels: Pixels,
    face: Face,
    others: Sequence[Face] = (),
    *,
    alpha: Pixels | None = None,
    threads: int | None = None,
) -> Layers:
    """The scene of `face` in `pixels` (H, W, 3) uint8, taken apart and completed; what belongs to
    one of the photo's `others` stays as it is; `alpha` as for `make`."""
    people = People.of(face, others, pixels)
    wide = look(pixels, face, COARSE, threads)
    first = survey(wide)
    first = replace(first, classes=people.left_alone(wide, first.classes))
    scene = look(pixels, face, min(float(face.iod), _DENSITY), threads, first.reach)
    classes = people.left_alone(scene, parse(scene, first))
    hatted = hat.likely(scene, classes, hat.worn(pixels, scene.frame, threads))
    classes = hat.believed(classes, hatted)
    skull = outline.radii(scene.mesh, *evidence.along(scene, classes))
    rim = outline.contour(scene.mesh, skull, evidence.cheeks(scene, classes))
    oval = features.oval(scene)
    head = np.maximum(scene.polygon(rim), oval)
    rough = features.interrupted(scene, classes)
    smooth = features.smooth_skin(classes, rough)
    found = matte(scene, classes, hatted, oval, head, rough, smooth)
    skin = classes[..., SKIN] + classes[..., GLASSES]
    hidden, ears_at = features.hidden_ears(scene, classes, found.hole)
    glasses = grow(classes[..., GLASSES], 0.055 * scene.unit)
    fetched = mirror.mirrored(scene, head, found.hair, found.hole, glasses)
    hole = np.maximum.reduce([found.hole, ears_at, *(one.where for one in fetched)])
    found = replace(found, hole=hole)
    clear = None
    if alpha is not None:
        opaque = _opaque(scene, alpha)
        # what a cutter left half of is a halo of the hair
        halo = grow(found.hole, _HALO * scene.unit) * smoothstep(0.99, 0.9, opaque)
        found = replace(found, hole=np.maximum(found.hole, halo * (1 - oval)))
        behind = (classes[..., BACKGROUND] > 0.9) & (found.hole < 0.1) & (scene.inside > 0.5)
        clear = np.clip(membrane(opaque, behind.astype(np.float32)), 0, 1)
    if people.others:
        mine = people.on(scene)
        own = {name: getattr(found, name) * mine for name in ("hair", "hole", "shade")}
        found = replace(found, **own)
    parts = (classes[..., BACKGROUND], skin, *(classes[..., k] for k in (EAR, NECK, CLOTHES)))
    visible = bare.Visible(
        seen=np.stack(parts, -1),
        hole=np.maximum(found.hole, smoothstep(0.1, 0.3, classes[..., HAIR])),
        shade=found.shade,
        head=head,
        oval=oval,
        smooth=smooth * (1 - grow(found.hole, 0.02 * scene.unit)),
        flesh=flesh(scene, smooth * classes[..., SKIN] > 0.9),
    )
    flesh_seen = skin + classes[..., EAR] + classes[..., NECK]
    shown = np.stack([classes[..., BACKGROUND], flesh_seen, classes[..., CLOTHES]], -1)
    under, wall = both(
        lambda: bare.beneath(scene, visible),
        lambda: body(scene, shown, visible.hole, head),
        threads,
    )
    return Layers(scene, classes, rim, found, visible, under, hidden, fetched, wall, people, clear)


def _opaque(scene: Scene, alpha: Pixels) -> Plane:
    """A photo's `alpha` (H, W) uint8 on the scene, 0..1."""
    three = np.broadcast_to(alpha[..., None], (*alpha.shape, 3))
    cut = scene.frame.cut(np.ascontiguousarray(three), scene.scale, scene.box)
    return cut[..., 0].astype(np.float32) / np.float32(255)
