"""What a system's networks are made of: one frozen record, kept in every checkpoint.

Defaults are those of the official STGAN at 128 px; presets and converted weights change fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tonsure.attributes import STANDARD
from tonsure.errors import BadOption, nearest

System = Literal["stargan", "attgan", "stgan"]
Units = Literal["stu", "gru", "direct", "none"]
Norm = Literal["instance", "none"]
Act = Literal["leaky", "relu"]
LAYERS = 5
"""Halvings of encoder and critic (AttGAN, STGAN): sides are multiples of 2 ** 5."""


@dataclass(frozen=True)
class NetworkConfig:
    """Fields of both networks.

    Attributes
    ----------
    system, attributes : which paper's networks, and for which labels, in order.
    height, width : of the picture in pixels, multiples of 32.
    base, widest : channels after the first layer, doubled a layer up to `widest`; G and D.
    hidden : of the critic's two fully connected heads.
    slope, critic_slope : of the leaky ReLUs of the encoder and of the critic.
    critic_head : activation of the fully connected heads.
    critic_norm : of the critic's convolutions (AttGAN, STGAN); "none" gives them biases.
    critic_bias : whether StarGAN's six convolutions have biases.
    batch_epsilon, batch_momentum, instance_epsilon : of the normalisations, in torch's terms.
    batch_population : running variances follow a batch's own variance (Paddle 1.8), not n/(n-1) of
        it (TensorFlow, torch).
    batch_scale : deviation of the batch norms' initial scales around 1 (Paddle: 0.02).
    shortcuts, injects : how many decoder layers get encoder features, and the condition.
    unit_layers : how many features, from the innermost, go through a transfer unit; -1 those that
        are shortcuts.
    units : what a selective transfer unit hands on: its reset state (the paper), its output as a
        plain GRU, its upsampled state; "none" leaves the units out.
    condition : the vector fed to G: the scaled difference, or the scaled target; StarGAN's own
        is the target as 0/1, whatever is said here.
    scale : what a label of 1 or 0 is worth, +-scale.
    blocks : StarGAN's residual blocks.
    """

    system: System = "stgan"
    attributes: tuple[str, ...] = STANDARD
    height: int = 128
    width: int = 128
    base: int = 64
    widest: int = 1024
    critic_base: int = 64
    critic_widest: int = 1024
    hidden: int = 1024
    slope: float = 0.2
    critic_slope: float = 0.2
    critic_head: Act = "leaky"
    critic_norm: Norm = "instance"
    critic_bias: bool = True
    batch_epsilon: float = 1e-3
    batch_momentum: float = 0.001
    instance_epsilon: float = 1e-6
    batch_population: bool = False
    batch_scale: float = 0.0
    shortcuts: int = 4
    injects: int = 4
    unit_layers: int = -1
    units: Units = "stu"
    condition: Literal["difference", "target"] = "difference"
    scale: float = 0.5
    blocks: int = 6

    def __post_init__(self) -> None:
        for name, kind in (("system", System), ("units", Units), ("critic_norm", Norm)):
            if getattr(self, name) not in get_args(kind):
                raise BadOption(
                    f"network.{name} cannot be {getattr(self, name)!r}; "
                    f"{nearest(str(getattr(self, name)), get_args(kind))}"
                )
        if self.critic_head not in get_args(Act):
            raise BadOption("network.critic_head is 'leaky' or 'relu'.")
        if self.condition not in ("difference", "target"):
            raise BadOption("network.condition is 'difference' or 'target'.")
        for name in ("height", "width"):
            if getattr(self, name) < 32 or getattr(self, name) % 32:
                raise BadOption(
                    f"network.{name} is {getattr(self, name)}; sides are multiples of 32."
                )
        if not self.attributes or len(set(self.attributes)) != len(self.attributes):
            raise BadOption("network.attributes is a list of different names, at least one.")
        if not 0 <= self.shortcuts < LAYERS or not 0 <= self.injects < LAYERS:
            raise BadOption(f"network.shortcuts and network.injects are 0 to {LAYERS - 1}.")
        if not -1 <= self.unit_layers < LAYERS:
            raise BadOption(f"network.unit_layers is 0 to {LAYERS - 1}, or -1.")
        if min(self.base, self.critic_base, self.hidden, self.widest, self.critic_widest) < 1:
            raise BadOption("Widths of networks are 1 or more.")

    @property
    def count(self) -> int:
        """Number of attributes, C."""
        return len(self.attributes)

    @property
    def differs(self) -> bool:
        """Whether G takes d, the difference, which is 0 for "as it is"."""
        return self.system != "stargan" and self.condition == "difference"

    @property
    def unit_count(self) -> int:
        """Number of transfer units."""
        if self.units == "none":
            return 0
        return self.shortcuts if self.unit_layers < 0 else self.unit_layers

    def widths(self, base: int, widest: int, layers: int = LAYERS) -> list[int]:
        """Channels after each halving."""
        return [min(base * 2**i, widest) for i in range(layers)]
