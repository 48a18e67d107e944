"""A laboratory's generator on a photo: the aligned crop in, its change warped back.

What G changes is the difference of its edit from its own "as it is", so that what it cannot
reproduce (it knows 128 pixels of a face) stays as the photo has it. Where the change is strong the
photo's finer detail goes with it: no texture of hair on a bald head.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import attributes, crops
from .errors import BadOption, ModelDamaged
from .faces import Face, Frame
from .models import MODELS, session
from .planes import Plane, blur, resize, smoothstep

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

KEY = "tonsure"
MOST = 1.5
"""Largest d: the strength at which the papers measured. Training showed 1."""

_RIM = 0.1  # width of the soft border, as a share of the crop
_FINEST = 8  # times that a crop is enlarged at most before it is warped
_STRONG = (10.0, 45.0)  # levels of change from which detail goes, and has gone

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Patch:
    """As `blend.apply` takes them: `box` in the photo, `colour` (h, w, 3), `weight` (h, w)."""

    box: tuple[int, int, int, int]
    colour: Bytes
    weight: Bytes


@dataclass(frozen=True, eq=False)
class View:
    """A face as G sees it: `picture` (3, H, W) in -1..1, `source` (C,) of 0/1 what it already has,
    `same` (H, W, 3) in 0..255 what G makes of it unchanged."""

    frame: Frame
    picture: Plane
    source: Plane
    same: Plane


@dataclass(frozen=True, eq=False)
class Generator:
    """An exported generator; open one by `Generator.open`. May be shared between threads.

    `names` are its attributes, `kind` what it is told (see `attributes.condition`).
    """

    path: Path
    names: tuple[str, ...]
    kind: str
    scale: float
    crop: str
    filter: str
    size: tuple[int, int]
    facts: Mapping[str, Any]
    threads: int | None
    run: InferenceSession
    _lock: Any = field(default_factory=threading.Lock)
    _beside: dict[str, InferenceSession] = field(default_factory=dict)

    @classmethod
    def open(cls, path: str | Path, threads: int | None = None) -> Generator:
        """From `NAME.onnx` of `tonsure lab export`, or the name of a shipped one (`stgan_celeba`).

        Raises `ModelMissing`, `ModelDamaged`.
        """
        shipped = MODELS.get(str(path))
        path = Path(path) if shipped is None or Path(path).exists() else shipped.there()
        if path.suffix == ".safetensors":
            raise ModelDamaged(
                f"{path} is a checkpoint of the laboratory; 'tonsure lab export {path}' makes a "
                "model of it."
            )
        opened = session.open_path(path, threads=threads)
        told = opened.get_modelmeta().custom_metadata_map.get(KEY)
        try:
            facts = json.loads(told or "")
            size = (int(facts["height"]), int(facts["width"]))
            crops.box(facts["crop"])
            inputs = {port.name for port in opened.get_inputs()}
            if inputs != {"picture", facts["kind"]}:
                raise ValueError("other inputs than it says")
            return cls(
                path, tuple(facts["attributes"]), facts["kind"], float(facts["scale"]),
                facts["crop"], facts["filter"], size, facts, threads, opened,
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, BadOption):
            raise ModelDamaged(
                f"The model file {path} is not a generator of the laboratory; "
                "'tonsure lab export' writes one."
            ) from None

    def check(self, changes: Mapping[str, float]) -> None:
        """`BadOption` for an attribute that it does not have, or a d that is too large."""
        for name, d in changes.items():
            attributes.index(name, self.names)
            if not -MOST <= d <= MOST:
                raise BadOption(
                    f"{name} cannot change by {d:g}; d is within -{MOST:g} and {MOST:g}, "
                    "1 is what training showed."
                )

    def look(self, pixels: Bytes, face: Face, source: Plane | None = None) -> View:
        """A face of a photo (H, W, 3); `source` (C,) if it is known, else estimated."""
        frame = Frame.of(face)
        x0, y0, x1, y1 = (float(v) for v in crops.box(self.crop))
        small = crops.resize(frame.cut(pixels, 1.0, (x0, y0, x1, y1)), self.size, self.filter)
        picture = small.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
        known = self.estimate(picture) if source is None else np.asarray(source, np.float32)
        view = View(frame, picture, known, np.zeros(0, np.float32))
        return View(frame, picture, known, self.edit(view, np.zeros(len(self.names), np.float32)))

    def estimate(self, picture: Plane) -> Plane:
        """Labels (C,) of 0/1 of a picture (3, H, W), by the labels file beside the generator (its
        own, `NAME.labels.onnx`, or `celeba.labels.onnx`), of a shipped one by `celeba_labels`; all
        0 without one."""
        judge = self._labels()
        if judge is None:
            return np.zeros(len(self.names), np.float32)
        found = judge.run(None, {"picture": picture[None]})[0][0]
        return np.asarray(found > 0.5, np.float32)

    def edit(self, view: View, d: npt.ArrayLike) -> Plane:
        """What G makes of a view with d (C,): (H, W, 3) in 0..255."""
        told = attributes.condition(self.kind, self.scale, view.source, d)
        made = self.run.run(None, {"picture": view.picture[None], self.kind: told[None]})[0][0]
        return np.asarray((made.transpose(1, 2, 0) + 1) * 127.5, np.float32)

    def difference(self, view: View, changes: Mapping[str, float]) -> Plane:
        """d (C,) of several changes; what they exclude goes with them."""
        d = np.zeros(len(self.names), np.float32)
        for name, amount in changes.items():
            one = attributes.single(name, amount, view.source, self.names)
            d = np.where(one != 0, one, d).astype(np.float32)
        return d

    def patch(self, pixels: Bytes, view: View, d: npt.ArrayLike) -> Patch | None:
        """The photo's pixels with the change of d; None if none of it lies in the photo."""
        corners = self._corners(view.frame)
        height, width = pixels.shape[:2]
        low, high = np.floor(corners.min(0)), np.ceil(corners.max(0))
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), width), min(int(high[1]), height)
        if x0 >= x1 or y0 >= y1:
            return None
        box = (x0, y0, x1, y1)
        change = self.edit(view, d) - view.same
        strength = blur(np.abs(change).max(2), self.size[0] / 128)
        strong = smoothstep(*_STRONG, strength)[..., None]
        seen = (view.picture.transpose(1, 2, 0) + 1) * 127.5
        planes = np.concatenate([change, strong, seen, self._rim()[..., None]], 2)
        warped = self._to_photo(planes.astype(np.float32), view.frame, box)
        here = pixels[y0:y1, x0:x1].astype(np.float32)
        detail = here - warped[..., 4:7]
        colour = here + warped[..., :3] - warped[..., 3:4] * detail
        weight = np.clip(warped[..., 7] * 255, 0, 255)
        colour = np.clip(np.rint(colour), 0, 255).astype(np.uint8)
        return Patch(box, colour, weight.astype(np.uint8))

    def _labels(self) -> InferenceSession | None:
        own = self.path.with_suffix(".labels.onnx")
        beside = own if own.exists() else self.path.with_name("celeba.labels.onnx")
        if any(self.path == entry.path for entry in MODELS.values()):
            beside = MODELS["celeba_labels"].path
        with self._lock:  # opened late, and only where somebody needs it
            if beside.exists() and not self._beside:
                self._beside["labels"] = session.open_path(beside, threads=self.threads)
            return self._beside.get("labels")

    def _corners(self, frame: Frame) -> npt.NDArray[np.float64]:
        x0, y0, x1, y1 = crops.box(self.crop)
        return frame.to_photo(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]], np.float64))

    def _rim(self) -> Plane:
        """(H, W): 1 within, softly 0 at the border."""
        h, w = self.size
        y = (np.arange(h, dtype=np.float32) + 0.5) / h
        x = (np.arange(w, dtype=np.float32) + 0.5) / w
        ys, xs = (np.minimum(v, 1 - v) for v in (y, x))
        soft = [smoothstep(0.01, _RIM, v) for v in (ys, xs)]
        return np.asarray(soft[0][:, None] * soft[1][None], np.float32)

    def _to_photo(self, planes: Plane, frame: Frame, box: tuple[int, int, int, int]) -> Plane:
        """Crop planes (H, W, K) on the photo's pixels of `box`; 0 beyond the crop."""
        x0, y0, x1, y1 = crops.box(self.crop)
        z, wide = frame.z, self.size[1] / (x1 - x0)
        # enlarged first, by a filter that keeps slopes: Pillow's bicubic transform has ripples
        grow = min(_FINEST, max(1, round(1 / (abs(z) * wide))))
        planes = resize(
            planes, (self.size[0] * grow, self.size[1] * grow), Image.Resampling.BICUBIC
        )
        sx, sy = self.size[1] * grow / (x1 - x0), self.size[0] * grow / (y1 - y0)
        start = z * complex(box[0], box[1]) + frame.t - complex(x0, y0)
        across = (sx * z.real, -sx * z.imag, sx * start.real)
        down = (sy * z.imag, sy * z.real, sy * start.imag)
        data = (*across, *down)
        size = (box[2] - box[0], box[3] - box[1])
        out = [
            Image.fromarray(np.ascontiguousarray(planes[..., k])).transform(
                size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
            )
            for k in range(planes.shape[2])
        ]
        return np.stack([np.asarray(plane, np.float32) for plane in out], -1)
