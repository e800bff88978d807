from dataclasses import replace
from datetime import timedelta

import pytest

from caponier.matrix.case_study import Strategy
from caponier.records.finding import Finding, Severity
from caponier.records.incident import Incident, Stage
from caponier.store import audit, findings, incidents
from caponier.store.database import Store
from caponier.store.incidents import IncidentFilter
from respond.made import NOW, at, finding, joined, log_finding

ONE, TWO = finding(1), finding(2, days=1)


def incident(*found: Finding, **changes: object) -> Incident:
    return replace(joined(*found).incidents[0], **changes)  # type: ignore[arg-type]


def kept(store: Store, one: Incident, before: Incident | None = None) -> str | None:
    with store.write() as connection:
        return incidents.write(connection, one, before, "test")


def actions(store: Store) -> list[str]:
    with store.read() as connection:
        return [row.action for row in audit.rows(connection)][::-1]


def found(store: Store, **wanted: object) -> list[str]:
    with store.read() as connection:
        return [one.incident_id for one in incidents.search(connection, IncidentFilter(**wanted))]  # type: ignore[arg-type]


def test_it_is_opened_grown_and_reopened_with_a_row_each(store: Store) -> None:
    first = incident(ONE)
    assert kept(store, first) == "incident.opened"
    assert kept(store, first, first) is None
    grown = incident(ONE, TWO)
    assert kept(store, grown, first) == "incident.grown"
    closed = replace(grown, stage=Stage.CLOSED, stage_since=NOW)
    with store.write() as connection:
        incidents.change(connection, closed, "ben", "incident.stage", {"to": "closed"})
    assert kept(store, grown, closed) == "incident.stage"
    assert actions(store) == ["incident.opened", "incident.grown", "incident.stage", "incident.stage"]
    with store.read() as connection:
        assert incidents.get(connection, first.incident_id) == grown
        assert audit.verify(connection).ok
        added = [row.details.get("added") for row in audit.rows(connection)]
    assert added == [[], None, [TWO.finding_id], [ONE.finding_id]]


def test_an_unknown_incident_is_none(store: Store) -> None:
    with store.read() as connection:
        assert incidents.get(connection, "i-none") is None


def test_findings_are_loose_until_they_are_in_an_incident(store: Store) -> None:
    with store.write() as connection:
        findings.upsert(connection, [ONE, TWO], "test")
        assert incidents.count_loose(connection) == 2
    first = incident(ONE)
    kept(store, first)
    with store.read() as connection:
        assert incidents.loose_findings(connection) == [TWO]
        assert incidents.findings_of(connection, [first.incident_id]) == [ONE]
    kept(store, incident(ONE, TWO), first)
    with store.read() as connection:
        assert incidents.count_loose(connection) == 0
        assert incidents.findings_of(connection, [first.incident_id, "i-none"]) == [ONE, TWO]


def test_a_merged_incident_is_found_by_its_old_id(store: Store) -> None:
    ids = []
    for number, day in ((1, 0), (2, 20), (3, 40)):
        one = incident(finding(number, days=day))
        kept(store, one)
        ids.append(one.incident_id)
    with store.write() as connection:
        incidents.merge(connection, ids[2], ids[1], "test")
        incidents.merge(connection, ids[1], ids[0], "test")
    with store.read() as connection:
        assert [getattr(incidents.get(connection, id_), "incident_id", None) for id_ in ids] == [ids[0]] * 3
    assert found(store) == [ids[0]]
    assert actions(store)[-2:] == ["incident.merged"] * 2


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [3, 2, 1]),
        ({"stages": (Stage.OPEN,)}, [2, 1]),
        ({"stages": (Stage.OPEN, Stage.CLOSED)}, [3, 2, 1]),
        ({"severity": Severity.HIGH}, [3, 1]),
        ({"strategy": Strategy.TRADITIONAL}, [2]),
        ({"owner": "ben"}, [1]),
        ({"since": at(20)}, [3, 2]),
        ({"limit": 1}, [3]),
    ],
)
def test_filters(store: Store, wanted: dict[str, object], numbers: list[int]) -> None:
    known = {
        1: incident(finding(1), owner="ben"),
        2: incident(log_finding(2, "eve", days=20, severity=Severity.LOW)),
        3: incident(finding(3, days=40), stage=Stage.CLOSED),
    }
    for one in known.values():
        kept(store, one)
    assert found(store, **wanted) == [known[number].incident_id for number in numbers]


def test_an_error_leaves_neither_incident_nor_audit_row(store: Store) -> None:
    one = incident(ONE)

    def interrupted() -> None:
        with store.write() as connection:
            incidents.write(connection, one, None, "test")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        interrupted()
    assert found(store) == []
    assert actions(store) == []


def test_an_incident_is_known_by_every_id_it_ever_had() -> None:
    assert incidents.ids_of(incident(ONE, incident_id="i-1", merged=("i-2",))) == ("i-1", "i-2")


def test_times_are_kept_to_the_microsecond(store: Store) -> None:
    one = incident(ONE, stage_since=NOW + timedelta(microseconds=1))
    kept(store, one)
    with store.read() as connection:
        assert incidents.get(connection, one.incident_id) == one
