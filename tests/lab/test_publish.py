"""A folder for model hubs: its card's data are true and can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
yaml = pytest.importorskip("yaml")
safetensors = pytest.importorskip("safetensors")

from small import small, trained  # noqa: E402
from tonsure.errors import BadOption, UnreadableInput  # noqa: E402
from tonsure.lab import publish, sample  # noqa: E402


def test_a_folder_as_hubs_expect_it(tmp_path: Path) -> None:
    run, out = trained(small("stgan-128", "train.steps=1"), tmp_path / "run"), tmp_path / "hub"
    each = {key: {"accuracy": {"mean": 0.5}} for key in ("at_half", "equal_odds")}
    told = {
        "preset": "stgan-128", "step": 1, "part": "test", "d": 1.5, "psnr": 30.5, "ssim": 0.9,
        "judges": {"judge": each},
    }  # fmt: skip
    (tmp_path / "figures.json").write_text(json.dumps(told))
    publish.write(run, out, figures=tmp_path / "figures.json")
    assert {path.name for path in out.iterdir()} == {
        "README.md", "config.json", "model.safetensors", "stgan-128.onnx",
        "stgan-128.labels.onnx",
    }  # fmt: skip
    _, head, body = (out / "README.md").read_text().split("---\n", 2)
    data = yaml.safe_load(head)
    assert data["license"] == "other"
    assert data["pipeline_tag"] == "image-to-image"
    assert {"stgan", "safetensors"} <= set(data["tags"])
    (result,) = data["model-index"][0]["results"]
    assert result["dataset"] == {"name": "CelebA", "type": "celeba", "split": "test"}
    assert [m["value"] for m in result["metrics"]] == [30.5, 0.9, 0.5, 0.5]
    assert body.count("# stgan-128") == 1
    g, _, _ = sample.opened(run)
    with safetensors.safe_open(str(out / "model.safetensors"), "pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert {k: tuple(file.get_slice(k).get_shape()) for k in file.keys()} == {  # noqa: SIM118
            k: tuple(v.shape) for k, v in g.state_dict().items()
        }
    assert json.loads((out / "config.json").read_text())["network"]["system"] == "stgan"
    (tmp_path / "figures.json").write_text(json.dumps(told | {"step": 2}))
    with pytest.raises(BadOption, match="figures of stgan-128 at step 2, not stgan-128 at 1"):
        publish.write(run, out, figures=tmp_path / "figures.json")
    with pytest.raises(UnreadableInput, match="does not hold figures"):
        publish.write(run, out, figures=out / "README.md")
    publish.write(run, out)
    assert "model-index" not in yaml.safe_load((out / "README.md").read_text().split("---\n")[1])
