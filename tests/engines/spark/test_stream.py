"""A stream on a real cluster finds what a scan finds, whoever is killed meanwhile."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from bench.machinery.cluster.loopback import Cluster, environment, kill

from app.stream.conftest import StreamWorld, home, lines, scanned, stream_world
from caponier.app.incidents.findings import list_findings
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace

pytestmark = pytest.mark.spark
SECONDS = 240
__all__ = ["home", "scanned", "stream_world"]


@contextmanager
def following(cluster: Cluster, home: Workspace, errors: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `caponier stream` as a user does."""
    given = ["stream", "--master", cluster.master, "--workspace", str(home.root), "--every", "0.2", *options]
    with errors.open("ab") as out:
        process = subprocess.Popen(
            [str(cluster.python), "-m", "caponier", *given], env=environment(cluster.python), cwd=home.root, stderr=out
        )
    try:
        yield process
    finally:
        kill(process)


def lay(home: Workspace, world: StreamWorld, begin: int, end: int | None) -> None:
    folder = Path(home.lake) / "2026-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    part = world.events[begin:end]
    for guard in range(3):
        with (folder / f"guard-{guard}.jsonl").open("ab") as file:
            file.write(lines(part[guard::3]))


def until_step(process: subprocess.Popen[bytes], home: Workspace, step: int, errors: Path) -> None:
    """Wait until the stream has taken so many looks."""
    file, until = home.root / "stream" / "position.json", time.monotonic() + SECONDS
    while not file.exists() or orjson.loads(file.read_bytes())["step"] < step:
        assert process.poll() is None, errors.read_text()[-3_000:]
        assert time.monotonic() < until, errors.read_text()[-3_000:]
        time.sleep(0.05)


def test_whoever_is_killed_nothing_is_lost_and_nothing_twice(
    home: Workspace, stream_world: StreamWorld, scanned: list[Finding], two_workers: Cluster, tmp_path: Path
) -> None:
    errors = tmp_path / "errors"
    lay(home, stream_world, 0, 400)
    with following(two_workers, home, errors) as process:
        until_step(process, home, 1, errors)
        # The driver, with all of its processes, wherever it is.
        lay(home, stream_world, 400, 700)
        kill(process)
    with following(two_workers, home, errors) as process:
        until_step(process, home, 3, errors)
        kill(two_workers.workers[1])
        lay(home, stream_world, 700, None)
        until_step(process, home, 4, errors)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0, errors.read_text()[-3_000:]
    with following(two_workers, home, errors, "--drain") as process:
        assert process.wait(SECONDS) == 3, errors.read_text()[-3_000:]
    found = sorted(list_findings(home), key=lambda one: one.finding_id)
    assert found == sorted(scanned, key=lambda one: one.finding_id)
    assert "Traceback" not in errors.read_text()
