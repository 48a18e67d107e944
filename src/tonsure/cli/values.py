"""What the shell offers where an option or argument has a value: for `--install-completion`.

Each is given what was typed so far.  Nothing heavy is imported: a shell asks at every Tab.
"""

from __future__ import annotations

from collections.abc import Iterable

_FACES = {
    "largest": "the largest one",
    "all": "all of them",
    "left": "the leftmost in the picture",
    "right": "the rightmost in the picture",
}
_STYLES = {"recede": "as a hairline goes", "thin": "strand by strand"}

Offered = list[tuple[str, str]]


def faces(incomplete: str) -> Offered:
    """Names of faces."""
    return _begun(incomplete, _FACES.items())


def styles(incomplete: str) -> Offered:
    """Ways in which hair goes."""
    return _begun(incomplete, _STYLES.items())


def networks(incomplete: str) -> Offered:
    """Networks that ship, for `tonsure models`."""
    from ..models import MODELS

    return _begun(incomplete, ((name, entry.licence) for name, entry in MODELS.items()))


def generators(incomplete: str) -> Offered:
    """Generators that ship; files are the shell's own matter."""
    names = ("stgan_celeba", "attgan_celeba", "stargan_celeba")
    return _begun(incomplete, ((name, "ships with tonsure, 64 px") for name in names))


def attributes(incomplete: str) -> Offered:
    """CelebA's attributes that generators change."""
    from ..attributes import STANDARD

    return _begun(incomplete, ((name, "") for name in STANDARD))


def verbs(incomplete: str) -> Offered:
    """Verbs, for `tonsure help`."""
    from .verbs import SAID

    return _begun(incomplete, SAID.items())


def _begun(incomplete: str, offered: Iterable[tuple[str, str]]) -> Offered:
    return [(value, said) for value, said in offered if value.startswith(incomplete)]
