"""The one list of picture formats: what is read and written, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath

from ..errors import BadOption, nearest


@dataclass(frozen=True)
class Format:
    """One format.

    `name` is Pillow's; `suffixes` with dot, the first is used for new files; `becomes` is the
    format in which edited photos of this one are saved by default; `lossless` says that pixels
    come back bit for bit.  The rest is what a file can hold: an alpha channel, 16 bits, and the
    blocks of metadata.
    """

    name: str
    suffixes: tuple[str, ...]
    becomes: str
    lossless: bool
    alpha: bool
    deep: bool
    icc: bool
    exif: bool
    xmp: bool
    max_side: int
    written: bool = True


_ENTRIES = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG",
           lossless=False, alpha=False, deep=False, icc=True, exif=True, xmp=True, max_side=65500),
    Format("PNG", (".png", ".apng"), "PNG",
           lossless=True, alpha=True, deep=True, icc=True, exif=True, xmp=True, max_side=2**31 - 1),
    Format("WEBP", (".webp",), "WEBP",
           lossless=False, alpha=True, deep=False, icc=True, exif=True, xmp=True, max_side=16383),
    Format("TIFF", (".tif", ".tiff"), "TIFF",
           lossless=True, alpha=True, deep=True, icc=True, exif=True, xmp=True, max_side=2**31 - 1),
    Format("BMP", (".bmp", ".dib"), "BMP",
           lossless=True, alpha=False, deep=False, icc=False, exif=False, xmp=False,
           max_side=2**31 - 1),
    # 256 colours cannot hold a new piece of skin: results become PNG
    Format("GIF", (".gif",), "PNG",
           lossless=False, alpha=False, deep=False, icc=False, exif=False, xmp=False,
           max_side=65535),
    Format("AVIF", (".avif",), "AVIF",
           lossless=False, alpha=True, deep=False, icc=True, exif=True, xmp=True, max_side=65535),
    Format("HEIF", (".heic", ".heif", ".hif"), "JPEG",
           lossless=False, alpha=True, deep=False, icc=True, exif=True, xmp=True, max_side=16384,
           written=False),
)  # fmt: skip

_MADE = (".bald.", ".steps.", ".sweep.", ".edit.", ".mask.", ".layer.")  # in results' names
_FILMS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}

FORMATS: dict[str, Format] = {entry.name: entry for entry in _ENTRIES}
SUFFIXES: dict[str, Format] = {suffix: entry for entry in _ENTRIES for suffix in entry.suffixes}


def heif_installed() -> bool:
    """Whether the extra `heif` is there."""
    return find_spec("pillow_heif") is not None


def readable() -> list[str]:
    """Names of the formats that this installation reads: nothing else is ever parsed."""
    return [f.name for f in _ENTRIES if f.name != "HEIF" or heif_installed()]


def of_name(name: str) -> Format:
    """The format called `name` ("jpeg", "jpg", "PNG", ".webp"); `BadOption` if there is none."""
    key = name.strip().lower().lstrip(".")
    found = FORMATS.get(key.upper()) or SUFFIXES.get("." + key)
    if found is None:
        names = [f.name.lower() for f in _ENTRIES if f.written]
        raise BadOption(f"There is no picture format {name!r}; {nearest(key, names)}")
    return found


def of_path(path: str | PurePath) -> Format:
    """The format that a file name asks for; `BadOption` if it cannot be written."""
    suffix = PurePath(path).suffix.lower()
    found = SUFFIXES.get(suffix)
    if found is None:
        known = [s for s, f in SUFFIXES.items() if f.written]
        said = f"no format is called {suffix!r}" if suffix else "it has no ending"
        if suffix in _FILMS:
            said, known = f"{suffix} is a film", [".gif", ".webp"]
        raise BadOption(
            f"How is {PurePath(path).name} to be saved? {said}; {nearest(suffix, known, 0.7)}"
        )
    return check_written(found)


def check_written(found: Format) -> Format:
    """`found`, or `BadOption` if files of it are only read."""
    if not found.written:
        raise BadOption(f"{found.name} is read but not written; save as .jpg, .png or .avif.")
    return found


def result_suffix(path: PurePath | None) -> str:
    """The ending of a result: the photo's own, where its format is one that results have."""
    own = "" if path is None else path.suffix
    known = SUFFIXES.get(own.lower())
    if known is None:
        return ".png"
    return own if known.becomes == known.name else FORMATS[known.becomes].suffixes[0]


def may_be_photo(name: str) -> bool:
    """Whether a file's name is one of a photo: not hidden, and none of our own results."""
    last = PurePath(name).name
    known = PurePath(last).suffix.lower() in SUFFIXES
    return known and not last.startswith(".") and not any(p in last.lower() for p in _MADE)
