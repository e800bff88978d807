"""The engine law on millions of events: a scan here, a scan on Spark and a stream say the same.

The log is that of the behaviour scorecard, benign habits and every kind of attack, many times over under other names
and a little later each time: it is about what engines make of a log, not about who is found in it.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.machinery.cluster.loopback import Cluster, cluster, environment
from bench.machinery.cluster.process_tree import Meter
from bench.machinery.measured import caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from bench.machinery.streams import streams
from caponier.errors import CaponierError

BATCH, STREAM = 5_000_000, 1_000_000
QUICK = 20
"""A quick run takes a twentieth."""
USERS, EACH = 150, 1
LATER = 37_000_003
"""Microseconds by which a copy of the log begins after the one before it: no two events come at once."""
GUARDS, LOOKS = 3, 3
"""Files of the lake that are written side by side, and times that a stream is started to take what has come."""
SHAPE = ("--kind", "image", "--shape", "8,8", "--range", "0,1")
COLUMNS = ("time", "model", "operation", "principal", "input", "label", "scores", "feedback", "cost", "status")
GOALS = (
    Goal("found_by_one_scan_alone", 0, at_least=False),
    Goal("found_by_scan_or_stream_alone", 0, at_least=False),
)
MODEL = """
[[model]]
name = "{name}"
baseline = "m.safetensors"
[model.features]
kind = "image"
shape = [8, 8]
minimum = 0.0
maximum = 1.0
"""
Found = frozenset[tuple[str, str]]
"""Ids of findings, each with its severity."""


@dataclass(frozen=True)
class Ground:
    """A folder with a workspace and a log to take copies of."""

    folder: Path
    log: pa.Table

    @classmethod
    def of(cls, folder: Path, seed: int) -> "Ground":
        """Attack a model, and learn a baseline from its benign log."""
        world = streams("mlp", seed, USERS, EACH)
        log = pa.concat_tables([world.users, *(one.events for one in world.attackers)]).select(COLUMNS)
        pq.write_table(world.benign, folder / "benign.parquet")
        # Apart from the logs: a scan of these keeps nothing in the store that is to hold what a stream finds.
        caponier("init", str(folder / "home"), "--quiet")
        benign, baseline = str(folder / "benign.parquet"), str(folder / "m.safetensors")
        caponier("baseline", "build", benign, "--out", baseline, "--quiet", "--no-self-test", *SHAPE)
        (folder / "home" / "m.safetensors").write_bytes(Path(baseline).read_bytes())
        settings = folder / "home" / "caponier.toml"
        settings.write_text(settings.read_text() + MODEL.format(name=log["model"][0].as_py()))
        return cls(folder, log.sort_by("time"))

    def copy(self, number: int) -> pa.Table:
        """Return the log once more: other callers, later."""
        time_, who = self.log["time"], self.log["principal"]
        later = pc.add(time_.cast(pa.int64()), number * LATER).cast(time_.type)
        other = pc.binary_join_element_wise(who, str(number), "-")
        ids = pa.array([f"{number}-{row}" for row in range(len(self.log))])
        moved = self.log.set_column(0, "time", later).set_column(COLUMNS.index("principal"), "principal", other)
        return moved.append_column("event_id", ids)

    def lay_parts(self, events: int) -> Path:
        """Write a log of Parquet files, as many as it takes."""
        folder = self.folder / "parts"
        folder.mkdir()
        for number in range(round(events / len(self.log))):
            pq.write_table(self.copy(number), folder / f"part-{number:03d}.parquet")
        return folder


def lines(table: pa.Table) -> bytes:
    """Return events as a guard writes them."""
    whole = table.set_column(0, "time", pc.strftime(table["time"], "%Y-%m-%dT%H:%M:%SZ"))
    rows = ({name: value for name, value in row.items() if value is not None} for row in whole.to_pylist())
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def found(document: Path) -> Found:
    """Read which findings a document tells."""
    return frozenset((one["finding_id"], one["severity"]) for one in json.loads(document.read_text())["findings"])


def run(quick: bool) -> Scorecard:
    """Compare the three; quick: a twentieth of the events."""
    share = QUICK if quick else 1
    with tempfile.TemporaryDirectory(prefix="engine-law-") as name, cluster(2) as running:
        ground = Ground.of(Path(name), seed=1)
        parts = ground.lay_parts(BATCH // share)
        here, alone = _scanned(ground, parts)
        spark, on_cluster = _scanned(ground, parts, running)
        streamed, scan, stream = _streamed(ground, STREAM // share, running)
    figures = {
        "events_of_the_batch": alone["events"],
        "findings_of_the_batch": len(here),
        "found_by_one_scan_alone": len(here ^ spark),
        "events_of_the_stream": stream["events"],
        "findings_of_the_stream": len(scan),
        "found_by_scan_or_stream_alone": len(scan ^ streamed),
    }
    about = (
        "Benign callers of every habit and attackers of every kind of the behaviour scorecard, many times over under "
        "other names: scanned in one process, on a standalone cluster of two workers of one core, and followed as "
        f"three guards write it, by a stream that is started {LOOKS} times. Findings are compared by id and severity."
    )
    return Scorecard("engine_law", about, figures, GOALS, (1,), [alone, on_cluster, stream])


def _scanned(ground: Ground, log: Path, on: Cluster | None = None) -> tuple[Found, dict[str, Any]]:
    out = ground.folder / "found.json"
    given = ["scan", "inference", str(log), "--baseline", str(ground.folder / "m.safetensors"), "--quiet"]
    given += ["--format", "json", "--out", str(out)]
    given += ["--engine", "spark", "--master", on.master, "--shared", str(ground.folder)] if on else []
    spent = _ran(ground, given, on)
    events = sum(pq.read_metadata(part).num_rows for part in log.glob("*.parquet"))
    return found(out), {"engine": "spark" if on else "local", "events": events, **spent}


def _streamed(ground: Ground, events: int, on: Cluster) -> tuple[Found, Found, dict[str, Any]]:
    """Return what a stream finds and what a scan of the same lake finds."""
    home = ground.folder / "home"
    lake, given = home / "lake" / "2026-01-01", ["--workspace", str(home), "--quiet"]
    lake.mkdir(parents=True)
    whole = pa.concat_tables(ground.copy(number) for number in range(round(events / len(ground.log))))
    whole = whole.sort_by("time")
    spent = {"cpu_seconds": 0.0, "seconds": 0.0}
    for stretch in np.array_split(np.arange(len(whole)), LOOKS):
        for guard in range(GUARDS):
            with (lake / f"guard-{guard}.jsonl").open("ab") as file:
                file.write(lines(whole.take(stretch[guard::GUARDS])))
        took = _ran(ground, ["stream", "--master", on.master, "--drain", *given], on)
        spent = {name: round(spent[name] + took[name], 1) for name in spent}
    out = ground.folder / "streamed.json"
    _ran(ground, ["findings", "list", "--format", "json", "--out", str(out), *given])
    _ran(
        ground,
        ["scan", "inference", str(lake.parent), "--format", "json", "--out", str(ground.folder / "scan.json"), *given],
    )
    told = {"engine": "stream", "events": len(whole), **spent}
    return found(out), found(ground.folder / "scan.json"), told


def _ran(ground: Ground, given: Sequence[str], on: Cluster | None = None) -> dict[str, float]:
    python = on.python if on else Path(sys.executable)
    say(" ".join(given[:2]))
    started = time.perf_counter()
    with Meter(worker.pid for worker in (on.workers if on else ())) as meter:
        done = subprocess.Popen(
            [str(python), "-m", "caponier", *given],
            env=environment(python),
            cwd=ground.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        meter.roots.add(done.pid)
        error = done.communicate()[1]
        seconds = time.perf_counter() - started
    if done.returncode not in (0, 1, 3):
        told = error.decode()[-2_000:]
        raise CaponierError(f"it ended with {done.returncode}", where=" ".join(given[:2]), hint=told)
    return {"cpu_seconds": round(meter.cpu_seconds, 1), "seconds": round(seconds, 1)}
