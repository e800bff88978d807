"""Verdicts in the store: the last word on each finding counts, and the audit log keeps all of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from caponier.records.verdict import AnalystVerdict, VerdictKind
from caponier.store import audit, verdicts
from caponier.store.database import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = AnalystVerdict("f-1", VerdictKind.BENIGN, "ada", NOW, "a camera in the hall")


def given(store: Store, *some: AnalystVerdict) -> None:
    for one in some:
        with store.write() as connection:
            verdicts.put(connection, one)


def test_a_verdict_comes_back_as_it_was_given(store: Store) -> None:
    given(store, FIRST)
    with store.read() as connection:
        assert verdicts.get(connection, "f-1") == FIRST
        assert verdicts.get(connection, "f-2") is None


@pytest.mark.parametrize("kind", VerdictKind)
def test_every_kind_survives(store: Store, kind: VerdictKind) -> None:
    given(store, replace(FIRST, judgement=kind))
    with store.read() as connection:
        assert [one.judgement for one in verdicts.everything(connection)] == [kind]


def test_the_last_word_counts_and_all_of_them_are_audited(store: Store) -> None:
    last = replace(FIRST, judgement=VerdictKind.TRUE, author="bob", time=NOW + timedelta(hours=1), note="")
    given(store, FIRST, last)
    with store.read() as connection:
        assert verdicts.everything(connection) == [last]
        rows = [row for row in audit.rows(connection) if row.action == "finding.verdict"]
        assert sorted((row.actor, row.object, row.details["verdict"]) for row in rows) == [
            ("ada", "f-1", "benign"),
            ("bob", "f-1", "true"),
        ]
        assert audit.verify(connection).ok


def test_the_last_given_come_first_and_those_at_once_by_their_finding(store: Store) -> None:
    later = replace(FIRST, finding_id="f-0", time=NOW + timedelta(seconds=1))
    beside = replace(FIRST, finding_id="f-2")
    given(store, beside, later, FIRST)
    with store.read() as connection:
        assert [one.finding_id for one in verdicts.everything(connection)] == ["f-0", "f-1", "f-2"]


def test_a_moment_is_the_same_in_any_zone(store: Store) -> None:
    given(store, replace(FIRST, time=NOW.astimezone(timezone(timedelta(hours=-7)))))
    with store.read() as connection:
        known = verdicts.get(connection, "f-1")
    assert known is not None
    assert known.time == NOW


def test_a_time_without_a_zone_is_refused_and_nothing_is_left_of_it(store: Store) -> None:
    given(store, FIRST)
    with pytest.raises(ValueError, match="f-1 has no time zone"):
        given(store, replace(FIRST, judgement=VerdictKind.TRUE, time=NOW.replace(tzinfo=None)))
    with store.read() as connection:
        assert verdicts.everything(connection) == [FIRST]


def test_a_write_that_fails_later_takes_the_verdict_back_with_its_audit_row(store: Store) -> None:
    def cut_off() -> None:
        with store.write() as connection:
            verdicts.put(connection, FIRST)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        cut_off()
    with store.read() as connection:
        assert verdicts.everything(connection) == []
        assert [row for row in audit.rows(connection) if row.action == "finding.verdict"] == []


def test_the_json_form_says_who_when_and_what() -> None:
    assert FIRST.to_dict() == {
        "finding_id": "f-1",
        "verdict": "benign",
        "author": "ada",
        "time": "2026-03-01T12:00:00Z",
        "note": "a camera in the hall",
    }
