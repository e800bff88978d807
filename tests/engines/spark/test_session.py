"""What Spark needs and a machine lacks is one clear word, with the command that mends it."""

import sys
from pathlib import Path

import pytest

from caponier.engines.spark.session import cause, find_java, lack, spark_session
from caponier.errors import InputError, MissingExtraError


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of a Java that is not there yet."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin" / "java"


def say(java: Path, words: str) -> None:
    java.write_text(f"#!/bin/sh\necho '{words}' >&2\n")
    java.chmod(0o755)


def test_without_pyspark_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "py4j", None)
    with pytest.raises(MissingExtraError, match=r"caponier\[spark\]") as told, spark_session("local[1]"):
        pass
    assert told.value.exit_code == 2
    assert "'pyspark" in str(told.value)


def test_without_java_it_names_the_package(java: Path) -> None:
    with pytest.raises(InputError, match=r"needs Java, and there is none\n.*openjdk-17"):
        find_java()


def test_without_any_path_to_it_neither(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="JAVA_HOME"):
        find_java()


@pytest.mark.parametrize("words", ['openjdk version "11.0.24" 2024-07-16', 'java version "1.8.0_402"', "no such thing"])
def test_a_java_that_is_too_old_says_what_was_seen(java: Path, words: str) -> None:
    say(java, words)
    with pytest.raises(InputError, match="needs Java 17") as told:
        find_java()
    assert words in str(told.value)


@pytest.mark.parametrize("words", ['openjdk version "17.0.21" 2026-10-20', 'java version "21" 2023-09-19 LTS'])
def test_a_java_that_is_new_enough_is_taken(java: Path, words: str) -> None:
    say(java, words)
    assert find_java() == str(java)


REPORT = """An error occurred while calling o101.collectToPython.
: org.apache.spark.SparkException: Job aborted due to stage failure: Lost task 0.3 in stage 2.0
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "worker.py", line 1, in main
    process()
  File "mine.py", line 7, in score
ZeroDivisionError: division by zero

\tat org.apache.spark.api.python.BasePythonRunner.handle(PythonRunner.scala:1)
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
"""


def test_what_a_detector_raised_is_told_and_not_what_java_made_of_it() -> None:
    assert cause(REPORT) == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("text", ["", "java.lang.OutOfMemoryError: Java heap space", REPORT.replace("Traceback", "x")])
def test_where_python_raised_nothing_java_speaks(text: str) -> None:
    assert cause(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ModuleNotFoundError: No module named 'caponier.engines'", "lacks 'caponier.engines'"),
        ("RuntimeError: 0.0.9 is another Caponier", "has no Caponier"),
        ("[FAILED_READ_FILE.FILE_NOT_EXIST] file:///s/caponier-x/events.parquet. File does not exist", "--shared"),
    ],
)
def test_what_workers_lack_is_told_with_what_mends_it(text: str, words: str) -> None:
    told = lack(text, Path("/s/caponier-x"))
    assert told is not None
    assert words in str(told)


def test_another_file_that_is_lost_is_something_else() -> None:
    assert lack("java.io.FileNotFoundException: /tmp/blockmgr-1/shuffle_0", Path("/s/caponier-x")) is None
