"""`caponier stream` before any Spark: what is lacking is one clear word."""

import sys
from pathlib import Path

import pytest

from caponier.app.workspace.workspace import create_workspace
from cli.command import run


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "w")
    return tmp_path / "w"


def test_without_pyspark_it_names_the_extra(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "py4j", None)
    done = run(capsys, "stream", "--master", "local[1]", "--workspace", str(workspace))
    assert done.code == 2
    assert "caponier stream needs" in done.err
    assert "caponier[spark]" in done.err
    assert not (workspace / "stream").exists()


def test_without_a_workspace_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "stream", "--master", "local[1]", "--workspace", str(tmp_path))
    assert done.code == 2
    assert "caponier init" in done.err


@pytest.mark.parametrize("given", ["subscribe", "=x", ""])
def test_an_option_for_kafka_has_a_value(given: str, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "stream", "--master", "local[1]", "--kafka", given, "--workspace", str(workspace))
    assert done.code == 2
    assert "is no KEY=VALUE" in done.err
