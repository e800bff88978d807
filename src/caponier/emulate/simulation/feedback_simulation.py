"""A model that learns from its users' feedback, and the users, in process and at simulated times, round by round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from caponier.emulate.event_log import Answers, Deployment, events, micros
from caponier.emulate.feedback_source import SILENT, TOPIC, FeedbackRound, Source
from caponier.emulate.images import Images, Labels, shots
from caponier.emulate.simulation.trace import DEPLOYMENT, EPOCH
from caponier.emulate.victims.digits import Pool
from caponier.emulate.victims.online_learner import OnlineLearner
from caponier.records.event import EVENT_SCHEMA

ROUND_S: Final = 60.0
NOW: Final = 1
"""What a `TOPIC` is once the world has changed."""


@dataclass(frozen=True, eq=False)
class FeedbackUser:
    """One user: a name, how it sends feedback, what it has to photograph, and what fixes its choices."""

    principal: str
    source: Source
    pool: Pool
    seed: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class FeedbackHistory:
    """What happened.

    Args:
        events: Everything that was asked and sent back, in order of time.
        times: End of each round in microseconds since 1970, shape (r,).
        shares: Share of each class among the answers to the same photos after each round, shape (r, 10).
        before: The same before the first round, shape (10,).
    """

    events: pa.Table
    times: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]
    before: npt.NDArray[np.float64]

    def drifted(self, points: float) -> int | None:
        """Return the end of the first round in which some class's share was off by so much; None if it never was."""
        off = np.abs(self.shares - self.before).max(axis=1) >= points
        return int(self.times[off.argmax()]) if off.any() else None


@dataclass(frozen=True, eq=False)
class FeedbackSimulation:
    """Where a model is asked and taught.

    Args:
        learner: The model; it changes.
        mirror: Photos of this pool show how its answers drift.
        rounds: Minutes that everything takes.
        changes: Round in which the world changes, for everybody: from then on a `TOPIC` is a `NOW`.
        begin: When the first round begins.
        deployment: Names that the events carry.
    """

    learner: OnlineLearner
    mirror: Pool
    rounds: int
    changes: int | None = None
    begin: datetime = EPOCH
    deployment: Deployment = DEPLOYMENT

    def run(self, members: Sequence[FeedbackUser], seed: int) -> FeedbackHistory:
        """Let members take their turns; what was sent back in a round is learned at its end, in order of time."""
        # Matrices this small only lose by being shared among cores.
        with threadpool_limits(1):
            return self._run(members, np.random.default_rng(seed))

    def _run(self, members: Sequence[FeedbackUser], rng: np.random.Generator) -> FeedbackHistory:
        photos = shots(self.mirror.images, rng)
        parties = [_Party(member) for member in members]
        said, before = [], self._shares(photos)
        shares, times = np.empty((self.rounds, len(before))), np.empty(self.rounds, np.int64)
        for number in range(self.rounds):
            start = micros(self.begin) + round(number * ROUND_S * 1e6)
            said.append(self._round(parties, start, self.changes is not None and number >= self.changes))
            shares[number], times[number] = self._shares(photos), start + round(ROUND_S * 1e6)
        return FeedbackHistory(_logged(said, rng, self.deployment), times, shares, before)

    def _shares(self, photos: Images) -> npt.NDArray[np.float64]:
        answers: npt.NDArray[np.float64] = np.bincount(self.learner.answers(photos), minlength=10) / len(photos)
        return answers

    def _round(self, parties: Sequence["_Party"], start: int, changed: bool) -> "_Said":
        taken = [(party, turn) for party in parties for turn in party.turns(changed)]
        if not taken:
            return _Said.nothing()
        scores = self.learner.predict_proba(np.concatenate([turn.images for _, turn in taken]))
        cuts = np.cumsum([len(turn.images) for _, turn in taken])[:-1]
        said = _Said.of(
            [party.says(turn, own, start) for (party, turn), own in zip(taken, np.split(scores, cuts), strict=True)]
        )
        back = np.flatnonzero(said.feedback != SILENT)
        back = back[np.argsort(said.time[back], kind="stable")]
        self.learner.learn(said.images[back], said.feedback[back])
        return said


@dataclass(frozen=True, eq=False)
class _Said:
    """Events of a round, (n,) each; `feedback` is `SILENT` where the event is a question."""

    time: npt.NDArray[np.int64]
    images: Images
    scores: Images
    feedback: Labels
    principal: list[str]

    @classmethod
    def of(cls, parts: Sequence["_Said"]) -> "_Said":
        time, images, scores, feedback = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("time", "images", "scores", "feedback")
        )
        return cls(time, images, scores, feedback, [name for part in parts for name in part.principal])

    @classmethod
    def nothing(cls) -> "_Said":
        none = np.zeros((0, 64), np.float32)
        return cls(np.zeros(0, np.int64), none, np.zeros((0, 10), np.float32), np.zeros(0, np.int64), [])


class _Party:
    """A member at work."""

    def __init__(self, member: FeedbackUser) -> None:
        self._member, self._rng = member, np.random.default_rng(member.seed)
        self._next = member.source.turns(member.pool, self._rng)

    def turns(self, changed: bool) -> Iterator[FeedbackRound]:
        """Yield this round's turns."""
        for _ in range(int(self._rng.poisson(self._member.source.pace))):
            turn = next(self._next)
            yield replace(turn, truth=np.where(turn.truth == TOPIC, NOW, turn.truth)) if changed else turn

    def says(self, turn: FeedbackRound, scores: Images, start: int) -> _Said:
        """Return the events of a turn: the questions, unless it asked none, and what it sent back."""
        feedback = self._member.source.says(turn, scores.argmax(axis=1), self._rng)
        back = np.flatnonzero(feedback != SILENT)
        asked = np.arange(len(feedback)) if turn.asked else np.zeros(0, np.int64)
        # Asked in the first half of a round, answered and judged in the second.
        moment = start + round(self._rng.uniform(0, ROUND_S / 2) * 1e6)
        later = moment + np.cumsum(self._rng.uniform(0.5, 1.5, len(back)) * 1e6).astype(np.int64)
        rows = np.concatenate([asked, back])
        return _Said(
            np.concatenate([np.full(len(asked), moment), later]),
            turn.images[rows],
            scores[rows],
            np.concatenate([np.full(len(asked), SILENT), feedback[back]]),
            [self._member.principal] * len(rows),
        )


def _logged(parts: Sequence[_Said], rng: np.random.Generator, deployment: Deployment) -> pa.Table:
    said = _Said.of(parts)
    n, order = len(said.time), np.argsort(said.time, kind="stable")
    principal = [said.principal[place] for place in order]
    answers = Answers(
        time=said.time[order],
        input=said.images[order],
        scores=said.scores[order],
        principal=principal,
        request_id=[f"{name}/{place}" for place, name in enumerate(principal)],
        source_ip=["192.0.2.1"] * n,
        latency_ms=rng.lognormal(0.7, 0.3, n),
    )
    feedback = said.feedback[order]
    silent = feedback == SILENT
    table = events(answers, deployment)
    changed: Mapping[str, pa.Array] = {
        "operation": pa.array(np.where(silent, "predict", "feedback")),
        "feedback": pa.array(np.where(silent, "", feedback.astype(str)), pa.string(), mask=silent),
    }
    for name, column in changed.items():
        table = table.set_column(EVENT_SCHEMA.get_field_index(name), EVENT_SCHEMA.field(name), column)
    return table


def gathered(sources: Mapping[str, Source], pool: Pool, n: int, seed: int) -> tuple[FeedbackUser, ...]:
    """Make n users, one source after the other."""
    names = list(sources)
    return tuple(
        FeedbackUser(f"{names[i % len(names)]}-{seed}-{i:04d}", sources[names[i % len(names)]], pool, (seed, i))
        for i in range(n)
    )
