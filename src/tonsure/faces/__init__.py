"""Where the faces are, which way up, and the frame that leads there and back."""

from .align import SIZE, Frame
from .choose import WORDS, Which, choose
from .face import Face
from .follow import follow
from .search import find

__all__ = ["SIZE", "WORDS", "Face", "Frame", "Which", "choose", "find", "follow"]
