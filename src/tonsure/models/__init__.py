"""The weights: what they are (`registry`) and how they are opened (`session`)."""

from .registry import MODELS, ModelInfo, Port, info
from .session import open, open_path

__all__ = ["MODELS", "ModelInfo", "Port", "info", "open", "open_path"]
