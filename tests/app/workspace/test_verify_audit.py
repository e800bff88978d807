import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.verify_audit import list_audit, parse_head, verify_audit
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from respond.made import finding, workspace


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = workspace(tmp_path)
    for number in range(3):
        record_findings(made, [finding(number)], actor="test")
    return made


def noted(home: Workspace) -> str:
    head = verify_audit(home).head
    return f"{head.count}:{head.hash}"


def test_a_whole_log_is_whole(home: Workspace) -> None:
    report = verify_audit(home, noted=noted(home))
    assert (report.ok, report.rows) == (True, 3)
    assert [row.seq for row in list_audit(home, limit=2)] == [3, 2]


def test_a_changed_row_is_found(home: Workspace) -> None:
    with closing(sqlite3.connect(home.root / "store.db")) as connection, connection:
        connection.execute("DROP TRIGGER audit_keeps_content")
        connection.execute("UPDATE audit SET actor = 'somebody else' WHERE seq = 2")
    report = verify_audit(home)
    assert (report.ok, report.broken_seq, report.kind) == (False, 2, "changed")


def test_a_noted_head_shows_another_store(home: Workspace, tmp_path: Path) -> None:
    other = workspace(tmp_path / "other")
    other.root.mkdir()
    record_findings(other, [finding(7)], actor="test")
    assert not verify_audit(other, noted=noted(home)).ok


@pytest.mark.parametrize("text", ["", "3", "3:xyz", "abc", "-1:" + "0" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="head of an audit log"):
        parse_head(text)


def test_a_head_may_be_written_in_capitals() -> None:
    assert parse_head(" 3:" + "AB" * 32).hash == "ab" * 32
