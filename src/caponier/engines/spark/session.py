"""A Spark session, or one clear word of what it lacks here."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caponier import __version__
from caponier.errors import CaponierError, InputError
from caponier.extras import needs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OLDEST_JAVA: Final = 17
INSTALL_JAVA: Final = (
    "Install Java 17 or newer, for example with: apt-get install openjdk-17-jre-headless; or set JAVA_HOME to one"
)
OTHER_VERSION: Final = "is another Caponier"
LOOPBACK: Final = "127.0.0.1"
WORKER_SECONDS: Final = 90.0
"""In which a worker must have taken part: Java starts in them, also on a busy machine."""
_LACKING: Final = re.compile(r"No module named ('[\w.]+')")
_RAISED: Final = re.compile(r"[\w.]+(?:Error|Exception|Exit|Interrupt)(?::|$)")
_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')


@contextmanager
def spark_session(master: str, asked: str = "--engine spark") -> Iterator["SparkSession"]:
    """Start a session and stop it at the end.

    Whatever `spark-defaults.conf` of SPARK_CONF_DIR says of memory, cores and the rest goes.

    Args:
        master: `local[2]`, `spark://host:7077`, or whatever else Spark takes.
        asked: What needs it, for messages.

    Raises:
        MissingExtraError: If PySpark is not installed.
        InputError: If there is no Java that is new enough, or the master cannot be reached.
    """
    with needs("spark", asked):
        # PySpark first: its own dependency is nothing that a reader of the message could know.
        import pyspark.errors
        from py4j.protocol import Py4JError
        from pyspark.sql import SparkSession
    find_java(asked)
    # Workers run the Python that this is, unless somebody says otherwise: theirs may lie elsewhere.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("caponier")
    for key, value in _settings(master).items():
        builder = builder.config(key, value)
    # What Java would say of itself by the page; somebody who looks for a fault in it names a file of their own.
    quiet = f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}"
    os.environ.setdefault("SPARK_SUBMIT_OPTS", quiet)
    try:
        session = builder.getOrCreate()
    except (Py4JError, pyspark.errors.PySparkException) as failed:
        why = _first_line(failed)
        # Spark gives a master a minute, stops by itself, and then complains of that.
        why = "nobody answers there" if "stopped SparkContext" in why else why
        raise InputError(
            f"no Spark session can be started: {why}",
            where=master,
            hint="Give --master local[2] to try on this machine, or the address that the master itself shows",
        ) from failed
    try:
        if not master.startswith("local"):
            _await_worker(session, master)
        yield session
    finally:
        # Whoever ends a service often ends its Java, too: then there is nothing left to stop.
        with suppress(Py4JError, OSError):
            session.stop()


def _await_worker(session: "SparkSession", master: str) -> None:
    """Make sure that somebody works: Spark itself waits for workers for ever, and says so to nobody.

    Raises:
        InputError: If nobody does.
    """
    context = session.sparkContext
    if context.getConf().get("spark.dynamicAllocation.enabled", "false") == "true":
        # Workers are asked for when there is work.
        return
    status, until = context._jsc.sc().statusTracker(), time.monotonic() + WORKER_SECONDS
    # The driver is one of them.
    while len(status.getExecutorInfos()) < 2:
        if time.monotonic() > until:
            raise InputError(
                f"no worker has taken part within {WORKER_SECONDS:.0f} seconds",
                where=master,
                hint="Look at the master's page whether workers are alive with cores and memory free; a task asks for "
                "spark.executor.memory of spark-defaults.conf",
            )
        time.sleep(0.1)


def _settings(master: str) -> dict[str, str]:
    usual = {
        "spark.ui.showConsoleProgress": "false",
        # How many tasks there are is asked for, by what they hold; Spark would put small ones together.
        "spark.sql.adaptive.enabled": "false",
        # A page that is open to whoever reaches this machine; the master's own tells of the scan.
        "spark.ui.enabled": "false",
        # One BLAS thread a task: the tasks are what fills the cores.
        "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
    }
    if master.startswith("local"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # Nobody else has to do with it: no port is open to others.
        os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
        usual |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    return usual


def find_java(asked: str = "--engine spark") -> str:
    """Return the Java that Spark will start.

    Args:
        asked: What needs it, for messages.

    Raises:
        InputError: If there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        raise InputError(f"{asked} needs Java, and there is none", where=java, hint=INSTALL_JAVA)
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    version = _VERSION.search(said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        seen = said.partition("\n")[0] or "nothing that says its version"
        raise InputError(f"{asked} needs Java {OLDEST_JAVA}, and this is {seen}", where=java, hint=INSTALL_JAVA)
    return java


@contextmanager
def failures_told(folder: Path | None = None) -> Iterator[None]:
    """Say in a line what a cluster failed at, in place of pages of Java.

    Args:
        folder: Where its workers find the events.

    Raises:
        InputError: If its workers lack Caponier, have another one, or do not see the events.
        CaponierError: If it failed at anything else.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as failed:
        text = str(failed)
        known = lack(text, folder)
        if known is not None:
            raise known from failed
        raise CaponierError(
            f"Spark gave up: {cause(text) or _first_line(failed)}",
            hint="The logs of its workers say more; nothing was kept",
        ) from failed


def lack(text: str, folder: Path | None = None) -> InputError | None:
    """Return what workers lack, by a report of Spark's; None if it tells of something else.

    Args:
        text: The report.
        folder: Where the workers should find the events.
    """
    missing = _LACKING.search(text)
    if missing or OTHER_VERSION in text:
        return InputError(
            f"a worker lacks {missing[1]}" if missing else f"a worker has no Caponier {__version__}",
            hint=f"On each worker: pip install 'caponier[spark]=={__version__}'; PYSPARK_PYTHON names their Python",
        )
    if folder is not None and folder.name in text and ("FILE_NOT_EXIST" in text or "FileNotFoundException" in text):
        return InputError(
            "a worker does not see the events there",
            where=str(folder),
            hint="Give with --shared a folder that all workers see under the same path",
        )
    return None


def cause(text: str) -> str | None:
    """Return what Python raised in a worker, of a report that goes on about what Java made of it; None if nothing."""
    raised = [line for line in text.splitlines() if _RAISED.match(line) and not line.startswith(("org.", "java."))]
    return raised[-1] if "Traceback" in text and raised else None


def _first_line(failed: Exception) -> str:
    """Return what Java says, without where in Java it says it."""
    cause = getattr(failed, "java_exception", None)
    return str(cause.getMessage() if cause is not None else failed).partition("\n")[0]
