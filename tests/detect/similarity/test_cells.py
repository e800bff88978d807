"""Like queries share a cell, benign ones are spread, and the code does not depend on the company."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.similarity.cells import ENOUGH, MOST_BITS, Cells
from caponier.detect.similarity.nearest_query import RING

RNG = np.random.default_rng(0)
BENIGN = RNG.integers(0, 128, (20_000, 30), dtype=np.uint8)
CELLS = Cells.fit(BENIGN)


def test_cells_leave_each_two_rings_in_the_mean() -> None:
    # As if the sample were a twentieth of a log.
    cells = Cells.fit(BENIGN, 400_000)
    codes = cells.of(BENIGN)
    mean = 400_000 / len(cells.names)
    assert 2 * RING <= mean <= 4 * RING
    assert np.bincount(codes, minlength=len(cells.names)).max() * 20 < 10 * mean


def test_there_are_as_many_more_as_it_takes_to_rank_by() -> None:
    cells = Cells.fit(BENIGN[:9_000], 27_000)
    assert len(cells.names) == 128
    assert 2 * RING < 27_000 / 64
    assert (np.bincount(cells.of(BENIGN[:9_000])) * 3 >= RING).sum() >= ENOUGH


def test_cells_that_could_not_be_judged_by_anyway_are_not_made() -> None:
    assert len(Cells.fit(BENIGN[:3_000]).names) == 4


def test_there_are_never_more_than_1024() -> None:
    assert len(Cells.fit(np.zeros((2**22, 1), np.uint8)).names) == 2**MOST_BITS == 1024


def test_few_queries_are_one_cell() -> None:
    cells = Cells.fit(BENIGN[:700])
    assert cells.names == ["cell-000"]
    assert cells.of(BENIGN[:5]).tolist() == [0] * 5


def test_a_small_step_hardly_ever_leaves_the_cell() -> None:
    start = BENIGN[:500]
    steps = np.clip(start.astype(int) + RNG.integers(-1, 2, start.shape), 0, 127).astype(np.uint8)
    # A handful of planes, each of which a step of one unit a feature rarely crosses.
    assert (CELLS.of(start) == CELLS.of(steps)).mean() > 0.9


def test_unlike_queries_seldom_share_one() -> None:
    codes = CELLS.of(BENIGN)
    assert (codes[:10_000] == codes[10_000:]).mean() < 4 / len(CELLS.names)


@given(st.integers(1, 50), st.integers(0, 49))
def test_the_code_does_not_depend_on_the_batch(n: int, at: int) -> None:
    assert CELLS.of(BENIGN[:n])[at % n] == CELLS.of(BENIGN[at % n][None])[0]


def test_planes_are_the_same_every_time() -> None:
    again = Cells.fit(BENIGN)
    assert np.array_equal(again.planes, CELLS.planes)
    assert np.array_equal(again.cuts, CELLS.cuts)
