"""The same promises on a PostgreSQL server: set CAPONIER_TEST_POSTGRESQL to the URL of an empty database."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from caponier.app.incidents.correlate import correlate_findings, record_context
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import list_incidents
from caponier.app.respond.respond import apply_response, expire_actions, list_actions, undo_action
from caponier.records.finding import Finding, Severity
from caponier.store import audit, findings
from caponier.store.database import Store, open_store
from caponier.store.findings import FindingFilter, Upserted
from caponier.store.schema import VERSION_TABLE
from caponier.store.tables import metadata
from pace import HANG
from respond.made import ADA, NOW, context, finding, log_finding, workspace

URL = os.environ.get("CAPONIER_TEST_POSTGRESQL", "")

pytestmark = pytest.mark.skipif(not URL, reason="CAPONIER_TEST_POSTGRESQL names no database")


@pytest.fixture
def server() -> Iterator[Store]:
    with open_store(URL) as store:
        yield store
        with store.write() as connection:
            for table in (*metadata.tables, VERSION_TABLE):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}"))


def test_findings_are_kept_once(server: Store, make: Callable[..., Finding]) -> None:
    many = [make(number) for number in range(1500)]
    low = make(9999, severity=Severity.LOW)
    with server.write() as connection:
        assert findings.upsert(connection, [*many, low], "test") == Upserted(1501, 0)
    with server.write() as connection:
        assert findings.upsert(connection, [*many, make(1, summary="again")], "test") == Upserted(0, 1501)
    with server.read() as connection:
        assert findings.search(connection, FindingFilter(severity=Severity.HIGH, limit=2)) == [make(1499), make(1498)]
        assert findings.search(connection, FindingFilter(since=low.last_time)) == [low]
        assert findings.get(connection, make(1).finding_id) == make(1)
        assert audit.verify(connection).rows == 1


def test_writers_at_once_keep_one_chain(server: Store) -> None:
    def append_many() -> None:
        with open_store(URL) as store:
            for number in range(30):
                with store.write() as connection:
                    audit.append(connection, "a", "counted", str(number), {"n": number})

    writers = [threading.Thread(target=append_many) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=HANG)
    with server.read() as connection:
        report = audit.verify(connection)
    assert (report.ok, report.rows) == (True, 90)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'mallory'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET length = 0",
    ],
)
def test_the_database_forbids_changes(server: Store, statement: str) -> None:
    with server.write() as connection:
        audit.append(connection, "alice", "tried", "x", {})
    with pytest.raises(IntegrityError, match="append-only"), server.write() as connection:
        connection.execute(text(statement))
    with server.read() as connection:
        assert audit.verify(connection).ok


def test_a_changed_row_is_seen(server: Store) -> None:
    with server.write() as connection:
        audit.append(connection, "alice", "tried", "x", {})
    with server.write() as connection:
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE audit SET actor = 'mallory'"))
    with server.read() as connection:
        assert audit.verify(connection).kind == "changed"


def test_openers_at_once_create_one_schema(server: Store) -> None:
    with server.write() as connection:
        for table in (*metadata.tables, VERSION_TABLE):
            connection.execute(text(f"DROP TABLE {table}"))
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            open_store(URL).close()
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
            failed.append(error)

    openers = [threading.Thread(target=attempt) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(timeout=HANG)
    assert failed == []


def test_incidents_and_responses_are_kept_once(server: Store) -> None:
    home = workspace(identities=ADA).model_copy(update={"store": URL})
    record_context(home, [context(1, days=-1), context(1, days=-1)], actor="test")
    record_findings(home, [finding(1), log_finding(2, "ada", days=1)], actor="test")
    work = [threading.Thread(target=correlate_findings, args=(home,)) for _ in range(3)]
    for one in work:
        one.start()
    for one in work:
        one.join(timeout=HANG)
    (incident,) = list_incidents(home)
    assert len(incident.steps) == 3

    def apply() -> None:
        apply_response(home, incident.incident_id, now=NOW, actor="ada")

    people = [threading.Thread(target=apply) for _ in range(3)]
    for one in people:
        one.start()
    for one in people:
        one.join(timeout=HANG)
    first, *rest = list_actions(home, now=NOW)
    undo_action(home, first.action_id, now=NOW)
    assert len(expire_actions(home, now=max(action.expires for action in rest))) == len(rest)
    with server.read() as connection:
        done = [row.action for row in audit.rows(connection)]
        assert audit.verify(connection).ok
    assert done.count("incident.opened") == 1
    assert done.count("action.applied") + done.count("action.requested") == len(rest) + 1
    assert (done.count("action.undone"), done.count("action.expired")) == (1, len(rest))
