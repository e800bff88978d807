import numpy as np
import pyarrow as pa
import pytest

from caponier.emulate.campaigns.sponge import Sponge
from caponier.emulate.event_log import ServerLog
from caponier.emulate.images import Images
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.variable_cost import (
    LEAD,
    MEMBERS,
    PATIENCE,
    Committee,
    billed,
    settling_steps,
    train_committee,
    voting_steps,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def committee(split: DigitsSplit) -> Committee:
    return train_committee(split.train, 0)


@pytest.fixture(scope="module")
def events(split: DigitsSplit, victim: Victim) -> pa.Table:
    return simulate(assemble(split.test.images, 3, 1), victim.predict_proba, 10)


def scores_of(first: float, second: float) -> Images:
    rest = (1 - first - second) / 8
    return np.array([[first, second, *[rest] * 8]], np.float32)


class TestSettling:
    def test_a_sure_answer_takes_one_step(self) -> None:
        assert settling_steps(scores_of(0.99999, 0.0)).tolist() == [1]

    def test_the_closer_two_classes_are_the_longer_it_takes(self) -> None:
        steps = [int(settling_steps(scores_of(0.45 + gap, 0.45 - gap))[0]) for gap in (0.4, 0.2, 0.1, 0.01, 0.001)]
        assert steps == sorted(set(steps))

    def test_a_tie_ends_by_patience(self) -> None:
        assert settling_steps(scores_of(0.5, 0.5)).tolist() == [PATIENCE]

    def test_no_rows_take_no_steps(self) -> None:
        assert settling_steps(np.zeros((0, 10), np.float32)).tolist() == []

    def test_honest_photos_hardly_ever_take_five_times_the_usual(self, split: DigitsSplit, victim: Victim) -> None:
        steps = settling_steps(victim.predict_proba(split.test.images))
        assert (steps >= 5 * np.median(steps)).mean() < 0.02


class TestCommittee:
    def test_it_is_right_as_often_as_one_can_sell(self, split: DigitsSplit, committee: Committee) -> None:
        assert (committee.predict_proba(split.test.images).argmax(axis=1) == split.test.labels).mean() > 0.9

    def test_its_scores_are_shares_of_votes(self, split: DigitsSplit, committee: Committee) -> None:
        assert np.allclose(committee.predict_proba(split.test.images[:50]).sum(axis=1), 1)

    def test_scores_tell_how_many_members_were_asked(self, split: DigitsSplit, committee: Committee) -> None:
        scores, steps = committee.ask(split.test.images)
        assert (voting_steps(scores) == steps).all()
        assert steps.min() == LEAD
        assert steps.max() > 5 * np.median(steps)

    def test_a_row_costs_the_same_alone_and_among_others(self, split: DigitsSplit, committee: Committee) -> None:
        rows = split.test.images[:20]
        assert [int(committee.ask(row[None])[1][0]) for row in rows] == committee.ask(rows)[1].tolist()

    def test_sponges_are_found_for_it_as_well(self, split: DigitsSplit, committee: Committee) -> None:
        sponge, made = Sponge(steps=voting_steps), Victim("forest", committee.predict_proba, 0.9)
        assert sponge.run(made.predict_proba, sponge.stage(split, 0, made), seed=0).success

    def test_a_tie_takes_everybody(self) -> None:
        assert voting_steps(scores_of(0.5, 0.5)).tolist() == [MEMBERS]


class TestBills:
    def test_every_answer_has_a_cost(self, events: pa.Table) -> None:
        table = billed(events)
        scores = np.array(events["scores"].to_pylist(), np.float32)
        assert table["cost"].to_pylist() == settling_steps(scores).tolist()
        assert table.drop(["cost"]) == events.drop(["cost"])
        assert table.schema == events.schema

    def test_what_was_not_answered_costs_nothing(self, events: pa.Table) -> None:
        log = ServerLog()
        log.record([{**events.slice(0, 1).to_pylist()[0], "scores": None, "label": None, "status": 503}])
        log.record(events.slice(1, 2).to_pylist())
        assert billed(log.table())["cost"].is_null().to_pylist() == [True, False, False]

    def test_an_empty_log_stays_empty(self, events: pa.Table) -> None:
        assert billed(events.slice(0, 0)).num_rows == 0
