"""The product's own nets from the command: presets, packing, training, export, and their cards."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")

from tonsure.errors import BadOption  # noqa: E402
from tonsure.hair.classes import HAT  # noqa: E402
from tonsure.lab import checkpoints, products, release, training  # noqa: E402
from tonsure.lab.data import pack  # noqa: E402
from tonsure.lab.data.labels import BadList  # noqa: E402
from tonsure.lab.tasks.hat import HatTask  # noqa: E402
from tonsure.lab.tasks.judge import JudgeTask  # noqa: E402
from tonsure.lab.tasks.parser import ParserTask  # noqa: E402
from tonsure.models import registry  # noqa: E402

CARDS = Path(registry.__file__).parent / "cards"
NAMES = ["Bald", "Black_Hair", "Eyeglasses", "Male", "Wearing_Hat"]


@pytest.mark.parametrize("name", products.names())
def test_presets_load_and_come_back(name: str) -> None:
    product = products.load(name)
    assert products.of_dict(product.as_dict()) == product
    # what the preset says is what the task would do by itself: there is one recipe
    assert set(product.options) <= set(products._options(products.kind(product.task)))


@pytest.mark.parametrize(
    ("name", "card"), [("parser", "hair_parser"), ("hat", "hat"), ("bare", "bare")]
)
def test_cards_and_presets_agree(name: str, card: str) -> None:
    """The shipped weights have as many steps as the preset that makes them."""
    text = (CARDS / f"{card}.md").read_text(encoding="utf-8")
    (steps,) = re.findall(r"After (\d+) steps", text)
    product = products.load(name)
    assert product.train.steps == int(steps)
    assert f"`tonsure lab train {name}`" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("train.steps=abc", "train.steps is a whole number, not 'abc'"),
        ("train.steps=-5", "0 or more"),
        ("train.steps=0", "1 or more"),
        ("train.samples=-1", "0 or more"),
        ("train.schedule=cosin", "did you mean 'cosine'"),
        ("options.sizes=64", "did you mean 'size'"),
        ("trein.steps=5", "no section 'trein'"),
        ("task=5", "section.field=value"),
    ],
)
def test_wrong_fields_are_named(change: str, said: str) -> None:
    with pytest.raises(BadOption, match=said):
        products.load("parser", [change])


def webp(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG" if pixels.ndim == 2 else "WEBP")
    return buffer.getvalue()


def tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """Both sets as they lie: six aligned faces, two with classes."""
    folder = tmp_path_factory.mktemp("raw")
    celeba, masked = folder / "celeba", folder / "celebamask"
    celeba.mkdir()
    masked.mkdir()
    face = Image.fromarray(astronaut).crop((135, 25, 135 + 178, 25 + 218))
    small = np.asarray(face.resize((178, 218)))
    ids = [f"{k:06d}" for k in range(1, 7)]
    tar(celeba / "train-000.tar", {f"{i}.webp": webp(small) for i in ids[:5]})
    tar(celeba / "val-000.tar", {f"{ids[5]}.webp": webp(small)})
    tar(celeba / "bald-half-size.tar", {"000009.jpg": webp(np.asarray(face.resize((89, 109))))})
    signs = ["1 -1 -1 1 -1", "-1 1 -1 1 -1", "-1 -1 1 -1 -1", "-1 -1 -1 -1 1", "-1 -1 -1 -1 -1"]
    rows = [f"{i}.jpg {row}" for i, row in zip(ids, [*signs, signs[-1]], strict=True)]
    (celeba / "list_attr_celeba.txt").write_text("\n".join(["6", " ".join(NAMES), *rows]))
    parts = [f"{i}.jpg {0 if k < 5 else 1}" for k, i in enumerate(ids)]
    (celeba / "list_eval_partition.txt").write_text("\n".join(parts))
    (celeba / "identity_CelebA.txt").write_text("\n".join(f"{i}.jpg {int(i)}" for i in ids))
    (celeba / "bald-clean.txt").write_text("000001.jpg\n")
    classes = np.zeros((512, 512), np.uint8)
    classes[30:130, 180:330], classes[130:220, 180:290] = 13, 1
    for part in ("train", "test"):
        tar(masked / f"{part}.tar", {"7.webp": webp(astronaut), "7.png": webp(classes)})
    return folder


@pytest.fixture(scope="module")
def packed(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "pack"
    products.prepare(products.load("parser"), raw, out)
    street = np.full((20, 304, 256, 3), 120, np.uint8)  # as scripts pack them; half wear hats
    sets = np.full((20, 304, 256), 1 << 0, np.uint16)
    sets[:10, :90] = 1 << HAT
    np.savez(out / "wide-ccp-train.npz", rgb=street, sets=sets, labels=np.array(["ccp59"] * 20))
    return out


def test_sets_are_packed_as_they_lie(packed: Path) -> None:
    for task in (ParserTask, HatTask, JudgeTask):
        assert products.prepared(task, packed)
    assert not list(packed.glob("*.half.*"))
    found = np.load(packed / "celeba.npz")
    assert found["names"].tolist() == [f"{k:06d}" for k in range(1, 7)]
    assert found["part"].tolist() == [0, 0, 0, 0, 0, 1]
    assert found["masked"].tolist() == [0, 3]
    assert np.load(packed / "celeba_img.npy").shape == (6, 218, 178, 3)


def test_what_is_packed_stays(raw: Path, packed: Path) -> None:
    before = (packed / "celeba.npz").stat().st_mtime_ns
    pack.masks(raw, packed, 1)
    assert (packed / "celeba.npz").stat().st_mtime_ns == before


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="tonsure lab prepare hat --data DIR"):
        products.opened(products.load("hat"), tmp_path)
    with pytest.raises(BadOption, match="no folder"):
        products.prepare(products.load("hat"), tmp_path / "no", tmp_path / "out")
    with pytest.raises(BadList, match=r"train\.tar"):
        products.prepare(products.load("hat"), tmp_path, tmp_path / "out")


CHANGES = [
    "train.steps=2", "options.size=64", "options.labelled=2", "options.weak=5",
    "options.widths=[4,4,8,8,8]", "train.log_every=1", "train.precision=fp32",
]  # fmt: skip


def test_trained_resumed_and_exported(packed: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert training.run("parser", CHANGES, packed, run, quiet=True)
    told = checkpoints.load(checkpoints.newest(run))[1]
    assert told["config"]["task"] == "parser"
    assert told["config"]["options"]["size"] == 64
    with pytest.raises(BadOption, match=r"begun with options\.size = 64, not 96"):
        training.run("parser", [*CHANGES, "options.size=96"], packed, run, quiet=True)
    assert training.run("parser", [*CHANGES, "train.steps=3"], packed, run, quiet=True)
    made = release.write(run)
    assert Path(made["file"]) == run / "parser.onnx"
    assert made["gap"] < 5e-3
    assert made["step"] == 3


def test_a_net_that_is_calibrated_wants_its_data(tmp_path: Path) -> None:
    product = products.load("judge", ["options.widths=[4,4,8,8,8]"])
    net = JudgeTask.network(**product.options)
    tensors = {f"average.{k}": v for k, v in net.state_dict().items()}
    checkpoints.keep(tmp_path, 1, tensors, {"config": product.as_dict()}, 1)
    with pytest.raises(BadOption, match="--data PACK"):
        release.write(tmp_path)


class Apart(torch.overrides.TorchFunctionMode):
    """Tensors of two devices do not meet, as on a GPU; single numbers of the processor may."""

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        found = torch.utils._pytree.tree_leaves((args, kwargs or {}))
        tensors = [x for x in found if isinstance(x, torch.Tensor)]
        here = any(x.device.type == "cpu" and x.ndim for x in tensors)
        there = any(x.device.type == "meta" for x in tensors)
        assert not (here and there), func
        return func(*args, **(kwargs or {}))


def test_losses_know_no_processor(packed: Path) -> None:
    """On another device, torch's "meta": what was left behind would meet it."""
    there = torch.device("meta")
    for task in (
        ParserTask(packed, size=64, labelled=2, weak=5, widths=(4, 4, 8, 8, 8)),
        HatTask(packed, packed / "identity_CelebA.txt", batch=16),
        JudgeTask.open(packed, batch=4, widths=(4, 4, 8, 8, 8)),
    ):
        batch = task.batch(torch.Generator().manual_seed(0))
        batch = {k: v.to(there) for k, v in batch.items()}
        model, teacher = task.build().to(there), task.build().to(there)
        with Apart():
            terms = task.losses(model, teacher, batch, 0.5)
        assert all(value.device == there for value in terms.values())
