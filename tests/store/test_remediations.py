from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from caponier.records.remediation import Remediation, RemediationKind
from caponier.store import audit, remediations
from caponier.store.database import Store, open_store

DONE = Remediation(
    remediation_id="r-1",
    kind=RemediationKind.DATASET,
    incident_id="i-1",
    subject="train.npz",
    kept="train.npz",
    produced="repaired.npz",
    measured_on="ab" * 32,
    before={"accuracy": 0.9},
    after={"accuracy": 0.95},
    author="ada",
    created=datetime(2026, 1, 1, 12, tzinfo=UTC),
    details={"rows": 12, "digests": {"before": "x"}},
)


def test_a_remediation_comes_back_as_it_was_written(store: Store) -> None:
    with store.write() as connection:
        remediations.add(connection, DONE)
    with store.read() as connection:
        assert remediations.get(connection, "r-1") == DONE
        assert remediations.get(connection, "r-2") is None


def test_each_has_its_audit_row_with_the_figures(store: Store, path: Path) -> None:
    with store.write() as connection:
        remediations.add(connection, DONE)
    with store.read() as connection:
        assert audit.verify(connection).ok
        head = audit.head(connection)
    assert head.count == 1
    with open_store(f"sqlite:///{path}") as again, again.read() as connection:
        row = next(iter(connection.exec_driver_sql("SELECT action, object, details FROM audit")))
    assert row[:2] == ("remediation.dataset", "r-1")
    assert '"accuracy":0.95' in row[2]


def test_they_are_searched_by_incident_and_kind_the_last_first(store: Store) -> None:
    later = replace(
        DONE, remediation_id="r-2", kind=RemediationKind.ROLLBACK, created=DONE.created + timedelta(hours=1)
    )
    other = replace(DONE, remediation_id="r-3", incident_id=None, created=DONE.created + timedelta(hours=2))
    with store.write() as connection:
        for done in (DONE, later, other):
            remediations.add(connection, done)
    with store.read() as connection:
        assert [done.remediation_id for done in remediations.search(connection)] == ["r-3", "r-2", "r-1"]
        assert remediations.search(connection, incident_id="i-1") == [later, DONE]
        assert remediations.search(connection, kind=RemediationKind.ROLLBACK) == [later]


def test_one_that_is_written_twice_leaves_no_second_audit_row(store: Store) -> None:
    with store.write() as connection:
        remediations.add(connection, DONE)
    with pytest.raises(IntegrityError), store.write() as connection:
        remediations.add(connection, DONE)
    with store.read() as connection:
        assert audit.head(connection).count == 1


def test_a_time_without_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="time zone"), store.write() as connection:
        remediations.add(connection, replace(DONE, created=datetime(2026, 1, 1)))
