"""Small portraits as files, as Parquet, as WebDataset; heads are drawn."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def portraits(astronaut: np.ndarray) -> list[bytes]:
    """Five PNG files, each other than the rest; the fourth has no face."""
    small = np.asarray(Image.fromarray(astronaut[:300, 75:375]).resize((150, 150)))
    found = []
    for k in range(5):
        picture = np.full_like(small, 90) if k == 3 else small.copy()
        picture[-8:, :8] = k * 15
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "PNG")
        found.append(out.getvalue())
    return found


@pytest.fixture
def source(portraits: list[bytes], tmp_path: Path) -> Path:
    """The five as files, two of them in a folder below."""
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    for k, data in enumerate(portraits):
        (folder / ("below" if k > 2 else "") / f"{k}.png").write_bytes(data)
    (folder / "notes.txt").write_text("not a photo")
    return folder


@pytest.fixture
def tar(portraits: list[bytes], tmp_path: Path) -> Path:
    """The five as a WebDataset, each with its number as .cls."""
    path = tmp_path / "in.tar"
    with tarfile.open(path, "w") as file:
        for k, data in enumerate(portraits):
            for ending, content in (("cls", str(k).encode()), ("png", data)):
                about = tarfile.TarInfo(f"some/{k:03}.{ending}")
                about.size = len(content)
                file.addfile(about, io.BytesIO(content))
    return path


@pytest.fixture
def table(portraits: list[bytes], tmp_path: Path) -> Path:
    """The five as Parquet, in row groups of three, as Hugging Face's datasets keep pictures."""
    library: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    rows = [
        {"label": k, "image": {"bytes": data, "path": f"{k}.png"}}
        for k, data in enumerate(portraits)
    ]
    path = tmp_path / "in.parquet"
    parquet.write_table(library.Table.from_pylist(rows), path, row_group_size=3)
    return path
