"""A photo in steps from hair to none: a strip, a loop, frames, or a page with a slider."""

from .write import MOST, Kind, Plan, files, plan, write

__all__ = ["MOST", "Kind", "Plan", "files", "plan", "write"]
