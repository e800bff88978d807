import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.training_sketch.near_rows import (
    BANDS,
    BITS,
    BLOCK,
    CUTS,
    DIGESTS,
    HITS,
    KEY,
    LEVELS,
    MEMORY,
    USUAL,
    WINDOW,
    Sketch,
    _planes,
    _siphash,
    banded,
    matches,
    new_hits,
    opened,
    usual,
)
from caponier.detect.training_sketch.sketch import OWN
from caponier.telemetry.features import LEVELS as TOP
from detect.batches import batch_of

SALT, OTHER = b"salt of a workspace", b"salt of another"
WIDTH = 64
RNG = np.random.default_rng(5)
# Smooth pictures, so that they differ in as few ways as pictures do.
ROWS = np.clip(RNG.normal(64, 40, (120, 16)) @ RNG.normal(0, 0.35, (16, WIDTH)) + 64, 8, 119).astype(np.uint8)
BENIGN = np.clip(RNG.normal(64, 40, (600, 16)) @ np.random.default_rng(6).normal(0, 0.35, (16, WIDTH)) + 64, 8, 119)
CLOSED = banded(ROWS, BENIGN.astype(np.uint8), SALT)
OPEN = opened(CLOSED, SALT)
NONE = np.zeros(BANDS, np.int32)


def noisy(rows: NDArray[np.uint8], sigma: float, seed: int = 0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, sigma * TOP, rows.shape)
    return np.clip(np.rint(rows + noise), 0, TOP).astype(np.uint8)


def share(queries: NDArray[np.uint8], least: int, params: Sketch = OPEN) -> float:
    return float(((matches(params, queries) > 0).sum(axis=1) >= least).mean())


class TestDigests:
    def test_siphash_is_that_of_its_authors(self) -> None:
        """The vector of eight bytes in Aumasson and Bernstein's reference code."""
        key, message = np.frombuffer(bytes(range(16)), "<u8"), np.frombuffer(bytes(range(8)), "<u8")
        assert _siphash(message.copy(), key).tobytes().hex() == "6224939a79f5f593"

    @pytest.mark.parametrize("width", [1, 2, 7, 64, 1_040])
    def test_planes_balance(self, width: int) -> None:
        planes, weights = _planes(b"k" * 32, width)
        assert (planes.sum(axis=0) == 0).all()
        assert (np.abs(planes).sum(axis=0) == width // 2 * 2).all()
        assert (weights.sum(axis=0) == 2**BITS - 1).all()

    def test_the_products_are_exact_at_the_widest(self) -> None:
        """The largest product and the largest code are whole numbers that float32 can count to."""
        assert TOP * 1_040 < 2**24
        assert 2**BITS <= 2**24

    @pytest.mark.parametrize("cut", [1, 7, 119])
    def test_the_size_of_a_batch_changes_nothing(self, cut: int) -> None:
        queries = noisy(ROWS, 0.03)
        parts = [matches(OPEN, queries[:cut]), matches(OPEN, queries[cut:])]
        assert np.array_equal(np.concatenate(parts), matches(OPEN, queries))

    def test_more_rows_than_a_block_are_as_the_same_rows_in_parts(self) -> None:
        many = np.tile(ROWS, (2 * BLOCK // len(ROWS) + 1, 1))
        assert np.array_equal(matches(OPEN, many), np.tile(matches(OPEN, ROWS), (len(many) // len(ROWS), 1)))

    def test_no_row_and_no_key_is_in_it(self) -> None:
        assert set(CLOSED) == {DIGESTS, CUTS}
        assert CLOSED[DIGESTS].dtype == np.uint64
        assert (np.diff(CLOSED[DIGESTS].astype(object)) > 0).all()
        assert set(OPEN) - set(CLOSED) == {KEY}
        assert SALT not in b"".join(values.tobytes() for values in OPEN.values())

    def test_the_order_of_the_rows_is_not_in_it(self) -> None:
        mixed = banded(ROWS[::-1], BENIGN.astype(np.uint8), SALT)
        assert all(np.array_equal(mixed[name], values) for name, values in CLOSED.items())

    def test_closed_or_with_another_salt_it_finds_nothing(self) -> None:
        assert not matches(CLOSED, ROWS).any()
        assert not matches(opened(CLOSED, OTHER), ROWS).any()

    def test_without_bands_there_is_nothing_to_open(self) -> None:
        assert opened({"training_rows": np.zeros(1, np.uint64)}, SALT).keys() == {"training_rows"}
        assert not matches({}, ROWS).any()

    def test_no_benign_queries_are_enough_to_make_one(self) -> None:
        made = opened(banded(ROWS, np.zeros((0, WIDTH), np.uint8), SALT), SALT)
        assert (matches(made, ROWS) > 0).all()


class TestNearness:
    def test_a_row_shares_all_its_bands_with_itself(self) -> None:
        assert (matches(OPEN, ROWS) > 0).all()

    @pytest.mark.parametrize(("sigma", "close", "near"), [(0.01, 0.9, 1.0), (0.02, 0.6, 0.98), (0.05, 0.0, 0.85)])
    def test_a_little_noise_leaves_bands_in_common(self, sigma: float, close: float, near: float) -> None:
        queries = noisy(np.tile(ROWS, (5, 1)), sigma)
        assert share(queries, LEVELS[0]) >= close
        assert share(queries, LEVELS[1]) >= near

    @pytest.mark.parametrize("step", [1, 4, 8])
    def test_more_light_on_the_whole_picture_changes_nothing(self, step: int) -> None:
        assert np.array_equal(matches(OPEN, ROWS + np.uint8(step)), matches(OPEN, ROWS))

    def test_rounding_leaves_bands_in_common(self) -> None:
        assert share((ROWS // 8 * 8).astype(np.uint8), LEVELS[1]) > 0.98

    def test_strangers_have_next_to_none(self) -> None:
        assert share(BENIGN.astype(np.uint8), LEVELS[1]) < 0.01


def hit(*bands: int) -> NDArray[np.int32]:
    """Make the places of a hit of a row by some of its bands; rows are hundreds."""
    made = NONE.copy()
    for number in bands:
        made[number % 100] = number
    return made


def row(number: int, bands: range = range(BANDS)) -> NDArray[np.int32]:
    return hit(*(100 * number + band for band in bands))


def found(*hits: NDArray[np.int32]) -> list[list[bool]]:
    """Return the new hits of one subject, close and near."""
    return new_hits(np.array(hits), np.array([0, len(hits)]))[0].tolist()


class TestNewHits:
    def test_each_row_counts_once(self) -> None:
        assert found(row(1), row(2), row(1), row(2)) == [[True, True, False, False]] * 2

    def test_a_walk_around_a_row_counts_once(self) -> None:
        """Steps share some of the row's bands, each others."""
        walk = [row(1), row(1, range(5)), row(1, range(5, 11)), row(1, range(11, 16)), row(1, range(2, 8))]
        assert found(*walk)[1] == [True, False, False, False, False]

    def test_a_walk_that_never_touches_its_row_counts_little_more(self) -> None:
        rng = np.random.default_rng(0)
        steps = [hit(*(100 + band for band in rng.permutation(BANDS)[:6].tolist())) for _ in range(40)]
        assert 1 <= sum(found(*steps)[1]) <= 3

    def test_too_few_bands_are_no_hit(self) -> None:
        assert found(row(1, range(LEVELS[1] - 1))) == [[False], [False]]
        assert found(row(1, range(LEVELS[1]))) == [[False], [True]]
        assert found(row(1, range(LEVELS[0]))) == [[True], [True]]

    def test_a_hit_from_afar_is_no_reason_to_pass_over_a_close_one(self) -> None:
        assert found(row(1, range(6)), row(1)) == [[False, True], [True, False]]

    def test_a_band_that_two_rows_share_by_chance_is_no_reason(self) -> None:
        second = row(2)
        second[3] = 103
        assert found(row(1), second) == [[True, True]] * 2

    def test_after_a_window_a_row_counts_again(self) -> None:
        for between, again in ((WINDOW - 2, False), (WINDOW - 1, True)):
            assert found(row(1), *[NONE] * between, row(1))[0][-1] == again

    def test_after_as_many_other_hits_as_are_remembered_it_counts_again(self) -> None:
        for between, again in ((HITS - 1, False), (HITS, True)):
            assert found(row(1), *(row(number) for number in range(2, 2 + between)), row(1))[0][-1] == again

    def test_subjects_do_not_know_of_each_other(self) -> None:
        seen, _ = new_hits(np.array([row(1), row(1)]), np.array([0, 1, 1, 2]))
        assert seen.all()

    @settings(max_examples=60, deadline=None)
    @given(seed=st.integers(0, 2**32), data=st.data())
    def test_cuts_change_nothing(self, seed: int, data: st.DataObject) -> None:
        rng = np.random.default_rng(seed)
        sizes = rng.integers(0, 2 * WINDOW, 3)
        subjects = [drawn(rng, n) for n in sizes]
        whole, last = new_hits(np.concatenate(subjects), offsets_of(sizes))
        cuts = [sorted(data.draw(st.lists(st.integers(0, int(n)), min_size=2, max_size=2))) for n in sizes]
        memory, parts = np.zeros(3, MEMORY), []
        for part in range(3):
            ends = [(0, *cut, int(n))[part : part + 2] for cut, n in zip(cuts, sizes, strict=True)]
            pieces = [one[begin:end] for one, (begin, end) in zip(subjects, ends, strict=True)]
            seen, memory = new_hits(np.concatenate(pieces), offsets_of([len(piece) for piece in pieces]), memory)
            parts.append(np.split(seen, np.cumsum([len(piece) for piece in pieces])[:-1], axis=1))
        joined = np.concatenate([part[subject] for subject in range(3) for part in parts], axis=1)
        assert np.array_equal(joined, whole)
        assert memory.tobytes() == last.tobytes()


def drawn(rng: np.random.Generator, n: int) -> NDArray[np.int32]:
    """Draw hits of a few rows by some of their bands, among queries that hit nothing."""
    numbers, shown = rng.integers(1, 90, (n, 1)), rng.random((n, BANDS)) < rng.random((n, 1))
    hits = (100 * numbers + np.arange(BANDS)) * shown * (rng.random((n, 1)) < 0.6)
    return hits.astype(np.int32)


def offsets_of(sizes: object) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


class TestUsual:
    def learned(self, batch: EventBatch, exact: NDArray[np.bool_] | None = None) -> list[int]:
        none = np.zeros(len(batch), bool) if exact is None else exact
        return usual(OPEN, batch, none, OWN)[USUAL].tolist()

    def asking(self, hitting: int, users: int = 50, hits: int = 12) -> EventBatch:
        """Let some of the users ask for rows nearly as they are, and all of them for other things."""
        other = np.tile(BENIGN[100:300].astype(np.uint8), (2, 1))
        lines = [
            np.concatenate([noisy(ROWS[:hits], 0.02, user), other[user : user + WINDOW - hits]])
            if user < hitting
            else other[user : user + WINDOW]
            for user in range(users)
        ]
        return batch_of([line.tolist() for line in lines])

    def test_where_nobody_hits_anything_a_few_are_usual(self) -> None:
        assert self.learned(self.asking(0)) == [OWN, OWN]

    def test_what_benign_callers_hit_is_usual_and_some_more(self) -> None:
        close, near = self.learned(self.asking(20))
        assert near >= 12 + 12 // 4
        assert OWN <= close <= near

    def test_the_busiest_fiftieth_is_not_learned_from(self) -> None:
        assert self.learned(self.asking(1, users=60)) == [OWN, OWN]

    def test_exact_rows_are_hits_as_well(self) -> None:
        batch = self.asking(0)
        assert min(self.learned(batch, np.ones(len(batch), bool))) > OWN

    def test_who_asked_for_little_is_taken_to_go_on_like_that(self) -> None:
        rows = noisy(ROWS[:4], 0.02).tolist()
        few = batch_of([[*rows, *BENIGN[100 + user : 136 + user].astype(int).tolist()] for user in range(60)])
        assert min(self.learned(few)) >= 4 * WINDOW // 40

    def test_nobody_is_nothing_to_learn_from(self) -> None:
        assert self.learned(EventBatch.empty(WIDTH)) == [OWN, OWN]
