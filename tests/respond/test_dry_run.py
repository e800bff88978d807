from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.records.finding import SubjectRef
from caponier.records.inventory import Identity
from caponier.records.response_action import ActionKind, ResponseAction
from caponier.respond.dry_run import DryRun, Query, dry_run
from caponier.respond.settings import DEFAULT
from respond.made import ADA, START, at, finding, joined, workspace
from respond.test_actions import action

BLOCK = action()


def runs(
    actions: list[ResponseAction], queries: list[Query], identities: tuple[Identity, ...] = ADA
) -> tuple[DryRun, ...]:
    (incident,) = joined(finding(1), identities=identities).incidents
    return dry_run(actions, queries, incident, workspace(identities=identities), DEFAULT)


def test_a_block_stops_the_attack_and_nobody_else() -> None:
    attack = [Query("k-1", "digits-mlp", at(0.001 * n)) for n in range(412)]
    others = [Query(f"k-{2 + n % 7}", "digits-mlp", at(0.001 * n)) for n in range(1000)]
    one, together = runs([BLOCK], others + attack)
    assert one.words == "would have stopped 412 of 412 attack queries and 0 of 1,000 queries of others"
    assert (together.action_id, together.attack, together.others) == (None, 412, 0)


def test_what_the_caller_did_before_is_no_attack() -> None:
    one, _ = runs([BLOCK], [Query("k-1", "digits-mlp", at(-1)), Query("k-1", "digits-mlp", at(1))])
    assert (one.attack, one.of_attack, one.others, one.of_others) == (1, 1, 1, 1)
    assert (one.earlier, one.of_earlier) == (1, 1)


def test_an_attackers_first_query_is_not_told_as_somebody_elses() -> None:
    """Evidence begins with the second query of a search: the first one has nothing before it."""
    attack = [Query("k-1", "digits-mlp", at(0.001 * n - 0.001)) for n in range(400)]
    others = [Query(f"k-{2 + n % 7}", "digits-mlp", at(0.001 * n)) for n in range(2274)]
    for run in runs([BLOCK], others + attack):
        assert run.words == (
            "would have stopped 399 of 399 attack queries, 1 of 1 earlier queries of the same callers "
            "and 0 of 2,274 queries of others"
        )


def test_a_log_without_an_attack_query_is_told_plainly() -> None:
    one, _ = runs([BLOCK], [Query("k-2", "digits-mlp", at(1))])
    assert one.words.endswith("0 of 1 queries of others; the log holds no attack query of this incident")


def test_another_name_of_the_actor_is_the_attack_too() -> None:
    queries = [Query(None, "digits-mlp", at(1), None, "10.0.0.1"), Query(None, "digits-mlp", at(1), "s-1", "10.0.0.1")]
    one, _ = runs([BLOCK], queries)
    assert (one.attack, one.of_attack, one.of_others) == (0, 1, 1)


@pytest.mark.parametrize(
    ("changes", "stopped"),
    [
        ({}, 1),
        ({"model": None}, 2),
        ({"model": None, "system": None}, 3),
        ({"scope": SubjectRef("principal", "k-9")}, 0),
        ({"scope": SubjectRef("model", "digits-mlp@3")}, 1),
    ],
)
def test_actions_reach_as_far_as_they_say(changes: dict[str, object], stopped: int) -> None:
    queries = [
        Query("k-1", "digits-mlp", at(1)),
        Query("k-1", "other", at(1), system="digits"),
        Query("k-1", "fraud", at(1), system="cards"),
    ]
    assert runs([replace(BLOCK, **changes)], queries)[0].attack == stopped  # type: ignore[arg-type]


def test_rounding_stops_nothing_and_files_are_not_queried() -> None:
    round_ = replace(BLOCK, kind=ActionKind.ROUND, parameters={"decimals": 1})
    file = replace(BLOCK, kind=ActionKind.QUARANTINE, scope=SubjectRef("file", "f"))
    first, second, together = runs([round_, file], [Query("k-1", "digits-mlp", at(1))])
    assert first.words == "would have rounded 1 of 1 attack queries and 0 of 0 queries of others"
    assert second.words == "does not apply: this action does not act on queries"
    assert together.attack == 0


queries_ = st.lists(
    st.builds(
        Query,
        st.sampled_from([None, "k-1", "k-2", "k-3"]),
        st.sampled_from(["digits-mlp", "other"]),
        st.integers(-600, 6000).map(lambda seconds: START + timedelta(seconds=seconds)),
        st.sampled_from([None, "s-1"]),
        st.sampled_from([None, "10.0.0.1", "10.0.0.2"]),
        st.sampled_from([None, "digits"]),
    ),
    max_size=60,
)


def by_force(one: ResponseAction, queries: list[Query]) -> tuple[int, int, int, int]:
    """Count again, as plainly as possible: a bucket of whole thousandths of a token."""
    counts: dict[str, int] = defaultdict(int)
    tokens, last = float(one.parameters.get("burst", 0)), datetime.min.replace(tzinfo=START.tzinfo)
    for query in sorted(queries, key=lambda query: query.time):
        name = query.principal or query.session or query.address
        mine = query.time >= START and (query.principal == "k-1" or (name == "10.0.0.1" and not query.session))
        side = "attack" if mine else "others"
        counts[f"of_{side}"] += 1
        if query.principal != "k-1" or query.model != "digits-mlp":
            continue
        if one.kind is ActionKind.THROTTLE:
            gained = (query.time - last).total_seconds() * one.parameters["per_minute"] / 60
            tokens, last = min(float(one.parameters["burst"]), tokens + gained), query.time
            if tokens >= 1:
                tokens -= 1
                continue
        counts[side] += 1
    return counts["attack"], counts["of_attack"], counts["others"], counts["of_others"]


@given(queries_, st.sampled_from([1, 6, 60]), st.sampled_from([1, 3, 10]))
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_counting_by_force(queries: list[Query], rate: int, burst: int) -> None:
    throttle = replace(BLOCK, kind=ActionKind.THROTTLE, parameters={"per_minute": rate, "burst": burst})
    for one in (BLOCK, throttle):
        run, together = runs([one], queries)
        assert (run.attack, run.of_attack, run.others, run.of_others) == by_force(one, queries)
        assert (together.attack, together.others) == (run.attack, run.others)


@given(queries_)
@settings(max_examples=50, deadline=None)
def test_together_nothing_is_counted_twice(queries: list[Query]) -> None:
    throttle = replace(BLOCK, kind=ActionKind.THROTTLE, parameters={"per_minute": 1, "burst": 1})
    block, slow, together = runs([BLOCK, throttle], queries)
    assert together.attack == block.attack >= slow.attack
