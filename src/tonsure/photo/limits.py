"""How large a photo may be. Checked on the header, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LimitExceeded


@dataclass(frozen=True)
class Limits:
    """What is read at most; each has a setting of the same name (see `tonsure doctor`).

    Attributes
    ----------
    max_file_mb : megabytes (10^6 bytes) of a file.
    max_megapixels : 10^6 pixels of a picture, of four bytes or fewer; with 16 bits a channel fewer
        pixels are read.
    max_side : pixels of the longer side.
    max_metadata_mb : megabytes of each of EXIF, XMP and colour profile.
    max_faces : faces edited in one photo.
    """

    max_file_mb: float = 200.0
    max_megapixels: float = 100.0
    max_side: int = 30_000
    max_metadata_mb: float = 4.0
    max_faces: int = 50

    @property
    def file_bytes(self) -> int:
        return int(self.max_file_mb * 1e6)

    @property
    def metadata_bytes(self) -> int:
        return int(self.max_metadata_mb * 1e6)

    def check_file(self, length: int) -> None:
        """Raise `LimitExceeded` for a file of `length` bytes that is too long."""
        if length > self.file_bytes:
            raise _exceeded(
                f"The file has {_mega(length)} MB, the limit is {self.max_file_mb:g}", "max_file_mb"
            )

    def check_size(self, width: int, height: int, depth: int = 4) -> None:
        """Raise `LimitExceeded` for a picture of too many pixels.

        `depth` is bytes of a pixel: those of more than four count as so much more.
        """
        size = f"{width} × {height} = {_mega(width * height)} megapixels"
        weight = width * height * max(depth, 4) / 4
        if weight > self.max_megapixels * 1e6:
            as_much = f" of {depth} bytes, as {_mega(weight)} of 4" if depth > 4 else ""
            raise _exceeded(
                f"The photo has {size}{as_much}, the limit is {self.max_megapixels:g}",
                "max_megapixels", "use a smaller version of it",
            )  # fmt: skip
        if max(width, height) > self.max_side:
            raise _exceeded(
                f"The photo's longer side has {max(width, height)} pixels, the limit is "
                f"{self.max_side}", "max_side", "use a smaller version of it",
            )  # fmt: skip

    def check_metadata(self, what: str, length: int) -> None:
        """Raise `LimitExceeded` for a metadata block of `length` bytes that is too long."""
        if length > self.metadata_bytes:
            raise _exceeded(
                f"The photo's {what} has {_mega(length)} MB, the limit is "
                f"{self.max_metadata_mb:g}", "max_metadata_mb", "save it anew without",
            )  # fmt: skip

    def check_faces(self, count: int) -> None:
        """Raise `LimitExceeded` for more chosen faces than are edited in one photo."""
        if count > self.max_faces:
            raise _exceeded(
                f"{count} faces were chosen, the limit is {self.max_faces}", "max_faces",
                "choose fewer",
            )  # fmt: skip


def _mega(amount: float) -> str:
    return f"{amount / 1e6:.4g}"


def _exceeded(fact: str, setting: str, way: str = "use a smaller file") -> LimitExceeded:
    return LimitExceeded(
        f"{fact}; {way}, or allow more by Limits({setting}=...).",
        cli=f"{fact}; {way}, or raise the setting {setting} (TONSURE_{setting.upper()}).",
        http=f"{fact}; {way}.",
    )
