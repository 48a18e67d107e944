#!/usr/bin/env python3
"""Make the person in the photo that ships with tonsure bald, and say where the result lies.

Sets up all that it needs by itself, in `.venv`.
"""

from __future__ import annotations

from environment import ROOT, python, run

PHOTO = ROOT / "src" / "tonsure" / "examples" / "astronaut.jpg"


def main() -> None:
    """The whole demonstration."""
    interpreter = python("-e", ".")
    folder = ROOT / "demo"
    folder.mkdir(exist_ok=True)
    bald = [interpreter, "-m", "tonsure", "bald", PHOTO, "--overwrite", "-q"]
    result, slider = folder / "astronaut.bald.jpg", folder / "astronaut.html"
    run(*bald, "-o", result)
    run(*bald, "--steps", "11", "-o", slider)
    print(f"Before: {PHOTO}")
    print(f"After:  {result}")
    print(f"Slider: {slider} (open it in a browser)")


if __name__ == "__main__":
    main()
