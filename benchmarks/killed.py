"""Does a run that is killed end as one that is not? Photos, results and rows are compared.

    python benchmarks/killed.py --photos 1000 --kills 3 --heads drawn
    python benchmarks/killed.py --photos 1000 --kills 3 --heads drawn --verb batch --ray 2

The photos are small, all different, made of the portrait that ships with the tool, or with `--of
FOLDER` of those in a folder of your own; one in fifty has no face.  With `--heads drawn` a flat
disc stands for the head, so that a thousand take minutes: what is looked at here is bookkeeping.
With `--ray N` a cluster of N workers is started and stopped, and of the kills every other one, from
the first on, hits a worker instead of the driver.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

import tonsure

TESTS = Path(__file__).parent.parent / "tests"
DRAWN = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from conftest import draw_head
from tonsure import head
head.make = draw_head
"""
# a cluster outlives a driver that is killed
# Ray asks for a token: our own, for this one cluster
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
CLUSTER = """
import sys, ray
told = ray.init(num_cpus=int(sys.argv[1]), include_dashboard=False, log_to_driver=False,
                object_store_memory=100_000_000)
print(told.address_info["address"], flush=True)
sys.stdin.read()
ray.shutdown()
"""


def photos(folder: Path, count: int, of: Path | None = None, seed: int = 0) -> None:
    """`count` PNG files of 150 to 220 pixels in ten folders."""
    shipped = Image.open(Path(tonsure.__file__).parent / "examples" / "astronaut.jpg")
    shipped = shipped.convert("RGB").crop((75, 0, 375, 300))
    own = [] if of is None else sorted(path for path in of.iterdir() if path.is_file())
    rng = np.random.default_rng(seed)
    for k in range(count):
        place = folder / f"{k % 10}"
        place.mkdir(parents=True, exist_ok=True)
        side = int(rng.integers(150, 181))
        if k % 50 == 49:
            picture = Image.fromarray(np.full((side, side, 3), rng.integers(256), np.uint8))
        else:
            portrait = Image.open(own[k % len(own)]).convert("RGB") if own else shipped
            picture = portrait.resize((side, round(side * portrait.height / portrait.width)))
            picture = ImageEnhance.Brightness(picture).enhance(float(rng.uniform(0.7, 1.2)))
        pixels = np.array(picture)
        pixels[-4:, :4] = [k >> 8, k & 255, 0]
        Image.fromarray(pixels).save(place / f"{k:04}.png")


def results(out: Path) -> dict[str, str]:
    """Hash of every result by its name."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*.png"))
    }


def rows(report: Path) -> list[dict]:
    """The report, without what differs from run to run: times, and that a row was kept."""
    told = [json.loads(line) for line in report.read_text().splitlines()]
    for row in told:
        row.pop("seconds", None)
        row.pop("outputs", None)
        row["status"] = "done" if row["status"] == "skipped" else row["status"]
    return told


class Run:
    """A run that writes into `out`, and can be begun as often as one likes."""

    def __init__(
        self, given: argparse.Namespace, source: Path, out: Path, home: Path, address: str
    ) -> None:
        self.given, self.out, self.home = given, out, home
        self.report = home / f"{out.name}.jsonl"
        self.notes = home / f"{out.name}.notes"
        if given.verb == "bald":
            self.words = ["bald", source, "-r", "-o", f"{out}/", "-j", given.jobs, "--manifest",
                          self.notes, "--report", self.report, "-q"]  # fmt: skip
        else:
            self.report = out / "_tonsure" / "report.jsonl"
            size = min(16, max(2, given.photos // 12))
            self.words = ["batch", source, out, "--size", size, "-q"]
            self.words += ["--ray", address] if address else []

    def begin(self) -> subprocess.Popen:
        driver = self.home / "driver.py"
        start = DRAWN if self.given.heads == "drawn" else ""
        driver.write_text(f"{start}\nfrom tonsure.cli import main\nmain()\n")
        words = [sys.executable, str(driver), *map(str, self.words)]
        return subprocess.Popen(words, stderr=subprocess.PIPE, env=os.environ | TOKEN)

    def done(self) -> int:
        """How many results there are so far."""
        return sum(1 for _ in self.out.rglob("*.bald.png")) if self.out.exists() else 0

    def finish(self) -> tuple[int, float]:
        began = time.perf_counter()
        running = self.begin()
        said = running.communicate()[1].decode()
        if running.returncode not in (0, 7):
            sys.exit(f"exit code {running.returncode}: {said[-2000:]}")
        return running.returncode, time.perf_counter() - began


def killed(run: Run, kills: int, total: int, seed: int = 0) -> list[str]:
    """Begin and kill as often as that, spread over the work; who was killed when."""
    rng, told = random.Random(seed), []
    running = None
    for k in range(kills):
        goal = total * (k + 1) // (kills + 1) + rng.randint(-total // 50, total // 50)
        running = running or run.begin()
        while run.done() < goal and running.poll() is None:
            time.sleep(0.05)
        at = run.done()
        victim = None
        while run.given.ray and k % 2 == 0 and victim is None and running.poll() is None:
            victim = worker(run.out)
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
            told.append(f"a worker at {at}")
        else:
            running.kill()
            running.communicate()
            running = None
            told.append(f"the run at {at}")
    if running is not None:
        running.communicate()
    return told


def worker(out: Path) -> int | None:
    """The process that has begun a unit, by its own note; None if there is none just now."""
    for note in out.glob("_tonsure/begun/*.json"):
        try:
            return int(json.loads(note.read_text())["process"])
        except (OSError, ValueError, KeyError):  # it is done meanwhile
            continue
    return None


@contextmanager
def cluster(workers: int, heads: str, home: Path) -> Iterator[tuple[str, str]]:
    """A local cluster for the runs: its address, and a variable of all its processes."""
    if not workers:
        yield "", ""
        return
    paths = [str(Path(tonsure.__file__).parent.parent)]
    if heads == "drawn":  # workers are processes of their own, and draw heads, too
        (home / "site").mkdir()
        (home / "site" / "sitecustomize.py").write_text(
            "import sys\nif any('default_worker' in word for word in sys.orig_argv):\n"
            + "".join(f"    {line}\n" for line in DRAWN.strip().splitlines())
        )
        paths.insert(0, str(home / "site"))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "KILLED_PY": str(home)} | TOKEN
    words = [sys.executable, "-c", CLUSTER, str(workers)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip(), f"KILLED_PY={home}"
        finally:
            process.stdin.close()


def main() -> int:
    """0 if both runs ended alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--heads", choices=("drawn", "real"), default="drawn")
    parser.add_argument("--verb", choices=("bald", "batch"), default="bald")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--ray", type=int, default=0, metavar="WORKERS")
    parser.add_argument("--of", type=Path, metavar="FOLDER", help="portraits of your own")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        photos(home / "in", given.photos, given.of)
        with cluster(given.ray, given.heads, home) as (address, _):
            plain, broken = (
                Run(given, home / "in", home / name, home, address) for name in ("one", "two")
            )
            code, seconds = plain.finish()
            print(f"uninterrupted: {seconds:.0f} s, exit code {code}", flush=True)
            told = killed(broken, given.kills, given.photos)
            print(f"killed: {', '.join(told)}", flush=True)
            code, seconds = broken.finish()
        print(f"the last run: {seconds:.0f} s, exit code {code}")
        one, two = results(plain.out), results(broken.out)
        first, second = rows(plain.report), rows(broken.report)
        leftovers = [path for path in broken.out.rglob("*") if path.name.endswith(".tmp")]
        same = one == two and [r.get("input") for r in first] == [r.get("input") for r in second]
        states = [r["status"] for r in first] == [r["status"] for r in second]
        print(f"results {len(one)} and {len(two)}, identical: {one == two}; rows {len(first)} and "
              f"{len(second)}, the same photos in the same order: {same}, with the same outcome: "
              f"{states}; identical but for times: {first == second}; left over: "
              f"{len(leftovers)}")  # fmt: skip
        whole = len(second) == given.photos and len({r["input"] for r in second}) == given.photos
        return 0 if same and states and whole and not leftovers else 1


if __name__ == "__main__":
    sys.exit(main())
