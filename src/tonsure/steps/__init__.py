"""A photo in steps from hair to none: a strip, a loop, frames, or a page with a slider."""

from .write import Plan, plan, write

__all__ = ["Plan", "plan", "write"]
