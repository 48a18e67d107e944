"""Where the faces are, which way up, and the frame that leads there and back."""

from .align import SIZE, Frame
from .face import Face
from .follow import follow
from .search import Which, choose, find

__all__ = ["SIZE", "Face", "Frame", "Which", "choose", "find", "follow"]
