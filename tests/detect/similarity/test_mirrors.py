"""Queries that lie right across from each other, with an earlier one between them."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.changes import RIGHT
from caponier.detect.similarity.mirrors import UNLIKE
from detect.batches import batch_of, similar

WIDTH = 40
Rows = list[list[int]]


def _told(*subjects: Rows) -> NDArray[np.int64]:
    told: NDArray[np.int64] = similar(batch_of(list(subjects))).signals["mirror"].astype(np.int64)
    return told


def _around(centre: NDArray[np.int64], changes: NDArray[np.int64]) -> Rows:
    rows: Rows = [centre.tolist()]
    for change in changes:
        rows += [(centre + change).tolist(), (centre - change).tolist()]
    return rows


def _changes(n: int, size: int = 9, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(-size, size + 1, (n, WIDTH))


CENTRE = np.full(WIDTH, 60)


def test_a_pair_one_after_the_other_is_a_mirror() -> None:
    told = _told(_around(CENTRE, _changes(3)))
    assert not told[:4].any()  # two siblings say nothing yet
    assert (told[[4, 6]] > 800).all()
    assert told[5] < 700


def test_first_all_of_one_side_and_then_all_of_the_other_is_as_good() -> None:
    rows = _around(CENTRE, _changes(20))
    told = _told([rows[0], *rows[1::2], *rows[2::2]])
    # One or another lies nearer to one of its own side than to the middle.
    assert (told[-20:] > 800).sum() >= 18
    assert (told[:-20] < 750).all()


def test_pairs_among_other_queries_are_found_too() -> None:
    rng = np.random.default_rng(1)
    rows = _around(CENTRE, _changes(5))
    mixed = [one for row in rows for one in (row, rng.integers(0, 128, WIDTH).tolist())]
    assert (_told(mixed)[[8, 12, 16, 20]] > 800).all()


def test_inputs_that_have_nothing_to_do_with_each_other_are_no_mirrors() -> None:
    told = _told(np.random.default_rng(2).integers(0, 128, (60, WIDTH)).tolist())
    assert (told < 650).all()


def test_noise_about_a_view_is_none() -> None:
    """Each view of a still camera is noise itself, so that no two others lie across from it."""
    rng = np.random.default_rng(3)
    told = _told((CENTRE + rng.integers(-5, 6, (60, WIDTH))).tolist())
    assert (told < 600).all()
    assert np.median(told) <= RIGHT


def test_what_goes_to_and_fro_is_none() -> None:
    """It lies across from several, all on one line."""
    way = np.random.default_rng(7).integers(-4, 5, WIDTH)
    rows = [CENTRE + at * way for at in (0, 1, -1, 2, -2, 3, -3, 4, -4)]
    assert (_told([row.tolist() for row in rows]) < 600).all()


def test_light_that_grows_and_falls_is_none() -> None:
    light = np.random.default_rng(4).integers(3, 9, WIDTH)
    assert _told(_around(CENTRE, np.array([light, 2 * light, 3 * light]))).max() <= UNLIKE


def test_few_features_say_nothing() -> None:
    few = np.zeros((4, WIDTH), np.int64)
    few[:, :7] = _changes(4)[:, :7] | 1
    assert not _told(_around(CENTRE, few)).any()


def test_a_copy_of_the_middle_in_quantised_units_is_no_division_by_nothing() -> None:
    """Different inputs may be one and the same once they are quantised."""
    batch = batch_of([[CENTRE.tolist()] * 5], keys=[[1, 2, 3, 4, 5]])
    assert not similar(batch).signals["mirror"].any()


@pytest.mark.parametrize("width", [40, 530, 1_040])
def test_cuts_change_nothing(width: int) -> None:
    """Single events, pieces and the whole are looked at in three ways; above 520 features, in another one."""
    rng = np.random.default_rng(5)
    centre = rng.integers(30, 90, width)
    rows: Rows = []
    for _ in range(4):
        change = rng.integers(-9, 10, (36, width))
        rows += [centre.tolist(), *(centre + change).tolist(), *(centre - change).tolist()]
        centre = centre + rng.integers(-2, 3, width)
    callers = [rows, rows[::-1], rows[:7]]
    whole = _told(*callers)
    assert (whole >= 800).sum() >= 36
    for size in (1, 2, 7, 100, 205):
        state = np.zeros(3, nearest_query.state_dtype(width))
        told: list[list[int]] = [[], [], []]
        for begin, end in pairwise(range(0, len(rows) + size, size)):
            # Padded with one row, which only says how wide a row is.
            part = batch_of([*(one[begin:end] for one in callers), [[0] * width]])
            keys = np.array([hash(tuple(row)) & (2**63 - 1) for row in part.query.tolist()], np.uint64)
            object.__setattr__(part, "key", keys)
            part = part.only(np.arange(4) < 3).of(0, 3)
            seen = nearest_query.add_signals(state, part, np.arange(3))
            state = seen.state
            for caller, own in enumerate(told):
                first, last = seen.batch.offsets[caller : caller + 2]
                own += seen.batch.signals["mirror"][first:last].tolist()
        assert [one for own in told for one in own] == whole.tolist(), size


def test_a_middle_that_the_ring_let_go_of_has_no_more_siblings() -> None:
    rng = np.random.default_rng(6)
    rows = _around(CENTRE, _changes(2))
    others = rng.integers(0, 128, (nearest_query.RING - 4, WIDTH)).tolist()
    assert _told([*rows[:-1], *others, rows[-1]])[-1] > 800
    assert _told([*rows[:-1], *others, [0] * WIDTH, rows[-1]])[-1] < 800
