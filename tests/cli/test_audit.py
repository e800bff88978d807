import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.audit import app
from caponier.errors import InputError
from respond.made import finding


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    create_workspace(tmp_path)
    record_findings(require_workspace(tmp_path), [finding(1)], actor="a|b\x1b[2J")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def forge(home: Path) -> None:
    with closing(sqlite3.connect(home / ".caponier" / "store.db")) as connection, connection:
        connection.execute("DROP TRIGGER audit_keeps_content")
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")


def test_a_whole_log_exits_with_0_and_gives_its_head(home: Path) -> None:
    result = run("verify")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first == "The audit log is whole. Rows: 2."
    assert run("verify", "--head", second.removeprefix("head ")).exit_code == 0
    assert "Keep this head" in result.stderr


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown"])
def test_a_forged_log_exits_with_1_and_says_where(home: Path, format_: str) -> None:
    forge(home)
    result = run("verify", "--format", format_)
    assert result.exit_code == 1
    assert "row 2" in result.stdout
    if format_ == "json":
        assert json.loads(result.stdout)["broken_at"] == 2


def test_a_noted_head_that_does_not_fit_exits_with_1(home: Path) -> None:
    assert run("verify", "--head", "2:" + "0" * 64).exit_code == 1
    assert run("verify", "--head", "9:" + "0" * 64).exit_code == 1


def test_what_is_no_head_is_refused(home: Path) -> None:
    assert isinstance(run("verify", "--head", "abc").exception, InputError)


def test_the_log_is_listed_in_every_format(home: Path) -> None:
    assert [row["action"] for row in json.loads(run("list", "--format", "json").stdout)["rows"]] == [
        "findings.recorded",
        "workspace.created",
    ]
    assert len(list(csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout)))) == 2
    assert "a\\|b" in run("list", "--format", "markdown").stdout
    assert "\x1b" not in run("list").stdout
    assert "there may be older ones" in run("list", "--limit", "1").stderr
