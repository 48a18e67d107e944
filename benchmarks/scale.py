"""What very many photos cost: measured here, and simulated with stragglers and failures.

    python benchmarks/scale.py photos                # processor seconds of one photo, by its size
    python benchmarks/scale.py beside --photos 40    # one process, then Ray with two workers
    python benchmarks/scale.py simulate              # a million and a billion photos, seeded

Seconds are of processor time (user and system, all threads and processes), as clocks say little
on a machine that others use, too.  `simulate` deals units to workers as `tonsure batch` does:
workers take the next unit when they are done with one, die now and then, come back after a while
and leave their unit to be done anew; some are slow for good.
"""

from __future__ import annotations

import argparse
import heapq
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from killed import TOKEN, cluster, photos
from PIL import Image

import tonsure
from tonsure.scale.run import run


def sizes() -> None:
    """Processor seconds from a file's bytes to the result's, warm, by megapixels."""
    source = Path(tonsure.__file__).parent / "examples" / "astronaut.jpg"
    portrait = Image.open(source).convert("RGB")
    editor = tonsure.Editor(threads=1)
    print("pixels  MB-in  MB-out  cpu-s (median of 3)")
    for side in (150, 512, 1448, 3464):  # 0.02, 0.26, 2.1, 12 megapixels
        crop = portrait.crop((75, 0, 375, 300)) if side == 150 else portrait
        out = io.BytesIO()
        crop.resize((side, side), Image.Resampling.LANCZOS).save(out, "JPEG", quality=92)
        took, made = [], b""
        for _ in range(4):
            began = time.process_time()
            with editor.open(out.getvalue()) as shot:
                made = shot.bald(last=True).encode()
            took.append(time.process_time() - began)
        print(f"{side}x{side}  {len(out.getvalue()) / 1e6:.2f}  {len(made) / 1e6:.2f}  "
              f"{np.median(took[1:]):.2f}", flush=True)  # fmt: skip


def spent(mark: str) -> dict[str, float]:
    """Processor seconds so far of each process that has `mark` among its variables."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                words = (entry / "stat").read_text().rsplit(")")[-1].split()
                ticks = sum(map(int, words[11:13]))
                found[entry.name] = ticks / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            continue
    return found


def beside(count: int) -> None:
    """The same photos in this process, and on a cluster of two workers."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        photos(home / "in", count)
        began, wall = time.process_time(), time.perf_counter()
        done = run(home / "in", home / "one", size=5)
        alone, clock = time.process_time() - began, time.perf_counter() - wall
        print(f"one process: {done.photos} photos, {alone:.1f} s of processor, {clock:.1f} s by "
              f"the clock", flush=True)  # fmt: skip
        with cluster(2, "real", home) as (address, mark):
            words = [sys.executable, "-m", "tonsure", "batch", str(home / "in"), str(home / "two"),
                     "--size", "5", "--ray", address]  # fmt: skip
            before, wall = spent(mark), time.perf_counter()
            with subprocess.Popen(words, env=os.environ | TOKEN) as driver:
                seen = dict(before)
                while driver.poll() is None:  # actors end before it does
                    seen |= spent(mark)
                    time.sleep(0.2)
            clock = time.perf_counter() - wall
            own = resource.getrusage(resource.RUSAGE_CHILDREN)
            workers = sum(seen.values()) - sum(before.values())
            print(f"Ray, 2 workers: {workers:.1f} s in the cluster, "
                  f"{own.ru_utime + own.ru_stime:.1f} s in the driver, {clock:.1f} s by "
                  f"the clock")  # fmt: skip


@dataclass(frozen=True)
class Fleet:
    """A fleet of one-core workers; times in seconds."""

    workers: int
    photo: float  # mean seconds of one photo
    spread: float = 0.5  # of a photo's logarithm
    unit: int = 256  # photos
    start: float = 20.0  # until a worker has its networks open
    life: float = 24 * 3600.0  # mean time until a worker is taken away
    away: float = 300.0  # until another one stands in its place
    slow: float = 0.02  # share of workers that are slow for good
    factor: float = 3.0  # and by how much


def simulate(count: int, fleet: Fleet, seed: int = 0) -> dict[str, float]:
    """Deal `count` photos out and see when the last one is done."""
    rng = np.random.default_rng(seed)
    units = -(-count // fleet.unit)
    # a unit is a sum of many photos: its mean, and a spread that shrinks with their number
    sigma = np.sqrt(np.expm1(fleet.spread**2) / fleet.unit)
    pace = np.where(rng.random(fleet.workers) < fleet.slow, fleet.factor, 1.0)
    pace = (pace * rng.lognormal(0, 0.05, fleet.workers)).tolist()
    dies = rng.exponential(fleet.life, fleet.workers).tolist()
    free = [(fleet.start, k) for k in range(fleet.workers)]
    heapq.heapify(free)
    draws, lost, deaths, last = iter(()), 0.0, 0, 0.0
    fresh, back = units, []  # units nobody had yet; times from which those of the dead can be had
    while fresh or back:
        share = next(draws, None)
        if share is None:
            draws = iter(np.maximum(rng.normal(1, sigma, 1 << 16), 0.2).tolist())
            share = next(draws)
        now, k = heapq.heappop(free)
        if back and (back[0] <= now or not fresh):
            now = max(now, heapq.heappop(back))
        else:
            fresh -= 1
        end = now + share * fleet.unit * fleet.photo * pace[k]
        while dies[k] < now:  # taken away while it waited
            dies[k] += rng.exponential(fleet.life)
        if dies[k] < end:  # the unit is to be done anew, by whoever is free
            lost += dies[k] - now
            deaths += 1
            heapq.heappush(back, dies[k])
            again = dies[k] + fleet.away + fleet.start
            dies[k] = again + rng.exponential(fleet.life)
            heapq.heappush(free, (again, k))
        else:
            last = max(last, end)
            heapq.heappush(free, (end, k))
    idle = sum(max(last - now, 0) for now, _ in free)
    work = count * fleet.photo
    return {
        "photos": count, "workers": fleet.workers, "unit": fleet.unit, "hours": last / 3600,
        "core_hours": last * fleet.workers / 3600, "work_hours": work / 3600,
        "of_ideal": last / (work / fleet.workers), "deaths": deaths,
        "redone_percent": 100 * lost / work, "idle_percent": 100 * idle / (last * fleet.workers),
    }  # fmt: skip


def simulated(photo: float, price: float, seed: int) -> None:
    """The table of docs/scale.md."""
    print(f"{photo} s a photo, {price} a core and hour, seed {seed}")
    print("photos workers unit life-h hours core-hours x-ideal deaths redone-% idle-% price")
    for count, workers in ((1_000_000, 100), (1_000_000, 1_000), (1_000_000_000, 10_000)):
        for unit in (16, 64, 256, 2048):
            for life in (24.0, 2.0):
                if count > 1_000_000 and unit < 256:
                    continue  # tens of millions of units: nobody would cut so finely
                fleet = Fleet(workers, photo, unit=unit, life=life * 3600)
                found = simulate(count, fleet, seed)
                print(
                    count, workers, unit, f"{life:g}", f"{found['hours']:.2f}",
                    f"{found['core_hours']:.0f}", f"{found['of_ideal']:.3f}", found["deaths"],
                    f"{found['redone_percent']:.2f}", f"{found['idle_percent']:.2f}",
                    f"{found['core_hours'] * price:.0f}", flush=True,
                )  # fmt: skip


def main() -> None:
    """Measure or simulate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("photos", "beside", "simulate"))
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=1.5, help="of processor, of one photo")
    parser.add_argument("--price", type=float, default=0.04, help="of a core for an hour")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.what == "photos":
        sizes()
    elif given.what == "beside":
        beside(given.photos)
    else:
        simulated(given.seconds, given.price, given.seed)


if __name__ == "__main__":
    main()
