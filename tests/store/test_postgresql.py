"""The same promises on a PostgreSQL server: one of the tests' own, or an empty one at CAPONIER_TEST_POSTGRESQL."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from bench.machinery.many_machines.postgresql_server import programs, running
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

WRITERS = 8


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    named, within = os.environ.get("CAPONIER_TEST_POSTGRESQL"), programs()
    if named:
        yield named
    elif within is None:
        pytest.skip("no PostgreSQL server is installed, and CAPONIER_TEST_POSTGRESQL names no database")
    else:
        with running(within) as made:
            yield made


@pytest.fixture
def server(url: str) -> Iterator[Store]:
    with open_store(url) as store:
        yield store
        with store.write() as connection:
            for table in (*metadata.tables, VERSION_TABLE):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}"))


def at_once(works: Sequence[Callable[[], object]]) -> None:
    """Do things at the same time; an error of one of them is the test's."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result(HANG)


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


def test_writers_at_once_keep_one_chain(server: Store, url: str) -> None:
    def append_many() -> None:
        with open_store(url) as store:
            for number in range(30):
                with store.write() as connection:
                    audit.append(connection, "a", "counted", str(number), {"n": number})

    at_once([append_many] * 3)
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


def test_openers_at_once_create_one_schema(server: Store, url: str) -> None:
    with server.write() as connection:
        for table in (*metadata.tables, VERSION_TABLE):
            connection.execute(text(f"DROP TABLE {table}"))
    at_once([lambda: open_store(url).close()] * 4)


def test_incidents_and_responses_are_kept_once(server: Store, url: str) -> None:
    home = workspace(identities=ADA).model_copy(update={"store": url})
    record_context(home, [context(1, days=-1), context(1, days=-1)], actor="test")
    record_findings(home, [finding(1), log_finding(2, "ada", days=1)], actor="test")
    at_once([lambda: correlate_findings(home)] * 3)
    (incident,) = list_incidents(home)
    assert len(incident.steps) == 3

    at_once([lambda: apply_response(home, incident.incident_id, now=NOW, actor="ada")] * 3)
    first, *rest = list_actions(home, now=NOW)
    undo_action(home, first.action_id, now=NOW)
    assert len(expire_actions(home, now=max(action.expires for action in rest))) == len(rest)
    with server.read() as connection:
        done = [row.action for row in audit.rows(connection)]
        assert audit.verify(connection).ok
    assert done.count("incident.opened") == 1
    assert done.count("action.applied") + done.count("action.requested") == len(rest) + 1
    assert (done.count("action.undone"), done.count("action.expired")) == (1, len(rest))


def test_eight_writers_at_once_lose_nothing(server: Store, url: str) -> None:
    home = workspace(identities=ADA).model_copy(update={"store": url})
    shared = [finding(n, f"k-shared-{n}") for n in range(5)]

    def write(number: int) -> None:
        for turn in range(3):
            own = [finding(1_000 * (number + 1) + 10 * turn + n, f"k-{number}-{turn}") for n in range(3)]
            record_findings(home, [*own, *shared], actor=f"writer {number}")
            correlate_findings(home)
            for incident in list_incidents(home):
                if any(step.subject.id == f"k-{number}-{turn}" for step in incident.steps):
                    apply_response(home, incident.incident_id, now=NOW, actor=f"writer {number}")

    at_once([partial(write, number) for number in range(WRITERS)])
    correlate_findings(home)
    with server.read() as connection:
        kept = findings.search(connection, FindingFilter(limit=1_000))
        assert audit.verify(connection).ok
        done = [(row.action, row.object) for row in audit.rows(connection, limit=10_000)]
    assert len({one.finding_id for one in kept}) == len(kept) == WRITERS * 3 * 3 + len(shared)
    steps = {step.finding_id for incident in list_incidents(home) for step in incident.steps}
    assert steps == {one.finding_id for one in kept}
    bound = {action.scope.id for action in list_actions(home, now=NOW)}
    assert {f"k-{number}-{turn}" for number in range(WRITERS) for turn in range(3)} <= bound
    opened = [object_ for action, object_ in done if action == "incident.opened"]
    assert len(opened) == len(set(opened))
