"""Who plays: the model, its moving average, and the critic where a task has one."""

from __future__ import annotations

import copy

import torch

from tonsure.lab import checkpoints
from tonsure.lab.group import Group
from tonsure.lab.player import Batch, Player, Terms, follow
from tonsure.lab.recipe import Recipe
from tonsure.lab.task import Duel, Task, names


class Match:
    """The model, its moving average, and the critic if the task has one."""

    def __init__(self, task: Task | Duel, recipe: Recipe, group: Group) -> None:
        self.task, self.recipe, self.group = task, recipe, group
        torch.manual_seed(recipe.seed)
        name, other = names(task)
        self.model = Player(name, task.build(), recipe, recipe.rate, group)
        self.critic = None
        if isinstance(task, Duel):
            network = task.build_critic()
            self.critic = Player(other, network, recipe, recipe.critic_rate, group)
        self.average = copy.deepcopy(self.model.network).requires_grad_(False).eval()
        if recipe.compile:
            self.model.compile()

    @property
    def players(self) -> list[Player]:
        return [self.model, *([self.critic] if self.critic else [])]

    def learn_critic(self, batch: Batch, update: int) -> Terms:
        """One update of the critic; its terms."""
        task, critic = self.task, self.critic
        assert critic is not None
        assert isinstance(task, Duel)
        critic.network.requires_grad_(True)
        return critic.update(
            batch, lambda x: task.critic_losses(critic.network, self.model.network, x, update)
        )

    def learn_model(self, batch: Batch, progress: float) -> Terms:
        """One update of the model; its terms."""
        task, model, teacher = self.task, self.model.network, self.average
        if self.critic is not None:
            against = self.critic.network.requires_grad_(False)
            assert isinstance(task, Duel)
            return self.model.update(
                batch, lambda x: task.losses_against(against, model, teacher, x, progress),
                self.recipe.clip,
            )  # fmt: skip
        assert not isinstance(task, Duel)
        return self.model.update(
            batch, lambda x: task.losses(model, teacher, x, progress), self.recipe.clip
        )

    def follow(self, step: int) -> None:
        """The moving average takes a little of the model; in the beginning more."""
        self.group.average_statistics(self.model.network)
        keeping = min(self.recipe.average, (1 + step) / (10 + step))
        follow(self.average, self.model.network, keeping)

    def pack(self) -> checkpoints.Tensors:
        """All of it as named tensors on the CPU."""
        out = {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for player in self.players:
            out |= player.pack()
        return {k: v.detach().to("cpu", copy=True).contiguous() for k, v in out.items()}

    def unpack(self, tensors: checkpoints.Tensors) -> None:
        self.average.load_state_dict(checkpoints.part(tensors, "average"))
        for player in self.players:
            player.unpack(tensors)
