"""From a photo and one face to the bald head that belongs there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import degree
from ..faces import Face
from ..hair.matte import Matte, fill_polygon, matte
from ..hair.parse import BACKGROUND as P_BACKGROUND
from ..hair.parse import CLOTHES as P_CLOTHES
from ..hair.parse import EAR as P_EAR
from ..hair.parse import GLASSES, HAIR, HAT, parse
from ..hair.parse import NECK as P_NECK
from ..hair.parse import SKIN as P_SKIN
from ..planes import Plane, blur, grow, resize, smoothstep
from ..scene import EYE_DISTANCE, EYES_MIDDLE, Scene, look
from . import bare, grain, outline

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Bare:
    """One bald head: ``box`` (x0, y0, x1, y1) of the photo, ``colour`` (h, w, 3) uint8, ``mask`` (h, w) uint8 weight
    when fully bald, ``time`` and ``thin`` (h, w) uint8: when each pixel goes (0 first, 255 last); ``warnings`` codes."""

    box: tuple[int, int, int, int]
    colour: Pixels
    mask: Pixels
    time: Pixels
    thin: Pixels
    warnings: tuple[str, ...]


def evidence(scene: Scene, classes: Plane) -> tuple[np.ndarray, ...]:
    """Per angle of the outline, in eye distances, NaN where the photo does not tell: silhouette, border, reach, ear."""
    radius = np.arange(0.75, 3.2, 0.02)
    t = np.radians(outline.ANGLES)[:, None]
    points = outline.CENTRE + EYE_DISTANCE * radius[None, :, None] * np.stack(
        [np.sin(t), -np.cos(t)], -1
    )
    flat = scene.to_scene(points.reshape(-1, 2))
    height, width = scene.shape
    x, y = np.floor(flat[:, 0]).astype(int), np.floor(flat[:, 1]).astype(int)
    valid = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    valid &= scene.inside[y, x] > 0.5
    valid = valid.reshape(len(t), -1)
    p = classes[y, x].reshape(len(t), len(radius), -1)
    covered = 1.0 - p[..., P_BACKGROUND] - p[..., P_CLOTHES] - p[..., P_NECK]
    kind = np.argmax(p, -1)
    nan = np.full(len(t), np.nan)
    ceiling, border, reach, ear_at = (nan.copy() for _ in range(4))
    for i in range(len(t)):
        off = np.nonzero((covered[i] < 0.5) & valid[i])[0]
        end = np.nonzero(~valid[i])[0]
        if len(off) and (not len(end) or off[0] < end[0]) and off[0] > 2:
            last = kind[i, max(off[0] - 4, 0) : off[0]]
            if (last == HAIR).mean() > 0.5:
                ceiling[i] = radius[off[0]]
            elif (last == P_SKIN).mean() > 0.5 and kind[i, off[0]] == P_BACKGROUND:
                border[i] = radius[off[0]]
        skin = np.nonzero((kind[i] == P_SKIN) & valid[i])[0]
        ear = np.nonzero((kind[i] == P_EAR) & valid[i])[0]
        ear = ear[radius[ear] < 2.3]
        if len(ear) > 2:
            ear_at[i] = radius[ear[0]] + 0.03
        if len(skin) and radius[skin[-1]] < 2.2:
            # a run of skin from inside, not a hand far out
            run = skin[np.concatenate([[True], np.diff(skin) < 8])]
            reach[i] = radius[run[-1]] - 0.02
    return ceiling, border, reach, ear_at


def _draw(points: np.ndarray, scene: Scene, box: tuple[int, int, int, int], soft: float) -> Plane:
    """The outline filled on the photo's pixels of ``box``, edge softened by ``soft`` px."""
    from PIL import Image, ImageDraw

    photo = scene.frame.to_photo(points) - np.array(box[:2])
    size = (box[2] - box[0], box[3] - box[1])
    zoom = 4 if max(size) < 1500 else 2
    image = Image.new("L", (size[0] * zoom, size[1] * zoom))
    ImageDraw.Draw(image).polygon([(float(x * zoom), float(y * zoom)) for x, y in photo], fill=255)
    return blur(np.asarray(image.reduce(zoom), dtype=np.float32) / 255, soft)


def _smooth_skin(scene: Scene, classes: Plane, oval: Plane) -> Plane:
    """Where skin shows its own tone: face without brows, eyes, lips, nostrils, beard, glasses."""
    mesh = scene.mesh[:, :2]
    rough = np.zeros(scene.shape, np.float32)
    for polygon in (
        (70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
        (226, 113, 224, 223, 222, 221, 189, 244, 233, 232, 231, 230, 229, 228, 31),
        (446, 342, 444, 443, 442, 441, 413, 464, 453, 452, 451, 450, 449, 448, 261),
        (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
        (98, 97, 2, 326, 327, 278, 4, 48),
    ):  # fmt: skip
        rough = np.maximum(rough, fill_polygon(scene, mesh[list(polygon)]))
    rough = grow(rough, 0.05 * scene.unit)
    clean = classes[..., P_SKIN] * (1 - grow(classes[..., GLASSES], 0.06 * scene.unit))
    return np.clip(smoothstep(0.7, 0.95, clean) * (1.0 - rough), 0, 1)


def make(
    pixels: Pixels,
    face: Face,
    *,
    threads: int | None = None,
    debug: dict[str, object] | None = None,
) -> Bare:
    """The bald head of ``face`` in ``pixels`` (H, W, 3) uint8: once per face, every degree is a blend of it."""
    scene = look(pixels, face, min(float(face.iod), 96.0), threads)
    u = scene.unit
    classes = parse(scene)
    r = outline.radii(scene.mesh, *evidence(scene, classes))
    rim = outline.contour(scene.mesh, r)
    oval = fill_polygon(scene, scene.mesh[list(outline.OVAL), :2])
    head = np.maximum(fill_polygon(scene, rim), oval)
    m = matte(scene, classes, oval, head)
    seen = np.stack(
        [classes[..., P_BACKGROUND], classes[..., P_SKIN] + classes[..., GLASSES], classes[..., P_EAR],
         classes[..., P_NECK], classes[..., P_CLOTHES]], -1)  # fmt: skip
    hidden = np.maximum(m.hole, smoothstep(0.1, 0.3, classes[..., HAIR]))
    smooth_skin = _smooth_skin(scene, classes, oval) * (1 - grow(m.hole, 0.02 * u))
    under = bare.beneath(scene, seen, hidden, head, oval, smooth_skin)
    box = _photo_box(scene, m, pixels.shape)
    colour = _compose(pixels, scene, m, under, rim, box, seen, smooth_skin)
    mask = np.clip(scene.to_photo(m.hole, box) * 255 + 0.5, 0, 255).astype(np.uint8)
    if debug is not None:
        debug.update(
            scene=scene,
            classes=classes,
            matte=m,
            under=under,
            rim=rim,
            head=head,
            smooth=smooth_skin,
        )
    time, thin = _times(pixels, scene, m, rim, box, mask)
    return Bare(box, colour, mask, time, thin, _notes(scene, m))


def _times(
    pixels: Pixels,
    scene: Scene,
    m: Matte,
    rim: np.ndarray,
    box: tuple[int, int, int, int],
    mask: Pixels,
) -> tuple[Pixels, Pixels]:
    """The two time maps on the photo's pixels of ``box``, uint8."""
    x, y = scene.face_units()
    flat = np.zeros(scene.shape, np.float32)
    turn = np.degrees(np.arctan2(rim[:, 0] - outline.CENTRE[0], outline.CENTRE[1] - rim[:, 1]))
    length = np.hypot(*(rim - outline.CENTRE).T) / EYE_DISTANCE
    order = np.argsort(turn)
    here = np.degrees(np.arctan2(x + flat, -y + flat))
    reach = np.hypot(x, y) / np.interp(here, turn[order], length[order], period=360)
    front = (m.hair > 0.5) & (np.abs(x) < 0.35) & (y < -0.3)
    hairline = float(np.quantile((y + flat)[front], 0.97)) if front.sum() > 20 else -0.9
    top = float((rim[:, 1].min() - outline.CENTRE[1]) / EYE_DISTANCE)
    place = degree.order(x + flat, y + flat, reach.astype(np.float32), hairline, top)
    base = scene.to_photo(place, box)
    photo = pixels[box[1] : box[3], box[0] : box[2]]
    luma = (photo @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    strand = degree.pattern(luma, abs(1 / scene.frame.z) * EYE_DISTANCE)
    mass = mask.astype(np.float32)
    return degree.even(base + 0.08 * strand, mass), degree.even(strand + 0.25 * base, mass)


def _notes(scene: Scene, m: Matte) -> tuple[str, ...]:
    """Warning codes of this head."""
    notes = []
    area = float(m.hair.sum()) / scene.unit**2
    if area < 0.25:
        notes.append("already_bald")
    if m.hat > 0.35:
        notes.append("hat_kept")
    _, y = scene.face_units()
    if float((m.hair * (y > 1.6)).sum()) / scene.unit**2 > 0.5:
        notes.append("long_hair")
    edges = [m.hair[0], m.hair[-1], m.hair[:, 0], m.hair[:, -1]]
    if sum(float((e > 0.5).sum()) for e in edges) > 0.5 * scene.unit:
        notes.append("hair_leaves_picture")
    return tuple(notes)


def _photo_box(scene: Scene, m: Matte, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The photo's pixels that the hole touches."""
    ys, xs = np.nonzero(m.hole > 0.001)
    if len(ys) == 0:
        return 0, 0, 1, 1
    corners = np.array([[xs.min() - 1, ys.min() - 1], [xs.max() + 2, ys.min() - 1],
                        [xs.min() - 1, ys.max() + 2], [xs.max() + 2, ys.max() + 2]], dtype=np.float64)  # fmt: skip
    photo = scene.frame.to_photo(corners / scene.scale + np.array(scene.box[:2]))
    low, high = np.floor(photo.min(0)).astype(int), np.ceil(photo.max(0)).astype(int)
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    return x0, y0, min(int(high[0]), shape[1]), min(int(high[1]), shape[0])


def _compose(
    pixels: Pixels, scene: Scene, m: Matte, under: bare.Beneath, rim: np.ndarray,
    box: tuple[int, int, int, int], seen: Plane, smooth_skin: Plane,
) -> Pixels:  # fmt: skip
    """The layers laid over each other at the photo's own resolution, each with its own grain."""
    photo = pixels[box[1] : box[3], box[0] : box[2]]
    density = abs(1 / scene.frame.z) * EYE_DISTANCE  # photo px per eye distance
    big = lambda plane: scene.to_photo(resize(plane, scene.shape), box)  # noqa: E731
    shares = [under.layers[..., k] for k in (bare.BACKGROUND, bare.NECK, bare.CLOTHES, bare.EAR)]
    head = np.clip(_draw(rim, scene, box, max(0.8, 0.008 * density)), 0, 1)
    sharp = [smoothstep(0.3, 0.7, big(s)) for s in shares]
    out = big(under.colours[bare.BACKGROUND])
    for share, index in ((sharp[2], bare.CLOTHES), (sharp[1], bare.NECK)):
        out += share[..., None] * (big(under.colours[index]) - out)
    skin_share = np.maximum(head, sharp[1])
    out += head[..., None] * (big(under.colours[bare.HEAD]) - out)
    ear = sharp[3] * (1 - 0.0 * head)
    out += ear[..., None] * (big(under.colours[bare.EAR]) - out)
    skin_share = np.maximum(skin_share, ear)
    luma = (photo @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    generator = np.random.default_rng(7)
    wanted = scene.to_photo(m.hole, box)
    clear = 1 - scene.to_photo(grow(m.hole, 0.04 * scene.unit), box)
    for sigma, patch, source, share in (
        (0.04, 0.15, big(smooth_skin), skin_share),
        (
            0.05,
            0.3,
            smoothstep(0.8, 0.95, big(seen[..., bare.BACKGROUND])),
            (1 - skin_share) * (1 - sharp[2]),
        ),
        (
            0.06,
            0.3,
            smoothstep(0.8, 0.95, big(seen[..., bare.CLOTHES])),
            sharp[2] * (1 - skin_share),
        ),
    ):
        texture = grain.detail(luma, sigma * density)
        cover = wanted * share
        if float(cover.max()) > 0.01:
            laid = grain.quilt(texture, source * clear, cover, round(patch * density), generator)
            out += (laid * share)[..., None]
    return np.clip(out + 0.5, 0, 255).astype(np.uint8)
