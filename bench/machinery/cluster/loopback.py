"""A Spark cluster on loopback: a standalone master and workers from the package, started and stopped by their ids."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.machinery.cluster.process_tree import descendants
from bench.machinery.pins import ROOT
from bench.machinery.tools import tool
from caponier.errors import InputError

HOST: Final = "127.0.0.1"
STARTING_SECONDS: Final = 120.0
MASTER, WORKER = (f"org.apache.spark.deploy.{role}" for role in ("master.Master", "worker.Worker"))
_LISTENS: Final = re.compile(r"Starting Spark master at (spark://\S+)")
_JOINED: Final = "Successfully registered with master"


@dataclass
class Cluster:
    """A master and its workers."""

    python: Path
    """Runs Caponier with PySpark."""
    folder: Path
    """For logs and work; all workers see it."""
    master: str = ""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the driver and the workers run with: Caponier's source of this tree, and ports on loopback only."""
        return environment(self.python)


def environment(python: Path) -> dict[str, str]:
    """Return the environment in which PySpark's own interpreter finds Caponier, and nobody else finds Spark."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAPONIER_", "SPARK_"))}
    return kept | {
        "PYTHONPATH": str(ROOT / "src"),
        "PYSPARK_PYTHON": str(python),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_NO_DAEMONIZE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def spark_python() -> Path:
    """Return the interpreter of PySpark's own environment.

    Raises:
        InputError: If that is not installed or not as pinned, or there is no Java.
    """
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise InputError("Spark needs Java, and there is none", hint="apt-get install openjdk-17-jre-headless")
    return tool("pyspark").python


@contextmanager
def cluster(workers: int, cores: int = 1, memory: str = "1g") -> Iterator[Cluster]:
    """Start a master and workers of some cores each, and end them by their ids.

    Raises:
        InputError: If Spark is not installed, or does not start in time; its log is in the message.
    """
    python = spark_python()
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder, ExitStack() as stack:
        made = Cluster(python, Path(folder))
        log = stack.enter_context(_started(made, "master", MASTER, "--host", HOST, "--port", "0", "--webui-port", "0"))[
            1
        ]
        made.master = _said(log, _LISTENS)
        for number in range(workers):
            size = ("--host", HOST, "--cores", str(cores), "--memory", memory, "--webui-port", "0")
            work = ("--work-dir", str(made.folder / f"work-{number}"))
            process, log = stack.enter_context(_started(made, f"worker-{number}", WORKER, *size, *work, made.master))
            made.workers.append(process)
            _said(log, re.compile(f"({_JOINED})"))
        yield made


@contextmanager
def _started(made: Cluster, name: str, role: str, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    log, program = made.folder / f"{name}.log", made.python.parent / "spark-class"
    with log.open("wb") as out:
        # `spark-class` becomes Java itself: its id is the process's.
        process = subprocess.Popen([program, role, *options], stdout=out, stderr=out, env=made.environment)
    try:
        yield process, log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _said(log: Path, words: re.Pattern[str]) -> str:
    """Wait until a log says something, and return its first group."""
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until:
        found = words.search(log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.2)
    raise InputError("Spark did not start in time", where=str(log), hint=log.read_text(errors="replace")[-2_000:])


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker and whatever runs below it at once, as when its machine is lost."""
    below = descendants(worker.pid)
    worker.kill()
    for process in below:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    worker.wait()
