"""Laws that every detector over inference events keeps: the engines and the promise rest on them."""

import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Counts, Enriched, EventDetector, Params, Signal, in_units
from caponier.detect.registry import event_detectors
from detect.batches import batch_of, similar
from detect.streams import WIDTH, Stream, benign, learned, rows_of, scored, streams

EACH = pytest.mark.parametrize("detector", event_detectors().values(), ids=event_detectors())
OUR_WORDS = re.compile(r"\b(quantised|quer(y|ies)|steps? from|flips?|boundary|principal|features?|the way)\b")
"""What an analyst who does not know machine learning would read twice, and guesses at what was meant."""
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def knowing() -> dict[str, Params]:
    return {name: learned(detector) for name, detector in event_detectors().items()}


@EACH
@few
@given(stream=streams(), data=st.data())
def test_scores_do_not_depend_on_where_the_stream_was_cut(
    detector: EventDetector, knowing: dict[str, Params], stream: Stream, data: st.DataObject
) -> None:
    batches = data.draw(st.integers(0, 4))
    cuts = [
        sorted(data.draw(st.lists(st.integers(0, length), min_size=batches, max_size=batches)))
        for length in stream.lengths
    ]
    params = knowing[detector.name]
    assert scored(detector, params, stream, cuts) == scored(detector, params, stream, [[] for _ in cuts])


@EACH
@few
@given(stream=streams(subjects=1, longest=30))
def test_events_that_come_one_by_one_score_as_in_a_file(
    detector: EventDetector, knowing: dict[str, Params], stream: Stream
) -> None:
    one_by_one = [list(range(1, length)) for length in stream.lengths]
    params = knowing[detector.name]
    assert scored(detector, params, stream, one_by_one) == scored(detector, params, stream, [[]])


@EACH
@few
@given(stream=streams())
def test_subjects_know_nothing_of_each_other(
    detector: EventDetector, knowing: dict[str, Params], stream: Stream
) -> None:
    params = knowing[detector.name]
    together = scored(detector, params, stream, [[] for _ in stream.queries])
    for at, scores in enumerate(together):
        alone = Stream(stream.queries[at : at + 1], stream.labels[at : at + 1], stream.times[at : at + 1])
        assert scored(detector, params, alone, [[]]) == [scores]


@EACH
@few
@given(stream=streams())
def test_scores_are_whole_numbers_from_zero_and_the_callers_state_is_left_alone(
    detector: EventDetector, knowing: dict[str, Params], stream: Stream
) -> None:
    batch = similar(stream.whole())
    state = np.zeros(batch.subjects, detector.state)
    after, scores = detector.score(knowing[detector.name], state, batch)
    assert scores.dtype == np.int64
    assert scores.shape == (len(batch),)
    assert (scores >= 0).all()
    assert after.dtype == detector.state
    assert len(after) == batch.subjects
    assert state.tobytes() == bytes(state.nbytes)


@EACH
@few
@given(stream=streams())
def test_what_does_not_count_does_not_score(
    detector: EventDetector, knowing: dict[str, Params], stream: Stream
) -> None:
    if detector.counts is not Counts.QUERIES:
        return
    batch = similar(stream.whole())
    scores = detector.score(knowing[detector.name], np.zeros(batch.subjects, detector.state), batch)[1]
    assert not scores[~batch.signals["unique"]].any()


@EACH
@few
@given(stream=streams())
def test_repeats_do_not_move_what_queries_score(
    detector: EventDetector, knowing: dict[str, Params], stream: Stream
) -> None:
    """A client that retries must look as one whose line is good."""
    if detector.counts is not Counts.QUERIES:
        return

    def stuttered(lines: list[list[Any]]) -> list[list[Any]]:
        return [[value for value in line for _ in range(2)] for line in lines]

    twice = Stream(stuttered(stream.queries), stuttered(stream.labels), stuttered(stream.times))
    params, none = knowing[detector.name], [[] for _ in stream.queries]
    assert [line[::2] for line in scored(detector, params, twice, none)] == scored(detector, params, stream, none)


@EACH
def test_learning_is_the_same_whatever_the_order_of_subjects(detector: EventDetector) -> None:
    rng = np.random.default_rng(3)
    lines = rng.integers(0, 128, (6, 50, WIDTH)).tolist()
    one, other = (detector.fit(similar(batch_of(users))) for users in (lines, lines[::-1]))
    assert one.keys() == other.keys()
    for name in one:
        assert np.allclose(one[name].astype(np.float64), other[name].astype(np.float64), rtol=1e-9), name


@EACH
@pytest.mark.parametrize(
    "users",
    [
        [],
        [[]],
        [[None, None]],
        [[[0] * WIDTH]],
        [[[127] * WIDTH] * 30],
        [[[64] * WIDTH]] * 40,
        [[[0] * WIDTH, [127] * WIDTH] * 20] * 3,
    ],
    ids=["nobody", "silent", "no inputs", "one query", "one repeated", "all the same", "extremes"],
)
def test_any_benign_log_can_be_learned_from_and_then_anything_scored(
    detector: EventDetector, users: list[list[Any]]
) -> None:
    narrow = similar(batch_of(users)) if any(any(line) for line in users) else similar(_wide(users))
    params = detector.fit(narrow)
    assert all(np.isfinite(value.astype(np.float64)).all() for value in params.values())
    stranger = similar(batch_of([[[n % 128, 127 - n % 128, (n * n) % 128] for n in range(80)]]))
    scores = detector.score(params, np.zeros(1, detector.state), stranger)[1]
    assert (scores >= 0).all()
    said = detector.explain(params, _told(detector, stranger, scores))
    json.dumps(said.facts, allow_nan=False)
    assert "inf" not in said.summary
    assert "nan" not in said.summary


def _wide(users: list[list[Any]]) -> EventBatch:
    """Make a batch whose rows are WIDTH wide although nobody sent one."""
    batch = batch_of([*users, [[0] * WIDTH]])
    kept = batch.take(np.arange(len(batch) - 1))
    object.__setattr__(kept, "offsets", kept.offsets[:-1])
    return kept


def _told(detector: EventDetector, batch: EventBatch, scores: NDArray[np.int64]) -> EventBatch:
    """Return what an engine hands over to be explained at the last event."""
    if detector.counts is not Counts.QUERIES:
        return batch.take(np.array([len(batch) - 1])).with_signals({"score": scores[-1:]})
    return batch.queries()[0]


@EACH
@few
@given(stream=streams(subjects=1, longest=60))
def test_an_explanation_is_plain_words_and_json_about_its_own_rows(
    detector: EventDetector, knowing: dict[str, Params], stream: Stream
) -> None:
    batch = similar(stream.whole())
    if not batch.signals["unique"].any():
        return
    scores = detector.score(knowing[detector.name], np.zeros(1, detector.state), batch)[1]
    told = _told(detector, batch, scores)
    said = detector.explain(knowing[detector.name], told)
    assert len(said.summary) > 20
    assert not said.summary.endswith(".")
    assert said.summary.startswith(("One caller ", "The model ")), "who did it comes first"
    assert not OUR_WORDS.search(said.summary), "an analyst need not know how it works"
    json.dumps(said.facts, allow_nan=False)
    assert said.rows.tolist() == sorted(set(said.rows.tolist()))
    assert all(0 <= row < len(told) for row in said.rows)


@EACH
def test_it_names_what_it_is(detector: EventDetector) -> None:
    assert detector.floor >= 0
    assert detector.suspect is None or detector.suspect > detector.floor
    assert 0 < detector.max_confidence.cap < 1
    assert detector.state_version >= 1
    assert Signal.PRINCIPAL in detector.needs
    assert detector.emulations
    assert detector.controls
    assert not set(detector.emulations) & set(detector.controls)


@EACH
def test_a_cold_start_asks_for_more_than_a_baseline_would(detector: EventDetector) -> None:
    priors = detector.priors()
    assert (priors is None) == (Signal.BASELINE in detector.needs)
    if priors is not None:
        params, line = priors
        assert line >= detector.floor
        assert math.isfinite(line)
        quiet = rows_of(scored(detector, params, Stream([[[9, 9, 9], [90, 9, 9]]], [[1, 1]], [[0.0, 1.0]]), [[]]))
        assert max(quiet) <= line


@EACH
def test_those_it_learned_from_stay_below_whoever_it_is_for(
    detector: EventDetector, knowing: dict[str, Params]
) -> None:
    """A walk in steps of one, from answers that flip, in no time: all that attackers do and plain users do not."""
    walk = [[64 + n % 3, 64 + n // 3 % 3, 64 + n // 9] for n in range(250)]
    attack = Stream([walk], [[1 + n % 2 for n in range(250)]], [[n / 1_000 for n in range(250)]])
    own = benign()
    spread = np.concatenate([np.arange(n) * 30_000_000 for n in np.diff(own.offsets)])
    object.__setattr__(own, "time", spread.astype(np.int64))
    usual = detector.score(knowing[detector.name], np.zeros(own.subjects, detector.state), own)[1].max()
    loud = max(rows_of(scored(detector, knowing[detector.name], attack, [[]])))
    # What is made up here has no further columns, and says nothing to who reads little else.
    silent = (Signal.SCORES, Signal.COST, Signal.FEEDBACK, Signal.TRAINING_SET)
    told = any(isinstance(column, Enriched) for column in detector.columns)
    if (
        detector.needs.isdisjoint(silent)
        and not told
        and detector.name not in ("novelty", "schema_probe", "input_search")
    ):
        assert loud > usual
    # What is told of a caller's profile is a distance in spreads of benign callers.
    assert in_units(detector, usual) <= (16 if detector.name == "caller_profile" else 64 * 256)
