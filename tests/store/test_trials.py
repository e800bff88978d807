from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from caponier.matrix.technique import TechniqueId
from caponier.records.trial import Trial
from caponier.store import audit, trials
from caponier.store.database import Store

PASSED = Trial(
    trial_id="v-1-000",
    detector="iterative_query",
    techniques=(TechniqueId("atlas", "AML.T0043.001"), TechniqueId("amltm-2020", "AMLTM.EVADE.01.02")),
    emulation="hop_skip_jump",
    control="poller, camera",
    target="digits-mlp",
    caponier_version="1.0",
    time=datetime(2026, 1, 5, 12, tzinfo=UTC),
    attack_succeeded=True,
    detected=True,
    control_silent=True,
    figures={"runs": [{"seed": 0, "queries_to_first_finding": 8}]},
)
MISSED = replace(PASSED, trial_id="v-1-001", detector="novelty", detected=False)


def test_trials_come_back_as_they_were_written_the_newest_first(store: Store) -> None:
    later = replace(PASSED, trial_id="v-2-000", time=PASSED.time + timedelta(hours=1), caponier_version="1.1")
    with store.write() as connection:
        trials.add(connection, "v-1", [PASSED, MISSED], "ada")
        trials.add(connection, "v-2", [later], "ada")
    with store.read() as connection:
        assert trials.search(connection) == [later, PASSED, MISSED]
        assert trials.search(connection, version="1.0") == [PASSED, MISSED]
        assert trials.search(connection, detector="novelty") == [MISSED]


def test_a_validation_has_one_audit_row_that_tells_what_failed(store: Store) -> None:
    noisy = replace(PASSED, trial_id="v-1-002", detector="flood", control_silent=False)
    with store.write() as connection:
        trials.add(connection, "v-1", [PASSED, MISSED, noisy], "ada")
    with store.read() as connection:
        (row,) = audit.rows(connection)
        assert audit.verify(connection).ok
    assert (row.actor, row.action, row.object) == ("ada", "validation.recorded", "v-1")
    assert row.details["trials"] == 3
    assert row.details["passed"] == 1
    assert row.details["missed"] == ["novelty/hop_skip_jump"]
    assert row.details["noisy"] == ["flood/hop_skip_jump"]


def test_a_validation_without_trials_is_noted_too(store: Store) -> None:
    with store.write() as connection:
        trials.add(connection, "v-1", [], "ada")
    with store.read() as connection:
        assert trials.search(connection) == []
        assert audit.head(connection).count == 1


def test_a_trial_is_never_written_over(store: Store) -> None:
    with store.write() as connection:
        trials.add(connection, "v-1", [MISSED], "ada")
    with pytest.raises(IntegrityError), store.write() as connection:
        trials.add(connection, "v-2", [replace(MISSED, detected=True)], "ada")
    with store.read() as connection:
        assert trials.search(connection) == [MISSED]
        assert audit.head(connection).count == 1


def test_a_time_without_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="time zone"), store.write() as connection:
        trials.add(connection, "v-1", [replace(PASSED, time=datetime(2026, 1, 5))], "ada")
