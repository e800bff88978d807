"""The same scan on this machine and on Spark: a standalone master and one-core workers on loopback, in the same run.

Processor seconds of every process that takes part, Java's and Python's, by the kernel's account of each. Starting Java
costs the same for any log: what a further event costs is told from logs of two lengths.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.machinery.cluster.loopback import Cluster, cluster, environment
from bench.machinery.cluster.process_tree import Meter
from bench.machinery.long_log import LongLog
from bench.machinery.measured import caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.errors import CaponierError

SHORT, LONG = 200_000, 2_000_000
SHAPE = ("--kind", "image", "--shape", "8,8", "--range", "0,1")
BENIGN = LongLog(40_000, each=250, seed=1)
HEAVY = 1 / 3
"""Share of one caller in a log of its own."""
PAIRS = 3
GOALS = (
    Goal("same_findings", 1, at_least=True),
    Goal("spark_share_of_local_per_cpu_second", 0.5, at_least=True),
    Goal("two_workers_share_of_one_per_cpu_second", 0.85, at_least=True),
    Goal("two_workers_times_as_fast_as_one", 1.3, at_least=True),
)
CAUSES = {
    "spark_share_of_local_per_cpu_second": "Java moves every input through a shuffle twice, once by caller and once by "
    "cell, and to and from Python as Arrow",
    "two_workers_share_of_one_per_cpu_second": "each worker warms a Java of its own, which "
    "logs of this length do not outweigh",
    "two_workers_times_as_fast_as_one": "the driver reads a log that is one file by itself "
    "before the cluster begins, and starting Java takes as long for one worker as for two",
}


@dataclass(frozen=True)
class Measured:
    """What one scan cost, and what it said."""

    engine: str
    log: LongLog
    cpu_seconds: float
    seconds: float
    said: str

    def row(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "events": self.log.events,
            "of_one_caller": round(self.log.heavy, 2),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "seconds": round(self.seconds, 1),
        }


def run(quick: bool) -> Scorecard:
    """Measure both engines; quick: logs of half the length, and each measured once."""
    # Of shorter ones only starting Java would be measured.
    short, long = (LongLog(events // 2 if quick else events) for events in (SHORT, LONG))
    pairs = 1 if quick else PAIRS
    with tempfile.TemporaryDirectory() as folder:
        ground = Path(folder)
        benign, baseline = BENIGN.write(ground / "benign.parquet"), ground / "shapes.safetensors"
        caponier("baseline", "build", str(benign), "--out", str(baseline), "--quiet", "--no-self-test", *SHAPE)
        logs = [short, long, replace(long, heavy=HEAVY)]
        for number, log in enumerate(logs):
            log.write(ground / f"{number}.parquet")
        on_one, on_two, local = [], [], []
        for _ in range(pairs):
            for workers, into in ((1, on_one), (2, on_two)):
                # One worker knows no others that could wait for the one with the heavy caller.
                some = logs[: workers + 1]
                with cluster(workers) as running:
                    into.append([_scan(ground, number, log, running) for number, log in enumerate(some)])
            local.append([_scan(ground, number, log) for number, log in enumerate(logs)])
    figures = _figures(local, on_one, on_two)
    about = (
        f"Scans of {short.events:,} and {long.events:,} events of 64 features with all columns, the longer also with a "
        "third of it one caller's, by the local engine in one process and on a standalone cluster of one and of two "
        "workers of one core. Rates are of what the longer log costs more than the shorter."
    )
    table = [one.row() for turn in (*local, *on_one, *on_two) for one in turn]
    return Scorecard("cluster", about, figures, GOALS, (0, 1), table, CAUSES)


def _figures(
    local: Sequence[Sequence[Measured]], one: Sequence[Sequence[Measured]], two: Sequence[Sequence[Measured]]
) -> dict[str, Any]:
    rates = {
        name: _median([_rate(turn[0], turn[1]) for turn in turns])
        for name, turns in (("local", local), ("one_worker", one), ("two_workers", two))
    }
    expected = [found.said for found in local[0]]
    return {
        "same_findings": int(
            all(scan.said == said for turn in (*local, *one, *two) for scan, said in zip(turn, expected, strict=False))
        ),
        "events": local[0][1].log.events,
        **{f"{name}_further_events_per_cpu_second": round(rate) for name, rate in rates.items()},
        "spark_share_of_local_per_cpu_second": round(rates["one_worker"] / rates["local"], 3),
        "two_workers_share_of_one_per_cpu_second": round(rates["two_workers"] / rates["one_worker"], 3),
        "two_workers_times_as_fast_as_one": round(
            _median([a[1].seconds / b[1].seconds for a, b in zip(one, two, strict=True)]), 2
        ),
        "heavy_caller_times_as_long_on_two_workers": round(_median([t[2].seconds / t[1].seconds for t in two]), 2),
        "starting_cpu_seconds": round(
            _median([t[0].cpu_seconds - t[0].log.events / _rate(t[0], t[1]) for t in two]), 1
        ),
    }


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _rate(short: Measured, long: Measured) -> float:
    """Return the events a processor second, of those that one log has more than the other."""
    return (long.log.events - short.log.events) / max(0.01, long.cpu_seconds - short.cpu_seconds)


def _scan(ground: Path, number: int, log: LongLog, on: Cluster | None = None) -> Measured:
    python = on.python if on else Path(sys.executable)
    engine = f"spark, {len(on.workers)} workers" if on else "local"
    out = ground / "found.json"
    given = ["scan", "inference", str(ground / f"{number}.parquet"), "--baseline", str(ground / "shapes.safetensors")]
    given += ["--format", "json", "--out", str(out), "--quiet"]
    given += ["--engine", "spark", "--master", on.master, "--shared", str(ground)] if on else []
    say(f"{engine}: {log.events:,} events, {log.heavy:.0%} of one caller")
    started = time.perf_counter()
    with Meter(worker.pid for worker in (on.workers if on else ())) as meter:
        done = subprocess.Popen(
            [str(python), "-m", "caponier", *given], env=environment(python), cwd=ground, stderr=subprocess.PIPE
        )
        meter.roots.add(done.pid)
        error = done.communicate()[1]
        seconds = time.perf_counter() - started
    if done.returncode not in (0, 1, 3):
        raise CaponierError(f"a scan ended with {done.returncode}", where=engine, hint=error.decode()[-2_000:])
    return Measured(engine, log, meter.cpu_seconds, seconds, out.read_text())
