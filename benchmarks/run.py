"""Measure every budget of speed and size, and write `benchmarks/report.md`.

    python benchmarks/run.py [--runs 5] [--no-install] [--no-peers]

Run it with the interpreter that tonsure is installed for, on a machine that does nothing else: the
report says so where it finds the machine busy. Needs nothing but tonsure; OpenCV and scikit-image
are measured beside it where they are installed. Networks run with two threads, on two cores where
the system lets a process choose its cores. `--no-install` leaves out the fresh environment, for
which pip asks its index.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "benchmarks" / "report.md"
PHOTO = ROOT / "src" / "tonsure" / "examples" / "astronaut.jpg"
THREADS = 2
DEGREES = (0.1, 0.35, 0.6, 0.85)


@dataclass
class Budget:
    """One line of the report: `what` may cost `limit` in `unit`; `values` are single runs."""

    what: str
    limit: float
    unit: str
    values: list[float] = field(default_factory=list)

    def row(self) -> str:
        """A line of the table."""
        if not self.values:
            return f"| {self.what} | {self._told(self.limit)} | not measured | | |"
        middle = statistics.median(self.values)
        low, high = min(self.values), max(self.values)
        kept = "yes" if middle <= self.limit else "**no**"
        spread = f"{self._told(low)} to {self._told(high)}" if len(self.values) > 1 else ""
        cells = (self.what, self._told(self.limit), self._told(middle), spread, kept)
        return f"| {' | '.join(cells)} |"

    def _told(self, value: float) -> str:
        if self.unit == "s":
            return f"{value:.2f} s" if value >= 0.1 else f"{1000 * value:.0f} ms"
        return f"{value:.0f} {self.unit}" if value >= 10 else f"{value:.1f} {self.unit}"


# ---- children: what has to be measured in a process of its own, told as JSON on stdout


def child_import() -> Any:
    """Seconds of `import tonsure`."""
    began = time.perf_counter()
    import tonsure  # noqa: F401

    return time.perf_counter() - began


def child_warm(photo: str, runs: str) -> Any:
    """Seconds from file to file of a process that has done it before, of each act, and of the
    processor, all threads together."""
    from tonsure import Editor

    out = Path(photo).with_name("warm.jpg")
    editor, seconds, acts = Editor(threads=THREADS), [], []
    for _ in range(int(runs) + 1):
        began, cpu = time.perf_counter(), time.process_time()
        with editor.open(photo) as shot:
            result = shot.bald(1.0)
            made = time.perf_counter()
            result.save(out, overwrite=True)
        ended = time.perf_counter()
        seconds.append(ended - began)
        cpu = time.process_time() - cpu
        acts.append({**result.seconds, "write": ended - made, "of the processor, in all": cpu})
    return {"seconds": seconds[1:], "acts": acts[1:]}


def child_degrees(photo: str, runs: str) -> Any:
    """Seconds of each further degree of an open photo."""
    from tonsure import Editor

    seconds = []
    with Editor(threads=THREADS).open(photo) as shot:
        shot.bald(1.0)
        for _ in range(int(runs)):
            for style in ("recede", "thin"):
                for degree in DEGREES:
                    began = time.perf_counter()
                    shot.bald(degree, style)
                    seconds.append(time.perf_counter() - began)
    return seconds


def child_peers(photo: str, runs: str) -> Any:
    """Seconds of classical inpainting of the tool's own mask, by name of the method."""
    import numpy as np

    from tonsure import Editor

    with Editor(threads=THREADS).open(photo) as shot:
        bare = shot.head(1)
        pixels = shot.photo.eight()
        hole = np.zeros(pixels.shape[:2], np.uint8)
        x0, y0, x1, y1 = bare.box
        hole[y0:y1, x0:x1] = bare.mask > 0
        around = (slice(max(y0 - 8, 0), y1 + 8), slice(max(x0 - 8, 0), x1 + 8))
        part, mask = np.ascontiguousarray(pixels[around]), np.ascontiguousarray(hole[around])
    methods: dict[str, Callable[[], Any]] = {}
    try:
        import cv2

        cv2.setNumThreads(THREADS)
        methods["OpenCV, Telea"] = lambda: cv2.inpaint(part, mask, 5.0, cv2.INPAINT_TELEA)
        methods["OpenCV, Navier-Stokes"] = lambda: cv2.inpaint(part, mask, 5.0, cv2.INPAINT_NS)
    except ImportError:
        pass
    if part.size < 1_000_000:  # it solves one system of equations; larger ones take minutes
        try:
            from skimage.restoration import inpaint_biharmonic

            methods["scikit-image, biharmonic"] = lambda: inpaint_biharmonic(
                part, mask > 0, channel_axis=-1
            )
        except ImportError:
            pass
    told = {}
    for name, method in methods.items():
        seconds = []
        for _ in range(int(runs)):
            began = time.perf_counter()
            method()
            seconds.append(time.perf_counter() - began)
            if sum(seconds) > 60:
                break
        told[name] = seconds
    return told


CHILDREN: dict[str, Callable[..., Any]] = {
    "import": child_import,
    "warm": child_warm,
    "degrees": child_degrees,
    "peers": child_peers,
}


# ---- the parent


def environment() -> dict[str, str]:
    """The children's: this repository's tonsure, two threads for all that counts its own."""
    path = os.pathsep.join(p for p in (str(ROOT / "src"), os.environ.get("PYTHONPATH")) if p)
    counts = {f"{name}_NUM_THREADS": str(THREADS) for name in ("OMP", "OPENBLAS", "MKL")}
    return {**os.environ, **counts, "PYTHONPATH": path}


def child(name: str, *arguments: object) -> Any:
    """The answer of one of `CHILDREN`."""
    line = [sys.executable, __file__, "--child", name, *map(str, arguments)]
    ran = subprocess.run(line, check=True, stdout=subprocess.PIPE, env=environment())
    return json.loads(ran.stdout)


def command(*arguments: object) -> tuple[float, float]:
    """Seconds, and peak memory in MB (NaN on Windows), of one run of the command."""
    line = [sys.executable, "-m", "tonsure", *map(str, arguments)]
    began = time.perf_counter()
    process = subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL)
    if not hasattr(os, "wait4"):
        code, memory = process.wait(), float("nan")
    else:
        _, status, usage = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        memory = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    seconds = time.perf_counter() - began
    if code:
        raise SystemExit(f"{' '.join(line)} ended with {code}")
    return seconds, memory


def enlarged(folder: Path, megapixels: float) -> Path:
    """The shipped portrait at so many megapixels, with the grain that a camera adds."""
    import numpy as np
    from PIL import Image

    side = round((megapixels * 1e6) ** 0.5)
    with Image.open(PHOTO) as small:
        large = small.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    grain = np.random.default_rng(0).normal(0, 2, (side, side, 1)).astype(np.float32)
    pixels = np.clip(np.asarray(large) + grain + 0.5, 0, 255).astype(np.uint8)
    path = folder / f"{megapixels:g}mp.jpg"
    Image.fromarray(pixels).save(path, quality=92)
    return path


def size(folder: Path) -> float:
    """MB of all files in a folder."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir()) / 1e6


def installed(folder: Path) -> float:
    """MB that `pip install` of this repository adds to a fresh virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    before = size(folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    quiet = ["-q", "--disable-pip-version-check", "--no-cache-dir"]
    subprocess.run([python, "-m", "pip", "install", *quiet, ROOT], check=True)
    return size(folder) - before


def machine() -> str:
    """The processor's name and how many cores this process may use."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{cores()} cores of {model}, Python {platform.python_version()}"


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """Processes that were running in the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


NOT_RUN = """\
Other tools that make people bald, and why no time of theirs stands here: HairMapper, Stable-Hair,
HairFastGAN and Barbershop are not on PyPI, need CUDA, and their weights are downloads (HairMapper's
by a form); baldGAN's weights lie on a personal drive; PaddleHub's `stgan_bald` and the inpainting
of IOPaint (LaMa) run on a CPU, but fetch their weights when first used. None can run from what PyPI
installs. Classical inpainting can, and anything must be better than it; only its time is told here,
how it looks is measured by `tonsure lab evaluate --method telea`.
"""


def measure(arguments: argparse.Namespace) -> tuple[list[Budget], list[str]]:
    """All budgets, and further lines of the report."""
    from tonsure.models.registry import MODELS

    runs, more = arguments.runs, []

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        two, twelve = enlarged(folder, 2), enlarged(folder, 12)
        bald = ("bald", "-q", "--overwrite", "-o", folder / "out.jpg")
        tell("import, help ...")
        child("import")  # the first run compiles
        start = Budget("`import tonsure`", 0.15, "s", [child("import") for _ in range(runs)])
        help_ = Budget("`tonsure --help`", 0.25, "s")
        help_.values = [command("--help")[0] for _ in range(runs)]
        tell("the command ...")
        command(*bald, two)
        cold = Budget("whole command, cold, 2 MP", 1.5, "s")
        cold.values = [command(*bald, two)[0] for _ in range(runs)]
        memory = Budget("peak memory, whole command, 12 MP", 600, "MB")
        memory.values = [command(*bald, twelve)[1] for _ in range(min(3, runs))]
        tell("warm ...")
        told = child("warm", twelve, runs)
        warm = Budget("12 MP file to file, warm", 0.6, "s", told["seconds"])
        further = Budget("each further degree, open 12 MP photo", 0.06, "s")
        further.values = child("degrees", twelve, runs)
        more += ["## Where the time goes", "", "12 MP, file to file, warm.", ""]
        more += ["| act | s, median |", "|---|---|"]
        for act in told["acts"][0]:
            seconds = statistics.median(one[act] for one in told["acts"])
            more.append(f"| {act} | {seconds:.3f} |")
        more += ["", "## Beside others", ""]
        if arguments.peers:
            tell("peers ...")
            more += [
                "The same mask filled by classical inpainting, the filling alone (faces, hair and "
                "mask are the tool's):", "", "| method | photo | s, median |", "|---|---|---|",
            ]  # fmt: skip
            for photo, what in ((PHOTO, "0.26 MP"), (two, "2 MP"), (twelve, "12 MP")):
                for method, values in child("peers", photo, min(3, runs)).items():
                    more.append(f"| {method} | {what} | {statistics.median(values):.2f} |")
            more.append("")
        more += [NOT_RUN.rstrip()]
        weights = Budget("all embedded weights", 40, "MB")
        weights.values = [sum(entry.bytes for entry in MODELS.values()) / 1e6]
        disk = Budget("base install on disk", 250, "MB")
        if arguments.install:
            tell("a fresh environment ...")
            disk.values = [installed(folder / "venv")]
    return [start, help_, cold, warm, further, memory, weights, disk], more


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="of everything that varies")
    parser.add_argument("--no-install", dest="install", action="store_false")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    sys.path.insert(0, str(ROOT / "src"))
    import tonsure

    before = load()
    busy = before > 0.5
    budgets, more = measure(arguments)
    line = " ".join(["python benchmarks/run.py", *sys.argv[1:]])
    lines = ["# Speed and size", ""]
    lines += [
        f"Written by `{line}`: tonsure {tonsure.__version__}, {machine()}, {THREADS} threads. "
        f"Medians of {arguments.runs} runs.", "",
    ]  # fmt: skip
    if busy:
        lines += [
            f"**Not final: the machine was doing other work (load {before:.1f} before the start); "
            "times are too long.**", "",
        ]  # fmt: skip
    lines += ["| what | budget | measured | of all runs | kept |", "|---|---|---|---|---|"]
    lines += [budget.row() for budget in budgets]
    lines += [
        "", "The photos are the portrait that ships with the tool, enlarged to 2 and 12 megapixels "
        "(square), with a little grain; its face then fills a fifth of the height.", "", *more,
    ]  # fmt: skip
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.path.insert(0, str(ROOT / "src"))
        print(json.dumps(CHILDREN[sys.argv[2]](*sys.argv[3:])))
        raise SystemExit(0)
    raise SystemExit(main())
