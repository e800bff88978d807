"""A Spark session, or one clear word of what it lacks here."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caponier.errors import InputError
from caponier.extras import needs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OLDEST_JAVA: Final = 17
INSTALL_JAVA: Final = (
    "Install Java 17 or newer, for example with: apt-get install openjdk-17-jre-headless; or set JAVA_HOME to one"
)
LOOPBACK: Final = "127.0.0.1"
_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')


@contextmanager
def spark_session(master: str) -> Iterator["SparkSession"]:
    """Start a session and stop it at the end.

    Whatever `spark-defaults.conf` of SPARK_CONF_DIR says of memory, cores and the rest goes.

    Args:
        master: `local[2]`, `spark://host:7077`, or whatever else Spark takes.

    Raises:
        MissingExtraError: If PySpark is not installed.
        InputError: If there is no Java that is new enough, or the master cannot be reached.
    """
    with needs("spark", "--engine spark"):
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    find_java()
    # Workers run the Python that this is, unless somebody says otherwise: theirs may lie elsewhere.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # One BLAS thread a task: the tasks are what fills the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    builder = SparkSession.builder.master(master).appName("caponier")
    for key, value in _settings(master).items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except (Py4JError, PySparkException) as failed:
        raise InputError(
            f"no Spark session can be started: {_first_line(failed)}",
            where=master,
            mend="Give --master local[2] to try on this machine, or the address that the master itself shows",
        ) from failed
    try:
        yield session
    finally:
        session.stop()


def _settings(master: str) -> dict[str, str]:
    usual = {
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": "false",
        # Asked for by number: what is put together again could not be told from it.
        "spark.sql.adaptive.enabled": "false",
    }
    if master.startswith("local"):
        # Nobody else has to do with it: neither ports nor pages are open to others.
        os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
        usual |= {"spark.ui.enabled": "false", "spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    return usual


def find_java() -> str:
    """Return the Java that Spark will start.

    Raises:
        InputError: If there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        raise InputError("--engine spark needs Java, and there is none", where=java, mend=INSTALL_JAVA)
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    version = _VERSION.search(said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        seen = said.partition("\n")[0] or "nothing that says its version"
        raise InputError(f"--engine spark needs Java {OLDEST_JAVA}, and this is {seen}", where=java, mend=INSTALL_JAVA)
    return java


def _first_line(failed: Exception) -> str:
    """Return what Java says, without where in Java it says it."""
    cause = getattr(failed, "java_exception", None)
    return str(cause.getMessage() if cause is not None else failed).partition("\n")[0]
