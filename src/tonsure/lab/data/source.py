"""Where pictures are: folders, zip and tar files, found beside their list of labels.

Understood as they are downloaded: CelebA's `img_align_celeba` (folder or zip) with
`list_attr_celeba.txt`; CelebA-HQ and CelebAMask-HQ with `CelebAMask-HQ-attribute-anno.txt`;
Paddle's lists; any folder with a CSV; tar shards (WebDataset), with a list or a `.json` a picture;
sets of Hugging Face's `datasets` (`data.huggingface`).
"""

from __future__ import annotations

import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from tonsure.lab.data import huggingface
from tonsure.lab.data import labels as lists
from tonsure.lab.data.labels import BadList, Labels

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_LISTS = (
    "list_attr_celeba.txt", "list_attr_celeba.csv", "attr_celeba.txt",
    "CelebAMask-HQ-attribute-anno.txt", "list_attr_celebahq.txt", "train_list.txt", "labels.csv",
)  # fmt: skip
_FOLDERS = (
    "img_align_celeba", "img_align_celeba_png", "CelebA-HQ-img", "celeba-hq", "img_celeba",
    "images", ".",
)  # fmt: skip

Bytes = npt.NDArray[np.uint8]
Read = Callable[[], bytes]


@dataclass(frozen=True)
class Source:
    """Labels, and for each of their rows how to get the bytes of its picture."""

    labels: Labels
    reads: tuple[Read, ...]
    partition: dict[str, int] | None
    numbers: dict[str, int] | None

    def __len__(self) -> int:
        return len(self.reads)

    def picture(self, row: int) -> Bytes:
        """(H, W, 3) uint8, upright; `BadList` with file and line for what is no picture."""
        try:
            with Image.open(io.BytesIO(self.reads[row]())) as opened:
                return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        except (OSError, SyntaxError, ValueError, zipfile.BadZipFile) as error:
            raise BadList(
                f"{self.labels.place(row)}: {self.labels.files[row]} cannot be read as a picture"
                f"{_reason(error)}."
            ) from None


def _reason(error: Exception) -> str:
    """What Pillow says, without its name for bytes in memory."""
    said = str(error)
    return "" if isinstance(error, UnidentifiedImageError) or "BytesIO" in said else f" ({said})"


def find(folder: Path, listed: Path | None = None) -> Source:
    """Labels and pictures of a folder; `listed` is its list of labels, if it is called otherwise.

    Every picture of the list must be there; pictures that no list names are left out.
    """
    if not folder.is_dir():
        raise BadList(f"There is no folder {folder}.")
    if listed is None and huggingface.is_one(folder):
        told, own, parts = huggingface.find(folder)
        return Source(told, own, parts, None)
    there = _pictures(folder)
    path = listed or _list(folder)
    told = lists.read(path) if path is not None else _told_in_tars(folder)
    reads, by_stem = [], {Path(name).stem: read for name, read in there.items()}
    for row, name in enumerate(told.files):
        read = there.get(name) or there.get(Path(name).name) or by_stem.get(Path(name).stem)
        if read is None:
            raise BadList(f"{told.place(row)}: {name} is not among the pictures of {folder}.")
        reads.append(read)
    partition = folder / "list_eval_partition.txt"
    if not partition.exists():
        partition = folder / "list_eval_partition.csv"
    known = folder / "CelebA-HQ-to-CelebA-mapping.txt"
    return Source(
        told, tuple(reads),
        lists.partition(partition) if partition.exists() else None,
        lists.mapping(known) if known.exists() else None,
    )  # fmt: skip


def _list(folder: Path) -> Path | None:
    for name in _LISTS:
        for place in (folder, folder / "Anno", folder / "img_align_celeba"):
            if (place / name).exists():
                return place / name
    others = sorted(folder.glob("*.csv"))
    if len(others) == 1:
        return others[0]
    if any(folder.glob("*.tar")):
        return None
    raise BadList(
        f"There is no list of labels in {folder}: {_LISTS[0]}, or one CSV; --list names another."
    )


def _pictures(folder: Path) -> dict[str, Read]:
    """Every picture by its file name."""
    out: dict[str, Read] = {}
    for name in _FOLDERS:
        place = folder / name
        # CelebA's zip holds a folder of the same name, and is often unpacked into one
        nested = place / name if name != "." and (place / name).is_dir() else place
        if nested.is_dir():
            for path in sorted(nested.iterdir()):
                if path.suffix.lower() in PICTURES and path.name not in out:
                    out[path.name] = path.read_bytes
        if name != "." and out:
            return out
    for path in sorted(folder.glob("*.zip")):
        try:
            archive, lock = zipfile.ZipFile(path), threading.Lock()
        except (zipfile.BadZipFile, OSError):
            raise BadList(
                f"{path} is not a whole zip file; its download may have stopped half way."
            ) from None
        for entry in archive.namelist():
            if Path(entry).suffix.lower() in PICTURES:
                out.setdefault(Path(entry).name, _zip_read(archive, entry, lock))
    for path in sorted(folder.glob("*.tar")):
        for name, read in _tar_members(path).items():
            if Path(name).suffix.lower() in PICTURES:
                out.setdefault(name, read)
    if not out:
        raise BadList(
            f"There are no pictures in {folder}: a folder img_align_celeba, its zip, or tars."
        )
    return out


def _zip_read(archive: zipfile.ZipFile, entry: str, lock: threading.Lock) -> Read:
    def read() -> bytes:
        with lock:
            return archive.read(entry)

    return read


def _tar_members(path: Path) -> dict[str, Read]:
    """Members by file name; read by offset, so that threads do not meet in one file object."""
    out: dict[str, Read] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.isfile():
                    out[Path(member.name).name] = _slice(path, member.offset_data, member.size)
    except tarfile.TarError as error:
        raise BadList(f"{path} is not a plain tar file ({error}).") from None
    return out


def _slice(path: Path, start: int, length: int) -> Read:
    def read() -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(length)

    return read


def _told_in_tars(folder: Path) -> Labels:
    """Labels from `KEY.json` beside `KEY.jpg` in the shards: an object of names and 1, -1 or 0."""
    files, rows, names = [], [], None
    for path in sorted(folder.glob("*.tar")):
        members = _tar_members(path)
        for name in members:
            if Path(name).suffix.lower() not in PICTURES:
                continue
            beside = members.get(f"{Path(name).stem}.json")
            if beside is None:
                raise BadList(f"{path.name}: {name} has no .json beside it, and there is no list.")
            told = json.loads(beside())
            names = names or tuple(told)
            if not isinstance(told, dict) or tuple(told) != names:
                raise BadList(f"{path.name}: the .json of {name} names other labels than before.")
            files.append(name)
            rows.append([int(value) > 0 for value in told.values()])
    if names is None:
        raise BadList(f"There are neither labels nor pictures in the tars of {folder}.")
    return Labels(
        folder / "tars", names, tuple(files), np.array(rows, np.int8), np.arange(1, len(files) + 1)
    )
