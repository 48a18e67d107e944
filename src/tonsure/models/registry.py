"""The one list of weights.

Adding a network is one entry in `_ENTRIES` and one file in `assets/` (with a card in `cards/`);
`python scripts/register_model.py NAME` writes its hash and length into the entry.
Session, command line, documentation and tests read this list and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from ..errors import ModelMissing

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Port:
    """One input or output: its name in the graph, its shape ("N" is free) and what it holds."""

    name: str
    shape: tuple[int | str, ...]
    holds: str


@dataclass(frozen=True)
class ModelInfo:
    """One file of weights shipped with the package.

    `sha256` is the full lower-case hexadecimal digest of the file, `bytes` its length; `card` is
    the name of a Markdown file in `cards/` and `licence_file` that of a text in `licences/`
    (empty when the project's own licence covers it).  An `apart` one is not in tonsure's wheel but
    in that of tonsure-models, see `beside`.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    licence_file: str
    provenance: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    card: str
    apart: bool = False

    @property
    def path(self) -> Path:
        """Where the file lies in this installation, or would."""
        own = _HERE / "assets" / self.file
        return beside(own) if self.apart else own

    def there(self) -> Path:
        """`path`; `ModelMissing` says how to get one that is `apart` and not installed."""
        path = self.path
        if self.apart and not path.exists():
            raise not_installed(self.name)
        return path

    def card_text(self) -> str:
        """The model card, Markdown."""
        return (_HERE / "cards" / self.card).read_text(encoding="utf-8")

    def licence_text(self) -> str:
        """The licence as shipped with the source, or "" if the project's own covers the file."""
        if not self.licence_file:
            return ""
        return (_HERE / "licences" / self.licence_file).read_text(encoding="utf-8")


def beside(own: Path) -> Path:
    """Where a file lies that is not in tonsure's wheel: at its `own` place, in a clone or what was
    installed from one with `pip install -e`; else in the package tonsure-models."""
    if not own.exists() and (found := find_spec("tonsure_models")) is not None:
        for folder in found.submodule_search_locations or ():
            if (Path(folder) / own.name).exists():
                return Path(folder) / own.name
    return own


def not_installed(name: str) -> ModelMissing:
    """For a model of tonsure-models where that is not."""
    return ModelMissing(
        f"The model {name} comes with tonsure-models, which is not installed; 'pip install "
        "./models' in a clone of the repository brings it."
    )


_MEDIAPIPE = "mediapipe 0.10.21 wheel, {}; converted by scripts/convert_faces.py"

_ENTRIES = (
    ModelInfo(
        name="face_detector",
        file="face_detector.onnx",
        sha256="8efd94f9e65b22da981ce6e51e0ba96e164b1380492f6666685055dd2f7e33c8",
        bytes=216569,
        licence="Apache-2.0",
        licence_file="mediapipe-Apache-2.0.txt",
        provenance=_MEDIAPIPE.format("face_detection_short_range.tflite"),
        inputs=(Port("image", ("N", "H", "W", 3), "RGB, -1..1; sides are multiples of 16"),),
        outputs=(
            Port("boxes", ("N", "A", 16), "offsets to anchors, input pixels: box, 6 keypoints"),
            Port("scores", ("N", "A"), "logits"),
        ),
        card="face_detector.md",
    ),
    ModelInfo(
        name="face_mesh",
        file="face_mesh.onnx",
        sha256="33c550c7390886987ec8349a52d3c11de4ccdd322bfc564d2a24e8b358cca15b",
        bytes=1226311,
        licence="Apache-2.0",
        licence_file="mediapipe-Apache-2.0.txt",
        provenance=_MEDIAPIPE.format("face_landmark.tflite"),
        inputs=(Port("image", ("N", 192, 192, 3), "RGB, 0..1, upright face"),),
        outputs=(
            Port("landmarks", ("N", 468, 3), "x, y, z in input pixels"),
            Port("flag", ("N",), "logit: is there a face"),
        ),
        card="face_mesh.md",
    ),
    ModelInfo(
        name="person_mask",
        file="person_mask.onnx",
        sha256="b4d26a5a4dfe621b6ae8426afb1f3cea97ceba19b9a409097a603cd50d2fda11",
        bytes=232270,
        licence="Apache-2.0",
        licence_file="mediapipe-Apache-2.0.txt",
        provenance=_MEDIAPIPE.format("selfie_segmentation.tflite"),
        inputs=(Port("image", ("N", 256, 256, 3), "RGB, 0..1"),),
        outputs=(Port("person", ("N", 256, 256), "probability of a person, 0..1"),),
        card="person_mask.md",
    ),
    ModelInfo(
        name="hair_parser",
        file="hair_parser.onnx",
        sha256="f9c795e72c1fa4d9f8014f1e51d953a66f1f092255a6440708bd700b5ddd5a3e",
        bytes=3234765,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on CelebAMask-HQ and CelebA by tonsure lab train parser",
        inputs=(Port("picture", ("N", 5, "H", "W"), "RGB, -1..1, then x, y in 2 eye distances"),),
        outputs=(Port("classes", ("N", 9, "H", "W"), "soft classes, see hair.classes.CLASSES"),),
        card="hair_parser.md",
    ),
    ModelInfo(
        name="sight",
        file="sight.onnx",
        sha256="8b20a8e110bae8650e744f6ebcf56953a58be6d46ad593a8ef41bcd8d50eaeca",
        bytes=3234765,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on people to the waist by tonsure lab train sight",
        inputs=(Port("picture", ("N", 5, "H", "W"), "RGB, -1..1, then x, y in 2 eye distances"),),
        outputs=(Port("classes", ("N", 9, "H", "W"), "soft classes, see hair.classes.CLASSES"),),
        card="sight.md",
    ),
    ModelInfo(
        name="hat",
        file="hat.onnx",
        sha256="9f1a4356e6b999065bfc2316a036cec164227d48ce90b7039b93ca9dc97c4134",
        bytes=964987,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on CelebA by tonsure lab train hat",
        inputs=(Port("picture", ("N", 3, 144, 112), "RGB, -1..1, see hair.hat.BOX"),),
        outputs=(Port("hat", ("N",), "probability of a hat, 0..1"),),
        card="hat.md",
    ),
    ModelInfo(
        name="bare",
        file="bare.onnx",
        sha256="fa633a5cec866af25c73a4cb426ab37ffd22851a8bbf41434826b80d23205a16",
        bytes=3240499,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on CelebA and CelebAMask-HQ by tonsure lab train bare",
        inputs=(Port("window", ("N", 23, 192, 192), "see lab.tasks.bare.inputs"),),
        outputs=(
            Port("residual", ("N", 3, 192, 192), "to add to the spread colours, -1..1 apart"),
            Port("layers", ("N", 5, 192, 192), "logits, see head.bare.LAYERS"),
        ),
        card="bare.md",
    ),
    ModelInfo(
        name="beneath",
        file="beneath.onnx",
        sha256="9e7cfd21b86492a63610c31c593e6692187afe68d26ad521c3527051d221973c",
        bytes=8680112,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on people to the waist by tonsure lab train beneath",
        inputs=(Port("window", ("N", 12, 160, 128), "see lab.networks.beneath.PLANES"),),
        outputs=(
            Port("layers", ("N", 4, 160, 128), "logits, see make.beneath.LAYERS"),
            Port("colours", ("N", 12, 160, 128), "RGB of each layer in turn, -1..1"),
        ),
        card="beneath.md",
    ),
    ModelInfo(
        name="stgan_celeba",
        file="stgan_celeba.onnx",
        sha256="42bbf5beddd0b95a5ef48016461318a121d4007438ce779132ca15e17645878d",
        bytes=4240615,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on CelebA by tonsure lab train stgan-cpu",
        inputs=(
            Port("picture", ("N", 3, 64, 64), "RGB, -1..1, an aligned face"),
            Port("difference", ("N", 13), "d of each label, target minus source"),
        ),
        outputs=(Port("edited", ("N", 3, 64, 64), "RGB, -1..1"),),
        card="stgan_celeba.md",
        apart=True,
    ),
    ModelInfo(
        name="attgan_celeba",
        file="attgan_celeba.onnx",
        sha256="c4683675f33e614a4e20c06abccc089edc990143969166917b8d6500bfed538a",
        bytes=3017871,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on CelebA by tonsure lab train attgan-cpu",
        inputs=(
            Port("picture", ("N", 3, 64, 64), "RGB, -1..1, an aligned face"),
            Port("target", ("N", 13), "wanted labels, 0..1"),
        ),
        outputs=(Port("edited", ("N", 3, 64, 64), "RGB, -1..1"),),
        card="attgan_celeba.md",
        apart=True,
    ),
    ModelInfo(
        name="stargan_celeba",
        file="stargan_celeba.onnx",
        sha256="f7540071beb5254c3d7a5f785eee0dcb3fa71d74ae2d493afd59809b4b602b53",
        bytes=296381,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="trained on CelebA by tonsure lab train stargan-cpu",
        inputs=(
            Port("picture", ("N", 3, 64, 64), "RGB, -1..1, an aligned face"),
            Port("labels", ("N", 13), "wanted labels, 0..1"),
        ),
        outputs=(Port("edited", ("N", 3, 64, 64), "RGB, -1..1"),),
        card="stargan_celeba.md",
        apart=True,
    ),
    ModelInfo(
        name="celeba_labels",
        file="celeba.labels.onnx",
        sha256="553535663c2e32fafce721d0d75c4c3d37f39b6c320eea3952a53ebb6c25d87b",
        bytes=2620326,
        licence="LicenseRef-CelebA-noncommercial",
        licence_file="",
        provenance="the class head of stgan_celeba's critic",
        inputs=(Port("picture", ("N", 3, 64, 64), "RGB, -1..1, an aligned face"),),
        outputs=(Port("labels", ("N", 13), "probabilities of the 13 labels, 0..1"),),
        card="celeba_labels.md",
    ),
)

MODELS: dict[str, ModelInfo] = {entry.name: entry for entry in _ENTRIES}


def info(name: str) -> ModelInfo:
    """The entry called `name`; `ModelMissing` names the nearest one otherwise."""
    if name in MODELS:
        return MODELS[name]
    near = get_close_matches(name, MODELS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(MODELS)}."
    raise ModelMissing(f"There is no model called {name!r}; {hint}")
