"""A critic of patches: does this part of a picture look like a photo, given what should be there?

Source: PatchGAN (Isola et al. 2017) with spectral norm (Miyato et al. 2018).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Patches(nn.Module):
    """(N, 3, H, W) and what it is given (N, `given`, H, W) -> scores (N, 1, H / 4, W / 4), each of
    a patch of 28 px."""

    def __init__(self, given: int, width: int = 48) -> None:
        super().__init__()
        a, b, c = width, 2 * width, 3 * width
        self.body = nn.Sequential(
            spectral_norm(nn.Conv2d(3 + given, a, 3, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(b, c, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(c, c, 3, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(c, 1, 3, padding=1)),
        )

    def forward(self, picture: Tensor, given: Tensor) -> Tensor:
        return self.body(torch.cat([picture, given], 1))  # type: ignore[no-any-return]


class Rival:
    """A critic with an optimiser of its own, learning beside a net that it is a term of.

    Parameters
    ----------
    given : channels of what the critic is told of a picture.
    weight : of the net's term, once it is whole.
    start : share of the run from which the critic learns; its term grows from nothing to `weight`
        over the next `ramp` of the run, so that an untaught critic says little.
    peak : learning rate.
    """

    def __init__(
        self,
        given: int,
        *,
        weight: float = 0.07,
        start: float = 0.5,
        ramp: float = 0.05,
        peak: float = 4e-4,
        device: torch.device | str = "cpu",
    ) -> None:
        if not 0 <= start <= 1:
            raise ValueError(f"a rival starts within the run, not at {start}")
        self.weight, self.start, self.ramp = weight, start, ramp
        self.critic = Patches(given).to(device)
        self.optimiser = torch.optim.Adam(self.critic.parameters(), lr=peak, betas=(0.0, 0.99))
        self.told: dict[str, Tensor] = {}

    def term(
        self, fake: Tensor, real: Tensor, given: Tensor, where: Tensor, progress: float
    ) -> Tensor:
        """Teach the critic by one step and give the net's term.

        fake, real (N, 3, H, W) -1..1, alike but in `where` (N, 1, H, W) 0..1; given (N, C, H, W).
        """
        # only patches that see some of the hole have anything to tell
        share = F.max_pool2d(F.avg_pool2d(where, 4), 3, 1, 1)
        share = share / share.sum().clamp(min=1)
        self.critic.requires_grad_(True)
        on_real = self.critic(real, given).float()
        on_fake = self.critic(fake.detach(), given).float()
        loss = ((F.relu(1 - on_real) + F.relu(1 + on_fake)) * share).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.critic.requires_grad_(False)
        self.told = {
            "critic": loss.detach(),
            "on_real": (on_real.detach() * share).sum(),
            "on_fake": (on_fake.detach() * share).sum(),
        }
        grown = min(1.0, max(0.0, progress - self.start) / self.ramp) if self.ramp else 1.0
        term: Tensor = -self.weight * grown * (self.critic(fake, given).float() * share).sum()
        return term
