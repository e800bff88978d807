"""An actor who left something behind comes back after a month, and it is one attack."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.matrix.case_study import Strategy
from caponier.records.finding import Finding
from caponier.records.inventory import Identity
from caponier.respond.grouping import group
from caponier.respond.settings import RespondSettings
from respond.made import EXTRACTION, at, finding, joined, log_finding

KEYS = ("T1098", "AMLTM.PERSIST.02")
IMAGE = ("T1525", "AMLTM.PERSIST.03")
EVE = Identity(key_hash="k-9", account="eve")
GAP, FOOTHOLD = timedelta(days=7), timedelta(days=45)


def partition(*findings: Finding, **how: object) -> set[frozenset[str]]:
    return {frozenset(one.finding_ids) for one in joined(*findings, **how).incidents}  # type: ignore[arg-type]


@pytest.mark.parametrize("left", [KEYS, IMAGE])
def test_rights_or_an_image_and_a_month_later_queries_are_one_attack_of_both_kinds(left: tuple[str, ...]) -> None:
    first = log_finding(1, "eve", techniques=left)
    later = finding(2, "k-9", days=31, techniques=EXTRACTION)
    (incident,) = joined(first, later, identities=(EVE,)).incidents
    assert incident.strategy is Strategy.COMBINED
    assert set(incident.finding_ids) == {first.finding_id, later.finding_id}
    assert {"account:eve", "principal:k-9"} <= set(incident.actors)


def test_a_key_that_was_made_leads_from_who_made_it_to_who_uses_it() -> None:
    made = log_finding(1, "eve", techniques=KEYS)
    made.evidence.facts["key"] = ["AKIAMADE0000000000"]
    used = log_finding(2, "svc-model-sync", days=30, address="198.51.100.9")
    used.evidence.facts["key"] = ["AKIAMADE0000000000"]
    other = log_finding(3, "svc-model-sync-2", days=30, address="198.51.100.10")
    other.evidence.facts["key"] = ["AKIAOTHER000000000"]
    assert partition(made, used, other) == {
        frozenset([made.finding_id, used.finding_id]), frozenset([other.finding_id]),
    }  # fmt: skip


def test_without_a_foothold_a_month_of_silence_is_another_attack() -> None:
    assert len(partition(log_finding(1, "eve"), log_finding(2, "eve", days=31))) == 2


def test_what_comes_before_the_foothold_is_not_reached_by_it() -> None:
    early, left = log_finding(1, "eve"), log_finding(2, "eve", days=31, techniques=KEYS)
    assert len(partition(early, left)) == 2


def test_a_foothold_does_not_last_for_ever_and_its_length_is_a_setting() -> None:
    left, later = log_finding(1, "eve", techniques=KEYS), log_finding(2, "eve", days=60)
    assert len(partition(left, later)) == 2
    assert len(partition(left, later, settings=RespondSettings(foothold_days=90))) == 1
    near = log_finding(3, "eve", days=20)
    # Never shorter than the silence that separates incidents anyway.
    assert len(partition(left, near, settings=RespondSettings(foothold_days=1, gap_days=30))) == 1


def test_it_brings_no_strangers_along() -> None:
    left = log_finding(1, "eve", address="203.0.113.9", techniques=KEYS)
    assert len(partition(left, finding(2, "k-1", days=31, techniques=EXTRACTION))) == 2


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 120), st.booleans(), st.booleans()), max_size=10
    ),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_findings_arrive_changes_nothing(rows: list[tuple[str, int, bool, bool]], seed: int) -> None:
    made = [
        log_finding(number, who, days=day, techniques=KEYS if left else ("T1078", "AMLTM.INIT.02"),
                    address=f"10.0.{'abc'.index(who)}.1" if not shared else "10.9.9.9")
        for number, (who, day, left, shared) in enumerate(rows)
    ]  # fmt: skip
    other = list(made)
    random.Random(seed).shuffle(other)
    assert partition(*made) == partition(*other)


def test_a_longer_silence_only_ever_joins_more() -> None:
    made = [log_finding(number, "eve", days=10.0 * number, techniques=KEYS) for number in range(5)]

    def counted(foothold: timedelta | None) -> int:
        groups = group(made, lambda _: frozenset(["eve"]), lambda _: frozenset(), GAP, foothold=foothold,
                       leaves=lambda _: True)  # fmt: skip
        return len(groups)

    assert [counted(None), counted(timedelta(days=9)), counted(FOOTHOLD)] == [5, 5, 1]
    assert made[0].last_time < at(1)
