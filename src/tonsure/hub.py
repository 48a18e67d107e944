"""The notebook's one-liner, on today's tool.

    import tonsure.hub as hub
    stgan = hub.Module(name="stgan_celeba")
    stgan.generate(data={"image": ["me.jpg"], "style": ["Bald"], "info": ["Male"]})

The arguments, values and defaults are those of the four modules of 2020 as far as they are known;
photos may be of any size, and what a face has is estimated where `info` does not say. Weights come
from `model=`, from the folder `directory=` or the one that `TONSURE_HUB` names (`NAME.onnx`, as
`tonsure lab export` writes it), or from the package, in this order. `version=` is one of those that
a module had; all of them are this one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .attributes import STANDARD, index
from .editor import Editor, Shot
from .errors import BadOption, ModelMissing, nearest
from .models import MODELS

Labels = Mapping[str, bool]

_MODULES = {
    "stgan_celeba": "stgan", "attgan_celeba": "attgan", "stargan_celeba": "stargan",
    "stgan_bald": "stgan",
}  # fmt: skip
_VERSIONS = dict.fromkeys(_MODULES, ("1.0.0",)) | {"stgan_bald": ("1.0.0", "1.1.0")}
_STYLES = tuple({"Male": "Gender", "Young": "Aged"}.get(name, name) for name in STANDARD)
_STAR_STYLES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Female", "Male", "Aged")
_INFO = ("Male", "Female", *(s for s in _STYLES if s != "Gender"))
DEGREES = (0.60, 0.68, 0.76)
"""d of the three results of `bald`: its factors .30, .34, .38 on both labels."""


class Module:
    """One of stgan_celeba, attgan_celeba, stargan_celeba (`generate`) and stgan_bald (`bald`).

    Without a name, the one generator in `directory` says which it is.
    """

    def __init__(
        self, name: str | None = None, *, directory: str | Path | None = None,
        version: str | None = None, model: str | Path | None = None, threads: int | None = None,
    ) -> None:  # fmt: skip
        if name is None and directory is None:
            raise BadOption(f"Name a module, as {next(iter(_MODULES))!r}, or a directory of one.")
        if name is not None and name not in _MODULES:
            raise BadOption(f"There is no module {name!r}; {nearest(name, _MODULES)}")
        if model is None and directory is not None:
            model = _in_directory(Path(directory), name)
        self.editor = Editor(model=_weights(name or "", model), threads=threads)
        assert self.editor.generator is not None
        self.name = name = name or f"{self.editor.generator.facts.get('system')}_celeba"
        if version is not None and version.lstrip("v") not in _VERSIONS.get(name, ()):
            known = " and ".join(_VERSIONS.get(name, ()))
            raise BadOption(f"There is no version {version!r} of {name}; there were {known}.")
        system = self.editor.generator.facts.get("system")
        if system != _MODULES[name]:
            raise BadOption(
                f"{self.editor.generator.path} is a generator of {system}, and {name} needs one of "
                f"{_MODULES[name]}."
            )
        self.names = self.editor.generator.names

    def generate(
        self, data: Mapping[str, Sequence[str]], output_dir: str | Path | None = None
    ) -> list[str]:
        """Edit photos; a message with the path of each result.

        `data` holds lists of one element a photo: `image` paths; `style`, what to make of it; and,
        for stgan_celeba, `info`, what it shows, comma-joined, Male or Female first of all
        (estimated without). Results are `STYLE_NAME.png` in `output_dir`, default
        `stgan_output` and its like.
        """
        if self.name == "stgan_bald":
            raise BadOption("stgan_bald has bald(), not generate().")
        self._check_keys(data)
        images, styles = data["image"], data["style"]
        infos: Sequence[str | None] = data.get("info") or [None] * len(images)
        changes = [self._style(style) for style in styles]
        sources = [self._info(info) for info in infos]
        folder = Path(output_dir or f"{_MODULES[self.name]}_output")
        folder.mkdir(parents=True, exist_ok=True)
        told = []
        for image, style, change, source in zip(images, styles, changes, sources, strict=True):
            with self.editor.open(image) as shot:
                result = shot.edit(self._wanted(shot, change, source), "largest", source)
            target = folder / f"{style}_{Path(image).stem}.png"
            result.save(target, overwrite=True)
            told.append(f"{image}: {style} is done and saved as {target}.")
        return told

    def bald(
        self,
        images: Sequence[npt.NDArray[np.uint8]] | None = None,
        paths: Sequence[str | Path] | None = None,
        data: Mapping[str, Sequence[str]] | None = None,
        use_gpu: bool = False,
        org_labels: Sequence[Sequence[int]] | None = None,
        target_labels: Sequence[Sequence[int]] | None = None,
        visualization: bool = True,
        output_dir: str | Path = "bald_output",
    ) -> list[dict[str, npt.NDArray[np.uint8]]]:
        """Three steps of a receding hairline ("1, 3, 5 years") of each photo.

        `images` are BGR arrays, `paths` and `data["image"]` files, taken together. `org_labels`, a
        row of 13 a photo, say what they show (estimated without), `target_labels` what to aim at
        (Bald, without). The results are RGB arrays `data_0`, `data_1`, `data_2` of the photo's own
        size, and with `visualization` files `NAME.0.png` and so on in `output_dir`. Everything runs
        on the processor; `use_gpu` is refused.
        """
        if self.name != "stgan_bald":
            raise BadOption(f"{self.name} has generate(), not bald().")
        if use_gpu:
            raise BadOption("Everything runs on the processor; leave use_gpu out.")
        if isinstance(images, np.ndarray | str) or isinstance(paths, str | Path):
            raise BadOption("images and paths are lists, one element a photo.")
        sources: list[tuple[str, Any]] = []
        for k, array in enumerate(images or ()):
            if not isinstance(array, np.ndarray) or array.ndim != 3 or array.shape[2] != 3:
                raise BadOption("images are BGR arrays (H, W, 3); files go into paths.")
            sources.append((f"image{k}", np.ascontiguousarray(array[..., ::-1])))
        files = [*(paths or ()), *((data or {}).get("image", ()))]
        sources += [(Path(path).stem, path) for path in files]
        if not sources:
            raise BadOption("There is no photo: give images, paths or data={'image': [...]}.")
        rows = _rows("org_labels", org_labels, len(sources), len(self.names))
        aims = _rows("target_labels", target_labels, len(sources), len(self.names))
        out = []
        for (stem, source), row, aim in zip(sources, rows, aims, strict=True):
            known = None if row is None else dict(zip(self.names, map(bool, row), strict=True))
            made = {}
            with self.editor.open(source) as shot:
                change: Labels = {"Bald": True}
                if aim is not None:
                    change = dict(zip(self.names, map(bool, aim), strict=True))
                wanted = self._wanted(shot, change, known)
                for k, degree in enumerate(DEGREES):
                    moved = {name: degree * d for name, d in wanted.items()}
                    result = shot.edit(moved, "largest", known)
                    made[f"data_{k}"] = np.array(result.photo.eight())
                    if visualization:
                        Path(output_dir).mkdir(parents=True, exist_ok=True)
                        result.save(Path(output_dir) / f"{stem}.{k}.png", overwrite=True)
            out.append(made)
        return out

    def _check_keys(self, data: Mapping[str, Sequence[str]]) -> None:
        allowed = ("image", "style", "info") if self.name == "stgan_celeba" else ("image", "style")
        for key, value in data.items():
            if key not in allowed:
                raise BadOption(f"{self.name} has no key {key!r}; {nearest(key, allowed)}")
            if isinstance(value, str) or not isinstance(value, Sequence):
                raise BadOption(f"{key!r} is a list, one element a photo.")
        for key in ("image", "style"):
            if not data.get(key):
                raise BadOption(f"{key!r} is missing: a list, one element a photo.")
        for key in data:
            if data[key] and len(data[key]) != len(data["image"]):
                raise BadOption(
                    f"{key!r} has {len(data[key])} elements for {len(data['image'])} photos."
                )

    def _style(self, style: str) -> Labels:
        """What a style asks for: labels by name; Gender is None, the other one."""
        allowed = _STAR_STYLES if self.name == "stargan_celeba" else _STYLES
        if style not in allowed:
            raise BadOption(f"There is no style {style!r}; {nearest(style, allowed)}")
        if style == "Gender":
            return {"Gender": True}
        return dict([_word(style)])

    def _info(self, info: str | None) -> Labels | None:
        if info is None:
            return None
        words = [word.strip() for word in info.split(",") if word.strip()]
        for word in words:
            if word not in _INFO:
                raise BadOption(f"info cannot be {word!r}; {nearest(word, _INFO)}")
        if ("Male" in words) == ("Female" in words):
            raise BadOption("info says Male or Female, one of them, in every element.")
        told = {"Young": True} | dict(map(_word, words))
        return {name: value for name, value in told.items() if name in self.names}

    def _wanted(self, shot: Shot, change: Labels, source: Labels | None) -> dict[str, float]:
        """d of each attribute to get from what the face has to what is asked for."""
        if source is None:
            number = next(iter(shot.edit({}).found))
            has = dict(zip(self.names, shot.view(number).source > 0.5, strict=True))
        else:
            has = {name: bool(source.get(name, False)) for name in self.names}
        if "Gender" in change:
            change = {"Male": not has["Male"]}
        for name in change:
            index(name, self.names)
        return {name: float(bool(on) - int(has[name])) for name, on in change.items()}


def _word(word: str) -> tuple[str, bool]:
    return {"Female": ("Male", False), "Aged": ("Young", False)}.get(word, (word, True))


def _rows(
    name: str, rows: Sequence[Sequence[int]] | None, count: int, wide: int
) -> list[Sequence[int] | None]:
    if rows is None:
        return [None] * count
    if len(rows) != count or any(len(row) != wide for row in rows):
        raise BadOption(f"{name} is one row of {wide} numbers for each of {count} photos.")
    return list(rows)


def _in_directory(folder: Path, name: str | None) -> Path:
    """NAME.onnx of a folder, or the one generator that lies there."""
    if name is not None and (folder / f"{name}.onnx").is_file():
        return folder / f"{name}.onnx"
    if not folder.is_dir():
        raise ModelMissing(f"There is no folder {folder}.")
    found = sorted(p for p in folder.glob("*.onnx") if not p.name.endswith(".labels.onnx"))
    if len(found) == 1:
        return found[0]
    if found:
        raise BadOption(f"{folder} holds several generators; name one with model=.")
    raise ModelMissing(
        f"There is no .onnx in {folder}: 'tonsure lab convert' reads the weights of 2020, "
        "'tonsure lab export' writes one from them."
    )


def _weights(name: str, model: str | Path | None) -> Path:
    if model is not None:
        return Path(model)
    folder = os.environ.get("TONSURE_HUB")
    names = (name, "stgan_celeba") if name == "stgan_bald" else (name,)
    for one in names:
        if folder and (Path(folder) / f"{one}.onnx").exists():
            return Path(folder) / f"{one}.onnx"
        if one in MODELS:
            return MODELS[one].there()
    raise ModelMissing(
        f"There are no weights for {name}: give model=, or name a folder with {name}.onnx in "
        "TONSURE_HUB; 'tonsure lab export' writes such files."
    )
