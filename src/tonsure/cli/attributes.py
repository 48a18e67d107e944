"""`tonsure attributes`: what can be edited, both ways, how, and how good it is."""

from __future__ import annotations

from . import options
from .console import emit, ending


def attributes(as_json: options.Json = False, debug: options.Debug = False) -> None:
    """List what `tonsure edit` can change.

    Of each attribute both directions (1 is there, -1 is away), by which way it is done, and how
    many of how many unseen people were believable, counted by eye.
    """
    with ending(debug):
        from ..edit.catalogue import CATALOGUE, told

        if as_json:
            for record in told():
                emit(record)
            return
        for one in CATALOGUE.values():
            print(one.name)
            for sign, way in ((" 1", one.on), ("-1", one.off)):
                if way is None:
                    print(f"    {sign}  only by a generator (--model stgan_celeba, 64 pixels)")
                    continue
                mark = "experimental, " if way.experimental else ""
                print(f"    {sign}  {way.does}: {mark}{way.believable} of {way.seen} believable")
                print(f"        by {way.way}")
