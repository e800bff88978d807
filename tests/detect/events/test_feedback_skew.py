import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.events.feedback_skew import AGAINST, COLD_START, OLD, QUARTERS, WINDOW, detector, score_of

Told = tuple[int, ...]
"""The answer, what was sent back (0 for none), and how many seconds after the event before; `PAUSE` if not given."""
PAUSE = 11


def told(*sources: list[Told]) -> EventBatch:
    whole = [(*event, PAUSE)[:3] for line in sources for event in line]
    rows = np.array(whole, np.int64).reshape(-1, 3)
    n = len(rows)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, sources)]),
        time=np.concatenate([moments(line) for line in sources]) * 1_000_000,
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=np.zeros((n, 0), np.uint8),
        key=np.zeros(n, np.uint64),
        label=rows[:, 0].astype(np.uint64),
        signals={"feedback": rows[:, 1].astype(np.uint64)},
    )


def moments(line: list[Told]) -> np.ndarray:
    return 1_000_000 + np.cumsum([(*event, PAUSE)[2] for event in line], dtype=np.int64)


def scored(*batches: EventBatch) -> list[int]:
    state = np.zeros(batches[0].subjects, detector.state)
    found: list[int] = []
    for batch in batches:
        state, scores = detector.score({}, state, batch)
        found += scores.tolist()
    return found


def points(quarters: int) -> int:
    return round(max(0, quarters) ** 1.5 / 2)


def plain(line: list[Told]) -> list[int]:
    """Count as the detector's description says, one by one."""
    times, scores, new = moments(line), [], []
    for end, (answer, said, *_) in enumerate(line):
        begin = max(0, end + 1 - WINDOW)
        twins = [
            line[at][:2] == (answer, said) and times[at] >= times[end] - 10
            for at in range(max(0, end - WINDOW + 1), end)
        ]
        contradicts = said != 0 and answer not in (0, said)
        new.append(contradicts and not any(twins))
        quarters = questions = spoken = 0
        for at in range(begin, end + 1):
            right, sent = line[at][:2]
            questions += sent == 0 and right != 0
            spoken += sent != 0
            if sent == said and right not in (0, sent):
                quarters += new[at] * QUARTERS * (AGAINST if times[at] >= times[end] - 300 else OLD)
            elif sent != 0 or right == said:
                quarters -= QUARTERS
        scores.append(points(quarters - max(0, questions - spoken)) if contradicts else 0)
    return scores


def test_who_says_the_same_of_everything_scores_more_each_time() -> None:
    assert scored(told([(1, 9), (2, 9), (3, 9), (1, 9)])) == [score_of(count) for count in (1, 2, 3, 4)]


def test_each_further_contradiction_counts_more_than_the_one_before() -> None:
    assert (np.diff(np.diff(scored(told([(1, 9)] * 20)))) >= 0).all()


def test_one_class_that_is_turned_into_another_is_one_direction() -> None:
    assert scored(told([(7, 1)] * 27))[-1] == score_of(27) > score_of(COLD_START)


def test_many_views_of_one_input_are_one_contradiction() -> None:
    assert scored(told([(7, 1, 1)] * 8)) == [score_of(1)] * 8


def test_the_views_are_told_apart_by_what_the_model_says_and_by_what_is_sent_back() -> None:
    assert scored(told([(7, 1, 1), (8, 1, 1), (9, 1, 1)]))[-1] == score_of(3)
    assert scored(told([(7, 1, 1), (7, 2, 1)]))[-1] == points(QUARTERS * (AGAINST - 1))


def test_the_same_some_seconds_later_is_a_new_contradiction() -> None:
    assert scored(told([(7, 1), (7, 1, 10)]))[-1] == score_of(1)
    assert scored(told([(7, 1), (7, 1, 11)]))[-1] == score_of(2)


def test_what_is_older_than_five_minutes_counts_a_third() -> None:
    assert scored(told([(7, 1), (8, 1, 300)]))[-1] == score_of(2)
    assert scored(told([(7, 1), (8, 1, 301)]))[-1] == points(QUARTERS * (AGAINST + OLD))


def test_who_goes_on_slowly_is_found_as_well() -> None:
    assert max(scored(told([(7, 0, 200), (7, 1, 200)] * 50))) > score_of(COLD_START) / 2


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
    line: list[Told] = [(9, 0)] * 7 + [(4, 9), (3, 9), (4, 9)]
    assert max(scored(told(line * 30))[10:]) < detector.floor


def test_answers_that_nothing_is_said_about_speak_for_the_model() -> None:
    busy: list[Told] = [(1, 9)] + [(2, 0)] * 9
    assert max(scored(told(busy * 10))) < scored(told([(1, 9)] * 4))[-1]


def test_confirmations_in_between_do_not_hide_steering() -> None:
    assert max(scored(told([(1, 9), (2, 2)] * 60))) > 2 * detector.floor


def test_questions_that_get_feedback_do_not_hide_steering() -> None:
    assert scored(told([(1, 0, 5), (1, 9, 6)] * 25))[-1] == score_of(25)


def test_feedback_on_an_unknown_answer_is_no_contradiction() -> None:
    assert max(scored(told([(0, 9)] * 90))) == 0


def test_what_is_long_ago_is_forgotten() -> None:
    line: list[Told] = [(1, 9)] * 40 + [(0, 0)] * WINDOW + [(1, 9)]
    assert scored(told(line))[-1] == score_of(1)


def test_no_more_than_a_window_counts() -> None:
    assert max(scored(told([(1 + at % 8, 9, 1) for at in range(300)]))) <= score_of(WINDOW)


def test_sources_are_kept_apart() -> None:
    assert scored(told([(1, 9)] * 2, [], [(1, 9)])) == [score_of(count) for count in (1, 2, 1)]


def test_a_log_without_feedback_scores_nothing() -> None:
    batch = told([(1, 9)] * 5)
    state = np.zeros(1, detector.state)
    bare = EventBatch(batch.offsets, batch.time, batch.source, batch.seq, batch.query, batch.key, batch.label)
    assert detector.score({}, state, bare)[1].tolist() == [0] * 5


pauses = st.sampled_from([0, 1, 5, 11, 299, 400])
lines = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), pauses), max_size=260)


@given(line=lines)
def test_scoring_an_array_is_counting_one_by_one(line: list[Told]) -> None:
    assert scored(told(line)) == plain(line)


@given(line=lines, other=lines, cut=st.integers(0, 260))
def test_scores_do_not_depend_on_where_the_stream_was_cut(line: list[Told], other: list[Told], cut: int) -> None:
    whole = scored(told(line, other))
    early, late = scored_apart(told(line, other), [min(cut, len(line)), min(cut, len(other))], len(line))
    assert early + late == whole


def scored_apart(whole: EventBatch, cuts: list[int], first: int) -> tuple[list[int], list[int]]:
    """Score two sources in two batches, and put each source's scores together."""
    state = np.zeros(2, detector.state)
    begins = [np.arange(cuts[0]), np.arange(cuts[0], first)]
    ends = [np.arange(first, first + cuts[1]), np.arange(first + cuts[1], len(whole))]
    found: tuple[list[int], list[int]] = ([], [])
    for mine, others in zip(begins, ends, strict=True):
        state, scores = detector.score({}, state, whole.take(np.concatenate([mine, others])))
        found[0].extend(scores[: len(mine)].tolist())
        found[1].extend(scores[len(mine) :].tolist())
    return found


@pytest.mark.parametrize("count", [1, 5, 25, WINDOW])
def test_an_explanation_says_how_many_contradictions_there_were_at_least(count: int) -> None:
    score = score_of(count)
    said = detector.explain({}, told([(1, 9)]).with_signals({"score": np.array([score])}))
    assert said.facts == {"score": score, "contradictions_at_least": count, "window": WINDOW}
    assert said.rows.tolist() == [0]
