"""From a run to files that the tool opens: NAME.onnx, NAME.labels.onnx, NAME.md.

The first is the generator, told what `attributes.condition` makes of d; the second D's class head,
which estimates what a face already has. All that is needed to use them is in their metadata.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from tonsure.errors import BadOption
from tonsure.lab import checkpoints, products, sample
from tonsure.lab.config import Config
from tonsure.lab.data import disk
from tonsure.lab.export import export
from tonsure.lab.networks.build import discriminator, parameters

KEY = "tonsure"


class _Labels(nn.Module):
    """D's class head as probabilities."""

    def __init__(self, d: nn.Module) -> None:
        super().__init__()
        self.d = d

    def forward(self, picture: Tensor) -> Tensor:
        return torch.sigmoid(self.d.logits(picture))  # type: ignore[operator]


def write(
    run: Path, out: Path | None = None, *, raw: bool = False, data: Path | None = None
) -> dict[str, Any]:
    """Export a generator, or a net of the product's own, as far as that needs no card here.

    `data` is the packed data that a calibration needs. Gives the file, its bytes and the largest
    difference from torch (-1..1). `BadOption` for a run that is none, or lacks its data.
    """
    tensors, told = checkpoints.read(checkpoints.newest(run))
    if "task" in told["config"]:
        return _product(run, tensors, told, out, raw=raw, data=data)
    g, config, step = sample.opened(run, raw=raw)
    c = config.network
    if out is None:
        out = (run if run.is_dir() else run.parent) / f"{config.name}.onnx"
    torch.manual_seed(0)
    picture = torch.rand(2, 3, c.height, c.width) * 2 - 1
    vector = torch.rand(2, c.count) * 2 - 1
    name = sample.kind(c)
    free = {"picture": {0: "N"}, name: {0: "N"}, "edited": {0: "N"}}
    gap = export(g, {"picture": picture, name: vector}, ["edited"], out, free)
    facts = _facts(config, step)
    _describe(out, facts)
    labels = out.with_suffix(".labels.onnx")
    weights, gap_labels = checkpoints.part(tensors, "discriminator"), None
    if weights:
        d = discriminator(c)
        d.load_state_dict(weights)
        free = {"picture": {0: "N"}, "labels": {0: "N"}}
        gap_labels = export(_Labels(d), {"picture": picture}, ["labels"], labels, free)
        _describe(labels, facts)
    card = _card(config, told, out, gap, gap_labels, parameters(g))
    out.with_suffix(".md").write_text(card, encoding="utf-8")
    return {"file": str(out), "bytes": out.stat().st_size, "gap": gap, "labels_gap": gap_labels}


def _product(
    run: Path, tensors: checkpoints.Tensors, told: dict[str, Any], out: Path | None, *, raw: bool,
    data: Path | None,
) -> dict[str, Any]:  # fmt: skip
    product = products.of_dict(told["config"])
    task = products.kind(product.task)
    network = task.network(**product.options)
    network.load_state_dict(checkpoints.part(tensors, "model" if raw else "average"))
    if out is None:
        out = (run if run.is_dir() else run.parent) / f"{product.name}.onnx"
    if not hasattr(task, "port"):
        if data is None:
            raise BadOption(f"{product.name} is calibrated when it is exported: --data PACK.")
        made: dict[str, Any] = products.opened(product, data).release(network, data, out)  # type: ignore[attr-defined]
        return made
    torch.manual_seed(0)
    gap = task.port(network.eval()).write(out)
    return {"file": str(out), "bytes": out.stat().st_size, "gap": gap, "step": told["step"]}


def _facts(config: Config, step: int) -> dict[str, Any]:
    c = config.network
    return {
        "kind": sample.kind(c), "system": c.system, "scale": c.scale, "preset": config.name,
        "attributes": list(c.attributes), "height": c.height, "width": c.width,
        "crop": config.data.crop, "filter": config.data.filter, "split": config.data.split,
        "step": step,
    }  # fmt: skip


def _describe(path: Path, facts: dict[str, Any]) -> None:
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(facts)
    with disk.whole(path) as half:
        onnx.save(model, str(half))


def _card(
    config: Config, told: dict[str, Any], path: Path, gap: float, gap_labels: float | None,
    count: int,
) -> str:  # fmt: skip
    c, d = config.network, config.data
    lines = [
        f"# {path.stem}", "",
        f"Generator of {c.system} (preset `{config.name}`), {count:,} parameters, trained for "
        f"{told['step']:,} steps ({told.get('images', 0):,} pictures, "
        f"{told.get('seconds', 0) / 3600:.1f} hours).", "",
        f"- **Input**: `picture` (N, 3, {c.height}, {c.width}) RGB, -1..1, an aligned face cut by "
        f"`{d.crop}` and made small by `{d.filter}`; `{sample.kind(c)}` (N, {c.count}) for "
        f"{', '.join(c.attributes)}.",
        "- **Output**: `edited`, as the input.",
        f"- **Parity**: at most {gap:.1e} from torch (of -1..1; weights are stored as float16).",
    ]  # fmt: skip
    if gap_labels is not None:
        lines.append(
            f"- **Beside it**: `{path.stem}.labels.onnx`, the critic's class head: probabilities "
            f"of the same labels, at most {gap_labels:.1e} from torch. Not a judge: G was trained "
            "against it."
        )
    lines += [
        "- **Licence**: that of the pictures it was trained on; CelebA's are for non-commercial "
        "research only.",
        "- **Limits**: an aligned, frontal face. Rare labels are weak ones; labels are noisy.", "",
    ]  # fmt: skip
    return "\n".join(lines)
