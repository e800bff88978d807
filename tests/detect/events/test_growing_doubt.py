"""Callers of a model whose answers are more or less sure, by how they choose what they ask."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.growing_doubt import FIRST, UNITS, VARIES, detector
from caponier.detect.similarity.nearest_query import FAR

APART = 900
"""Squared distance between unlike inputs."""


def asked(*callers: NDArray[np.float64], squared: int = APART) -> EventBatch:
    """Return different queries of callers, whose answers have the given scores; two answers take turns."""
    scores = np.concatenate(callers)
    n = len(scores)
    offsets = np.cumsum([0, *map(len, callers)])
    apart = np.full(n, squared)
    apart[offsets[:-1][np.diff(offsets) > 0]] = FAR
    return EventBatch(
        offsets=offsets,
        time=np.arange(n),
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=np.zeros((n, 1), np.uint8),
        key=np.arange(1, n + 1, dtype=np.uint64),
        label=1 + np.arange(n, dtype=np.uint64) % np.uint64(2),
        signals={
            "unique": np.ones(n, bool),
            "squared": apart,
            "stood": np.zeros(n, np.int16),
            "top_score": np.rint(1e4 * np.clip(scores, 0, 1)).astype(np.int64),
        },
    )


def ordinary(seed: int, n: int = 200, least: float = 0.5) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(least, 1, n)


def learner(seed: int, n: int = 300, begins: int = 60) -> NDArray[np.float64]:
    """Ask what comes, and from then on where the model is unsure."""
    rest = np.random.default_rng(seed + 1).uniform(0.5, 0.75, n - begins)
    return np.concatenate([ordinary(seed, begins), rest])


@cache
def params() -> Params:
    return detector.fit(asked(*(ordinary(seed, 40 + 3 * seed) for seed in range(100))))


def course(batch: EventBatch) -> NDArray[np.int64]:
    return detector.score(params(), np.zeros(batch.subjects, detector.state), batch)[1]


def test_who_turns_to_unsure_inputs_is_told_within_a_hundred_of_them() -> None:
    scores = course(asked(learner(1)))
    assert scores[:FIRST].max() == 0
    assert 60 < int(np.argmax(scores > detector.floor)) < 160
    assert scores[-1] > 3 * detector.floor


@pytest.mark.parametrize("n", [300, 3_000])
def test_who_asks_what_comes_is_not_however_long(n: int) -> None:
    others = asked(*(ordinary(seed, n) for seed in range(500, 520)))
    assert course(others).max() <= 1.5 * detector.floor


def test_who_has_nothing_but_hard_inputs_had_them_from_the_beginning() -> None:
    hard = np.random.default_rng(2).uniform(0.5, 0.6, 900)
    assert course(asked(hard)).max() <= detector.floor


def test_an_easy_beginning_is_no_reason() -> None:
    back = np.concatenate([ordinary(3, 60, least=0.95), ordinary(4, 400)])
    assert course(asked(back)).max() <= detector.floor


def test_variants_of_one_unsure_input_say_nothing() -> None:
    assert course(asked(learner(1), squared=1)).max() == 0


def test_fillers_of_a_source_that_fails_say_nothing() -> None:
    """From half of the queries on, more values stand as in the last few than in most benign queries."""
    batch = asked(learner(5))
    fails = replace(batch, signals={**batch.signals, "stood": (np.arange(len(batch)) >= 60).astype(np.int16)})
    assert params()["stood"].tolist() == [0]
    assert course(batch).max() > 4 * detector.floor > detector.floor > 4 * course(fails).max()


def test_a_baseline_of_before_knows_of_none_that_stand() -> None:
    batch = asked(learner(5))
    fails = replace(batch, signals={**batch.signals, "stood": np.ones(len(batch), np.int16)})
    before = {name: value for name, value in params().items() if name != "stood"}
    state = np.zeros(1, detector.state)
    assert (detector.score(before, state, fails)[1] == course(batch)).all()


def test_half_ordinary_inputs_in_between_only_delay_it() -> None:
    chosen, other = learner(5, 400), ordinary(6, 400)
    mixed = np.stack([chosen, other], axis=1).ravel()
    assert course(asked(mixed))[-1] > 2 * detector.floor


def test_answers_that_never_recur_are_no_classes() -> None:
    benign = asked(*(ordinary(seed) for seed in range(20)))
    numbers = replace(benign, label=np.arange(1, len(benign) + 1, dtype=np.uint64))
    learned = detector.fit(numbers)
    assert detector.score(learned, np.zeros(1, detector.state), asked(learner(1)))[1].max() == 0


@pytest.mark.parametrize("cuts", [(10,), (FIRST,), (FIRST + 1, 90), (1, 2, 200)])
def test_it_is_the_same_however_the_stream_is_cut(cuts: tuple[int, ...]) -> None:
    whole, state, found = asked(learner(1)), np.zeros(1, detector.state), []
    for begin, end in zip((0, *cuts), (*cuts, len(whole)), strict=True):
        part = replace(whole.take(np.arange(begin, end)))
        state, scores = detector.score(params(), state, part)
        found += scores.tolist()
    assert found == course(whole).tolist()


class TestLearning:
    def test_copiers_in_the_benign_log_do_not_say_what_is_allowed(self) -> None:
        callers = [ordinary(seed, 160) for seed in range(98)]
        few = detector.fit(asked(*callers, learner(1), learner(2)))
        assert few["allowed"].tolist() == [VARIES]

    def test_where_many_grow_less_sure_more_is_allowed(self) -> None:
        callers = [ordinary(seed, 160) for seed in range(90)]
        many = detector.fit(asked(*callers, *(learner(seed) for seed in range(10))))
        assert many["allowed"][0] > UNITS / 6

    def test_nobody_teaches_nothing(self) -> None:
        learned = detector.fit(asked(np.zeros(0)))
        assert detector.score(learned, np.zeros(1, detector.state), asked(learner(1)))[1].max() == 0


def test_it_says_how_many_answers_are_unsure() -> None:
    events = asked(learner(1)[-200:])
    told = detector.explain(params(), events)
    assert told.facts["window"] == 200
    assert told.facts["unsure"] == len(told.rows) > 80
    assert f"({told.facts['unsure']} answers " in told.summary
