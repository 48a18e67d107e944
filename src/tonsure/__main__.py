"""`python -m tonsure` is `tonsure`."""

from .cli import main

main()
