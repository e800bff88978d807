from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from caponier.records.finding import Finding, Severity
from caponier.store import audit, findings
from caponier.store.database import Store, open_store
from caponier.store.findings import FindingFilter, Upserted

Make = Callable[..., Finding]
START = datetime(2026, 1, 1, tzinfo=UTC)


def recorded(store: Store, found: list[Finding]) -> Upserted:
    with store.write() as connection:
        return findings.upsert(connection, found, "test")


def listed(store: Store, **wanted: Any) -> list[Finding]:
    with store.read() as connection:
        return findings.search(connection, FindingFilter(**wanted))


def test_what_is_written_is_read_back_equal(store: Store, make: Make) -> None:
    elsewhere = timezone(timedelta(hours=2))
    odd = make(
        2,
        system=None,
        model_version=None,
        summary="“quotes”, emoji 🜚 and a \x00 byte",
        last_time=datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=elsewhere),
    )
    assert recorded(store, [make(1), odd]) == Upserted(new=2, known=0)
    assert listed(store) == [odd, make(1)]
    with store.read() as connection:
        assert findings.get(connection, odd.finding_id) == odd


def test_an_unknown_id_is_none(store: Store) -> None:
    with store.read() as connection:
        assert findings.get(connection, "f-none") is None


def test_a_replay_changes_nothing(store: Store, make: Make) -> None:
    recorded(store, [make(1)])
    later = make(1, summary="seen again with another baseline", severity=Severity.LOW)
    assert recorded(store, [later, make(2)]) == Upserted(new=1, known=1)
    assert recorded(store, [later, make(2)]) == Upserted(new=0, known=2)
    assert listed(store) == [make(2), make(1)]


def test_the_same_finding_twice_in_one_call_is_one(store: Store, make: Make) -> None:
    again = make(1, summary="the second one")
    assert recorded(store, [make(1), again]) == Upserted(new=1, known=1)
    assert listed(store) == [make(1)]


def test_many_findings_go_in_batches(store: Store, make: Make) -> None:
    many = [make(number) for number in range(2500)]
    assert recorded(store, many) == Upserted(new=2500, known=0)
    assert recorded(store, [*many[::-1], make(9999)]) == Upserted(new=1, known=2500)
    assert len(listed(store)) == 2501


def test_nothing_is_nothing(store: Store) -> None:
    assert recorded(store, []) == Upserted(0, 0)
    assert listed(store) == []


def test_only_new_findings_are_a_row_of_the_audit_log(store: Store, make: Make) -> None:
    recorded(store, [make(1), make(2)])
    recorded(store, [make(1), make(2)])
    with store.read() as connection:
        (row,) = audit.rows(connection)
    assert (row.actor, row.action) == ("test", "findings.recorded")
    assert (row.details["new"], row.details["known"]) == (2, 0)
    assert len(row.details["sha256"]) == 64


def test_an_error_in_the_middle_leaves_neither_findings_nor_audit(store: Store, make: Make) -> None:
    naive = make(1500, last_time=datetime(2026, 1, 1))
    many = [make(number) for number in range(1200)]
    with pytest.raises(ValueError, match="has no time zone"):
        recorded(store, [*many, naive])
    assert listed(store) == []
    with store.read() as connection:
        assert audit.head(connection).count == 0


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [4, 3, 2, 1]),
        ({"since": START + timedelta(minutes=2)}, [4, 3, 2]),
        ({"until": START + timedelta(minutes=2)}, [1]),
        ({"since": START + timedelta(minutes=2), "until": START + timedelta(minutes=4)}, [3, 2]),
        ({"since": datetime(2026, 1, 1, 1, 2, tzinfo=timezone(timedelta(hours=1)))}, [4, 3, 2]),
        ({"severity": Severity.INFO}, [4, 3, 2, 1]),
        ({"severity": Severity.HIGH}, [3, 1]),
        ({"severity": Severity.CRITICAL}, [3]),
        ({"detector": "novelty"}, [4]),
        ({"model": "fraud"}, [2]),
        ({"system": "cards"}, [2]),
        ({"model": "none of these"}, []),
        ({"limit": 2}, [4, 3]),
        ({"limit": 2, "offset": 1}, [3, 2]),
        ({"limit": 0}, []),
        ({"offset": 3}, [1]),
        ({"system": "digits", "severity": Severity.HIGH, "limit": 1}, [3]),
    ],
)
def test_filters(store: Store, make: Make, wanted: dict[str, Any], numbers: list[int]) -> None:
    known = {
        1: make(1),
        2: make(2, model="fraud", system="cards", severity=Severity.LOW),
        3: make(3, severity=Severity.CRITICAL),
        4: make(4, detector="novelty", severity=Severity.MEDIUM, system=None),
    }
    recorded(store, list(known.values()))
    assert listed(store, **wanted) == [known[number] for number in numbers]


def test_findings_outlive_the_process(path: Path, make: Make) -> None:
    with open_store(f"sqlite:///{path}") as first:
        recorded(first, [make(1)])
    with open_store(f"sqlite:///{path}") as second:
        assert listed(second) == [make(1)]


def test_a_reader_sees_one_state_while_others_write(store: Store, make: Make) -> None:
    recorded(store, [make(1)])
    with store.read() as connection:
        before = findings.search(connection, FindingFilter())
        recorded(store, [make(2)])
        assert findings.search(connection, FindingFilter()) == before
    assert len(listed(store)) == 2
