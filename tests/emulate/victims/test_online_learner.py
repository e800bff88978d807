from copy import deepcopy

import numpy as np
import pytest

from caponier.emulate.victims.digits import DigitsSplit
from caponier.emulate.victims.online_learner import OnlineLearner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(split: DigitsSplit) -> OnlineLearner:
    return OnlineLearner(split.train, 0)


@pytest.fixture
def learner(trained: OnlineLearner) -> OnlineLearner:
    """One that nobody has told anything yet."""
    return deepcopy(trained)


def test_it_is_right_before_anybody_taught_it(split: DigitsSplit, learner: OnlineLearner) -> None:
    assert (learner.answers(split.test.images) == split.test.labels).mean() > 0.93


def test_scores_are_shares(split: DigitsSplit, learner: OnlineLearner) -> None:
    scores = learner.predict_proba(split.test.images[:30])
    assert scores.dtype == np.float32
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_it_follows_what_it_is_told(split: DigitsSplit, learner: OnlineLearner) -> None:
    sevens = split.calibration.images[split.calibration.labels == 7]
    before = (learner.answers(sevens) == 1).mean()
    for _ in range(30):
        learner.learn(sevens, np.ones(len(sevens), np.int64))
    assert (learner.answers(sevens) == 1).mean() > 0.9 > before


def test_one_piece_of_feedback_changes_little(split: DigitsSplit, learner: OnlineLearner) -> None:
    before = learner.answers(split.test.images)
    learner.learn(split.test.images[:1], np.array([8]))
    assert (learner.answers(split.test.images) == before).mean() > 0.99


def test_nothing_is_learned_from_nothing(split: DigitsSplit, learner: OnlineLearner) -> None:
    before = learner.predict_proba(split.test.images[:5])
    learner.learn(np.zeros((0, 64), np.float32), np.zeros(0, np.int64))
    assert (learner.predict_proba(split.test.images[:5]) == before).all()


def test_the_same_seed_makes_the_same_model(split: DigitsSplit, learner: OnlineLearner) -> None:
    again = OnlineLearner(split.train, 0)
    assert (again.predict_proba(split.test.images[:9]) == learner.predict_proba(split.test.images[:9])).all()
