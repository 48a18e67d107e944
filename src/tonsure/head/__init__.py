"""The bald head, in layers: outline, what lies beneath the hair, the person's own grain."""

from .make import Bare, make

__all__ = ["Bare", "make"]
