"""Scenes on which detectors of bad feedback are proven: harmless sources to learn from, and others with attackers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.compute as pc

from caponier.emulate.registry import harmless_sources, sources
from caponier.emulate.simulation.feedback_simulation import FeedbackHistory, FeedbackSimulation, FeedbackUser, gathered
from caponier.emulate.victims.digits import DigitsSplit
from caponier.emulate.victims.online_learner import OnlineLearner
from caponier.errors import InputError

LEARNED_FROM: Final = 180
"""Rounds in which the slowest of the harmless sources sends some 200 events."""
ATTACKER: Final = "attacker-"
"""Begins the name of whoever attacks."""
DRIFT, SHARE = 0.05, 1 / 3
"""What is a success: some answer's share off by so much, or so much of what the model is told being the attackers'."""
ATTACKERS: Final = 9
"""Sets the seeds of attackers apart from those of others."""


@dataclass(frozen=True)
class FeedbackOutcome:
    """What came of an attack through feedback, by its own measure; no detector was asked.

    Args:
        success: Whether it got what it wanted.
        measure: The figures behind it.
    """

    success: bool
    measure: dict[str, float]


@dataclass(frozen=True)
class Scenario:
    """One kind of bad feedback among harmless sources.

    Args:
        attack: Name of the source that attacks; None for a scene without one.
        attackers: How many there are of it.
        others: Harmless sources beside them.
        rounds: Minutes that it takes.
        changes: Round in which the world changes.
        strangers: Added to the seed of the harmless sources, so that none of them was learned from.
        drift: Share of the answers that must be off at some time for the attack to be a success; None if it does not
            want to move them, but to drown what others send back, of which it must then send `SHARE`.
    """

    attack: str | None
    attackers: int
    others: int
    rounds: int
    changes: int | None = None
    strangers: int = 1_000
    drift: float | None = None

    def played(self, split: DigitsSplit, seed: int) -> FeedbackHistory:
        """Play it on a fresh model; attackers are named `attacker-<attack>-<ordinal>`, others after their source."""
        users = gathered(harmless_sources(), split.test, self.others, seed + self.strangers)
        model = OnlineLearner(split.train, seed)
        return FeedbackSimulation(model, split.train, self.rounds, self.changes).run(
            users + self._attackers(split, seed), seed
        )

    def outcome(self, course: FeedbackHistory) -> FeedbackOutcome:
        """Judge what came of it, once it was played."""
        drift = float(np.abs(course.shares - course.before).max())
        told = course.events.filter(pc.equal(course.events["operation"], "feedback"))["principal"]
        bad = pc.sum(pc.starts_with(told, ATTACKER)).as_py() or 0
        share = bad / max(1, len(told))
        success = share >= SHARE if self.drift is None else drift >= self.drift
        measure = {"drift": round(drift, 4), "share_of_feedback": round(share, 4), "feedback": float(bad)}
        return FeedbackOutcome(success, measure)

    def _attackers(self, split: DigitsSplit, seed: int) -> tuple[FeedbackUser, ...]:
        if self.attack is None:
            return ()
        known = sources()
        if self.attack not in known:
            raise InputError(f"There is no source called {self.attack!r}", hint=f"There are: {', '.join(known)}")
        return tuple(
            FeedbackUser(
                f"{ATTACKER}{self.attack}-{turn}", known[self.attack], split.attackers, (seed, ATTACKERS, turn)
            )
            for turn in range(self.attackers)
        )


SCENES: Final = {
    "steered_feedback": Scenario("steered_feedback", attackers=5, others=195, rounds=30, drift=DRIFT),
    "feedback_chaff": Scenario("feedback_chaff", attackers=20, others=100, rounds=60),
    "trend": Scenario(None, attackers=0, others=200, rounds=120, changes=60, strangers=2_000),
}
"""By name."""


def learned_from(split: DigitsSplit, seed: int, users: int, rounds: int = LEARNED_FROM) -> FeedbackHistory:
    """Let harmless sources use a fresh model, for a baseline."""
    model = OnlineLearner(split.train, seed)
    return FeedbackSimulation(model, split.train, rounds).run(
        gathered(harmless_sources(), split.calibration, users, seed), seed
    )
