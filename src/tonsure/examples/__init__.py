"""A photo that ships with the package, for the demonstration and for `tonsure doctor`."""

from pathlib import Path

ASTRONAUT = Path(__file__).with_name("astronaut.jpg")
"""Eileen Collins, portrait by NASA, in the public domain; 512 x 512."""
