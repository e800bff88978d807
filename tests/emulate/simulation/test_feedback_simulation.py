from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from caponier.emulate.event_log import micros
from caponier.emulate.feedback_source import TOPIC, Source
from caponier.emulate.registry import harmless_sources, sources
from caponier.emulate.simulation.feedback_simulation import (
    NOW,
    ROUND_S,
    FeedbackHistory,
    FeedbackSimulation,
    FeedbackUser,
    gathered,
)
from caponier.emulate.simulation.trace import EPOCH
from caponier.emulate.victims.digits import DigitsSplit
from caponier.emulate.victims.online_learner import OnlineLearner
from caponier.records.event import EVENT_SCHEMA

pytestmark = pytest.mark.slow

ROUNDS = 12


def course(
    split: DigitsSplit, members: tuple[FeedbackUser, ...], changes: int | None = None, rounds: int = ROUNDS
) -> FeedbackHistory:
    return FeedbackSimulation(OnlineLearner(split.train, 0), split.test, rounds, changes).run(members, 0)


def only(name: str) -> Mapping[str, Source]:
    return {name: sources()[name]}


@pytest.fixture(scope="module")
def calm(split: DigitsSplit) -> FeedbackHistory:
    return course(split, gathered(harmless_sources(), split.calibration, 28, 1))


@pytest.fixture(scope="module")
def steered(split: DigitsSplit) -> FeedbackHistory:
    honest = gathered(harmless_sources(), split.calibration, 28, 1)
    return course(split, honest + gathered(only("steered_feedback"), split.attackers, 3, 2))


class TestEvents:
    def test_they_are_events_in_order_of_time(self, calm: FeedbackHistory) -> None:
        assert calm.events.schema == EVENT_SCHEMA
        times = calm.events["time"].to_pylist()
        assert times == sorted(times)
        assert EPOCH <= times[0] <= times[-1] < EPOCH + timedelta(seconds=ROUNDS * ROUND_S + 10)

    def test_feedback_has_a_label_of_its_own_and_the_answer_that_it_is_about(self, calm: FeedbackHistory) -> None:
        for event in calm.events.to_pylist():
            assert (event["operation"] == "feedback") == (event["feedback"] is not None)
            assert event["operation"] in ("predict", "feedback")
            assert event["label"] == str(int(np.argmax(event["scores"])))

    def test_feedback_is_about_an_input_that_was_asked_before(self, calm: FeedbackHistory) -> None:
        mine = calm.events.filter(pc.starts_with(calm.events["principal"], "confirmer"))
        asked: set[tuple[str, tuple[float, ...]]] = set()
        for event in mine.to_pylist():
            key = event["principal"], tuple(event["input"])
            if event["operation"] == "predict":
                asked.add(key)
            assert key in asked

    def test_everybody_takes_part_at_its_pace(self, calm: FeedbackHistory) -> None:
        counts = {
            name: calm.events.filter(pc.starts_with(calm.events["principal"], name)).num_rows
            for name in harmless_sources()
        }
        assert min(counts.values()) > 0
        assert counts["corrector"] > counts["confirmer"] / 2

    def test_the_same_seed_gives_the_same_events(self, split: DigitsSplit, calm: FeedbackHistory) -> None:
        assert course(split, gathered(harmless_sources(), split.calibration, 28, 1)).events == calm.events


class TestDrift:
    def test_a_few_who_steer_move_the_answers(self, steered: FeedbackHistory, calm: FeedbackHistory) -> None:
        assert np.abs(steered.shares - steered.before).max() > 2 * np.abs(calm.shares - calm.before).max()
        assert (steered.shares - steered.before)[:, 8].max() >= 0.05

    def test_it_says_when(self, steered: FeedbackHistory) -> None:
        moment = steered.drifted(0.05)
        assert moment is not None
        assert (moment - micros(EPOCH)) % round(ROUND_S * 1e6) == 0
        assert moment <= steered.times[-1]

    def test_honest_feedback_hardly_moves_them(self, calm: FeedbackHistory) -> None:
        assert calm.drifted(0.05) is None

    def test_many_hands_make_the_model_follow_a_new_truth(self, split: DigitsSplit) -> None:
        many = gathered(only("trend_follower"), split.calibration, 60, 3)
        after = course(split, many, changes=0, rounds=20)
        assert (after.shares - after.before)[-1, NOW] > 0.05
        assert (after.shares - after.before)[-1, TOPIC] < 0


def test_a_forum_of_nobody_is_quiet(split: DigitsSplit) -> None:
    silent = course(split, (), rounds=2)
    assert silent.events.num_rows == 0
    assert (silent.shares == silent.before).all()
