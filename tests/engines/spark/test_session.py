"""What Spark needs and a machine lacks is one clear word, with the command that mends it."""

import sys
from pathlib import Path

import pytest

from caponier.engines.spark.session import find_java, spark_session
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
