"""Options of an engine that do not fit each other are told before anything is read."""

import sys
from pathlib import Path

import pytest

from cli.command import run


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--engine", "spark"), "--engine spark needs --master"),
        (("--master", "local[2]"), "--master is about Spark"),
        (("--shared", "."), "--shared is about Spark"),
    ],
)
def test_they_fit_each_other(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str) -> None:
    ran = run(capsys, "scan", "inference", "no.jsonl", *options)
    assert ran.code == 2
    assert words in ran.err


def test_spark_that_is_not_there_is_told_before_the_log_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for package in ("pyspark", "py4j"):
        monkeypatch.setitem(sys.modules, package, None)
    ran = run(capsys, "scan", "inference", tmp_path / "no.jsonl", "--engine", "spark", "--master", "local[1]")
    assert ran.code == 2
    assert "pip install 'caponier[spark]'" in ran.err
