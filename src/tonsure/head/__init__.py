"""The bald head, in layers: outline, what lies beneath the hair, the person's own grain."""

from .make import NETWORKS, Bare, make

__all__ = ["NETWORKS", "Bare", "make"]
