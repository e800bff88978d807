import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import OPERATIONS, Params
from caponier.detect.events.feedback_flood import WINDOW, detector

WIDTH = 40


def sent(*sources: NDArray[np.int64], feedback: int = 1, operation: str = "predict") -> EventBatch:
    """Make a batch of examples (n, WIDTH) that each source sent back."""
    rows = np.concatenate(sources)
    n = len(rows)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, sources)]),
        time=np.arange(n),
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=rows.clip(0, 127).astype(np.uint8),
        key=np.arange(1, n + 1, dtype=np.uint64),
        label=np.ones(n, np.uint64),
        signals={
            "feedback": np.full(n, feedback, np.uint64),
            "operation": np.full(n, OPERATIONS.index(operation), np.uint8),
        },
    )


def different(n: int, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 128, (n, WIDTH))


def mutants(n: int, originals: int, seed: int = 0, grain: float = 4) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return different(originals, seed)[np.arange(n) % originals] + rng.normal(0, grain, (n, WIDTH)).astype(np.int64)


@pytest.fixture(scope="module")
def params() -> Params:
    return detector.fit(sent(*(different(50, seed) for seed in range(1, 9))))


def scored(params: Params, *batches: EventBatch) -> list[int]:
    state = np.zeros(batches[0].subjects, detector.state)
    found: list[int] = []
    for batch in batches:
        state, scores = detector.score(params, state, batch)
        found += scores.tolist()
    return found


def test_examples_of_different_things_are_no_mutants(params: Params) -> None:
    assert max(scored(params, sent(different(200, 99)))) < detector.floor / 2


@pytest.mark.parametrize("originals", [1, 2, 4])
def test_mutants_of_a_few_come_in_clusters(params: Params, originals: int) -> None:
    assert max(scored(params, sent(mutants(200, originals)))) >= WINDOW // originals - 1 > detector.floor


def test_eight_views_of_each_picture_are_a_handful(params: Params) -> None:
    views = np.concatenate([mutants(8, 1, seed) for seed in range(20)])
    assert max(scored(params, sent(views))) < detector.floor


def test_pale_pictures_are_no_mutants_of_each_other(params: Params) -> None:
    assert max(scored(params, sent(different(200, 5) // 4))) < detector.floor / 2


def test_exact_repeats_count(params: Params) -> None:
    assert scored(params, sent(np.repeat(different(1), 50, axis=0)))[-1] == 49


def test_black_pictures_are_alike(params: Params) -> None:
    assert scored(params, sent(np.zeros((5, WIDTH), np.int64))) == [0, 1, 2, 3, 4]


def test_questions_do_not_count(params: Params) -> None:
    assert max(scored(params, sent(mutants(90, 1), feedback=0))) == 0


def test_feedback_without_a_label_counts_by_its_operation(params: Params) -> None:
    assert max(scored(params, sent(mutants(90, 1), feedback=0, operation="feedback"))) > detector.floor


def test_sources_are_kept_apart(params: Params) -> None:
    one = different(1)
    assert scored(params, sent(one, one, np.repeat(one, 2, axis=0))) == [0, 0, 0, 1]


def test_what_left_the_window_is_forgotten(params: Params) -> None:
    line = np.concatenate([mutants(40, 1), different(WINDOW, 7), mutants(1, 1)])
    assert scored(params, sent(line))[-1] <= 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(0, 230), cut=st.integers(0, 230))
def test_scores_do_not_depend_on_where_the_stream_was_cut(seed: int, n: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    line = mutants(n, 3, seed, grain=20)[rng.permutation(n)]
    known = {"near": np.array([20_000], np.int64)}
    assert scored(known, sent(line[:cut]), sent(line[cut:])) == scored(known, sent(line))


def test_learning_does_not_depend_on_the_order_of_sources(params: Params) -> None:
    other = detector.fit(sent(*(different(50, seed) for seed in range(8, 0, -1))))
    assert other["near"].tolist() == params["near"].tolist()


@pytest.mark.parametrize("rows", [np.zeros((0, WIDTH), np.int64), np.zeros((4, WIDTH), np.int64)])
def test_nothing_to_learn_from_is_no_error(rows: NDArray[np.int64]) -> None:
    near = detector.fit(sent(rows))["near"]
    assert near.shape == (1,)
    assert near[0] > 0


def test_inputs_that_are_all_the_same_make_only_the_same_alike() -> None:
    known = detector.fit(sent(np.full((30, WIDTH), 64)))
    assert scored(known, sent(np.array([[64] * WIDTH, [64] * WIDTH, [70] * WIDTH]))) == [0, 1, 0]


def test_an_explanation_says_how_many(params: Params) -> None:
    said = detector.explain(params, sent(different(1)).with_signals({"score": np.array([40])}))
    assert said.facts == {"mutants": 40, "window": WINDOW}


def test_it_needs_a_baseline_to_know_how_far_apart_inputs_are() -> None:
    assert detector.priors() is None
