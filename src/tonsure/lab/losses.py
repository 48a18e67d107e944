"""Losses of the three systems: pure functions, tensors in, weighted terms by name out.

Sources: WGAN-GP (Gulrajani et al. 2017), LSGAN (Mao et al. 2017), DRAGAN (Kodali et al. 2017), R1
(Mescheder et al. 2018), AttGAN (He et al. 2019, equations 3 to 9), STGAN (Liu et al. 2019,
equations 8 to 14), StarGAN (Choi et al. 2018, equations 1 to 6).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

Scores = Callable[[Tensor], Tensor]


class Weights(Protocol):
    """What the losses need of `TrainConfig`."""

    @property
    def gan(self) -> str: ...
    @property
    def penalty(self) -> str: ...
    @property
    def penalty_every(self) -> int: ...
    @property
    def penalty_weight(self) -> float: ...
    @property
    def class_penalty(self) -> float: ...
    @property
    def critic_class(self) -> float: ...
    @property
    def generator_class(self) -> float: ...
    @property
    def reconstruction(self) -> float: ...
    @property
    def class_sum(self) -> bool: ...


def critic_adversarial(gan: str, real: Tensor, fake: Tensor) -> Tensor:
    """D's adversarial loss from scores of real and fake, any shape."""
    real, fake = real.float(), fake.float()
    if gan == "wgan":
        return fake.mean() - real.mean()
    if gan == "lsgan":
        return ((real - 1) ** 2).mean() + (fake**2).mean()
    if gan == "ns":
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if gan == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    raise ValueError(f"no such loss: {gan}")


def generator_adversarial(gan: str, fake: Tensor) -> Tensor:
    """G's adversarial loss from scores of its pictures."""
    fake = fake.float()
    if gan in ("wgan", "hinge"):
        return -fake.mean()
    if gan == "lsgan":
        return ((fake - 1) ** 2).mean()
    if gan == "ns":
        return F.softplus(-fake).mean()
    raise ValueError(f"no such loss: {gan}")


def penalty_points(kind: str, real: Tensor, fake: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Where the gradient is looked at.

    line: x + alpha (fake - x), `alpha` (N, 1, 1, 1) in 0..1; dragan: x + alpha * 0.5 * std(x) *
    beta, `beta` like x in 0..1; r1: x itself.
    """
    if kind == "line":
        return torch.lerp(real, fake, alpha)
    if kind == "dragan":
        return real + alpha * 0.5 * real.std() * beta
    return real


def gradient(scores: Scores, points: Tensor) -> Tensor:
    """(N, 3 H W): gradient of the sum of the scores with respect to the points, differentiable."""
    points = points.detach().requires_grad_(True)
    (found,) = torch.autograd.grad(scores(points).sum(), points, create_graph=True)
    return found.flatten(1)


def penalty(kind: str, scores: Scores, points: Tensor) -> Tensor:
    """line, dragan: E (|gradient| - 1)^2; r1: E |gradient|^2 / 2. A tiny number keeps the root's
    own gradient finite at 0."""
    square = gradient(scores, points).square().sum(1)
    if kind == "r1":
        return square.mean() / 2
    return ((square + 1e-12).sqrt() - 1).square().mean()


def classification(logits: Tensor, labels: Tensor, total: bool) -> Tensor:
    """Cross-entropy of labels (N, C) of 0/1: mean over pictures, mean (or `total`) over labels."""
    mean = F.binary_cross_entropy_with_logits(logits.float(), labels)
    return mean * labels.shape[1] if total else mean


def class_penalty(logits: Scores, real: Tensor, drawn: Tensor) -> Tensor:
    """r1 of one label's logit a picture, by numbers `drawn` (N, ...) in 0..1.

    Without it a classifier turns round at changes that nobody sees, and those are what G learns.
    """

    def one(x: Tensor) -> Tensor:
        told = logits(x)
        chosen = (drawn.flatten() * told.shape[1]).long().clamp(max=told.shape[1] - 1)
        return told.gather(1, chosen[:, None])

    return penalty("r1", one, real)


def critic(
    weights: Weights,
    scores: Scores,
    class_logits: Scores,
    real: Tensor,
    fake: Tensor,
    found: tuple[Tensor, Tensor, Tensor],
    labels: Tensor,
    noise: tuple[Tensor, Tensor],
    update: int = 0,
) -> dict[str, Tensor]:
    """D's terms.

    `scores` and `class_logits` are D's two outputs; `found` are scores of real, scores of fake and
    logits of real; `labels` (N, C) the real ones; `noise` alpha and beta of the penalty's points;
    `update` counts D's updates, for lazy ones.
    """
    on_real, on_fake, logits = found
    terms = {
        "adversarial": critic_adversarial(weights.gan, on_real, on_fake),
        "class": weights.critic_class * classification(logits, labels, weights.class_sum),
    }
    if update % weights.penalty_every:
        return terms
    if weights.penalty != "none":
        points = penalty_points(weights.penalty, real, fake, *noise)
        strength = weights.penalty_weight * weights.penalty_every
        terms["penalty"] = strength * penalty(weights.penalty, scores, points)
    if weights.class_penalty:
        strength = weights.class_penalty * weights.penalty_every
        terms["class_penalty"] = strength * class_penalty(class_logits, real, noise[0])
    return terms


def generator(
    weights: Weights, found: tuple[Tensor, Tensor], target: Tensor, real: Tensor, again: Tensor
) -> dict[str, Tensor]:
    """G's terms: `found` are scores and logits of its edits, `target` (N, C) labels of 0/1 that
    they should have, `again` the reconstruction of `real`."""
    on_fake, logits = found
    return {
        "adversarial": generator_adversarial(weights.gan, on_fake),
        "class": weights.generator_class * classification(logits, target, weights.class_sum),
        "reconstruction": weights.reconstruction * (real - again.float()).abs().mean(),
    }
