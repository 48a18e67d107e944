"""The U-Net and its way into one ONNX file; the training pictures' geometry and colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")

from tonsure.faces import Face, Frame  # noqa: E402
from tonsure.lab.augment import jitter_colour, sampling_grid  # noqa: E402
from tonsure.lab.frames import EYE_DISTANCE, EYES_MIDDLE, similarity  # noqa: E402
from tonsure.lab.networks.unet import UNet  # noqa: E402

F = torch.nn.functional


def small() -> UNet:
    """A net with batch norms that have seen something."""
    torch.manual_seed(0)
    net = UNet(3, 2, widths=(8, 12, 16))
    for _ in range(3):
        net.train()(torch.randn(4, 3, 32, 32))
    return net.eval()


def test_maps_keep_their_size() -> None:
    net = small()
    for height, width in ((32, 32), (8, 64), (40, 24)):
        assert net(torch.zeros(2, 3, height, width)).shape == (2, 2, height, width)
    assert net.config == {"inputs": 3, "outputs": 2, "widths": [8, 12, 16], "blocks": 2}


def test_pictures_of_a_batch_do_not_see_each_other() -> None:
    net, x = small(), torch.randn(3, 3, 32, 32)
    assert torch.allclose(net(x)[1], net(x[1:2])[0], atol=1e-5)


# torch's own word about its older exporter, which needs no further package
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_exported_file_agrees_and_is_half_as_large(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    from tonsure.lab.export import export

    net, file = small(), tmp_path / "deep" / "net.onnx"
    free = {"x": {0: "N", 2: "H", 3: "W"}, "y": {0: "N", 2: "H", 3: "W"}}
    gap = export(net, {"x": torch.randn(2, 3, 32, 32)}, ["y"], file, free)
    assert 0 < gap < 0.02
    numbers = sum(p.numel() for p in net.parameters())
    assert file.stat().st_size < 2.6 * numbers + 20_000
    stored = {t.data_type for t in onnx.load(str(file)).graph.initializer if np.prod(t.dims) >= 64}
    assert stored == {onnx.TensorProto.FLOAT16}
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    x = torch.randn(1, 3, 40, 24)
    (got,) = session.run(None, {"x": x.numpy()})
    with torch.no_grad():
        assert np.abs(got - net(x).numpy()).max() < 0.02


def landmarks() -> np.ndarray:
    random = np.random.default_rng(0)
    points = random.uniform(0, 200, (468, 3)).astype(np.float32)
    for ends, place in (((33, 133), (80, 90)), ((362, 263), (130, 100)), ((61, 291), (98, 150))):
        points[list(ends), :2] = place
    return points


def test_the_similarity_is_that_of_the_frame() -> None:
    points = landmarks()
    z, t = similarity(points)
    frame = Frame.of(Face((0.0, 0.0, 1.0, 1.0), points, 1.0, 1.0, 0.0))
    assert abs(z - frame.z) < 1e-9
    assert abs(t - frame.t) < 1e-6


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_a_grid_shows_the_face_where_it_says(flip: float) -> None:
    """A picture of its own coordinates, sampled, gives what the similarity says of them."""
    z, t = similarity(landmarks())
    size, picture = (48, 40), (210, 230)
    grid, face = sampling_grid(
        torch.tensor([[z.real, z.imag, t.real, t.imag]]), torch.tensor([20.0]),
        torch.tensor([0.3]), torch.tensor([[0.2, -0.1]]), torch.tensor([flip]), size, picture,
    )  # fmt: skip
    assert grid.shape == (1, *size, 2)
    assert face.shape == (1, 2, *size)
    ys, xs = torch.meshgrid(torch.arange(210) + 0.5, torch.arange(230) + 0.5, indexing="ij")
    shown = F.grid_sample(torch.stack([xs, ys])[None], grid, align_corners=False)[0]
    inside = (grid.abs() < 0.98).all(-1)[0]
    there = z * (shown[0] + 1j * shown[1]) + t
    x = flip * (there.real - EYES_MIDDLE[0]) / EYE_DISTANCE
    y = (there.imag - EYES_MIDDLE[1]) / EYE_DISTANCE
    assert inside.float().mean() > 0.5
    assert (x - face[0, 0])[inside].abs().max() < 1e-3
    assert (y - face[0, 1])[inside].abs().max() < 1e-3
    # neighbours are a twentieth of an eye distance apart
    assert float((face[0, :, 0, 1] - face[0, :, 0, 0]).norm()) == pytest.approx(1 / 20, abs=1e-5)


def test_colours_stay_in_range_and_follow_the_seed() -> None:
    x = torch.rand(6, 3, 24, 20, generator=torch.Generator().manual_seed(1))
    one, two, three = (
        jitter_colour(x.clone(), torch.Generator().manual_seed(seed)) for seed in (4, 4, 5)
    )
    assert one.shape == x.shape
    assert float(one.min()) >= 0
    assert float(one.max()) <= 1
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
    assert (one - x).abs().mean() > 0.02
