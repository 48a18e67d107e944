"""What goes to a machine that is rented for minutes, and what comes back."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from small import SMALL, drawn, small, write_pack  # noqa: E402
from tonsure.errors import BadOption, UnwritableOutput  # noqa: E402
from tonsure.lab import checkpoints, sample  # noqa: E402
from tonsure.lab.data import compressed, packed  # noqa: E402
from tonsure.lab.networks.build import summary  # noqa: E402

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train_systems.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_systems", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def set_of(folder: Path, count: int) -> Path:
    """Smooth pictures of 178 x 218 with a list."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    lines = ["file,Bald,Male"]
    for k in range(count):
        low = Image.fromarray(random.integers(0, 256, (7, 6, 3)).astype(np.uint8))
        low.resize((178, 218), Image.Resampling.BICUBIC).save(folder / "images" / f"{k}.png")
        lines.append(f"{k}.png,{k % 2},{k % 3 % 2}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


CHANGES = ["network.height=64", "network.width=64", "data.split=all",
           'network.attributes=["Bald", "Male"]']  # fmt: skip


def test_a_compressed_pack_is_nearly_the_same_and_much_smaller(tmp_path: Path) -> None:
    made = small("stgan-128", *CHANGES)
    source = set_of(tmp_path / "set", 12)
    heard: list[str] = []
    packed.pack(made, source, tmp_path / "whole", tell=heard.append)
    packed.pack(made, source, tmp_path / "small", quality=80, tell=heard.append, bar=True)
    whole, less = (packed.open(tmp_path / name, made) for name in ("whole", "small"))
    assert less.pictures.shape == whole.pictures.shape == (12, 64, 64, 3)
    assert np.abs(less.pictures.astype(int) - whole.pictures).mean() < 6
    assert np.array_equal(less.labels, whole.labels)
    sizes = [(tmp_path / a / b).stat().st_size for a, b in
             (("whole", "pictures.npy"), ("small", compressed.NAME))]  # fmt: skip
    assert sizes[1] < sizes[0] / 4
    assert any("12/12" in text for text in heard)
    with pytest.raises(BadOption, match="--quality is 1 to 100"):
        packed.pack(made, source, tmp_path / "other", quality=0, tell=heard.append)
    assert not (tmp_path / "other").exists()
    file = tmp_path / "small" / compressed.NAME
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(BadOption, match="is damaged"):
        packed.open(tmp_path / "small", made)


def test_a_full_disk_leaves_no_compressed_pack(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez", full)
    made = small("stgan-128", *CHANGES)
    with pytest.raises(UnwritableOutput, match="No space left on device"):
        packed.pack(made, set_of(tmp_path / "set", 3), tmp_path / "p", quality=80)
    assert not (tmp_path / "p").exists()


def test_an_unattended_run_comes_back_in_pieces(
    tmp_path: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    made = small("stgan-128")
    write_pack(tmp_path / "pack", made)
    run, out = tmp_path / "run", tmp_path / "out"
    line = ["stgan-128", "--data", str(tmp_path / "pack"), "--run", str(run), "--out", str(out)]
    line += ["--split", "all", "--rounds", "1", "--piece", "0.02", "--most", "2"]
    line += [part for change in SMALL for part in ("--set", change)]
    assert script.main(line) == 0
    told = json.loads((out / "throughput.json").read_text())
    assert told["plain"]["pictures_s"] > 0
    # D's update runs D on real and fake and, for the penalty, its gradients of gradients
    forward = 2 * summary(made.network)["discriminator"]["gmac"] * 1e9 * 4
    assert told["plain"]["D operations"] > 8 * forward
    assert 0 < told["plain"]["G share of peak"] < 2
    with Image.open(out / "sheet.webp") as sheet:
        assert len(sheet.getbands()) == 3
    assert (out / "log.jsonl").exists()
    said = capsys.readouterr().out
    groups = int(said.split("pieces 1 of ")[1].split(";")[0])
    assert groups > 1
    for number in range(2, groups + 1):
        assert script.main([*line, "--bring", str(number)]) == 0
    data = b"".join(path.read_bytes() for path in sorted(out.glob("average.*")))
    whole = tmp_path / "average.safetensors"
    whole.write_bytes(data)
    assert max(path.stat().st_size for path in out.glob("average.*")) <= 0.02 * (1 << 20)
    g, config, step = sample.opened(whole)
    assert (step, config.network) == (4, made.network)
    kept = sample.opened(run)[0].state_dict()
    for name, value in g.state_dict().items():
        assert torch.allclose(value, kept[name], rtol=1e-3, atol=1e-6), name
    pack = drawn(made)
    assert sample.tiles(g, config.network, pack.pictures[:1], pack.labels[:1]).shape[1] == 15
    # the same line once more: nothing is left to do, and it says so
    assert script.main(line) == 0
    assert checkpoints.newest(run).name == "step-00000004.safetensors"
    assert io.BytesIO(data).getbuffer().nbytes == len(data)
