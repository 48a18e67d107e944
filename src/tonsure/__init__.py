"""The same photo with the person in it bald: `tonsure.bald("me.jpg").save("me-bald.jpg")`."""

from __future__ import annotations

__version__ = "0.1.0"
