import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.events.feedback_skew import AGAINST, COLD_START, WINDOW, detector

Told = tuple[int, int]
"""The answer, and what was sent back; 0 for none."""


def told(*sources: list[Told]) -> EventBatch:
    pairs = np.array([pair for line in sources for pair in line], np.uint64).reshape(-1, 2)
    n = len(pairs)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, sources)]),
        time=np.arange(n),
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=np.zeros((n, 0), np.uint8),
        key=np.zeros(n, np.uint64),
        label=pairs[:, 0],
        signals={"feedback": pairs[:, 1]},
    )


def scored(*batches: EventBatch) -> list[int]:
    state = np.zeros(batches[0].subjects, detector.state)
    found: list[int] = []
    for batch in batches:
        state, scores = detector.score({}, state, batch)
        found += scores.tolist()
    return found


def plain(line: list[Told]) -> list[int]:
    """Count as the detector's description says, one by one."""
    scores = []
    for end, (answer, feedback) in enumerate(line):
        window = line[max(0, end + 1 - WINDOW) : end + 1]
        against = sum(said == feedback and right not in (0, said) for right, said in window)
        other = sum(said != 0 for _, said in window) - against
        stands = sum(said == 0 and right == feedback for right, said in window)
        contradicts = feedback != 0 and answer not in (0, feedback)
        scores.append(max(0, AGAINST * against - other - stands) if contradicts else 0)
    return scores


def test_who_says_the_same_of_everything_scores_three_a_time() -> None:
    assert scored(told([(1, 9), (2, 9), (3, 9), (1, 9)])) == [3, 6, 9, 12]


def test_one_class_that_is_turned_into_another_is_one_direction() -> None:
    assert scored(told([(7, 1)] * 30))[-1] == 90 > COLD_START


def test_who_agrees_never_scores() -> None:
    assert max(scored(told([(label, label) for label in range(1, 10)] * 9))) == 0


def test_who_is_wrong_at_random_hardly_scores() -> None:
    rng = np.random.default_rng(1)
    line = [(int(answer), int(said)) for answer, said in rng.integers(1, 11, (400, 2))]
    assert max(scored(told(line))) < detector.floor


def test_an_annotator_who_is_right_where_the_model_often_errs_hardly_scores() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(1, 11, 400)
    answers = np.where(rng.random(400) < 0.4, rng.integers(1, 11, 400), truth)
    assert max(scored(told(list(zip(answers.tolist(), truth.tolist(), strict=True))))) < detector.floor


def test_who_has_one_kind_of_input_and_corrects_the_errors_never_scores_much() -> None:
    """Three answers of ten are corrected, all in one direction; the others are right, and are let stand."""
    line = [(9, 0)] * 7 + [(4, 9), (3, 9), (4, 9)]
    assert max(scored(told(line * 30))[10:]) < detector.floor


def test_confirmations_in_between_do_not_hide_steering() -> None:
    assert max(scored(told([(1, 9), (2, 2)] * 60))) > COLD_START


def test_questions_in_between_do_not_hide_steering() -> None:
    assert max(scored(told([(1, 0), (1, 9)] * 60))) > COLD_START


def test_feedback_on_an_unknown_answer_is_no_contradiction() -> None:
    assert max(scored(told([(0, 9)] * 90))) == 0


def test_what_is_long_ago_is_forgotten() -> None:
    line = [(1, 9)] * 40 + [(2, 0)] * WINDOW + [(1, 9)]
    assert scored(told(line))[-1] == AGAINST


def test_no_more_than_a_window_counts() -> None:
    assert max(scored(told([(1, 9)] * 300))) == AGAINST * WINDOW


def test_sources_are_kept_apart() -> None:
    assert scored(told([(1, 9)] * 2, [], [(1, 9)])) == [3, 6, 3]


def test_a_log_without_feedback_scores_nothing() -> None:
    batch = told([(1, 9)] * 5)
    state = np.zeros(1, detector.state)
    bare = EventBatch(batch.offsets, batch.time, batch.source, batch.seq, batch.query, batch.key, batch.label)
    assert detector.score({}, state, bare)[1].tolist() == [0] * 5


lines = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=260)


@given(line=lines)
def test_scoring_an_array_is_counting_one_by_one(line: list[Told]) -> None:
    assert scored(told(line)) == plain(line)


@given(line=lines, other=lines, cut=st.integers(0, 260))
def test_scores_do_not_depend_on_where_the_stream_was_cut(line: list[Told], other: list[Told], cut: int) -> None:
    whole = scored(told(line, other))
    early, late = scored_apart(line, other, cut)
    assert early + late == whole


def scored_apart(line: list[Told], other: list[Told], cut: int) -> tuple[list[int], list[int]]:
    """Score two sources in two batches, and put each source's scores together."""
    state = np.zeros(2, detector.state)
    halves = [(line[:cut], other[:cut]), (line[cut:], other[cut:])]
    found: tuple[list[int], list[int]] = ([], [])
    for first, second in halves:
        state, scores = detector.score({}, state, told(first, second))
        found[0].extend(scores[: len(first)].tolist())
        found[1].extend(scores[len(first) :].tolist())
    return found


@pytest.mark.parametrize(("score", "least"), [(75, 25), (76, 26), (1, 1)])
def test_an_explanation_says_how_many_contradictions_there_were_at_least(score: int, least: int) -> None:
    said = detector.explain({}, told([(1, 9)]).with_signals({"score": np.array([score])}))
    assert said.facts == {"score": score, "contradictions_at_least": least, "window": WINDOW}
    assert said.summary.startswith(f"at least {least} of the last {WINDOW} events")
    assert said.rows.tolist() == [0]
