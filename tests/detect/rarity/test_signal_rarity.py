import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Enriched, Params
from caponier.detect.rarity.signal_rarity import COMMON, MOST, NEAR, STATE, WINDOW, Rarity
from caponier.detect.similarity.nearest_query import FAR

RARITY = Rarity(Enriched("oddity", 4))
CLOSE, WIDE = 1, 10**6


def figures(*subjects: list[int], squared: int = WIDE) -> EventBatch:
    """Make a batch of different queries with the given figures; -1 is an event that the model was not asked about."""
    values = [value for line in subjects for value in line]
    n = len(values)
    rng = np.random.default_rng(n)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, subjects)]),
        time=np.arange(n),
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=rng.integers(0, 128, (n, 5)).astype(np.uint8),
        key=np.arange(1, n + 1).astype(np.uint64),
        label=np.ones(n, np.uint64),
        signals={
            "unique": np.ones(n, bool),
            "squared": np.full(n, squared, np.int64),
            "flip": np.zeros(n, bool),
            "oddity": np.array(values, np.int64),
        },
    )


@pytest.fixture(scope="module")
def params() -> Params:
    return RARITY.fit(figures(*np.random.default_rng(0).integers(0, 1_000, (50, 200)).tolist()))


def scored(params: Params, *batches: EventBatch) -> list[int]:
    state = np.zeros(batches[0].subjects, STATE)
    found: list[int] = []
    for batch in batches:
        state, scores = RARITY.score(params, state, batch)
        found += scores.tolist()
    return found


def test_evidence_is_the_share_of_benign_queries_that_reach_a_figure(params: Params) -> None:
    """Of figures from 0 to 999, one in 20 reaches 950, and one in 100 reaches 990: 2.3 bits less often."""
    evidence = RARITY.evidence(params, figures([-1, 0, 500, 940, 990, 999, 9_999])).tolist()
    assert evidence[:4] == [0, 0, 0, 0]
    assert 8 <= evidence[4] <= 10
    assert evidence[4] < evidence[5] <= evidence[6] == MOST


def test_more_than_one_benign_query_in_twenty_counts_nothing(params: Params) -> None:
    benign = figures(np.random.default_rng(1).integers(0, 1_000, 4_000).tolist())
    assert (RARITY.evidence(params, benign) > 0).mean() <= 0.05


def test_one_odd_query_is_no_more_than_it_counts(params: Params) -> None:
    scores = scored(params, figures([10] * 5 + [9_999] + [10] * 50))
    assert max(scores) == MOST
    assert scores[5 + WINDOW] == 0


def test_many_odd_queries_add_up_to_a_window(params: Params) -> None:
    assert scored(params, figures([9_999] * 50))[-1] == WINDOW * MOST


def test_near_copies_neither_count_nor_fill_the_window(params: Params) -> None:
    assert set(scored(params, figures([9_999] * 40, squared=CLOSE))) == {0}
    odd, copies = figures([9_999] * 3), figures([0] * 100, squared=CLOSE)
    assert scored(params, odd, copies, odd)[-1] == 6 * MOST


def test_the_first_query_of_all_counts(params: Params) -> None:
    assert scored(params, figures([9_999], squared=FAR)) == [MOST]


def test_how_near_a_copy_is_was_learned() -> None:
    batch = figures([5] * 400)
    usual = 2 * batch.query.var(axis=0).sum()
    assert RARITY.fit(batch)["near"][0] == int(usual / NEAR)


def test_events_without_a_figure_count_nothing(params: Params) -> None:
    batch = figures([9_999, 9_999])
    silent = EventBatch(**{**vars(batch), "signals": {k: v for k, v in batch.signals.items() if k != "oddity"}})
    assert scored(params, silent) == [0, 0]


def test_a_small_log_bears_little_evidence() -> None:
    few = RARITY.fit(figures(list(range(30))))
    assert len(few["levels"]) < COMMON + MOST
    assert RARITY.evidence(few, figures([9_999]))[0] < 4
    nothing = RARITY.fit(figures([-1, -1]))
    assert RARITY.evidence(nothing, figures([9_999]))[0] == 0


def test_the_same_figure_everywhere_is_no_oddity() -> None:
    flat = RARITY.fit(figures(*[[700] * 100] * 20))
    assert set(scored(flat, figures([700] * 40))) == {0}


def test_subjects_are_kept_apart(params: Params) -> None:
    assert scored(params, figures([9_999, 9_999], [], [9_999])) == [MOST, 2 * MOST, MOST]


@given(
    values=st.lists(st.sampled_from([-1, 10, 960, 995, 9_999]), max_size=80),
    near=st.lists(st.booleans(), min_size=80, max_size=80),
    cut=st.integers(0, 80),
)
def test_scores_do_not_depend_on_where_the_stream_was_cut(
    params: Params, values: list[int], near: list[bool], cut: int
) -> None:
    def part(begin: int, end: int) -> EventBatch:
        batch = figures(values[begin:end])
        batch.signals["squared"][:] = np.where(near[begin:end], CLOSE, WIDE)[: len(batch)]
        return batch

    assert scored(params, part(0, cut), part(cut, 80)) == scored(params, part(0, 80))
