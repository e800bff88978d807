"""Attackers who have read the code are real: they win by asking a model, in the order and disguise that they claim."""

from typing import Any

import numpy as np
import pytest
from bench.machinery.attackers.attacker import GOAL, Attacker, Campaign, campaign
from bench.machinery.attackers.covers import Camera, Decoy, Golden, Padding, Repeats, Sent, Unsearched, Views
from bench.machinery.attackers.orders import Order
from bench.machinery.attackers.search import Ground, lead
from bench.machinery.attackers.steps import All, Few, Patch, Turned, Walk, Waves, Wide
from bench.machinery.attackers.suite import pictures, quick, tables
from bench.scorecards.foreign.attackers import judged, summed
from bench.worlds.traffic import Calls, Part
from bench.worlds.victims import Pool, Victim

from caponier.records.inventory import FeatureSpec
from scorecards.test_abroad import raised

SIDE = 8


def victim() -> Victim:
    """Three classes of pictures by planes."""
    rng = np.random.default_rng(3)
    planes = rng.normal(size=(SIDE * SIDE, 3)).astype(np.float32)

    def ask(rows: Any) -> Any:
        odds = np.exp(4 * (np.asarray(rows, np.float32) - 0.5) @ planes)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    rows = rng.random((900, SIDE * SIDE)).astype(np.float32)
    pool = Pool(rows, ask(rows).argmax(axis=1))
    return Victim(
        "planes", "planes", FeatureSpec(kind="image", shape=(SIDE, SIDE), minimum=0.0, maximum=1.0), ("a", "b", "c"),
        ask, pool, pool, pool, pool, lambda own, rng: np.clip(own + rng.normal(0, 0.02, own.shape), 0, 1), 2.0,
    )  # fmt: skip


VICTIM = victim()
GROUND = Ground.of(VICTIM)
STEPS = (Few("one", 1, 0.5), Few("lively", 3, 0.3, True, False), All("noise", 0.05), All("likely", 0.05, True), Waves(),
         Patch(), Wide(), Turned(), Walk())  # fmt: skip
ONE = Attacker("one", Waves(), inputs=40)


def carried_out(attacker: Attacker, seed: int = 1) -> Campaign:
    return campaign(attacker, GROUND, 14.0, 0.0, np.random.default_rng(seed))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step.name))
def test_every_example_is_one_that_the_model_calls_another_class(step: Any) -> None:
    found = carried_out(Attacker(step.name, step, inputs=80))
    rows = found.part.calls.rows
    assert 10 <= len(found.wins) <= GOAL
    assert found.part.scores is not None
    assert np.allclose(found.part.scores, VICTIM.ask(rows), atol=1e-6)
    near = np.square(rows[found.wins][:, None] - VICTIM.own.rows[None]).sum(axis=2).argmin(axis=1)
    answers = VICTIM.ask(rows[found.wins]).argmax(axis=1)
    # The nearest row of the attacker's own is mostly the input itself, unless it was turned.
    assert isinstance(step, Turned) or np.mean(answers != VICTIM.own.labels[near]) > 0.6


@pytest.mark.parametrize(("inputs", "each", "shuffled"), [(1, 1, False), (3, 1, False), (3, 1, True), (4, 2, False)])
def test_an_order_sends_every_query_once_and_each_search_in_its_own(inputs: int, each: int, shuffled: bool) -> None:
    lengths = [5, 1, 7, 3, 2, 6]
    which, at = Order(inputs, each, shuffled).of(lengths, np.random.default_rng(0))
    for one, length in enumerate(lengths):
        assert at[which == one].tolist() == list(range(length))
    going = [len({int(w) for w in which[: at_ + 1]} - done(which, at, lengths, at_)) for at_ in range(len(which))]
    assert max(going) <= inputs + 1


def done(which: Any, at: Any, lengths: list[int], upto: int) -> set[int]:
    return {int(w) for w, a in zip(which[:upto], at[:upto], strict=True) if a == lengths[w] - 1}


COVERS = (Padding(0.5), Padding(3), Decoy(), Decoy(twice=True), Repeats(2), Golden(), Camera(), Views(), Unsearched())


@pytest.mark.parametrize("cover", COVERS, ids=str)
def test_a_disguise_leaves_the_attack_as_it_is(cover: Any) -> None:
    plain, covered = carried_out(ONE), carried_out(Attacker("covered", ONE.step, ONE.order, (cover,), inputs=40))
    assert covered.own == plain.own
    assert len(covered.part.times) > len(plain.part.times)
    rows = [covered.part.calls.rows[covered.wins], plain.part.calls.rows[plain.wins]]
    assert np.array_equal(*rows)
    sent = covered.part.calls.rows
    at = 0
    for row in plain.part.calls.rows:
        while not np.array_equal(sent[at], row):
            at += 1


def test_padding_is_as_much_as_it_says_and_a_decoy_has_another_answer() -> None:
    sent = Sent(GROUND.rows[:10], np.arange(10) % 5 == 0)
    rng = np.random.default_rng(0)
    assert len(Padding(3).beside(GROUND, sent, rng)[0]) == 30
    rows, places = Decoy().beside(GROUND, sent, rng)
    first = [rows[places == place][0] for place in (0, 5)]
    assert (GROUND.ask(np.stack(first)).argmax(axis=1) != GROUND.labels[[0, 5]]).all()


def test_an_attack_that_fails_by_itself_is_no_attack() -> None:
    with pytest.raises(RuntimeError, match="fails"):
        carried_out(Attacker("hopeless", Few("hopeless", 1, 1e-4), most=3))


def test_the_lead_of_a_class_is_less_than_nothing_where_another_wins() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]], np.float32)
    found = lead(scores, np.array([0, 0]))
    assert found[0] > 0 > found[1]


def test_what_is_had_before_a_finding_counts() -> None:
    part = Part("me", Calls(np.zeros((9, 1))), np.arange(9) + 1.7e9, "", "")
    one = Campaign(ONE, part, 9, np.array([2, 5, 8]))
    assert [one.before(events) for events in (0, 3, 6, None)] == [0, 1, 2, 3]
    other = Campaign(ONE, Part("you", part.calls, part.times, "", ""), 9, np.array([2, 5, 8]))
    rows = judged("w", 1, [one, other], {"k": "plain"}, [raised(9, "you", 90), raised(3, "k", 3)])
    assert [row.get("by") is not None for row in rows[:2]] == [False, True]
    figures = summed(rows)
    assert figures["campaigns_found_share"] == 0.5
    assert figures["benign_flagged_share"] == 1.0


def test_the_suites_name_everybody_once_and_the_quick_list_is_a_part() -> None:
    for everybody in (pictures, tables):
        names = [one.name for one in everybody()]
        assert len(names) == len(set(names))
        assert {one.name for one in quick(everybody())} < set(names)
