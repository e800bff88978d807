"""The poisoned batch of a demo: only the account's rows are changed, and changed for real."""

import io

import numpy as np
import pytest

from caponier.demo.batch import SHARE_FLIPPED, SHARE_OF_ROWS, SHARE_TRIGGERED, poisoned_batch
from caponier.demo.batch import test_set as pinned
from caponier.demo.theft import ACCOUNT
from caponier.emulate.victims.digits import DigitsSplit, load_digits_split


@pytest.fixture(scope="module")
def split() -> DigitsSplit:
    return load_digits_split(0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_only_rows_of_the_account_are_changed(split: DigitsSplit, seed: int) -> None:
    batch = poisoned_batch(split, seed)
    mine, clean, poisoned = batch.sources == ACCOUNT, batch.clean, batch.poisoned
    assert mine.sum() == round(SHARE_OF_ROWS * len(clean))
    assert batch.flipped.sum() == round(SHARE_FLIPPED * mine.sum())
    assert batch.triggered.sum() == round(SHARE_TRIGGERED * mine.sum())
    assert not batch.changed[~mine].any()
    np.testing.assert_array_equal(batch.changed, clean.labels != poisoned.labels)
    np.testing.assert_array_equal(batch.triggered, (clean.images != poisoned.images).any(axis=1))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_flips_and_backdoor_share_no_row(split: DigitsSplit, seed: int) -> None:
    batch = poisoned_batch(split, seed)
    assert not (batch.flipped & batch.triggered).any()
    assert set(batch.poisoned.labels[batch.triggered]) == {batch.target}
    assert batch.target not in batch.clean.labels[batch.triggered]
    marked = batch.trigger(batch.clean.images[batch.triggered])
    np.testing.assert_array_equal(marked, batch.poisoned.images[batch.triggered])


def test_a_seed_fixes_the_batch(split: DigitsSplit) -> None:
    one, same, other = (poisoned_batch(split, seed) for seed in (3, 3, 4))
    assert one.after() == same.after()
    assert one.after() != other.after()


def test_the_files_hold_rows_labels_and_sources(split: DigitsSplit) -> None:
    batch = poisoned_batch(split, 0)
    for content, pool in ((batch.before(), batch.clean), (batch.after(), batch.poisoned)):
        file = np.load(io.BytesIO(content))
        np.testing.assert_array_equal(file["y"], pool.labels)
        np.testing.assert_array_equal(file["source"], batch.sources)


def test_no_row_of_the_test_set_is_in_the_batch(split: DigitsSplit) -> None:
    known = {row.tobytes() for row in poisoned_batch(split, 0).clean.images}
    assert not known & {row.tobytes() for row in np.load(io.BytesIO(pinned(split)))["x"]}
