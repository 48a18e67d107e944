"""Shipped networks gone on from."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from tonsure.lab.networks.beneath import PLANES, Beneath  # noqa: E402
from tonsure.lab.networks.unet import UNet  # noqa: E402
from tonsure.lab.shipped import spread, warm  # noqa: E402
from tonsure.models import session  # noqa: E402


@pytest.fixture(scope="module")
def window():
    return torch.rand(2, PLANES, 160, 128, generator=torch.Generator().manual_seed(0))


def test_a_shipped_network_is_the_same_function_in_torch(window):
    net = spread(warm(Beneath(), "beneath"), window).eval()
    told = session.open("beneath", 1).run(None, {"window": window.numpy()})
    with torch.no_grad():
        for mine, theirs in zip(net(window), told, strict=True):
            assert np.abs(mine.numpy() - theirs).max() < 2e-2
    # and training may normalise by the batch
    with torch.no_grad():
        seen = net.stem[0](window).var((0, 2, 3), unbiased=False)
    assert torch.allclose(net.stem[1].running_var, seen, rtol=0.01)


def test_another_networks_file_is_told():
    with pytest.raises(ValueError, match="another network"):
        warm(UNet(5, 9, (16, 32)), "beneath")
