"""A folder as model hubs expect it: README.md with its card's data, weights, configuration, ONNX.

    README.md            the card; its head (YAML) is what a hub reads: licence, library, task,
                         tags, and figures of `tonsure lab measure`, if they are given
    model.safetensors    the generator's weights, in the form "pt"
    config.json          the whole configuration
    NAME.onnx            as `release` writes it, with NAME.labels.onnx

The head follows Hugging Face's model cards (huggingface.co/docs/hub/model-cards).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from tonsure.errors import BadOption, UnreadableInput, UnwritableOutput
from tonsure.lab import release, sample

_METRICS = (("psnr", "PSNR of reconstructions, dB"), ("ssim", "SSIM of reconstructions"))
_USE = """## Use

```console
tonsure sweep me.jpg --model {name}.onnx
tonsure bald me.jpg --model {name}.onnx
```

What a face has already is estimated by `{name}.labels.onnx` beside it.
"""


def write(run: Path, out: Path, *, raw: bool = False, figures: Path | None = None) -> None:
    """Write the folder `out`; what lies there already under these names is replaced.

    `figures` is the JSON that `tonsure lab measure` wrote of this run. Raises `BadOption` for a run
    that is none, or whose figures are another's, and `UnwritableOutput`.
    """
    if run.suffix == ".onnx":
        raise BadOption("A folder for a hub is made of a run or a checkpoint, not of an .onnx.")
    g, config, step = sample.opened(run, raw=raw)
    told = None if figures is None else _figures(figures, config.name, step)
    try:
        out.mkdir(parents=True, exist_ok=True)
        made = release.write(run, out / f"{config.name}.onnx", raw=raw)
        tensors = {k: v.contiguous() for k, v in g.state_dict().items()}
        save_file(tensors, str(out / "model.safetensors"), {"format": "pt"})
        values = {"model_type": f"tonsure-{config.network.system}", "step": step}
        text = json.dumps(values | config.as_dict(), indent=2)
        (out / "config.json").write_text(f"{text}\n", encoding="utf-8")
        card = Path(made["file"]).with_suffix(".md")
        head = "\n".join(_head(config, told))
        text = f"{head}\n{card.read_text(encoding='utf-8')}\n{_USE.format(name=config.name)}"
        (out / "README.md").write_text(text, encoding="utf-8")
        card.unlink()
    except OSError as error:
        raise UnwritableOutput(f"{out} cannot be written: {error.strerror or error}.") from None


def _figures(path: Path, name: str, step: int) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        of = told["preset"], told["step"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UnreadableInput(
            f"{path} does not hold figures; 'tonsure lab measure RUN --data PACK > FILE' does."
        ) from None
    if of != (name, step):
        raise BadOption(f"{path} has the figures of {of[0]} at step {of[1]}, not {name} at {step}.")
    return told


def _head(config: Any, told: dict[str, Any] | None) -> Iterator[str]:
    """The card's data as YAML; quoted as JSON, which is YAML too."""
    c = config.network
    yield from (
        "---", "license: other", "license_name: celeba-non-commercial-research",
        "license_link: https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html", "library_name: tonsure",
        "pipeline_tag: image-to-image", "tags:",
    )  # fmt: skip
    for tag in (c.system, "gan", "face-attribute-editing", "celeba", "onnx", "safetensors"):
        yield f"- {tag}"
    if told is not None:
        yield from (
            "model-index:", f"- name: {json.dumps(config.name)}", "  results:", "  - task:",
            "      type: image-to-image", "    dataset:", "      name: CelebA",
            "      type: celeba",
            f"      split: {json.dumps(told['part'])}", "    metrics:",
        )  # fmt: skip
        for kind, name in _METRICS:
            yield from _metric(kind, name, told[kind])
        for judge, found in told["judges"].items():
            for decision, words in (("at_half", "at 0.5"), ("equal_odds", "at equal odds")):
                value = found[decision]["accuracy"]["mean"]
                name = f"accuracy of {c.count} edits, {judge} decides {words}, d = {told['d']}"
                yield from _metric("accuracy", name, value)
    yield "---"


def _metric(kind: str, name: str, value: float) -> Iterator[str]:
    yield from (f"    - type: {kind}", f"      name: {json.dumps(name)}", f"      value: {value}")
