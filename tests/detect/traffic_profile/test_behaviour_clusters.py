import numpy as np
import pytest

from caponier.detect.traffic_profile.behaviour_clusters import BehaviourCluster, habits
from caponier.detect.traffic_profile.profile import TrafficProfile
from detect.traffic_profile.profiles import profile


def beside(**traits: float) -> TrafficProfile:
    """Put one caller with some traits beside forty usual ones."""
    usual, one = profile(40), profile(1, 1, **traits)
    return TrafficProfile(usual.width, usual.answers, usual.size, np.concatenate([usual.rows, one.rows]), usual.spread)


@pytest.mark.parametrize(
    ("traits", "habit"),
    [
        ({}, BehaviourCluster.DIFFERENT),
        ({"step": 4.0}, BehaviourCluster.STILL),
        ({"step": 4.0, "one_answer": 1.0, "repeats": 0.5}, BehaviourCluster.STILL),
        ({"step": 15.0}, BehaviourCluster.VIEWS),
        ({"one_answer": 0.95}, BehaviourCluster.ONE_ANSWER),
        ({"repeats": 0.3}, BehaviourCluster.REPEATS),
        ({"together": 1.0, "quick": 1.0}, BehaviourCluster.BATCHES),
        ({"quick": 1.0}, BehaviourCluster.BURSTS),
    ],
)
def test_a_caller_gets_the_most_telling_habit(traits: dict[str, float], habit: BehaviourCluster) -> None:
    found = habits(beside(**traits))
    assert found[-1] is habit
    assert set(found[:-1]) == {BehaviourCluster.DIFFERENT}


def test_where_all_move_alike_nobody_is_still() -> None:
    assert set(habits(profile(40, step=1.0))) == {BehaviourCluster.DIFFERENT}


def test_with_one_answer_in_all_nobody_stands_out_by_it() -> None:
    lone = profile(40, one_answer=1.0)
    one = TrafficProfile(lone.width, lone.answers[:1], lone.size, lone.rows[:, :-1], lone.spread[:-1])
    assert set(habits(one)) == {BehaviourCluster.DIFFERENT}


def test_what_is_unknown_is_no_habit() -> None:
    assert habits(profile(3, step=np.nan, quick=np.nan, repeats=np.nan)) == [BehaviourCluster.DIFFERENT] * 3


def test_nobody_has_no_habits() -> None:
    assert habits(profile(0)) == []
