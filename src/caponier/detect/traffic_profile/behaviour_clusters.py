"""Habits: benign callers in groups by how they ask, told by plain limits on the traits of their profile.

The limits on steps are shares of the step of those who ask the most different things, so that they mean the same for
pictures and for tables.
"""

from enum import StrEnum
from typing import Final

import numpy as np

from caponier.detect.traffic_profile.profile import TrafficProfile

MOSTLY: Final = 0.5
REPEATS: Final = 0.1
ONE: Final = 0.8
STILL: Final = 0.25
VIEWS: Final = 0.8
WIDEST: Final = 0.9
"""Quantile of the callers' steps that others are held against."""


class BehaviourCluster(StrEnum):
    """How a caller asks, in words that go after a number of callers."""

    DIFFERENT = "ask a different thing each time"
    STILL = "change their inputs in small steps, like a camera before a still scene"
    VIEWS = "send similar inputs, such as several views of one thing"
    ONE_ANSWER = "get the same answer nearly every time"
    REPEATS = "send exact repeats"
    BATCHES = "send many rows at once"
    BURSTS = "send bursts"


def habits(profile: TrafficProfile) -> list[BehaviourCluster]:
    """Return the habit of each caller of a profile: the first that holds, the most telling ones before the others."""
    column = {name: np.nan_to_num(profile.column(name)) for name in profile.columns}
    step = column["step"]
    # Of callers who are all alike nobody is still.
    far = np.quantile(step, WIDEST) if len(step) else 0.0
    rules = {
        BehaviourCluster.STILL: step < STILL * far,
        BehaviourCluster.ONE_ANSWER: (column["one answer"] >= ONE) & (len(profile.answers) > 1),
        BehaviourCluster.VIEWS: step < VIEWS * far,
        BehaviourCluster.REPEATS: column["repeats"] >= REPEATS,
        BehaviourCluster.BATCHES: column["together"] >= MOSTLY,
        BehaviourCluster.BURSTS: column["quick"] - column["together"] >= MOSTLY,
    }
    kinds = list(rules)
    places = np.select(list(rules.values()), range(len(kinds)), default=len(kinds))
    return [(*kinds, BehaviourCluster.DIFFERENT)[place] for place in places]
