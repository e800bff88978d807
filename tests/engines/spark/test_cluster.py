"""What a scan on a real cluster says is what a scan on this machine says, to the last byte."""

import json
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bench.machinery.cluster.loopback import Cluster, cluster, environment, kill
from bench.machinery.cluster.process_tree import descendants

from app.stream.conftest import BEGIN, lines, users
from caponier.detect.calibration.baseline import Baseline, ModelBaseline
from conftest import World
from engines.spark.odd_log import odd_log

pytestmark = pytest.mark.spark
SECONDS = 300
IMPATIENT = """
import sys
from caponier.engines.spark import session
session.WORKER_SECONDS = 2.0
try:
    with session.spark_session(sys.argv[1]):
        pass
except session.InputError as told:
    sys.exit(str(told))
"""
"""Waits for workers for two seconds."""


def command(python: Path, log: Path, out: Path, *options: str) -> list[str]:
    """A scan as a user types it; the document goes to `out`."""
    given = ["scan", "inference", str(log), "--format", "json", "--out", str(out), "--quiet", *options]
    return [str(python), "-m", "caponier", *given]


def ran(python: Path, log: Path, out: Path, *options: str) -> tuple[int, str]:
    """Return the exit code, and the document."""
    done = subprocess.run(
        command(python, log, out, *options),
        env=environment(python),
        cwd=out.parent,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode in (1, 3), done.stderr[-3_000:]
    return done.returncode, out.read_text()


def workspace_of(world: World, folder: Path) -> tuple[str, ...]:
    """Return the options of a scan with a workspace of its own: a scan keeps there what it finds."""
    shutil.copytree(world.baseline_file.parent / "workspace", folder)
    return "--workspace", str(folder), "--baseline", str(world.baseline_file)


def in_parts(log: Path, folder: Path) -> Path:
    """Write a log as five, as several guards do at once: each has events of the whole time."""
    events = pq.read_table(log)
    folder.mkdir()
    for part in range(5):
        pq.write_table(events.take(list(range(part, len(events), 5))), folder / f"guard-{part}.parquet")
    return folder


@pytest.mark.parametrize("reader", ["auto", "events"])
def test_an_odd_log_gives_the_same_with_and_without_spark(reader: str, python: Path, tmp_path: Path) -> None:
    log = odd_log(tmp_path / "logs").relative_to(tmp_path)
    given = ("--reader", reader, "--rejected", "rejected.jsonl")
    local = ran(Path(sys.executable), log, tmp_path / "local.json", *given)
    rejected = (tmp_path / "rejected.jsonl").read_bytes()
    (shared := tmp_path / "für [alle] {drei}, 100 %").mkdir()
    on = ("--engine", "spark", "--master", "local[2]", "--shared", str(shared))
    spark = ran(python, log, tmp_path / "spark.json", *given, *on)
    assert (tmp_path / "rejected.jsonl").read_bytes() == rejected
    assert spark == local
    told = json.loads(spark[1])
    assert told["findings"]
    assert told["skipped"]
    assert told["rejected"]["rows"]


def test_spark_reads_of_odd_events_what_duckdb_reads(python: Path) -> None:
    kept = environment(python)
    tests = str(Path(__file__).parents[2])
    done = subprocess.run(
        [str(python), "-m", "engines.spark.same_columns"],
        env=kept | {"PYTHONPATH": f"{kept['PYTHONPATH']}:{tests}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-2_000:]


def test_a_worker_that_lacks_what_it_needs_is_told_in_two_lines(python: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare")
    log = odd_log(tmp_path / "logs")
    done = subprocess.run(
        command(python, log, tmp_path / "out.json", "--engine", "spark", "--master", "local[1]"),
        env=environment(python) | {"PYSPARK_PYTHON": str(tmp_path / "bare" / "bin" / "python")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 2
    assert "error: a worker lacks '" in done.stderr
    assert "pip install 'caponier[spark]==" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_a_cluster_without_workers_is_told(python: Path) -> None:
    with cluster(workers=0) as running:
        given = [str(python), "-c", IMPATIENT, running.master]
        done = subprocess.run(given, env=running.environment, capture_output=True, text=True, timeout=SECONDS)
    assert f"{running.master}: no worker has taken part within 2 seconds" in done.stderr


def test_every_attack_is_found_alike_on_two_workers(world: World, two_workers: Cluster, tmp_path: Path) -> None:
    log, given = in_parts(world.attacked, tmp_path / "log"), ("--reader", "events")
    local = ran(Path(sys.executable), log, tmp_path / "l.json", *given, *workspace_of(world, tmp_path / "l"))
    on = ("--engine", "spark", "--master", two_workers.master, "--shared", str(tmp_path))
    spark = ran(two_workers.python, log, tmp_path / "s.json", *given, *workspace_of(world, tmp_path / "s"), *on)
    assert spark == local
    assert len(json.loads(spark[1])["findings"]) > 100
    assert not list(tmp_path.glob("caponier-*")), "nothing stays in the shared folder"


def built(python: Path, log: Path, out: Path, *options: str) -> tuple[str, list[ModelBaseline]]:
    """Build a baseline as a user does; return what is said of it, and its sections but for when they were made."""
    given = ["baseline", "build", str(log), "--out", str(out), "--no-self-test", *options]
    done = subprocess.run(
        [str(python), "-m", "caponier", *given],
        env=environment(python),
        cwd=out.parent,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode in (0, 3), done.stderr[-3_000:]
    said = done.stderr.replace(str(out), "OUT")
    return said, [replace(section, created="") for section in Baseline.load(out).models]


def test_a_baseline_is_the_same_to_the_last_bit_with_and_without_spark(python: Path, tmp_path: Path) -> None:
    (log := tmp_path / "log").mkdir()
    benign = users(0, BEGIN, 60, "u")
    for part in range(3):
        (log / f"guard-{part}.jsonl").write_bytes(lines(benign[part::3]))
    given = ("--reader", "events", "--kind", "numeric", "--shape", "3", "--range", "0,1")
    local = built(Path(sys.executable), log, tmp_path / "local.safetensors", *given)
    on = ("--engine", "spark", "--master", "local[2]", "--shared", str(tmp_path))
    spark = built(python, log, tmp_path / "spark.safetensors", *given, *on)
    assert spark[0].endswith(local[0]), "Java says something of itself before"
    assert Baseline(tuple(spark[1])).to_bytes() == Baseline(tuple(local[1])).to_bytes()
    assert len(local[1][0].detectors) >= 10
    assert not list(tmp_path.glob("caponier-*")), "nothing stays in the shared folder"


def test_a_worker_that_is_killed_at_work_costs_no_finding(world: World, two_workers: Cluster, tmp_path: Path) -> None:
    local = ran(Path(sys.executable), world.attacked, tmp_path / "l.json", *workspace_of(world, tmp_path / "l"))
    on = ("--engine", "spark", "--master", two_workers.master, "--shared", str(tmp_path))
    given = (*workspace_of(world, tmp_path / "s"), *on)
    with (tmp_path / "errors").open("wb") as errors:
        scan = subprocess.Popen(
            command(two_workers.python, world.attacked, tmp_path / "s.json", *given),
            env=environment(two_workers.python),
            cwd=tmp_path,
            stderr=errors,
        )
    try:
        lost, until = two_workers.workers[1], time.monotonic() + SECONDS
        while not any("pyspark.daemon" in how for how in descendants(lost.pid).values()):
            assert scan.poll() is None, "it ended before the worker was lost"
            assert time.monotonic() < until
            time.sleep(0.05)
        kill(lost)
        assert scan.wait(SECONDS) == 1, (tmp_path / "errors").read_text()[-2_000:]
    finally:
        scan.kill()
        scan.wait()
    assert (1, (tmp_path / "s.json").read_text()) == local
