"""`tonsure models`: the weights that come with the package."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from . import options, values
from .console import emit, ending


def models(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Print the card of this network.", autocompletion=values.networks
        ),
    ] = None,
    licence: Annotated[
        bool, typer.Option("--licence", help="With NAME: print the text of its licence.")
    ] = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """List the networks.

    Size, licence, origin, hash, and whether the files are as shipped.
    """
    with ending(debug):
        from ..errors import BadOption
        from ..models import MODELS, info

        if name is not None:
            entry = info(name)
            print(_licence(entry) if licence else entry.card_text().rstrip())
            return
        if licence:
            raise BadOption("--licence needs the name of a model; `tonsure models` lists them.")
        records = [_record(entry) for entry in MODELS.values()]
        if as_json:
            for record in records:
                emit(record)
            return
        for record in records:
            print(f"{record['name']}  ({record['bytes'] / 1e6:.2f} MB, {record['state']})")
            for what in ("licence", "provenance", "sha256"):
                print(f"    {what:<11} {record[what]}")
            for what in ("inputs", "outputs"):
                for port in record[what]:
                    shape = " × ".join(str(side) for side in port["shape"])
                    print(f"    {what[:-1]:<11} {port['name']} ({shape}): {port['holds']}")
        print(f"{len(records)} networks, {sum(r['bytes'] for r in records) / 1e6:.1f} MB")


def _licence(entry: Any) -> str:
    text: str = entry.licence_text()
    return text.rstrip() or (
        f"{entry.licence}: for non-commercial research only, as the data that the network learned "
        f"from ask for. `tonsure models {entry.name}` prints its card, which names them."
    )


def _record(entry: Any) -> dict[str, Any]:
    from ..report import of_model

    return of_model(entry) | {"state": state(entry)}


def state(entry: Any) -> str:
    """ "as shipped", "missing" or "damaged"; "not installed" is what may be missing."""
    import hashlib

    try:
        data = entry.path.read_bytes()
    except OSError:
        return "not installed" if entry.apart else "missing"
    return "as shipped" if hashlib.sha256(data).hexdigest() == entry.sha256 else "damaged"
